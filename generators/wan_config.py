"""What a recipe may say of WAN 2.2: model, canvas, sampling, memory and pacing, as frozen configs.

Imports no model: a recipe is checked before torch is loaded.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Layout = Literal["side_by_side", "stacked"]
Memory = Literal["auto", "resident", "expert_offload", "group_offload"]
Weights = Literal["bf16", "fp8"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DistilledConfig(_Strict):
    """LoRAs that make a clip in four steps without guidance: twenty times cheaper, and slower motion.

    Files or hub ids of safetensors, one for each expert.
    """

    high_noise: str
    low_noise: str
    steps: int = Field(default=4, ge=1, le=1000)


class PacingConfig(_Strict):
    """Clips made again until their meaning changes at a wanted pace (ReTime).

    ``target`` is linear, exp_up, exp_down, sinusoidal or a file with a curve; ``backbone`` what measures it.
    """

    target: str = "linear"
    backbone: str = "siglip2-pooled"
    passes: int = Field(default=3, ge=1, le=20)
    factor: Literal["exp_up", "none", "linear", "cosine", "exp_down", "window"] = "exp_up"
    mapping: Literal["frame", "released"] = "frame"
    low: float = Field(default=0.2, ge=0, le=1)
    high: float = Field(default=0.8, ge=0, le=1)


class WanConfig(_Strict):
    """Clips from WAN 2.2 through diffusers, reference and positive on one canvas.

    ``model`` is a hub id or a folder in the format of diffusers; ``revision`` pins a hub id.  ``guidance`` is
    that of the high-noise and of the low-noise expert.  ``guard_px`` parts the two panels by a grey band.
    ``first_block_cache`` is the threshold of diffusers' cache of that name: faster, and not the same clip.

    ``batch`` is how many clips of one shape are made in one call, if memory takes as many. A canvas of a
    pair at 1024 × 512 px fills a GPU by itself and gains nothing from more; small canvases gain.  Clips
    that were made together may differ in their last bits from the same ones made alone, so that a batch
    above 1 belongs to what names a clip: a run that goes on with another makes its clips anew.
    """

    kind: Literal["wan"] = "wan"
    model: str = "Wan-AI/Wan2.2-I2V-A14B-Diffusers"
    revision: str | None = None
    canvas: Layout = "side_by_side"
    guard_px: int = Field(default=0, ge=0, le=256, multiple_of=32)
    steps: int = Field(default=40, ge=1, le=1000)
    guidance: tuple[float, float] = (3.5, 3.5)
    flow_shift: float = Field(default=5.0, gt=0)
    candidates: int = Field(default=1, ge=1, le=64)
    batch: int = Field(default=1, ge=1, le=64)
    memory: Memory = "auto"
    weights: Weights = "bf16"
    acceleration: Literal["probe", "none"] = "probe"
    first_block_cache: float | None = Field(default=None, ge=0)
    distilled: DistilledConfig | None = None
    pacing: PacingConfig | None = None

    @model_validator(mode="after")
    def _caches_look_at_one_clip(self) -> Self:
        if self.batch > 1 and self.first_block_cache is not None:
            raise ValueError(
                f"batch: {self.batch} with first_block_cache: the cache decides for all clips of a call at "
                "once, so that each would depend on the others; take one of the two"
            )
        return self
