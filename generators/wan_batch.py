"""diffusers' WAN pipeline for several first frames in one call; it takes a single one by itself.

It knows nothing of shots or of memory.
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers import WanImageToVideoPipeline
from torch import Tensor


class BatchedWanPipeline(WanImageToVideoPipeline):
    """Takes images as a tensor (N, 3, H, W), with N prompts and N generators, one clip each.

    Each clip's noise and condition are made as if it were alone: only the transformers see clips together.
    """

    def prepare_latents(
        self,
        image: Tensor,
        batch_size: int,
        num_channels_latents: int,
        height: int,
        width: int,
        num_frames: int,
        dtype: torch.dtype,
        device: torch.device,
        generator: list[torch.Generator],
        latents: None,
        last_image: Tensor | None,
    ) -> tuple[Tensor, ...]:
        """Noise and condition (N, channels, T', h, w); for the small model also the mask that all share."""
        of_diffusers: Any = super()
        firsts: tuple[Tensor, ...] = torch.split(image, 1)
        lasts: Any = [None] * batch_size if last_image is None else torch.split(last_image, 1)
        shape = (num_channels_latents, height, width, num_frames, dtype, device)
        each = [
            of_diffusers.prepare_latents(first, 1, *shape, [draw], latents, last)
            for first, draw, last in zip(firsts, generator, lasts, strict=True)
        ]
        noise, condition, *mask = zip(*each, strict=True)
        return torch.cat(noise), torch.cat(condition), *(same[0] for same in mask)
