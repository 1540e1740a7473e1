"""Colour histogram of every frame: the floor that sees appearance and nothing else.

It knows nothing of moments, clips' roles or files: frames in, features out.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from moments.errors import FeatureError

LEVELS = 4
"""Levels of each of red, green and blue."""


def colour_histogram(frames: npt.NDArray[np.uint8] | Tensor) -> Tensor:
    """Joint RGB histogram of each frame: uint8 (T, H, W, 3) -> float32 (T, P=1, D=64), rows of length 1.

    Bin 16·r + 4·g + b of levels 0–3.  Holds the root of each share, so that the dot product of two
    frames is their Bhattacharyya coefficient.

    Raises ``FeatureError`` for any other type or shape, and for a clip without frames.
    """
    pictures = np.asarray(frames)
    if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[-1] != 3 or pictures.size == 0:
        raise FeatureError(
            f"frames are {pictures.dtype} {pictures.shape}; expected uint8 (T, H, W, 3) with T ≥ 1: "
            "pass RGB as it was decoded, without scaling or reordering"
        )
    level = pictures // (256 // LEVELS)
    bins = (level[..., 0] * LEVELS + level[..., 1]) * LEVELS + level[..., 2]
    counts = [np.bincount(picture.ravel(), minlength=LEVELS**3) for picture in bins]
    shares = np.stack(counts) / bins[0].size
    return torch.from_numpy(np.sqrt(shares).astype(np.float32))[:, None]
