"""The worked example of the instructions: one moving picture in which looks and motion part ways. Our own.

Knows nothing of annotation servers.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence

import numpy as np
import PIL.Image

from annotation.items import Kind
from data.schema import FloatArray, Frames

_SIZE_PX, _GAP_PX, _NUM_FRAMES, _FRAME_MILLISECONDS = 144, 12, 64, 60
_RED, _BLUE, _GREEN = (214, 51, 51), (79, 142, 247), (56, 161, 105)
_LIGHT, _DARK, _WHITE = (244, 241, 235), (34, 40, 60), 255


@functools.cache
def example_picture(kind: Kind = "ranking") -> bytes:
    """A GIF of panels in a row, as the instructions of this kind of question tell of them.

    For ranking the reference, the same motion, a slower one and another one; for a check those but the
    slower one; for a preference an even pace and an uneven one.
    """
    turns = np.arange(_NUM_FRAMES) / 32  # two turns, so that all panels repeat without a jump
    reference = _panel(_circle(turns, (72, 72)), _RED, _LIGHT, square=False)
    alike = _panel(_circle(turns, (82, 60)), _BLUE, _DARK, square=True)
    different = _panel(_line(turns), _RED, _LIGHT, square=False)
    match kind:
        case "ranking":
            slower = _panel(_circle(turns / 2, (72, 72)), _GREEN, _LIGHT, square=False)
            return _gif([reference, alike, slower, different])
        case "check":
            return _gif([reference, alike, different])
        case "preference":
            progress: FloatArray = np.linspace(0, 1, _NUM_FRAMES, dtype=np.float64)
            even = _panel(_crossing(progress), _BLUE, _LIGHT, square=False)
            uneven = _panel(_crossing(progress**6), _GREEN, _LIGHT, square=False)
            return _gif([even, uneven])


def _gif(panels: Sequence[Frames]) -> bytes:
    gap = np.full((_NUM_FRAMES, _SIZE_PX, _GAP_PX, 3), _WHITE, np.uint8)
    row = np.concatenate([part for panel in panels for part in (panel, gap)][:-1], axis=2)
    first, *rest = (PIL.Image.fromarray(frame).quantize(64) for frame in row)
    file = io.BytesIO()
    first.save(file, "gif", save_all=True, append_images=rest, duration=_FRAME_MILLISECONDS, loop=0)
    return file.getvalue()


def _circle(turns: FloatArray, centre_px: tuple[float, float]) -> FloatArray:
    """Centres (T, 2) in px, clockwise from the top, since y points down."""
    angle = 2 * np.pi * (turns - 0.25)
    centres: FloatArray = np.asarray(centre_px) + 40 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return centres


def _line(turns: FloatArray) -> FloatArray:
    return np.stack([72 - 44 * np.cos(2 * np.pi * turns), np.full(len(turns), 72.0)], axis=1)


def _crossing(progress: FloatArray) -> FloatArray:
    return np.stack([28 + 88 * progress, np.full(len(progress), 72.0)], axis=1)


def _panel(
    centres_px: FloatArray, colour: tuple[int, int, int], background: tuple[int, int, int], *, square: bool
) -> Frames:
    rows, columns = np.mgrid[:_SIZE_PX, :_SIZE_PX]
    frames: Frames = np.empty((_NUM_FRAMES, _SIZE_PX, _SIZE_PX, 3), np.uint8)
    for frame, (x, y) in zip(frames, centres_px, strict=True):
        across, down = np.abs(columns - x), np.abs(rows - y)
        distance = np.maximum(across, down) if square else np.hypot(across, down)
        cover = np.clip(17.5 - distance, 0, 1)[..., None]  # one pixel of soft edge
        frame[:] = np.rint(cover * np.asarray(colour) + (1 - cover) * np.asarray(background))
    return frames
