"""The backends of a run, each opened once per process: writer, images, clips, and what they pay through.

Knows nothing of stages. What a run may spend belongs to its folder, so that is part of the key.
"""

from __future__ import annotations

import functools
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from flows.gateway import PaidGateway
from flows.limits import Limits
from flows.prices import load_prices
from flows.recipe import Recipe
from flows.workspace import Workspace
from generators.base import ImageGenerator, VideoGenerator
from generators.config import (
    AnyImageConfig,
    AnyVideoConfig,
    build_image_generator,
    build_video_generator,
)
from prompts.config import OpenAIConfig, TemplateConfig, build_writer
from prompts.writer import PromptWriter

_opening = threading.RLock()

Backend = TypeVar("Backend", PromptWriter, ImageGenerator, VideoGenerator)


def writer(out: Path, recipe: Recipe) -> PromptWriter:
    """The prompt writer of the run in ``out``, opened."""
    with _opening:
        return _writer(recipe.writer, gateway(out, recipe))


def image_generator(out: Path, recipe: Recipe) -> ImageGenerator:
    """The image backend of the run in ``out``, opened."""
    with _opening:
        return _images(recipe.images, gateway(out, recipe))


def video_generator(recipe: Recipe) -> VideoGenerator:
    """The video backend of a recipe, opened: weights load once per process, whatever runs there are."""
    with _opening:
        return _videos(recipe.video)


def gateway(out: Path, recipe: Recipe) -> PaidGateway:
    """The one through which everything is paid that is made in ``out``."""
    limits = tuple(
        (provider, Limits(**config.model_dump())) for provider, config in sorted(recipe.limits.items())
    )
    with _opening:
        return _gateway(out, recipe.prices, recipe.budget_usd, limits)


# One of each per process: the first task that needs it opens it, the others wait.
@functools.cache
def _gateway(
    out: Path, prices: Path | None, budget_usd: float | None, limits: tuple[tuple[str, Limits], ...]
) -> PaidGateway:
    workspace = Workspace(out)
    priced = load_prices(prices, datetime.now(UTC).date())
    return PaidGateway(workspace.store, workspace.calls, priced, dict(limits), budget_usd)


@functools.cache
def _writer(config: TemplateConfig | OpenAIConfig, gateway: PaidGateway) -> PromptWriter:
    return _opened(build_writer(config, gateway))


@functools.cache
def _images(config: AnyImageConfig, gateway: PaidGateway) -> ImageGenerator:
    return _opened(build_image_generator(config, gateway))


@functools.cache
def _videos(config: AnyVideoConfig) -> VideoGenerator:
    return _opened(build_video_generator(config))


def _opened(backend: Backend) -> Backend:
    backend.open()
    return backend
