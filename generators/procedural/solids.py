"""Primitives at one frame, made ready for rays: inverse maps and bounds on the picture.

Knows nothing of light or materials.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from data.schema import FloatArray
from generators.procedural.projection import NEAR_M, View, to_pixels
from generators.procedural.scene import Primitives, Shape

IntArray = npt.NDArray[np.int64]

_FLATTEST = 1e-9  # a map that squeezes volume below this cannot be turned back into local coordinates


class Solids(NamedTuple):
    """N primitives at one frame: ``world = linear @ local + origin`` and back.

    ``stretch`` is the mean number of metres in a local unit.  ``bounds`` are pixels
    (x from, y from, x to, y to), ends excluded, that hold all that can be seen of the primitive.
    ``grow`` is how much a thin primitive must be thickened, in local units, to be at least a pixel
    wide: it is drawn as it is, but this finds the pixels that need a closer look.
    """

    shape: IntArray  # (N,)
    size: FloatArray  # (N, 4)
    material: IntArray  # (N,)
    linear: FloatArray  # (N, 3, 3)
    inverse: FloatArray  # (N, 3, 3)
    origin: FloatArray  # (N, 3)
    stretch: FloatArray  # (N,)
    bounds: IntArray  # (N, 4)
    grow: FloatArray  # (N,)


def local_bounds(shape: IntArray, size: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lower and upper corners (N, 3) of the shapes in their own coordinates."""
    high = size[:, :3].copy()
    low = -high
    cone, cylinder = shape == Shape.ROUND_CONE, shape == Shape.CYLINDER
    radius = np.maximum(size[:, 0], size[:, 1])
    length = size[:, 2]
    high[cone] = np.stack([radius, radius, np.maximum(length + size[:, 1], size[:, 0])], -1)[cone]
    low[cone] = np.stack([-radius, -radius, np.minimum(-size[:, 0], length - size[:, 1])], -1)[cone]
    high[cylinder] = np.stack([size[:, 0], size[:, 0], size[:, 1]], -1)[cylinder]
    low[cylinder] = -high[cylinder]
    return low, high


def solids_at(primitives: Primitives, frame: int, view: View) -> Solids:
    """The primitives at ``frame`` as ``view`` sees them; primitives with one row stand still."""
    row = frame if len(primitives.linear) > 1 else 0
    linear, origin = primitives.linear[row], primitives.origin[row]
    volume = np.abs(np.linalg.det(linear))
    usable = volume > _FLATTEST
    linear = np.where(usable[:, None, None], linear, np.eye(3))
    low, high = local_bounds(primitives.shape, primitives.size)
    pick = np.array([[(corner >> axis) & 1 for axis in range(3)] for corner in range(8)], bool)
    corners = np.where(pick, high[:, None], low[:, None])  # (N, 8, 3)
    pixels, depth = to_pixels(view, corners @ linear.transpose(0, 2, 1) + origin[:, None])
    size_px = int(round(2 * view.half_px))
    # A body that reaches behind the camera can be anywhere on the picture.
    across = (depth < NEAR_M).any(1)
    seen = usable & (depth >= NEAR_M).any(1)
    start = np.where(across[:, None], 0, np.floor(pixels.min(1)) - 1)
    end = np.where(across[:, None], size_px, np.ceil(pixels.max(1)) + 1)
    bounds = np.concatenate([start, np.where(seen[:, None], end, start)], 1)
    stretch = np.where(usable, np.cbrt(volume), 1.0)
    pixel = np.maximum(depth.min(1), NEAR_M) / view.focal_px / stretch
    used = np.where(primitives.shape == Shape.CYLINDER, 2, np.where(primitives.shape == Shape.ROUND_CONE, 2, 3))
    thinnest = np.where(np.arange(3) < used[:, None], primitives.size[:, :3], np.inf).min(1)
    return Solids(
        np.ascontiguousarray(primitives.shape, np.int64),
        np.ascontiguousarray(primitives.size, np.float64),
        np.ascontiguousarray(primitives.material, np.int64),
        np.ascontiguousarray(linear),
        np.ascontiguousarray(np.linalg.inv(linear)),
        np.ascontiguousarray(origin, np.float64),
        stretch,
        np.clip(bounds, 0, size_px).astype(np.int64),
        np.where(thinnest < pixel, 0.75 * pixel, 0.0),
    )
