"""Which backend a recipe asks for: closed unions of frozen configs, told apart by ``kind``.

Knows no weights and imports no backend until one is built.
"""

from __future__ import annotations

from typing import Annotated, Literal, assert_never

from pydantic import BaseModel, ConfigDict, Field

from data.paid import Gateway
from data.schema import ClipFormat
from generators.base import ImageGenerator, VideoGenerator
from generators.wan_config import WanConfig


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProceduralConfig(_Strict):
    """The renderer of this project: runs on a CPU and knows the true motion."""

    kind: Literal["procedural"] = "procedural"


class GeminiConfig(_Strict):
    """First frames from Google's image models: made from text, and edited.

    ``base_url`` names another server that speaks the same protocol.
    """

    kind: Literal["gemini"] = "gemini"
    model: str = "gemini-2.5-flash-image"
    base_url: str | None = None


class DiffusersImageConfig(_Strict):
    """First frames on one's own GPU: a text-to-image pipeline, and one that edits images by instruction.

    Both are a hub id or a folder in the format of diffusers; a revision pins a hub id.
    """

    kind: Literal["diffusers"] = "diffusers"
    model: str = "Qwen/Qwen-Image"
    revision: str | None = None
    edit_model: str = "Qwen/Qwen-Image-Edit-2509"
    edit_revision: str | None = None
    steps: int = Field(default=40, ge=1, le=1000)


AnyImageConfig = ProceduralConfig | GeminiConfig | DiffusersImageConfig
AnyVideoConfig = ProceduralConfig | WanConfig
ImageConfig = Annotated[AnyImageConfig, Field(discriminator="kind")]
VideoConfig = Annotated[AnyVideoConfig, Field(discriminator="kind")]


def build_image_generator(config: AnyImageConfig, gateway: Gateway) -> ImageGenerator:
    """The image backend that ``config`` names, not yet opened."""
    match config:
        case ProceduralConfig():
            from generators.procedural.generator import ProceduralGenerator

            return ProceduralGenerator()
        case GeminiConfig():
            from generators.gemini import GeminiImages

            return GeminiImages(config, gateway)
        case DiffusersImageConfig():
            from generators.diffusers_images import DiffusersImages

            return DiffusersImages(config)
    assert_never(config)


def build_video_generator(config: AnyVideoConfig) -> VideoGenerator:
    """The video backend that ``config`` names, not yet opened."""
    match config:
        case ProceduralConfig():
            from generators.procedural.generator import ProceduralGenerator

            return ProceduralGenerator()
        case WanConfig():
            from generators.wan import WanVideos

            return WanVideos(config)
    assert_never(config)


def require_format(config: AnyVideoConfig, clip_format: ClipFormat) -> None:
    """Raises ``ConfigError`` for clips that the backend cannot make, before anything else is made or paid."""
    match config:
        case ProceduralConfig():
            return
        case WanConfig():
            from generators.wan_format import require_format as require_wan_format

            require_wan_format(config, clip_format)


def require_weights(*configs: AnyImageConfig | AnyVideoConfig) -> None:
    """Raises ``ConfigError`` for weights that are neither here nor on the hub, before anything is paid."""
    from generators import checkpoint_check

    for config in configs:
        match config:
            case WanConfig():
                checkpoint_check.require(config.model, config.revision)
            case DiffusersImageConfig():
                checkpoint_check.require(config.model, config.revision)
                checkpoint_check.require(config.edit_model, config.edit_revision)


def gpu_seconds_per_triplet(config: AnyVideoConfig, clip_format: ClipFormat) -> float:
    """Seconds that one GPU (an H100) works on the clips of one triplet, for an estimate."""
    match config:
        case ProceduralConfig():
            return 0.0
        case WanConfig():
            from generators.wan_cost import gpu_seconds

            return gpu_seconds(config, clip_format)
    assert_never(config)
