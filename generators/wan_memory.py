"""Where WAN's weights lie while it works, and how much it does at once, chosen by the memory that is there.

It knows sizes and loads nothing. Where weights lie changes no clip; tiles of the autoencoder do, a little.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from data.errors import ConfigError
from generators.checkpoint import Checkpoint
from generators.wan_config import Weights
from generators.wan_shot import ClipShape
from generators.wan_vae import (
    CODINGS,
    LARGE_MODELS,
    SMALL_MODELS,
    VAE_BYTES_PER_WEIGHT,
    Autoencoder,
    Coding,
)

Placement = Literal["resident", "expert_offload", "group_offload"]

GB = 1e9
ACTIVATION_BYTES_PER_TOKEN = 0.38e6
"""The authors' peak at 480 × 832 px and 81 frames is 41.0 GB with one expert of 28.6 GB resident."""
BLOCKS_ON_DEVICE = 2
"""The one at work, and the next on its way."""
USABLE_SHARE = 0.95
"""Of an accelerator's memory; the rest is the driver's and lost between blocks."""
BYTES_PER_WEIGHT: dict[Weights, int] = {"bf16": 2, "fp8": 1}


@dataclass(frozen=True)
class Work:
    """How clips of one shape are made: so many in one call, and what the autoencoder does in tiles."""

    clips_at_once: int = 1
    tiled: tuple[Coding, ...] = ()

    def __str__(self) -> str:
        coding = (
            f"autoencoder in tiles to {' and '.join(self.tiled)}" if self.tiled else "autoencoder at once"
        )
        return coding if self.clips_at_once == 1 else f"{self.clips_at_once} clips a call, {coding}"


@dataclass(frozen=True)
class Footprint:
    """What decides how much memory a clip needs: weights by part, blocks of an expert, and its size."""

    expert_weights: int
    experts: int
    blocks: int
    text_weights: int
    autoencoder: Autoencoder
    weights: Weights
    shape: ClipShape
    token_px: int

    @property
    def tokens(self) -> int:
        return self.shape.tokens(self.token_px)

    def peak_bytes(self, placement: Placement, work: Work | None = None) -> float:
        """Expected peak on the accelerator, without what the driver takes.

        Of one clip without ``work``, and without what the autoencoder takes: tiles make that little.
        """
        work = work or Work(tiled=CODINGS)
        experts = self._experts_bytes(placement)
        making = experts + self._vae_weights_bytes
        making += work.clips_at_once * self.tokens * ACTIVATION_BYTES_PER_TOKEN
        # The text encoder comes while no clip is made, on top of what stays.
        reading = self.text_weights * 2 + (experts if placement == "resident" else 0)
        coding = [self._coding_bytes(placement, coding) for coding in CODINGS if coding not in work.tiled]
        return max(making, reading, *coding)

    def work(self, placement: Placement, device_bytes: float, batch: int = 1) -> Work:
        """Up to ``batch`` clips a call, as far as they fit, and tiles where nothing else does."""
        usable = USABLE_SHARE * device_bytes
        tiled = tuple(name for name in CODINGS if self._coding_bytes(placement, name) > usable)
        numbers = range(batch, 1, -1)
        fits = (number for number in numbers if self.peak_bytes(placement, Work(number, CODINGS)) <= usable)
        return Work(next(fits, 1), tiled)

    @property
    def host_bytes(self) -> float:
        """Main memory for all weights that are not on the accelerator."""
        return (
            self.experts * self.expert_weights * BYTES_PER_WEIGHT[self.weights]
            + self.text_weights * 2
            + self._vae_weights_bytes
        )

    @property
    def _vae_weights_bytes(self) -> float:
        return self.autoencoder.weights * VAE_BYTES_PER_WEIGHT

    def _experts_bytes(self, placement: Placement) -> float:
        """Of the experts, what is on the accelerator while they work."""
        expert = self.expert_weights * BYTES_PER_WEIGHT[self.weights]
        return {
            "resident": self.experts * expert,
            "expert_offload": expert,
            "group_offload": BLOCKS_ON_DEVICE * expert / self.blocks,
        }[placement]

    def _coding_bytes(self, placement: Placement, coding: Coding) -> float:
        """While the autoencoder does all of a clip at once. Experts that come and go are gone then."""
        experts = 0 if placement == "expert_offload" else self._experts_bytes(placement)
        return experts + self._vae_weights_bytes + self.autoencoder.bytes_for(coding, self.shape)


def published(model: str, weights: Weights, shape: ClipShape) -> Footprint:
    """That of the published models, told apart by their names, for when no checkpoint is at hand."""
    if "5B" in model:
        return Footprint(4_999_787_712, 1, 30, 5_680_910_336, SMALL_MODELS, weights, shape, token_px=32)
    return Footprint(14_288_901_184, 2, 40, 5_680_910_336, LARGE_MODELS, weights, shape, token_px=16)


def footprint(checkpoint: Checkpoint, weights: Weights, shape: ClipShape) -> Footprint:
    """The footprint of a checkpoint's parts, from the headers of its files."""
    experts = [part for part in ("transformer", "transformer_2") if checkpoint.num_parameters(part)]
    transformer, vae = checkpoint.config("transformer"), checkpoint.config("vae")
    return Footprint(
        expert_weights=max(map(checkpoint.num_parameters, experts)),
        experts=len(experts),
        blocks=transformer["num_layers"],
        text_weights=checkpoint.num_parameters("text_encoder"),
        autoencoder=Autoencoder.of(vae, checkpoint.num_parameters("vae")),
        weights=weights,
        shape=shape,
        # Fields that a file of an older diffusers lacks have the values of the large model.
        token_px=vae.get("scale_factor_spatial", 8) * transformer.get("patch_size", (1, 2, 2))[1],
    )


PLACEMENTS: tuple[Placement, ...] = ("resident", "expert_offload", "group_offload")
"""From the fastest to the smallest."""


def fitting(needs: Footprint, device_bytes: float) -> tuple[Placement, ...]:
    """The placements expected to fit, the fastest first; raises ``ConfigError`` when none does.

    Where there are any, only those at which the autoencoder needs no tiles: an expert that makes way for it
    costs seconds a clip, tiles change the clip.
    """
    usable = USABLE_SHARE * device_bytes
    for work in (Work(), Work(tiled=CODINGS)):
        found = tuple(placement for placement in PLACEMENTS if needs.peak_bytes(placement, work) <= usable)
        if found:
            return found
    least = needs.peak_bytes("group_offload")
    raise ConfigError(
        f"the accelerator has {device_bytes / GB:.0f} GB free; even with its weights outside, this model "
        f"needs about {least / GB:.0f} GB for {needs.tokens:,} tokens a clip: make smaller or shorter clips "
        "(format.size_px, format.duration_seconds), or take a smaller model"
    )


def require_main_memory(checkpoint: Checkpoint) -> None:
    """Raises ``ConfigError`` when the weights in float32 do not fit: the system would end the process."""
    parts = ("transformer", "transformer_2", "text_encoder", "vae")
    needed = sum(map(checkpoint.num_parameters, parts)) * 4
    if needed > main_memory_bytes():
        raise ConfigError(
            f"{checkpoint.source}: torch sees no GPU, and on the CPU this model takes {needed / GB:.0f} GB "
            f"of main memory, of which there are {main_memory_bytes() / GB:.0f}: run on a machine with an "
            "NVIDIA GPU and a torch for CUDA; `simmotion doctor` says what is there"
        )


def main_memory_bytes() -> int:
    """Main memory of this machine, used or not."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
