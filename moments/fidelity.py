"""How smooth and how steady a clip is: two measures after VBench that need no weights. Our own reduction.

It knows nothing of what was done to the clip.

VBench (CVPR 2024) takes motion smoothness from a learned interpolator and flicker from still scenes only.
Here the interpolator is optical flow (DIS), and every scene counts, so that the figures compare clips of one
content, such as a clip and its re-timing, and not with VBench's table.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from moments.errors import FeatureError

Frames = npt.NDArray[np.uint8]

SIDE_PX = 256
"""Frames are measured at this height and width: flow of larger ones costs more and says no more."""


@dataclass(frozen=True)
class Fidelity:
    """Both measures of a clip; ``motion_smoothness`` is None for one of only two frames."""

    motion_smoothness: float | None
    temporal_steadiness: float


def fidelity(frames: Frames) -> Fidelity:
    """Both measures of uint8 (T, H, W, 3) with T ≥ 2. Raises ``FeatureError``."""
    steadiness = temporal_steadiness(frames)
    return Fidelity(motion_smoothness(frames) if len(frames) > 2 else None, steadiness)


def motion_smoothness(frames: Frames) -> float:
    """1 less the mean error of frames rebuilt from both neighbours, uint8 (T, H, W, 3) with T ≥ 3 -> [0, 1].

    Every second frame is rebuilt half-way along the flow between its neighbours.  Raises ``FeatureError``.
    """
    small = _small(frames, at_least=3)
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    errors = [
        np.abs(_between(small[index - 1], small[index + 1], dis) - small[index].astype(np.float32)).mean()
        for index in range(1, len(small) - 1, 2)
    ]
    return 1.0 - float(np.mean(errors)) / 255


def temporal_steadiness(frames: Frames) -> float:
    """1 less the mean change from frame to frame, uint8 (T, H, W, 3) with T ≥ 2 -> [0, 1]; VBench's flicker.

    Raises ``FeatureError``.
    """
    small = _small(frames, at_least=2)
    changes = [cv2.absdiff(last, this).mean() for last, this in pairwise(small)]
    return 1.0 - float(np.mean(changes)) / 255


def _small(frames: Frames, at_least: int) -> Frames:
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or len(frames) < at_least:
        raise FeatureError(
            f"frames are {frames.dtype} {frames.shape}; expected uint8 (T, H, W, 3) with T ≥ {at_least}"
        )
    size = (SIDE_PX, SIDE_PX)
    return np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames]).astype(
        np.uint8
    )


def _between(first: Frames, second: Frames, dis: cv2.DISOpticalFlow) -> npt.NDArray[np.float32]:
    """The picture half-way: both neighbours moved by half of the flow to each other, and averaged."""
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (first, second)]
    no_guess = np.empty((0, 0), np.float32)
    there, back = dis.calc(grey[0], grey[1], no_guess), dis.calc(grey[1], grey[0], no_guess)
    y, x = np.mgrid[: first.shape[0], : first.shape[1]].astype(np.float32)
    moved = []
    for frame, flow in ((first, back), (second, there)):
        # Seen from half-way, the other end lies half a flow further on.
        at = x + flow[..., 0] / 2, y + flow[..., 1] / 2
        moved.append(
            cv2.remap(frame, *at, interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(
                np.float32
            )
        )
    return np.asarray((moved[0] + moved[1]) / 2, np.float32)
