"""The backends of a run, each opened once per process: writer, images, clips, and what they pay through.

Knows nothing of stages. What a run pays for belongs to its folder; weights for clips serve all runs.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from flows.gateway import PaidGateway
from flows.limits import Limits
from flows.prices import load_prices
from flows.recipe import Recipe
from flows.workspace import Workspace
from generators.base import ImageGenerator, VideoGenerator
from generators.config import AnyVideoConfig, build_image_generator, build_video_generator
from prompts.config import build_writer
from prompts.writer import PromptWriter

Backend = TypeVar("Backend", PromptWriter, ImageGenerator, VideoGenerator)

# The first task that needs a backend opens it, the others wait.
_opening = threading.RLock()
_runs: dict[Path, _Run] = {}


class _Run:
    """What one folder's run has opened so far. The lock of a folder lets one run into it at a time."""

    def __init__(self, out: Path, recipe: Recipe) -> None:
        self._recipe = recipe
        workspace = Workspace(out)
        self.gateway = PaidGateway(
            workspace.store,
            workspace.calls,
            load_prices(recipe.prices, datetime.now(UTC).date()),
            {provider: Limits(**limits.model_dump()) for provider, limits in recipe.limits.items()},
            recipe.budget_usd,
        )

    @functools.cached_property
    def writer(self) -> PromptWriter:
        return _opened(build_writer(self._recipe.writer, self.gateway))

    @functools.cached_property
    def images(self) -> ImageGenerator:
        return _opened(build_image_generator(self._recipe.images, self.gateway))


def writer(out: Path, recipe: Recipe) -> PromptWriter:
    """The prompt writer of the run in ``out``, opened."""
    with _opening:
        return _run(out, recipe).writer


def image_generator(out: Path, recipe: Recipe) -> ImageGenerator:
    """The image backend of the run in ``out``, opened."""
    with _opening:
        return _run(out, recipe).images


def video_generator(recipe: Recipe) -> VideoGenerator:
    """The video backend of a recipe, opened."""
    with _opening:
        return _videos(recipe.video)


@contextmanager
def released(out: Path) -> Iterator[None]:
    """At the end of the block the run in ``out`` pays nothing more: calls that wait for a turn give up."""
    try:
        yield
    finally:
        with _opening:
            run = _runs.pop(out, None)
        if run is not None:
            run.gateway.close()


def _run(out: Path, recipe: Recipe) -> _Run:
    if out not in _runs:
        _runs[out] = _Run(out, recipe)
    return _runs[out]


@functools.cache
def _videos(config: AnyVideoConfig) -> VideoGenerator:
    return _opened(build_video_generator(config))


def _opened(backend: Backend) -> Backend:
    backend.open()
    return backend
