"""Existing footage made anew by WAN: a segment from its two end frames, at a size that the model makes.

It knows nothing of pacing or of files; it is one more ``InBetweener``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from data.schema import FloatArray, Frames
from generators.base import OnStep, ignored
from generators.wan_model import WanModel
from generators.wan_shot import FRAME_STEP, Shot

MOST_PIXELS = 480 * 832
"""Of a frame: the smaller of the two areas that the model was trained on."""


@dataclass(frozen=True)
class WanSegments:
    """Makes each segment between its first and its last frame; what lay between is not looked at."""

    model: WanModel
    prompt: str
    seed: int
    on_step: OnStep = ignored
    frame_step: int = FRAME_STEP

    def between(self, source: Frames, positions: FloatArray) -> Frames:
        """Raises ``ConfigError`` for a model without a last frame, ``SampleRejected`` for a failed clip."""
        shot = Shot(source[0], self.prompt, len(positions), self.seed, last=source[-1])
        frames = self.model.frames(shot, self.on_step)
        # What the model shows at its ends went through its autoencoder; neighbours share the source's own.
        frames[0], frames[-1] = source[0], source[-1]
        return frames


def fitted(frames: Frames, multiple_px: int) -> Frames:
    """Frames (T, H, W, 3) at the nearest size that a model makes: sides multiples of ``multiple_px``.

    The shape of the picture is kept as nearly as that allows, and nothing is cut off.
    """
    _, height, width, _ = frames.shape
    scale = min(1.0, math.sqrt(MOST_PIXELS / (height * width)))
    new_height, new_width = (
        max(multiple_px, round(side * scale / multiple_px) * multiple_px) for side in (height, width)
    )
    if (new_height, new_width) == (height, width):
        return frames
    resized = [
        cv2.resize(np.ascontiguousarray(frame), (new_width, new_height), interpolation=cv2.INTER_AREA)
        for frame in frames
    ]
    return np.stack(resized).astype(np.uint8, copy=False)
