"""Which backend a recipe asks for: a closed union of frozen configs, told apart by ``kind``.

Knows no weights and imports no backend until one is built.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from generators.base import ImageGenerator, VideoGenerator


class ProceduralConfig(BaseModel):
    """The renderer of this project: runs on a CPU and knows the true motion."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["procedural"] = "procedural"


ImageConfig = ProceduralConfig
VideoConfig = ProceduralConfig


def build_image_generator(config: ImageConfig) -> ImageGenerator:
    """The image backend that ``config`` names, not yet opened."""
    from generators.procedural.generator import ProceduralGenerator

    return ProceduralGenerator()


def build_video_generator(config: VideoConfig) -> VideoGenerator:
    """The video backend that ``config`` names, not yet opened."""
    from generators.procedural.generator import ProceduralGenerator

    return ProceduralGenerator()
