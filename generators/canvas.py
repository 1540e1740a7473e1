"""One picture that holds several panels of equal size, put together and taken apart again.

It knows no model. Clips that are made on one canvas share one motion: that is what it is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.errors import ContractError
from data.schema import Frames, Image
from generators.wan_config import Layout

GUARD_GREY = 127


@dataclass(frozen=True)
class Canvas:
    """``panels`` squares of ``size_px``, next to or above each other, with ``guard_px`` of grey between."""

    layout: Layout
    panels: int
    size_px: int
    guard_px: int = 0

    @property
    def height_px(self) -> int:
        return self._length_px if self.layout == "stacked" else self.size_px

    @property
    def width_px(self) -> int:
        return self._length_px if self.layout == "side_by_side" else self.size_px

    def joined(self, images: Sequence[Image]) -> Image:
        """The panels as one picture, uint8 (height_px, width_px, 3), in the order they came."""
        expected = (self.size_px, self.size_px, 3)
        wrong = [image.shape for image in images if image.shape != expected]
        if len(images) != self.panels or wrong:
            raise ContractError(
                f"a canvas of {self.panels} panels of {expected} was given {len(images)} images, "
                f"{wrong or 'of the right size'}"
            )
        canvas = np.full((self.height_px, self.width_px, 3), GUARD_GREY, np.uint8)
        for panel, image in zip(self._slices(), images, strict=True):
            canvas[panel] = image
        return canvas

    def split(self, frames: Frames) -> tuple[Frames, ...]:
        """The clips of the panels, uint8 (T, size_px, size_px, 3) each, in the order of ``joined``."""
        if frames.shape[1:] != (self.height_px, self.width_px, 3):
            raise ContractError(
                f"frames are {frames.shape}; this canvas is (T, {self.height_px}, {self.width_px}, 3)"
            )
        return tuple(np.ascontiguousarray(frames[:, rows, columns]) for rows, columns in self._slices())

    @property
    def _length_px(self) -> int:
        return self.panels * self.size_px + (self.panels - 1) * self.guard_px

    def _slices(self) -> list[tuple[slice, slice]]:
        starts = [index * (self.size_px + self.guard_px) for index in range(self.panels)]
        along = [slice(start, start + self.size_px) for start in starts]
        whole = slice(0, self.size_px)
        return [(part, whole) if self.layout == "stacked" else (whole, part) for part in along]
