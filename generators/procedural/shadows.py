"""Soft shadows without sampling: how much of a wide light each solid hides from a point.

Knows nothing of materials or pixels.  Every canonical shape is convex and its outline, seen from the
light, has a simple signed distance: two discs and their hull for round shapes, a hexagon for boxes.
The penumbra follows from that distance and from how far the occluder is away, so a shadow is sharp
at a foot and soft at a head, has no grain, and costs one test per occluder. Our own.

The same sum with a very wide light straight above gives the dark contact with the ground.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from generators.procedural.kernel import kernel
from generators.procedural.noise import ramp
from generators.procedural.scene import Shape
from generators.procedural.solids import SOLID, Solid, Solids, corners, enter_solid
from generators.procedural.world import WorldRecord

SUN, SKY = 0, 1  # which light; + SUBJECT for the shadows that the subject throws
SUBJECT = 2

_CELLS = 40
_BOX, _ELLIPSOID, _ROUND_CONE = int(Shape.BOX), int(Shape.ELLIPSOID), int(Shape.ROUND_CONE)
_SKY_SPREAD, _SKY_REACH_M = 0.7, 0.25
_SELF_M = 0.004  # a surface does not shadow what lies closer than this below it

_LIGHT = np.dtype(
    [
        ("axes", np.float64, (3, 3)),  # two unit vectors across the light, then the one towards it
        ("low", np.float64, (2,)),  # corner of the grid, across the light
        ("cell_m", np.float64),
        ("spread", np.float64),  # half-width of the light over its distance
        ("reach_m", np.float64),  # of the sky: an occluder this far above has lost half its effect
    ],
    align=True,
)


class Stage(NamedTuple):
    """All solids, scenery first, and grids across the lights that tell who may shadow whom.

    ``lights`` (4,) are scenery's sun and sky, then the subject's.  ``member`` (4, cells, cells, 1 + N)
    holds per cell a count and then that many indices into ``solids``.
    """

    solids: Solids
    lights: npt.NDArray[np.void]
    member: npt.NDArray[np.int16]


def blank_stage(count: int) -> Stage:
    """Room for ``count`` solids, none of which throws a shadow yet."""
    return Stage(
        np.zeros(count, SOLID), np.zeros(4, _LIGHT), np.zeros((4, _CELLS, _CELLS, 1 + count), np.int16)
    )


@kernel
def _seen(s: Solid, axes: Any, k: int, i: int) -> float:
    """Component along axis ``k`` of the light of the solid's local axis ``i``."""
    return float(axes[k, 0] * s.linear[0, i] + axes[k, 1] * s.linear[1, i] + axes[k, 2] * s.linear[2, i])


@kernel
def _outline_box(s: Solid, axes: Any, out: Any) -> None:
    """Normal (2) and half width of each pair of sides, after the centre in ``out[:2]``."""
    for i in range(3):
        nx, ny = -_seen(s, axes, 1, i), _seen(s, axes, 0, i)
        length = math.sqrt(nx * nx + ny * ny)
        nx, ny = (nx / length, ny / length) if length > 1e-9 else (1.0, 0.0)
        width = 0.0
        for j in range(3):
            width += abs(nx * _seen(s, axes, 0, j) + ny * _seen(s, axes, 1, j)) * s.size[j]
        out[2 + 3 * i], out[3 + 3 * i], out[4 + 3 * i] = nx, ny, width


@kernel
def _outline_round(s: Solid, axes: Any, out: Any) -> None:
    """Axis (2), inverse metric (3), start radius, radius step, inverse axis length², after the start."""
    lift, length = 0.0, 0.0  # from the origin to the start, and on to the end, along local z
    out[7], out[8] = 1.0, 0.0
    if s.shape == _ROUND_CONE:
        length = s.size[2]
        out[7], out[8] = s.size[0], s.size[1] - s.size[0]
    elif s.shape != _ELLIPSOID:
        lift, length = -s.size[1], 2 * s.size[1]
    for k in range(2):
        out[k] += lift * _seen(s, axes, k, 2)
        out[2 + k] = length * _seen(s, axes, k, 2)
    a, b, c = 0.0, 0.0, 0.0
    for i in range(3):  # the unit ball (or disc) of the shape, seen from the light
        unit = s.size[i] if s.shape == _ELLIPSOID else 1.0
        if s.shape != _ELLIPSOID and s.shape != _ROUND_CONE:
            unit = s.size[0] if i < 2 else 0.0
        u, v = unit * _seen(s, axes, 0, i), unit * _seen(s, axes, 1, i)
        a, b, c = a + u * u, b + u * v, c + v * v
    # A disc seen from its edge has no width: give it a little.
    little = 1e-5 * (a + c) + 1e-12
    a, c = a + little, c + little
    det = a * c - b * b
    out[4], out[5], out[6] = c / det, -b / det, a / det
    reach = out[4] * out[2] ** 2 + 2 * out[5] * out[2] * out[3] + out[6] * out[3] ** 2
    out[9] = 1.0 / max(reach, 1e-12)


@kernel
def _aim(light: Any, x: float, y: float, z: float) -> None:
    """Fill ``axes`` for a light in unit direction (x, y, z)."""
    a = light.axes
    a[2, 0], a[2, 1], a[2, 2] = x, y, z
    if abs(x) < 0.8:
        length = math.sqrt(y * y + z * z)
        a[0, 0], a[0, 1], a[0, 2] = 0.0, z / length, -y / length
    else:
        length = math.sqrt(x * x + z * z)
        a[0, 0], a[0, 1], a[0, 2] = -z / length, 0.0, x / length
    a[1, 0] = y * a[0, 2] - z * a[0, 1]
    a[1, 1] = z * a[0, 0] - x * a[0, 2]
    a[1, 2] = x * a[0, 1] - y * a[0, 0]


@kernel
def throw_shadows(
    worlds: WorldRecord, stage: Stage, first: int, end: int, group: int, sun_spread: float
) -> None:
    """Make ``solids[first:end]`` the occluders of lights ``group`` (0 or SUBJECT) and the next."""
    w = worlds[0]
    for kind in range(2):
        light, member = stage.lights[group + kind], stage.member[group + kind]
        if kind == SUN:
            _aim(light, w.to_sun[0], w.to_sun[1], w.to_sun[2])
        else:
            _aim(light, 0.0, 0.0, 1.0)
        light.spread = sun_spread if kind == SUN else _SKY_SPREAD
        light.reach_m = 0.0 if kind == SUN else _SKY_REACH_M
        member[:, :, 0] = 0
        slant = max(light.axes[2, 2], 0.2)
        low_u, low_v, high_u, high_v = 1e9, 1e9, -1e9, -1e9
        for n in range(first, end):
            s = stage.solids[n]
            if s.stretch == 0.0:
                continue
            for k in range(2):
                s.outline[kind, k] = (
                    light.axes[k, 0] * s.origin[0]
                    + light.axes[k, 1] * s.origin[1]
                    + light.axes[k, 2] * s.origin[2]
                )
            if s.shape == _BOX:
                _outline_box(s, light.axes, s.outline[kind])
            else:
                _outline_round(s, light.axes, s.outline[kind])
            ball = s.ball[kind]
            for k in range(3):
                ball[k] = (
                    light.axes[k, 0] * s.middle[0]
                    + light.axes[k, 1] * s.middle[1]
                    + light.axes[k, 2] * s.middle[2]
                )
            ball[3], ball[4] = s.radius, _half_depth(s, light.axes)
            margin = _margin(s, light.spread, light.reach_m, slant)
            low_u, high_u = min(low_u, ball[0] - margin), max(high_u, ball[0] + margin)
            low_v, high_v = min(low_v, ball[1] - margin), max(high_v, ball[1] + margin)
        light.low[0], light.low[1] = low_u, low_v
        light.cell_m = max(high_u - low_u, high_v - low_v, 1e-3) / _CELLS
        for n in range(first, end):
            s = stage.solids[n]
            if s.stretch == 0.0:
                continue
            margin = _margin(s, light.spread, light.reach_m, slant)
            u, v = s.ball[kind, 0] - low_u, s.ball[kind, 1] - low_v
            for a in range(_cell(u - margin, light.cell_m), _cell(u + margin, light.cell_m) + 1):
                for b in range(_cell(v - margin, light.cell_m), _cell(v + margin, light.cell_m) + 1):
                    member[a, b, 0] += 1
                    member[a, b, member[a, b, 0]] = n


@kernel
def _half_depth(s: Solid, axes: Any) -> float:
    """Half of the room that the solid takes along the light."""
    hx, hy, low, high = corners(s)
    return (
        abs(_seen(s, axes, 2, 0)) * hx
        + abs(_seen(s, axes, 2, 1)) * hy
        + abs(_seen(s, axes, 2, 2)) * (high - low) / 2
    )


@kernel
def _margin(s: Solid, spread: float, reach_m: float, slant: float) -> float:
    """Radius around a solid's middle, across the light, in which a point can be shadowed by it."""
    fall = max(s.middle[2] + s.radius, 0.0) / slant  # to the ground, along the light
    if reach_m > 0.0:
        fall = min(fall, 2.0 * reach_m)
    return float(s.radius + spread * fall + 0.05)


@kernel
def _cell(at: float, cell_m: float) -> int:
    return min(max(int(at / cell_m), 0), _CELLS - 1)


@kernel
def _towards_inside(shape: int, o: Any, x: float, y: float) -> tuple[float, float, float]:
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
def hidden_share(stage: Stage, which: int, x: float, y: float, z: float, skip: int, width: float) -> float:
    """Share in [0, 1] of light ``which`` that its occluders, but for ``skip``, hide from a world point.

    ``width`` (metres) is the size of a pixel there: no edge gets sharper than that.
    """
    light = stage.lights[which]
    axes = light.axes
    u = axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z
    v = axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z
    grid_u, grid_v = (u - light.low[0]) / light.cell_m, (v - light.low[1]) / light.cell_m
    if not (0.0 <= grid_u < _CELLS and 0.0 <= grid_v < _CELLS):
        return 0.0
    i, j = int(grid_u), int(grid_v)
    w = axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z
    hidden = 0.0
    for k in range(1, 1 + stage.member[which, i, j, 0]):
        n = int(stage.member[which, i, j, k])
        if n != skip:
            if which & 1 == SUN:
                hidden = max(hidden, _hidden_sun(stage.solids[n], light, x, y, z, u, v, w, width, hidden))
            else:
                hidden = max(hidden, _hidden_sky(stage.solids[n], light, u, v, w, width, hidden))
    return hidden


@kernel
def _hidden_sun(
    s: Solid,
    light: Any,
    x: float,
    y: float,
    z: float,
    u: float,
    v: float,
    w: float,
    width: float,
    hidden: float,
) -> float:
    """What one solid hides of the sun, or less where that is less than ``hidden``."""
    ball, axes = s.ball[SUN], light.axes
    above = ball[2] + ball[4] - w
    if above <= 0.0:
        return 0.0
    widest = light.spread * above + width
    du, dv = u - ball[0], v - ball[1]
    if du * du + dv * dv > (ball[3] + widest) ** 2:
        return 0.0
    distance, inside_u, inside_v = _towards_inside(s.shape, s.outline[SUN], u, v)
    if distance > widest or (distance > 0.0 and ramp(-widest, widest, -distance) <= hidden):
        return 0.0
    # Look down from above the solid through a place inside its outline: where is its lit side?
    du, dv, start = inside_u - u, inside_v - v, above + 0.1
    rx = x + axes[0, 0] * du + axes[1, 0] * dv + axes[2, 0] * start
    ry = y + axes[0, 1] * du + axes[1, 1] * dv + axes[2, 1] * start
    rz = z + axes[0, 2] * du + axes[1, 2] * dv + axes[2, 2] * start
    height = start - enter_solid(s, 0.0, rx, ry, rz, -axes[2, 0], -axes[2, 1], -axes[2, 2])[0]
    if height <= _SELF_M:
        return 0.0
    soft = light.spread * height + width
    return ramp(-soft, soft, -distance)


@kernel
def _hidden_sky(s: Solid, light: Any, u: float, v: float, w: float, width: float, hidden: float) -> float:
    """What one solid hides of the sky: much where its underside is close, nothing from afar."""
    ball = s.ball[SKY]
    if ball[2] + ball[4] <= w:
        return 0.0
    close = _closeness(ball[2] - ball[4] - w, light.reach_m)
    if close <= hidden:
        return 0.0
    soft = light.spread * min(max(ball[2] - w, 0.0), 2.0 * light.reach_m) + width
    du, dv = u - ball[0], v - ball[1]
    if du * du + dv * dv > (ball[3] + soft) ** 2:
        return 0.0
    distance = _towards_inside(s.shape, s.outline[SKY], u, v)[0]
    return close * ramp(-soft, soft, -distance)


@kernel
def _closeness(height: float, reach_m: float) -> float:
    """1 in contact, half at about one reach, 0 from four on."""
    return max(1.0625 / (1.0 + (max(height, 0.0) / reach_m) ** 2) - 0.0625, 0.0)


@kernel
def may_hide(stage: Stage, which: int, span: Any) -> bool:
    """Whether light ``which`` may be hidden anywhere in a region across it: least u, v, greatest u, v."""
    light = stage.lights[which]
    u0, v0 = (span[0] - light.low[0]) / light.cell_m, (span[1] - light.low[1]) / light.cell_m
    u1, v1 = (span[2] - light.low[0]) / light.cell_m, (span[3] - light.low[1]) / light.cell_m
    if not (u1 >= 0.0 and v1 >= 0.0 and u0 < _CELLS and v0 < _CELLS and u0 <= u1):
        return False
    for i in range(int(max(u0, 0.0)), int(min(u1, _CELLS - 1.0)) + 1):
        for j in range(int(max(v0, 0.0)), int(min(v1, _CELLS - 1.0)) + 1):
            if stage.member[which, i, j, 0] > 0:
                return True
    return False
