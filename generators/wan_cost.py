"""How long a GPU works on a triplet: floating-point operations by the tokens on the canvas.

It knows the two published models by their names, and loads nothing.  Arithmetic counted with
torch's FlopCounterMode on the real shapes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from data.schema import ClipFormat
from generators.wan_config import WanConfig

FLOPS_PER_SECOND = 400e12
"""Sustained by one H100 in bf16: an assumption, which agrees with the authors' times for one GPU."""


@dataclass(frozen=True)
class _Size:
    """``weights`` that every token meets, and what decides attention; ``patch_px`` is a token's side."""

    weights: float
    layers: int
    channels: int
    patch_px: int

    def flops(self, tokens: int) -> float:
        """Of one forward: a multiplication and an addition a weight, and the two products of attention."""
        return 2 * self.weights * tokens + 4 * self.layers * self.channels * tokens**2


_A14B = _Size(weights=12.2e9, layers=40, channels=5120, patch_px=16)
_5B = _Size(weights=4.5e9, layers=30, channels=3072, patch_px=32)


def gpu_seconds(config: WanConfig, clip_format: ClipFormat) -> float:
    """Seconds of one H100 for the pair and the negative of a triplet, without loading and retries."""
    size = _5B if "5B" in config.model else _A14B
    latents = math.ceil((clip_format.num_frames - 1) / 4) + 1
    panel = latents * math.ceil(clip_format.size_px / size.patch_px) ** 2
    guidance = 1 if config.distilled else 2  # forwards a step: with the prompt, and without it
    forwards = guidance * (config.distilled.steps if config.distilled else config.steps)
    passes = 1 + (config.pacing.passes if config.pacing else 0)
    flops = config.candidates * passes * size.flops(2 * panel) + passes * size.flops(panel)
    return forwards * flops / FLOPS_PER_SECOND
