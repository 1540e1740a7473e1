"""Did two clips that were made on one canvas leak into each other across the seam? Our own.

It knows nothing of canvases or models: two clips and the side on which they touched in, one number out.

What happens in the columns next to the seam is compared row by row and frame by frame on both sides of
it: the change from the first frame, less what the whole border does at that moment.  A half that is cut
by the seam changes there alone; what crosses it, or is mixed across it, changes both sides at the same
rows and moments.  What the two borders away from the seam have in common (shared flicker, one shaking
camera, two bodies that reach both edges) is taken off.  A leak that changes nothing after the first
frame is not seen, nor one in places where both sides look alike.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from moments.errors import FeatureError

Seam = Literal["side_by_side", "stacked"]
SEAMS: tuple[Seam, ...] = get_args(Seam)

FloatArray = npt.NDArray[np.float64]

BORDER_SHARE = 1 / 64
"""Width of the border compared, as a share of the picture: a leak is strongest right at the seam."""
QUIET_LUMA = 1.0
"""Change of a border's mean luma that encoding makes by itself."""
FLOOR_LUMA = 0.5
"""Root mean square of a border's change beyond that which has no say."""


def bleeding(first: npt.NDArray[np.number], second: npt.NDArray[np.number], seam: Seam) -> float:
    """How much of what happens on the two sides of the seam is the same happening, from 0 to 1.

    Luma pictures (T, H, W) in 0–255: ``first`` lay left of ``second`` (``side_by_side``) or above it
    (``stacked``).  Clips of other lengths are compared where they overlap.

    Raises ``FeatureError`` when the pictures are not (T, H, W) of one size with T ≥ 1.
    """
    if first.ndim != 3 or second.ndim != 3 or first.shape[1:] != second.shape[1:] or 0 in first.shape:
        raise FeatureError(
            f"pictures have shapes {first.shape} and {second.shape}; expected luma (T, H, W) of one size: "
            "compare the two halves of one canvas"
        )
    frames = min(len(first), len(second))
    if seam == "stacked":
        first, second = first.swapaxes(1, 2), second.swapaxes(1, 2)
    width = max(1, round(first.shape[2] * BORDER_SHARE))
    left, right = np.s_[:frames, :, :width], np.s_[:frames, :, -width:]
    at_seam = _in_common(_happening(first[right]), _happening(second[left]))
    elsewhere = _in_common(_happening(first[left]), _happening(second[right]))
    return max(0.0, at_seam - elsewhere)


def _happening(border: npt.NDArray[np.number]) -> FloatArray:
    """Change from the first frame by frame and row: (T, H, w) -> (T, H), 0 where nothing happens."""
    rows = border.mean(axis=2, dtype=np.float64)
    change = rows - rows[0]
    change -= np.median(change, axis=1, keepdims=True)
    return np.asarray(np.maximum(np.abs(change) - QUIET_LUMA, 0))


def _in_common(first: FloatArray, second: FloatArray) -> float:
    """Cosine of two happenings, (T, H) each: in [0, 1), 0 when either border is quiet."""
    floor = FLOOR_LUMA**2 * first.size
    return float((first * second).sum() / (np.sqrt((first**2).sum() * (second**2).sum()) + floor))
