"""Where WAN's weights lie while it works, chosen by the memory that is there.

It knows sizes and loads nothing. None of the choices changes a clip.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from data.errors import ConfigError
from generators.checkpoint import Checkpoint
from generators.wan_config import Weights

Placement = Literal["resident", "expert_offload", "group_offload"]

GB = 1e9
ACTIVATION_BYTES_PER_TOKEN = 0.38e6
"""The authors' peak at 480 × 832 px and 81 frames is 41.0 GB with one expert of 28.6 GB resident."""
BLOCKS_ON_DEVICE = 2
"""The one at work, and the next on its way."""
USABLE_SHARE = 0.95
"""Of an accelerator's memory; the rest is the driver's and lost between blocks."""
BYTES_PER_WEIGHT: dict[Weights, int] = {"bf16": 2, "fp8": 1}
VAE_BYTES_PER_WEIGHT = 4


@dataclass(frozen=True)
class Footprint:
    """What decides how much memory a clip needs: weights by part, blocks of an expert, and its tokens."""

    expert_weights: int
    experts: int
    blocks: int
    text_weights: int
    vae_weights: int
    weights: Weights
    tokens: int

    def peak_bytes(self, placement: Placement) -> float:
        """Expected peak on the accelerator, without what the driver takes."""
        expert = self.expert_weights * BYTES_PER_WEIGHT[self.weights]
        on_device = {
            "resident": self.experts * expert,
            "expert_offload": expert,
            "group_offload": BLOCKS_ON_DEVICE * expert / self.blocks,
        }[placement]
        making = (
            on_device + self.vae_weights * VAE_BYTES_PER_WEIGHT + self.tokens * ACTIVATION_BYTES_PER_TOKEN
        )
        # The text encoder comes while no clip is made, on top of what stays.
        reading = self.text_weights * 2 + (on_device if placement == "resident" else 0)
        return max(making, reading)

    @property
    def host_bytes(self) -> float:
        """Main memory for all weights that are not on the accelerator."""
        return (
            self.experts * self.expert_weights * BYTES_PER_WEIGHT[self.weights]
            + self.text_weights * 2
            + self.vae_weights * VAE_BYTES_PER_WEIGHT
        )


def published(model: str, weights: Weights, tokens: int) -> Footprint:
    """That of the published models, told apart by their names, for when no checkpoint is at hand."""
    if "5B" in model:
        return Footprint(4_999_787_712, 1, 30, 5_680_910_336, 704_688_668, weights, tokens)
    return Footprint(14_288_901_184, 2, 40, 5_680_910_336, 126_892_531, weights, tokens)


def footprint(checkpoint: Checkpoint, weights: Weights, tokens: int) -> Footprint:
    """The footprint of a checkpoint's parts, from the headers of its files."""
    experts = [part for part in ("transformer", "transformer_2") if checkpoint.num_parameters(part)]
    return Footprint(
        expert_weights=max(map(checkpoint.num_parameters, experts)),
        experts=len(experts),
        blocks=checkpoint.config("transformer")["num_layers"],
        text_weights=checkpoint.num_parameters("text_encoder"),
        vae_weights=checkpoint.num_parameters("vae"),
        weights=weights,
        tokens=tokens,
    )


PLACEMENTS: tuple[Placement, ...] = ("resident", "expert_offload", "group_offload")
"""From the fastest to the smallest."""


def fitting(needs: Footprint, device_bytes: float) -> tuple[Placement, ...]:
    """The placements expected to fit, the fastest first; raises ``ConfigError`` when none does."""
    usable = USABLE_SHARE * device_bytes
    found = tuple(placement for placement in PLACEMENTS if needs.peak_bytes(placement) <= usable)
    if found:
        return found
    least = needs.peak_bytes("group_offload")
    raise ConfigError(
        f"the accelerator has {device_bytes / GB:.0f} GB free; even with its weights outside, this model "
        f"needs about {least / GB:.0f} GB for {needs.tokens:,} tokens a clip: make smaller or shorter clips "
        "(format.size_px, format.duration_seconds), or take a smaller model"
    )


def main_memory_bytes() -> int:
    """Main memory of this machine, used or not."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
