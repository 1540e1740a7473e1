"""A few small pictures, evenly spaced over a video of which nobody knows how long it will be.

It knows nothing of files or of plots.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image as Pillow

from data.schema import Frames, Image

PICTURE_PX = 192
_KEPT = 64  # even, so that half of them are as evenly spaced; eight times as many as a plot shows


@dataclass(frozen=True, eq=False)
class Picture:
    """``pixels`` uint8 (h, w, 3) RGB, at most ``PICTURE_PX`` on the longer side, of one frame."""

    frame: int
    pixels: Image


class Filmstrip:
    """Takes every frame and keeps at most 64 of them, small: whenever it is full, every other one goes."""

    def __init__(self) -> None:
        self._kept: list[Picture] = []
        self._every = 1
        self._num_frames = 0

    def add(self, frames: Frames) -> None:
        """The next frames, uint8 (t, H, W, 3) RGB."""
        for frame in frames:
            if self._num_frames == _KEPT * self._every:
                self._kept = self._kept[::2]
                self._every *= 2
            if self._num_frames % self._every == 0:
                self._kept.append(Picture(self._num_frames, _small(frame)))
            self._num_frames += 1

    def pictures(self, wanted: int) -> tuple[Picture, ...]:
        """At most ``wanted`` pictures, of the frames nearest to the middles of as many equal parts."""
        parts = min(wanted, len(self._kept))
        middles = (np.arange(parts) + 0.5) / max(parts, 1) * self._num_frames - 0.5
        return tuple(min(self._kept, key=lambda kept: abs(kept.frame - middle)) for middle in middles)


def _small(frame: Image) -> Image:
    picture = Pillow.fromarray(frame)
    picture.thumbnail((PICTURE_PX, PICTURE_PX))
    return np.asarray(picture)
