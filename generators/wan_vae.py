"""WAN's autoencoder at work: what it takes, and latents decoded at once or, where memory is short, in tiles.

It knows nothing of prompts or of where weights lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from data.schema import Frames
from generators.wan_shot import ClipShape

if TYPE_CHECKING:
    from torch import Tensor

Coding = Literal["encode", "decode"]
CODINGS: tuple[Coding, ...] = ("encode", "decode")

VAE_BYTES_PER_WEIGHT = 4
"""It works in float32: in bf16 it shows bands in even areas."""
VIDEO_BYTES_PER_PIXEL = 12
"""Of a whole clip that goes in or comes out, three float32 a pixel of every frame."""
TILE_PX, STRIDE_PX = 256, 192
"""Tiles overlap by the difference, over which one fades into the next."""


@dataclass(frozen=True)
class Autoencoder:
    """How many weights it has, and what its layers hold at their worst for every pixel of the canvas."""

    weights: int
    encoding_bytes_per_pixel: float
    decoding_bytes_per_pixel: float

    def bytes_for(self, coding: Coding, shape: ClipShape) -> float:
        """Beside its weights, to do all of a clip at once."""
        layers = {"encode": self.encoding_bytes_per_pixel, "decode": self.decoding_bytes_per_pixel}[coding]
        return shape.pixels * (layers + VIDEO_BYTES_PER_PIXEL * shape.num_frames)

    @classmethod
    def of(cls, config: dict[str, Any], weights: int) -> Autoencoder:
        """That of a checkpoint: as the published one of its kind, by the channels of its widest layers."""
        if config.get("is_residual"):
            published, encoder, decoder = SMALL_MODELS, 160, 256
        else:
            published, encoder, decoder = LARGE_MODELS, 96, 96
        channels = config.get("base_dim", encoder)
        return cls(
            weights,
            published.encoding_bytes_per_pixel * channels / encoder,
            published.decoding_bytes_per_pixel * (config.get("decoder_base_dim") or channels) / decoder,
        )


# Bytes counted, not measured: the tensors alive at once while diffusers' layers of the real shape run on
# torch's meta device. What a GPU's kernels want for themselves is not in it.
LARGE_MODELS = Autoencoder(126_892_531, 14_100, 19_500)
"""That of WAN 2.1 and of the 14B models of 2.2."""
SMALL_MODELS = Autoencoder(704_688_668, 2_000, 21_600)
"""That of the 5B model, which encodes a single frame."""


def work_in_tiles(vae: Any, tiled: bool) -> None:
    """Let diffusers' autoencoder work in overlapping tiles, or at once. A canvas of one tile is no other."""
    if tiled:
        vae.enable_tiling(TILE_PX, TILE_PX, STRIDE_PX, STRIDE_PX)
    else:
        vae.disable_tiling()


def decoded(pipeline: Any, latents: Tensor) -> Frames | None:
    """Frames of one clip, uint8 (T, H, W, 3), from latents (1, C, T', h, w); None when not all are finite.

    The end of diffusers' ``WanImageToVideoPipeline.__call__``, by itself: a clip whose decoding fails for
    want of memory need not be made anew.
    """
    import torch
    from diffusers.utils.torch_utils import get_module_execution_device

    vae = pipeline.vae
    with torch.no_grad():
        latents = latents.to(get_module_execution_device(vae), vae.dtype)
        mean, std = (
            torch.tensor(values).view(1, -1, 1, 1, 1).to(latents)
            for values in (vae.config.latents_mean, vae.config.latents_std)
        )
        # Divided by the inverse, as diffusers does: the last bit is another than that of the product.
        video = vae.decode(latents / (1.0 / std) + mean, return_dict=False)[0]
        video = pipeline.video_processor.postprocess_video(video, output_type="pt")[0]
    if not bool(torch.isfinite(video).all()):
        return None
    pixels = (video * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
    return np.ascontiguousarray(pixels.cpu().numpy())
