"""Histograms of oriented gradients per cell: a patch descriptor that needs no weights. Our own arrangement.

It knows nothing of moments, clips' roles or files: frames in, features out.

After Dalal and Triggs (CVPR 2005), on one fixed grid so that clips of any size compare: every frame
becomes a 128 × 128 luma picture, cut into 16 × 16 cells of 8 × 8 pixels; a gradient votes with its
magnitude for the two nearest of 9 orientations (0–180°); a cell's histogram is divided by the
contrast of its 3 × 3 neighbourhood.  P = 256 matches the patch grid of the usual image backbones.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from moments.errors import FeatureError

LUMA_SIZE_PX = 128
CELL_PX = 8
ORIENTATIONS = 9
CONTRAST_FLOOR = 4.0
"""Mean gradient in luma levels below which a neighbourhood counts as flat rather than as contrast."""

_LUMA_WEIGHTS = (77.0, 150.0, 29.0)  # BT.601 in 1/256: integers, so that sums over pixels are exact


def luma(frames: npt.NDArray[np.uint8] | Tensor) -> Tensor:
    """Area-averaged luma: uint8 (T, H, W, 3) RGB -> float32 (T, 128, 128) in 0–255.

    Raises ``FeatureError`` for any other type or shape, and for a clip without frames.
    """
    if isinstance(frames, np.ndarray):  # torch refuses reversed views and warns of read-only arrays
        frames = np.require(frames, requirements=["C", "W"])
    frames = torch.as_tensor(frames)
    if frames.dtype != torch.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or frames.numel() == 0:
        raise FeatureError(
            f"frames are {frames.dtype} {tuple(frames.shape)}; expected uint8 (T, H, W, 3) with T ≥ 1: "
            "pass RGB as it was decoded, without scaling or reordering"
        )
    weights = torch.tensor(_LUMA_WEIGHTS, device=frames.device)
    size = (LUMA_SIZE_PX, LUMA_SIZE_PX)
    # One frame at a time stays in the cache: a whole clip as float32 would take four times its bytes.
    small = [functional.adaptive_avg_pool2d((frame.float() @ weights)[None], size) for frame in frames]
    return torch.cat(small) / 256


def hog_of_luma(pictures: Tensor) -> Tensor:
    """Descriptor of luma pictures: float32 (T, 128, 128) -> float32 (T, P=256, d=9), norms about 0–1."""
    padded = functional.pad(pictures[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    dx = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
    dy = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2
    magnitude = torch.sqrt(dx.square() + dy.square())
    # Frame by frame: torch would split a larger tensor between threads, and its arctangent rounds
    # differently at the ends of a part, so that the number of threads would show in the last bit.
    angle = torch.stack([torch.atan2(y, x) for y, x in zip(dy, dx, strict=True)])
    position = angle.remainder(math.pi) * (ORIENTATIONS / math.pi)
    cells = torch.stack([_votes(position, magnitude, bin_) for bin_ in range(ORIENTATIONS)], dim=1)

    energy = cells.square().sum(dim=1, keepdim=True)
    around = functional.avg_pool2d(energy, 3, stride=1, padding=1, count_include_pad=False)
    normalised = cells / torch.sqrt(around + CONTRAST_FLOOR**2)
    return normalised.flatten(2).transpose(1, 2).contiguous()


def hog(frames: npt.NDArray[np.uint8] | Tensor) -> Tensor:
    """Descriptor of a clip: uint8 (T, H, W, 3) RGB -> float32 (T, P=256, d=9). Raises ``FeatureError``."""
    return hog_of_luma(luma(frames))


def _votes(position: Tensor, magnitude: Tensor, bin_: int) -> Tensor:
    """Mean vote per cell for one orientation: (T, 128, 128) -> (T, 16, 16).

    A gradient between two orientations is shared between them linearly; the circle closes at 180°.
    """
    away = (position - bin_).abs()
    share = (1 - torch.minimum(away, ORIENTATIONS - away)).clamp_(min=0)
    return functional.avg_pool2d(share * magnitude, CELL_PX)
