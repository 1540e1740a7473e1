"""What covers what: rays through pixels, the first solid on each, and the shares of a mixed pixel.

Knows nothing of light.  A key tells what a pixel shows: FACES · index + face of a solid, or one of
the negative kinds of ``surroundings``.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from data.schema import FloatArray
from generators.procedural.kernel import kernel
from generators.procedural.solids import Solids, enter_solid
from generators.procedural.world import World

FACES = 8
SAMPLES = 8  # per mixed pixel; eight rooks: every row and column of an 8 × 8 grid is used once
SAMPLE_X = tuple((i + 0.5) / 8 for i in range(8))
SAMPLE_Y = tuple((i + 0.5) / 8 for i in (5, 2, 7, 0, 4, 1, 6, 3))

FloatImage = npt.NDArray[np.float32]
KeyImage = npt.NDArray[np.int32]
Keys = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@kernel
def ray(w: World, px: float, py: float) -> tuple[float, float, float]:
    """Unit direction through a pixel position."""
    a, b = (px - w.half_px) / w.focal_px, (w.half_px - py) / w.focal_px
    s = 1.0 / math.sqrt(1.0 + a * a + b * b)
    return (
        (w.forward[0] + a * w.right[0] + b * w.up[0]) * s,
        (w.forward[1] + a * w.right[1] + b * w.up[1]) * s,
        (w.forward[2] + a * w.right[2] + b * w.up[2]) * s,
    )


@kernel
def stamp(
    w: World, solids: Solids, first: int, end: int, layer_key: KeyImage, depth: FloatImage, mixed: Mask
) -> None:
    """Put solids into key and depth, one sample per pixel; mark pixels that thin ones touch."""
    x, y, z = w.position[0], w.position[1], w.position[2]
    for n in range(first, end):
        s = solids[n]
        for row in range(s.bounds[1], s.bounds[3]):
            for column in range(s.bounds[0], s.bounds[2]):
                dx, dy, dz = ray(w, column + 0.5, row + 0.5)
                t, face = enter_solid(s, 0.0, x, y, z, dx, dy, dz)
                if t < depth[row, column]:
                    depth[row, column] = t
                    layer_key[row, column] = FACES * n + face
                elif s.grow > 0.0 and not mixed[row, column]:
                    mixed[row, column] = enter_solid(s, s.grow, x, y, z, dx, dy, dz)[0] < depth[row, column]


@kernel
def nearest(
    w: World, solids: Solids, first: int, end: int, px: float, py: float, limit: float
) -> tuple[float, int]:
    """Depth and key of the first solid at a pixel position before ``limit``; key -1 if there is none."""
    dx, dy, dz = ray(w, px, py)
    best, key = limit, -1
    for n in range(first, end):
        s = solids[n]
        if px < s.bounds[0] or py < s.bounds[1] or px > s.bounds[2] or py > s.bounds[3]:
            continue
        t, face = enter_solid(s, 0.0, w.position[0], w.position[1], w.position[2], dx, dy, dz)
        if t < best:
            best, key = t, FACES * n + face
    return best, key


@kernel
def differs(key: KeyImage, row: int, column: int, above: int) -> bool:
    """Whether one of the four neighbours shows something else, and one of the two has a key ≥ above."""
    own, last = key[row, column], key.shape[0] - 1
    for k in range(4):
        r = min(max(row + (k == 0) - (k == 1), 0), last)
        c = min(max(column + (k == 2) - (k == 3), 0), last)
        other = key[r, c]
        if other != own and max(own, other) >= above:
            return True
    return False


@kernel
def count(keys: Keys, sums: FloatArray, seen: int, key: int, px: float, py: float, t: float) -> int:
    """Add a sample to the things seen in a pixel; returns how many there are now."""
    g = 0
    while g < seen and keys[g] != key:
        g += 1
    if g == seen:
        keys[g] = key
        for k in range(4):
            sums[g, k] = 0.0
        seen += 1
    sums[g, 0] += 1.0
    sums[g, 1] += px
    sums[g, 2] += py
    sums[g, 3] += t
    return seen


@kernel
def mean(sums: FloatArray, g: int) -> tuple[float, float, float, float]:
    """Share of the pixel, mean place and mean depth of one thing seen in it."""
    n = sums[g, 0]
    return n / SAMPLES, sums[g, 1] / n, sums[g, 2] / n, sums[g, 3] / n
