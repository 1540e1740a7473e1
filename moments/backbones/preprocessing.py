"""From decoded frames to the pixels a backbone takes, in torch alone.

It knows nothing of models: sizes, filters and colour statistics are given.

Choices.  ``released`` mode does what the authors' loader and their processors do one after the other: every
frame is squashed to 224 × 224, aspect ratio not kept, bilinear **without** antialiasing (OpenCV's linear
filter, which they use; at most one grey level apart), then brought to the model's size; where other authors
squash a frame to the model's size at once, so does it, antialiased.  ``native`` mode
resizes the short side, antialiased, and crops the centre, so that shapes stay as they are and the picture is
as large as the model was made for.  All resizing is done on uint8, as PIL does, and the result stays uint8: a
quarter of the memory in queues; ``normalised`` makes it float where the model runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from moments.errors import FeatureError

Mode = Literal["released", "native"]
Filter = Literal["bilinear", "bicubic"]
Colour = tuple[float, float, float]

RELEASED_PX = 224
"""To what the authors' loader squashes every frame."""


@dataclass(frozen=True)
class Preprocessing:
    """How frames become pixels: squash (if given), resize the short side, crop the centre, normalise.

    Without ``keeps_aspect`` both sides are resized to ``short_side_px``.  ``mean`` and ``std``
    are per channel, of values in [0, 1].
    """

    squash_px: int | None
    short_side_px: int
    crop_px: int
    filter: Filter
    mean: Colour
    std: Colour
    keeps_aspect: bool = True

    def __str__(self) -> str:
        """All of it as text, for an embedder's facts."""
        squash = f"squash {self.squash_px} bilinear, " if self.squash_px else ""
        side = "short side" if self.keeps_aspect else "both sides"
        return (
            f"{squash}{side} {self.short_side_px} {self.filter} antialiased, crop {self.crop_px}, "
            f"mean {self.mean}, std {self.std}"
        )


def prepared(frames: npt.NDArray[np.uint8], preprocessing: Preprocessing) -> Tensor:
    """Frames at the model's size: uint8 (T, H, W, 3) RGB -> uint8 (T, 3, crop_px, crop_px).

    Raises ``FeatureError`` for any other type or shape, and for a clip without frames.
    """
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or frames.size == 0:
        raise FeatureError(
            f"frames are {frames.dtype} {frames.shape}; expected uint8 (T, H, W, 3) with T ≥ 1: "
            "pass RGB as it was decoded, without scaling or reordering"
        )
    # torch refuses reversed views and warns of read-only arrays.
    frames = np.require(frames, requirements=["C", "W"])
    # The permuted view is channels-last in memory, for which torch resizes uint8 three times as fast.
    pixels = torch.from_numpy(frames).permute(0, 3, 1, 2)
    if preprocessing.squash_px is not None:
        pixels = resized(pixels, (preprocessing.squash_px, preprocessing.squash_px), "bilinear", False)
    short_px = preprocessing.short_side_px
    size = (short_px, short_px)
    if preprocessing.keeps_aspect:
        height, width = pixels.shape[-2:]
        scale = short_px / min(height, width)
        size = (round(height * scale), round(width * scale))
    pixels = resized(pixels, size, preprocessing.filter, True)
    return centre_crop(pixels, preprocessing.crop_px).contiguous()


def normalised(pixels: Tensor, preprocessing: Preprocessing) -> Tensor:
    """What the model is fed: uint8 (…, 3, h, w) -> float32 of the same shape, on the same device."""
    scale = 255 * torch.tensor(preprocessing.std, device=pixels.device)[:, None, None]
    shift = torch.tensor(preprocessing.mean, device=pixels.device)[:, None, None] * 255
    return (pixels.float() - shift) / scale


def resized(pixels: Tensor, size: tuple[int, int], mode: Filter, antialias: bool) -> Tensor:
    """uint8 (T, 3, H, W) -> uint8 (T, 3, *size); the same tensor when it has that size."""
    if tuple(pixels.shape[-2:]) == size:
        return pixels
    return interpolate(pixels, size=size, mode=mode, antialias=antialias, align_corners=False)


def centre_crop(pixels: Tensor, side_px: int) -> Tensor:
    top, left = ((length - side_px) // 2 for length in pixels.shape[-2:])
    return pixels[..., top : top + side_px, left : left + side_px]
