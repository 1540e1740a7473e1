"""Whether this machine, its keys and its services suffice for a recipe, line by line.

It changes nothing, pays nothing and shows no key. How lines look is the command's matter.
"""

from __future__ import annotations

import os
import platform
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from data.ffmpeg_check import check_disk, check_ffmpeg
from data.finding import Finding
from data.schema import ClipFormat
from flows.recipe import Recipe
from flows.server import is_healthy
from generators.config import DiffusersImageConfig, GeminiConfig
from generators.wan_config import WanConfig
from prompts.config import OpenAIConfig

BYTES_PER_PIXEL = 0.25
"""Of all that a clip leaves on the disk: in the workspace, in a shard, as first frame and as preview."""
HTTP_TIMEOUT_SECONDS = 5


@dataclass(frozen=True)
class Line:
    """A finding, and whether what was asked about can do without it."""

    finding: Finding
    needed: bool


def lines(recipe: Recipe | None, out: Path) -> Iterator[Line]:
    """What a build of ``recipe`` into ``out`` needs; without a recipe all that any of them could need."""
    own = [_versions(), check_ffmpeg(), check_disk(out, _wanted_bytes(recipe)), _prefect()]
    yield from (Line(finding, needed=True) for finding in own)
    yield from (Line(finding, needed=recipe is not None) for finding in _backends(recipe))
    yield Line(_label_studio(), needed=False)


def _backends(recipe: Recipe | None) -> Iterator[Finding]:
    """Of the recipe's backends, or with the defaults of those that need more than this package."""
    parts: tuple[object, ...] = (OpenAIConfig(), GeminiConfig(), WanConfig())
    clip_format = ClipFormat()
    if recipe is not None:
        parts, clip_format = (recipe.writer, recipe.images, recipe.video), recipe.clip_format
    for part in parts:
        match part:
            case OpenAIConfig():
                from prompts import openai_check

                yield from openai_check.check(part)
            case GeminiConfig():
                from generators import gemini_check

                yield from gemini_check.check(part)
            case DiffusersImageConfig():
                from generators import checkpoint_check

                yield checkpoint_check.check("image model", part.model, part.revision)
                yield checkpoint_check.check("edit model", part.edit_model, part.edit_revision)
            case WanConfig():
                from generators import wan_check

                yield from wan_check.check(part, clip_format)


def _wanted_bytes(recipe: Recipe | None) -> float:
    if recipe is None:
        return 0.0
    clip = recipe.clip_format
    return 3 * recipe.requested * clip.num_frames * clip.size_px**2 * BYTES_PER_PIXEL


def _versions() -> Finding:
    system = f"{platform.system()} {platform.machine()}"
    return Finding(
        "simmotion", True, f"{version('simmotion')} on Python {platform.python_version()}, {system}"
    )


def _prefect() -> Finding:
    from prefect.settings import PREFECT_API_URL

    configured = PREFECT_API_URL.value()
    release = f"Prefect {version('prefect')}"
    if not configured:
        return Finding("Prefect", True, f"{release}; each run starts a server of its own")
    shown = _without_user(configured)
    if _answers(configured):
        return Finding("Prefect", True, f"{release}; the server at {shown} answers")
    return Finding(
        "Prefect",
        False,
        f"{release}; no server answers at PREFECT_API_URL={shown}",
        "start it, or unset the variable (prefect config unset PREFECT_API_URL)",
    )


def _label_studio() -> Finding:
    url = os.environ.get("LABEL_STUDIO_URL", "").strip()
    name = "Label Studio"
    if not url:
        return Finding(name, True, "LABEL_STUDIO_URL is not set; only `simmotion annotate` asks for it")
    shown = _without_user(url)
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=HTTP_TIMEOUT_SECONDS):
            return Finding(name, True, f"{shown} answers")
    except (OSError, ValueError) as error:  # urllib's errors are OSErrors; a ValueError is no URL at all
        return Finding(
            name, False, f"{shown} does not answer: {error}", "start it, or correct LABEL_STUDIO_URL"
        )


def _answers(prefect_api_url: str) -> bool:
    try:
        return is_healthy(prefect_api_url)
    except ValueError:  # no URL at all
        return False


def _without_user(url: str) -> str:
    """``url`` without the name and password that it may carry, and without its query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "what is no URL"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
