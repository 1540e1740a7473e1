"""Primitives at one frame, made ready for rays: inverse maps, bounds on the picture, materials.

Knows nothing of light.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from data.schema import FloatArray
from generators.procedural.kernel import kernel
from generators.procedural.projection import NEAR_M
from generators.procedural.rays import enter
from generators.procedural.scene import Material, Primitives, Shape
from generators.procedural.world import World, WorldRecord

_BOX, _ROUND_CONE, _CYLINDER = int(Shape.BOX), int(Shape.ROUND_CONE), int(Shape.CYLINDER)
_FLATTEST = 1e-12  # a map that squeezes volume below this cannot be turned back into local coordinates

SOLID = np.dtype(
    [
        ("shape", np.int64),
        ("size", np.float64, (3,)),
        ("linear", np.float64, (3, 3)),  # world = linear @ local + origin
        ("inverse", np.float64, (3, 3)),
        ("origin", np.float64, (3,)),
        ("stretch", np.float64),  # mean metres per local unit; 0 marks a solid too flat to draw
        ("bounds", np.int64, (4,)),  # pixels that hold all of it: x from, y from, x to, y to
        # A thin solid is drawn as it is, but thickened by this (local units) it fills a pixel:
        # that finds the pixels that need a closer look.
        ("grow", np.float64),
        ("middle", np.float64, (3,)),  # of a ball around it, world
        ("radius", np.float64),
        ("outline", np.float64, (2, 12)),  # seen from the sun and from above, see ``shadows``
        ("ball", np.float64, (2, 5)),  # middle as sun and sky see it, radius, half depth along the light
        ("color", np.float64, (3,)),
        ("accent", np.float64, (3,)),
        ("pattern", np.int64),
        ("period", np.float64),
        ("gloss", np.float64),
    ],
    align=True,
)
Solid = Any  # a record of SOLID as kernels see it
Solids = npt.NDArray[np.void]  # (N,) of SOLID


@kernel
def enter_solid(
    s: Solid, grow: float, x: float, y: float, z: float, dx: float, dy: float, dz: float
) -> tuple[float, int]:
    """Distance and face where a world ray enters the solid, thickened by ``grow`` local units."""
    m = s.inverse
    x, y, z = x - s.origin[0], y - s.origin[1], z - s.origin[2]
    hit = enter(
        s.shape,
        s.size[0] + grow,
        s.size[1] + grow,
        s.size[2] + grow,
        m[0, 0] * x + m[0, 1] * y + m[0, 2] * z,
        m[1, 0] * x + m[1, 1] * y + m[1, 2] * z,
        m[2, 0] * x + m[2, 1] * y + m[2, 2] * z,
        m[0, 0] * dx + m[0, 1] * dy + m[0, 2] * dz,
        m[1, 0] * dx + m[1, 1] * dy + m[1, 2] * dz,
        m[2, 0] * dx + m[2, 1] * dy + m[2, 2] * dz,
    )
    return hit[0], hit[1]


@kernel
def corners(s: Solid) -> tuple[float, float, float, float]:
    """Half-widths x and y, lower z and upper z of the shape in its own coordinates."""
    a, b, c = s.size[0], s.size[1], s.size[2]
    if s.shape == _ROUND_CONE:
        r = max(a, b)
        return r, r, min(-a, c - b), max(a, c + b)
    if s.shape == _CYLINDER:
        return a, a, -b, b
    return a, b, -c, c


@kernel
def _invert(s: Solid) -> float:
    """Fill ``inverse``; returns the volume of the map, 0 where there is no inverse."""
    m = s.linear
    c0 = m[1, 1] * m[2, 2] - m[1, 2] * m[2, 1]
    c1 = m[1, 2] * m[2, 0] - m[1, 0] * m[2, 2]
    c2 = m[1, 0] * m[2, 1] - m[1, 1] * m[2, 0]
    volume = m[0, 0] * c0 + m[0, 1] * c1 + m[0, 2] * c2
    if not abs(volume) > _FLATTEST:
        return 0.0
    k = 1.0 / volume
    out = s.inverse
    out[0, 0], out[1, 0], out[2, 0] = c0 * k, c1 * k, c2 * k
    out[0, 1] = (m[0, 2] * m[2, 1] - m[0, 1] * m[2, 2]) * k
    out[1, 1] = (m[0, 0] * m[2, 2] - m[0, 2] * m[2, 0]) * k
    out[2, 1] = (m[0, 1] * m[2, 0] - m[0, 0] * m[2, 1]) * k
    out[0, 2] = (m[0, 1] * m[1, 2] - m[0, 2] * m[1, 1]) * k
    out[1, 2] = (m[0, 2] * m[1, 0] - m[0, 0] * m[1, 2]) * k
    out[2, 2] = (m[0, 0] * m[1, 1] - m[0, 1] * m[1, 0]) * k
    return float(abs(volume))


@kernel
def _bound(w: World, s: Solid) -> None:
    """Fill the ball around the solid, its pixel bounds and ``grow``."""
    hx, hy, low, high = corners(s)
    m, o, v = s.linear, s.origin, w.position
    left, top, right, bottom, nearest = 1e9, 1e9, -1e9, -1e9, 1e9
    middle, reach, behind, seen = 0.5 * (low + high), 0.0, False, False
    for i in range(3):
        s.middle[i] = o[i] + m[i, 2] * middle
    for k in range(8):
        x, y, z = (hx if k & 1 else -hx), (hy if k & 2 else -hy), (high if k & 4 else low)
        px = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + o[0]
        py = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + o[1]
        pz = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + o[2]
        reach = max(reach, (px - s.middle[0]) ** 2 + (py - s.middle[1]) ** 2 + (pz - s.middle[2]) ** 2)
        px, py, pz = px - v[0], py - v[1], pz - v[2]
        depth = px * w.forward[0] + py * w.forward[1] + pz * w.forward[2]
        nearest = min(nearest, depth)
        if depth < NEAR_M:
            behind = True
            continue
        seen = True
        scale = w.focal_px / depth
        column = w.half_px + scale * (px * w.right[0] + py * w.right[1] + pz * w.right[2])
        row = w.half_px - scale * (px * w.up[0] + py * w.up[1] + pz * w.up[2])
        left, right = min(left, column), max(right, column)
        top, bottom = min(top, row), max(bottom, row)
    s.radius = math.sqrt(reach)
    size_px = 2 * w.half_px
    if behind:  # what reaches behind the camera can be anywhere on the picture
        left, top, right, bottom = 0.0, 0.0, size_px, size_px
    b = s.bounds
    b[0], b[1] = int(min(max(left - 1, 0.0), size_px)), int(min(max(top - 1, 0.0), size_px))
    b[2], b[3] = int(min(max(right + 2, 0.0), size_px)), int(min(max(bottom + 2, 0.0), size_px))
    if not seen:
        b[2], b[3] = b[0], b[1]
    thinnest = min(s.size[0], s.size[1])
    if s.shape != _ROUND_CONE and s.shape != _CYLINDER:
        thinnest = min(thinnest, s.size[2])
    pixel = max(nearest, NEAR_M) * w.pixel / s.stretch
    s.grow = 0.75 * pixel if thinnest < pixel else 0.0


@kernel
def _prepare(
    worlds: WorldRecord,
    solids: Solids,
    first: int,
    shape: npt.NDArray[np.int64],
    size: FloatArray,
    linear: FloatArray,
    origin: FloatArray,
) -> None:
    w = worlds[0]
    for n in range(len(shape)):
        s = solids[first + n]
        s.shape = shape[n]
        for i in range(3):
            s.size[i], s.origin[i] = max(size[n, i], 1e-6), origin[n, i]
            for j in range(3):
                s.linear[i, j] = linear[n, i, j]
        volume = _invert(s)
        s.stretch = volume ** (1 / 3)
        if volume > 0.0:
            _bound(w, s)
        else:
            for i in range(4):
                s.bounds[i] = 0


def place_solids(worlds: WorldRecord, solids: Solids, first: int, primitives: Primitives, frame: int) -> None:
    """Write the primitives at ``frame`` to ``solids[first:]``; primitives with one row stand still."""
    row = frame if len(primitives.linear) > 1 else 0
    _prepare(
        worlds,
        solids,
        first,
        np.ascontiguousarray(primitives.shape, np.int64),
        np.ascontiguousarray(primitives.size, np.float64),
        np.ascontiguousarray(primitives.linear[row], np.float64),
        np.ascontiguousarray(primitives.origin[row], np.float64),
    )


def paint_solids(solids: Solids, first: int, primitives: Primitives, materials: tuple[Material, ...]) -> None:
    """Write the primitives' materials to ``solids[first:]``."""
    for n, index in enumerate(primitives.material):
        m = materials[index]
        row = solids[first + n]
        row["color"], row["accent"], row["pattern"] = m.color, m.accent, int(m.pattern)
        row["period"], row["gloss"] = max(m.scale_m, 1e-4), m.gloss
