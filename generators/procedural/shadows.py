"""Soft shadows without sampling: how much of a wide light each primitive hides from a point.

Knows nothing of materials or pixels.  Every canonical shape is convex and its outline, seen from the
light, has a simple signed distance: two discs and their hull for round shapes, a hexagon for boxes.
The penumbra follows from that distance and from how far the occluder is away, so a shadow is sharp
at a foot and soft at a head, has no grain, and costs one test per occluder. Our own.

The same sum with a very wide light straight above gives the dark contact with the ground.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from data.schema import FloatArray
from generators.procedural.kernel import kernel
from generators.procedural.noise import ramp
from generators.procedural.rays import MISS, enter
from generators.procedural.scene import Shape
from generators.procedural.solids import IntArray, Solids, local_bounds

_CELLS = 48
_BOX = int(Shape.BOX)
_SKY_SPREAD, _SKY_REACH_M = 0.8, 0.30
_SELF_M = 0.004  # a surface does not shadow what lies closer than this below it


class Occluders(NamedTuple):
    """Outlines of bodies seen from one light, binned on a grid across the light.

    ``axes`` (3, 3): two unit vectors across the light, then the one towards it.  ``outline`` (N, 12):
    round shapes: start (2), axis (2), inverse metric (3), start radius, radius step, inverse axis
    length²; boxes: centre (2), then normal (2) and half width of each pair of sides.  ``ball`` (N, 4):
    centre in ``axes`` and radius around everything.  ``spread`` is the light's half-width over
    its distance; ``reach_m`` is where an occluder has lost half its effect (0: never).
    """

    axes: FloatArray
    outline: FloatArray
    ball: FloatArray
    low: FloatArray  # (2,) corner of the grid
    cell_m: float
    count: IntArray  # (cells, cells)
    member: IntArray  # (cells, cells, N)
    spread: float
    reach_m: float


def _axes_towards(direction: FloatArray) -> FloatArray:
    w = direction / np.linalg.norm(direction)
    helper = np.array([1.0, 0.0, 0.0]) if abs(w[0]) < 0.8 else np.array([0.0, 1.0, 0.0])
    u = np.cross(w, helper)
    u /= np.linalg.norm(u)
    return np.stack([u, np.cross(w, u), w])


def _outline(shape: int, size: FloatArray, linear: FloatArray, origin: FloatArray) -> FloatArray:
    """One row of ``Occluders.outline``; ``linear`` (2, 3) and ``origin`` (2,) are seen from the light."""
    row = np.zeros(12)
    if shape == _BOX:
        sides = linear * size[:3]
        row[:2] = origin
        for i in range(3):
            normal = np.array([-sides[1, i], sides[0, i]])
            length = np.hypot(*normal)
            normal = normal / length if length > 1e-9 else np.array([1.0, 0.0])
            row[2 + 3 * i : 4 + 3 * i] = normal
            row[4 + 3 * i] = np.abs(normal @ sides).sum()
        return row
    start, axis, across, radii = origin, np.zeros(2), linear, (1.0, 1.0)
    if shape == Shape.ELLIPSOID:
        across = linear * size[:3]
    elif shape == Shape.ROUND_CONE:
        axis, radii = linear[:, 2] * size[2], (size[0], size[1])
    else:
        across = linear[:, :2] * size[0]
        start, axis = origin - linear[:, 2] * size[1], 2 * linear[:, 2] * size[1]
    spread = across @ across.T
    # A disc seen from its edge has no width: give it a little.
    metric = np.linalg.inv(spread + np.eye(2) * (1e-5 * np.trace(spread) + 1e-12))
    length = axis @ metric @ axis
    row[0:4] = *start, *axis
    row[4:10] = (
        metric[0, 0],
        metric[0, 1],
        metric[1, 1],
        radii[0],
        radii[1] - radii[0],
        1 / max(length, 1e-12),
    )
    return row


@kernel
def _bin(
    ball: FloatArray, margin: FloatArray, low: FloatArray, cell: float, count: IntArray, member: IntArray
) -> None:
    for i in range(len(ball)):
        reach = ball[i, 3] + margin[i]
        x0 = max(int((ball[i, 0] - reach - low[0]) / cell), 0)
        x1 = min(int((ball[i, 0] + reach - low[0]) / cell), _CELLS - 1)
        y0 = max(int((ball[i, 1] - reach - low[1]) / cell), 0)
        y1 = min(int((ball[i, 1] + reach - low[1]) / cell), _CELLS - 1)
        for a in range(x0, x1 + 1):
            for b in range(y0, y1 + 1):
                member[a, b, count[a, b]] = i
                count[a, b] += 1


def occluders(solids: Solids, direction: FloatArray, spread: float, reach_m: float) -> Occluders:
    """What solids hide from a light in ``direction`` (from the scene to it)."""
    shape, size, linear, origin = solids.shape, solids.size, solids.linear, solids.origin
    n = len(shape)
    axes = _axes_towards(direction)
    count = np.zeros((_CELLS, _CELLS), np.int64)
    member = np.zeros((_CELLS, _CELLS, max(n, 1)), np.int64)
    if n == 0:
        nothing = np.zeros((0, 12)), np.zeros((0, 4)), np.full(2, 1e9)
        return Occluders(axes, *nothing, 1.0, count, member, spread, reach_m)
    seen, place = axes @ linear, origin @ axes.T
    outline = np.stack([_outline(int(shape[i]), size[i], seen[i, :2], place[i, :2]) for i in range(n)])
    low, high = local_bounds(shape, size)
    half = np.abs(seen) @ (0.5 * (high - low))[..., None]
    middle = place + (seen @ (0.5 * (low + high))[..., None])[..., 0]
    ball = np.concatenate([middle, np.linalg.norm(half[..., 0], axis=1)[:, None]], 1)
    # The penumbra at the ground is the widest that anything in the scene can see.
    world_top = origin[:, 2] + np.abs(linear[:, 2]).sum(1) * np.abs(np.concatenate([low, high], 1)).max(1)
    slant = max(float(axes[2, 2]), 0.2)
    margin = 0.03 + spread * np.minimum(np.maximum(world_top, 0) / slant, reach_m * 3 if reach_m else 1e9)
    reach = ball[:, 3] + margin
    corner = (ball[:, :2] - reach[:, None]).min(0)
    cell = float(((ball[:, :2] + reach[:, None]).max(0) - corner).max()) / _CELLS + 1e-9
    flat_ball = np.ascontiguousarray(ball[:, [0, 1, 3]])
    _bin(np.insert(flat_ball, 2, ball[:, 2], axis=1), margin, corner, cell, count, member)
    return Occluders(axes, outline, ball, corner, cell, count, member, spread, reach_m)


@kernel
def _towards_inside(shape: int, o: FloatArray, x: float, y: float) -> tuple[float, float, float]:
    """Signed distance from (x, y) to an outline, and a point near (x, y) that lies inside it."""
    if shape == _BOX:
        px, py = x - o[0], y - o[1]
        distance, shrink = -1e9, 1.0
        for i in range(3):
            off = abs(px * o[2 + 3 * i] + py * o[3 + 3 * i])
            distance = max(distance, off - o[4 + 3 * i])
            shrink = min(shrink, 0.98 * o[4 + 3 * i] / max(off, 1e-9))
        return distance, o[0] + px * shrink, o[1] + py * shrink
    px, py = x - o[0], y - o[1]
    along = (px * (o[4] * o[2] + o[5] * o[3]) + py * (o[5] * o[2] + o[6] * o[3])) * o[9]
    along = min(max(along, 0.0), 1.0)
    qx, qy = px - along * o[2], py - along * o[3]
    away = math.sqrt(max(o[4] * qx * qx + 2 * o[5] * qx * qy + o[6] * qy * qy, 1e-18))
    radius = o[7] + o[8] * along
    metres = math.sqrt(qx * qx + qy * qy)
    # On the axis every direction is as good: take the mean radius of the disc.
    scale = metres / away if metres > 1e-9 else 1.0 / math.sqrt(math.sqrt(o[4] * o[6]) + 1e-12)
    shrink = min(1.0, 0.98 * radius / away)
    return (away - radius) * scale, o[0] + along * o[2] + qx * shrink, o[1] + along * o[3] + qy * shrink


@kernel
def hidden_share(
    solids: Solids, light: Occluders, x: float, y: float, z: float, skip: int, width: float
) -> float:
    """Share in [0, 1] of the light that bodies other than ``skip`` hide from a world point.

    ``width`` (metres) is the size of a pixel there: no edge gets sharper than that.
    """
    axes = light.axes
    u = axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z
    v = axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z
    i = int(math.floor((u - light.low[0]) / light.cell_m))
    j = int(math.floor((v - light.low[1]) / light.cell_m))
    if i < 0 or j < 0 or i >= _CELLS or j >= _CELLS:
        return 0.0
    w = axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z
    hidden = 0.0
    for m in range(light.count[i, j]):
        n = light.member[i, j, m]
        above = light.ball[n, 2] + light.ball[n, 3] - w
        if n == skip or above <= 0.0:
            continue
        widest = light.spread * above + width
        du, dv = u - light.ball[n, 0], v - light.ball[n, 1]
        if du * du + dv * dv > (light.ball[n, 3] + widest) ** 2:
            continue
        distance, inside_u, inside_v = _towards_inside(solids.shape[n], light.outline[n], u, v)
        if distance > widest:
            continue
        # Look down from above the body through a place inside its outline: where is its lit side?
        du, dv, start = inside_u - u, inside_v - v, above + 0.1
        rx = x + axes[0, 0] * du + axes[1, 0] * dv + axes[2, 0] * start - solids.origin[n, 0]
        ry = y + axes[0, 1] * du + axes[1, 1] * dv + axes[2, 1] * start - solids.origin[n, 1]
        rz = z + axes[0, 2] * du + axes[1, 2] * dv + axes[2, 2] * start - solids.origin[n, 2]
        inv = solids.inverse[n]
        t = enter(
            solids.shape[n],
            solids.size[n, 0],
            solids.size[n, 1],
            solids.size[n, 2],
            inv[0, 0] * rx + inv[0, 1] * ry + inv[0, 2] * rz,
            inv[1, 0] * rx + inv[1, 1] * ry + inv[1, 2] * rz,
            inv[2, 0] * rx + inv[2, 1] * ry + inv[2, 2] * rz,
            -(inv[0, 0] * axes[2, 0] + inv[0, 1] * axes[2, 1] + inv[0, 2] * axes[2, 2]),
            -(inv[1, 0] * axes[2, 0] + inv[1, 1] * axes[2, 1] + inv[1, 2] * axes[2, 2]),
            -(inv[2, 0] * axes[2, 0] + inv[2, 1] * axes[2, 1] + inv[2, 2] * axes[2, 2]),
        )[0]
        height = start - t
        if t >= MISS or height <= _SELF_M:
            continue
        soft = light.spread * height + width
        cover = ramp(-soft, soft, -distance)
        if light.reach_m > 0.0:
            cover *= 1.0 / (1.0 + (height / light.reach_m) ** 2)
        hidden = max(hidden, cover)
    return hidden


class Cast(NamedTuple):
    """Solids with what they hide from the sun and from the sky."""

    solids: Solids
    sun: Occluders
    sky: Occluders


def cast(solids: Solids, to_sun: FloatArray, sun_spread: float) -> Cast:
    """Solids ready to be lit and to throw shadows. ``sun_spread`` is the sun's half-width in radians."""
    return Cast(
        solids,
        occluders(solids, to_sun, sun_spread, 0.0),
        occluders(solids, np.array([0.0, 0.0, 1.0]), _SKY_SPREAD, _SKY_REACH_M),
    )
