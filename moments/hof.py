"""Histograms of optical flow per cell: a patch descriptor that needs no weights. Our own arrangement.

It knows nothing of moments, clips' roles or files: frames in, features out.

After Laptev et al. (CVPR 2008), on the grid of ``moments.hog`` so that clips of any size compare: flow
between neighbouring frames by DIS (Kroeger et al., ECCV 2016, as in OpenCV) on 128 × 128 luma pictures;
every pixel votes with its speed for the two nearest of 8 directions, or for rest.
"""

from __future__ import annotations

import math
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from moments.hog import CELL_PX, LUMA_SIZE_PX, luma

DIRECTIONS = 8
"""Bin k votes for k · 45°: 0 to the right, 2 downwards, 4 to the left, 6 upwards."""
REST_FLOOR = 1 / 512
"""Speed in shares of the picture per frame (a quarter of a luma pixel) below which a pixel is at rest."""
PRESET = cv2.DISOPTICAL_FLOW_PRESET_MEDIUM

Flow = npt.NDArray[np.float32]


def hof(frames: npt.NDArray[np.uint8] | Tensor) -> Tensor:
    """Descriptor of a clip: uint8 (T, H, W, 3) RGB -> float32 (T - 1, P=256, D=9); one row of rest for T = 1.

    Raises ``FeatureError`` as ``moments.hog.luma`` does.
    """
    pictures = luma(frames).round().to(torch.uint8).cpu().numpy()
    if len(pictures) == 1:
        return hof_of_flow(np.zeros((1, LUMA_SIZE_PX, LUMA_SIZE_PX, 2), np.float32))
    return hof_of_flow(flow_of_luma(pictures))


def flow_of_luma(pictures: npt.NDArray[np.uint8]) -> Flow:
    """DIS flow between neighbours: (T, 128, 128) -> (T - 1, 128, 128, 2), x then y in pixels per frame."""
    # One object must not serve two threads: it keeps buffers.  The number of OpenCV's own threads leaves
    # no trace, for DIS cuts a picture into the same stripes whatever it is.
    dis = cv2.DISOpticalFlow.create(PRESET)
    no_guess = np.empty((0, 0), np.float32)
    return np.stack([dis.calc(early, late, no_guess) for early, late in pairwise(pictures)])


def hof_of_flow(flow: Flow) -> Tensor:
    """Votes per cell: (T, 128, 128, 2) in pixels per frame -> (T, P=256, D=9).

    The first 8 are mean speeds in multiples of ``REST_FLOOR``, so that they are of the order of the
    last, the share of the cell's pixels at rest.
    """
    dx, dy = torch.from_numpy(flow).unbind(-1)
    speed = torch.hypot(dx, dy) / (LUMA_SIZE_PX * REST_FLOOR)
    rests = speed < 1
    # The arctangent frame by frame, for the reason given in moments.hog.
    angle = torch.stack([torch.atan2(y, x) for y, x in zip(dy, dx, strict=True)])
    position = angle.remainder(2 * math.pi) * (DIRECTIONS / (2 * math.pi))
    moving = speed.masked_fill(rests, 0)
    votes = [_share(position, direction) * moving for direction in range(DIRECTIONS)]
    cells = functional.avg_pool2d(torch.stack([*votes, rests.float()], dim=1), CELL_PX)
    return cells.flatten(2).transpose(1, 2).contiguous()


def _share(position: Tensor, direction: int) -> Tensor:
    """What one direction gets of each pixel, 0–1: linear between two neighbours, closed at 360°."""
    away = (position - direction).abs()
    return (1 - torch.minimum(away, DIRECTIONS - away)).clamp_(min=0)
