"""Where a draughtsman would put a line: outlines, folds, steps in depth, and contours of tone.

Knows nothing of ink or paper.
"""

from __future__ import annotations

import math

import numpy as np

from generators.procedural.developing import lightness
from generators.procedural.kernel import kernel
from generators.procedural.noise import ramp
from generators.procedural.surroundings import BEYOND
from generators.procedural.visibility import FACES, FloatImage, KeyImage


@kernel
def _edge(subject_key: int, ka: int, kb: int, a: float, b: float) -> float:
    """Strength of the line between two pixels: outlines, folds and steps in depth."""
    if ka == kb:
        return 0.0
    subject = max(ka, kb) >= subject_key
    if subject != (min(ka, kb) >= subject_key):
        return 1.0  # where subject meets anything else
    weight = 0.9 if subject else 0.75
    if min(ka, kb) < 0:
        return weight if max(ka, kb) >= 0 else (0.0 if min(ka, kb) == BEYOND else 0.45)
    if ka // FACES == kb // FACES:
        return 0.7 * weight
    # Two parts of one body: a joint is smooth, an arm in front of the chest is not.
    return float(weight * ramp(0.006, 0.02, abs(a - b) / max(min(a, b), 0.1)))


@kernel
def _lines(subject_key: int, key: KeyImage, depth: FloatImage, raw: FloatImage, soft: FloatImage) -> None:
    """Line strength (H, W) in ``soft``, about two pixels wide with smooth flanks."""
    size = key.shape[0]
    raw[:, :] = 0.0
    for row in range(size):
        for column in range(size):
            for k in range(2):
                r, c = row + (k == 0), column + (k == 1)
                if r < size and c < size and key[row, column] != key[r, c]:
                    s = _edge(subject_key, key[row, column], key[r, c], depth[row, column], depth[r, c])
                    raw[row, column] = max(raw[row, column], s)
                    raw[r, c] = max(raw[r, c], s)
    for row in range(size):
        up, down = max(row - 1, 0), min(row + 1, size - 1)
        for column in range(size):
            left, right = max(column - 1, 0), min(column + 1, size - 1)
            cross = raw[up, column] + raw[down, column] + raw[row, left] + raw[row, right]
            corners = raw[up, left] + raw[up, right] + raw[down, left] + raw[down, right]
            soft[row, column] = (4 * raw[row, column] + 2 * cross + corners) / 16


def line_image(key: KeyImage, depth: FloatImage, subject_key: int) -> FloatImage:
    """Line strength (H, W) in [0, 1] of a picture's keys and depths."""
    raw, soft = np.empty(key.shape, np.float32), np.empty(key.shape, np.float32)
    _lines(subject_key, key, depth, raw, soft)
    return soft


@kernel
def contour(color: FloatImage, row: int, column: int) -> float:
    """Steepness of lightness: traces what has no key of its own, like windows and tree lines."""
    last = color.shape[0] - 1
    up, down, left, right = max(row - 1, 0), min(row + 1, last), max(column - 1, 0), min(column + 1, last)
    across = lightness(color, row, right) - lightness(color, row, left)
    along = lightness(color, down, column) - lightness(color, up, column)
    return math.sqrt(across * across + along * along)
