"""The backends of a run, each made and opened once: writer, images, clips, and what pays for them.

Knows nothing of stages. What a run pays for belongs to its folder; weights serve all runs of the process.
A backend tells its facts unopened: a run that finds everything in the store loads no weights.
"""

from __future__ import annotations

import functools
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from flows.gateway import NoGateway, PaidGateway
from flows.limits import Limits
from flows.prices import load_prices
from flows.recipe import Recipe
from flows.workspace import Workspace
from generators.base import ImageGenerator, VideoGenerator
from generators.config import AnyImageConfig, AnyVideoConfig, build_image_generator, build_video_generator
from prompts.config import build_writer
from prompts.writer import PromptWriter

Backend = TypeVar("Backend", PromptWriter, ImageGenerator, VideoGenerator)

_opening = threading.RLock()
_runs: dict[Path, _Run] = {}
_open: weakref.WeakSet[PromptWriter | ImageGenerator | VideoGenerator] = weakref.WeakSet()


class _Run:
    """What one folder's run has opened so far. The lock of a folder lets one run into it at a time."""

    def __init__(self, out: Path, recipe: Recipe) -> None:
        workspace = Workspace(out, recipe.store)
        self.gateway = PaidGateway(
            workspace.store,
            workspace.calls,
            load_prices(recipe.prices, datetime.now(UTC).date()),
            {provider: Limits(**limits.model_dump()) for provider, limits in recipe.limits.items()},
            recipe.budget_usd,
        )

        self.writer = build_writer(recipe.writer, self.gateway)
        self.images = build_image_generator(recipe.images, self.gateway)


def writer(out: Path, recipe: Recipe) -> PromptWriter:
    """The prompt writer of the run in ``out``."""
    with _opening:
        return _run(out, recipe).writer


def image_generator(out: Path, recipe: Recipe) -> ImageGenerator:
    """The image backend of a recipe; one that is paid by the call belongs to the run in ``out``."""
    with _opening:
        unpaid = _images(recipe.images)
        return _run(out, recipe).images if unpaid.facts.demand else unpaid


def video_generator(recipe: Recipe) -> VideoGenerator:
    """The video backend of a recipe."""
    with _opening:
        return _videos(recipe.video)


def opened(backend: Backend) -> Backend:
    """The backend, opened now if it was not before; other threads wait meanwhile."""
    with _opening:
        if backend not in _open:
            backend.open()
            _open.add(backend)
    return backend


def open_vendors(out: Path, recipe: Recipe) -> None:
    """Open what is paid by the call, so that a missing key is told before any is: raises ``ConfigError``."""
    if writer(out, recipe).facts.demand:
        opened(writer(out, recipe))
    if image_generator(out, recipe).facts.demand:
        opened(image_generator(out, recipe))


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
def _images(config: AnyImageConfig) -> ImageGenerator:
    return build_image_generator(config, NoGateway())


@functools.cache
def _videos(config: AnyVideoConfig) -> VideoGenerator:
    return build_video_generator(config)
