"""How two colours share a surface: stripes, checks, dots, patches, wood and spokes.

Knows nothing of light.  Everything is a function of local coordinates, so a pattern moves with the
body that wears it, and is averaged over the width of a pixel, so it melts into its mean instead of
shimmering.
"""

from __future__ import annotations

import math

from generators.procedural.kernel import kernel
from generators.procedural.noise import chance, ramp, wave
from generators.procedural.scene import Pattern, Shape

_ELLIPSOID, _ROUND_CONE = int(Shape.ELLIPSOID), int(Shape.ROUND_CONE)
_BOX, _CYLINDER = int(Shape.BOX), int(Shape.CYLINDER)
_STRIPES, _CHECKS, _DOTS = int(Pattern.STRIPES), int(Pattern.CHECKS), int(Pattern.DOTS)
_PATCHES, _WOOD, _SPOKES = int(Pattern.PATCHES), int(Pattern.WOOD), int(Pattern.SPOKES)
_SPOKE_PAIRS = 4
_DOT_RADIUS = 0.29  # of a period


@kernel
def _unrolled(
    shape: int, face: int, s0: float, s1: float, s2: float, x: float, y: float, z: float
) -> tuple[float, float, float]:
    """Metres along and up the surface, and the girth at that height (0 where it is flat)."""
    if shape == _BOX:
        axis = face // 2
        return (y, z, 0.0) if axis == 0 else ((x, z, 0.0) if axis == 1 else (x, y, 0.0))
    if shape == _CYLINDER and face > 0:
        return x, y, 0.0
    turn = math.atan2(y, x)
    if shape == _ELLIPSOID:
        sine = min(max(z / s2, -1.0), 1.0)
        girth = math.sqrt(1.0 - sine * sine) * 0.5 * (s0 + s1)
        return turn * girth, math.asin(sine) * s2, 2 * math.pi * girth
    if shape == _ROUND_CONE:
        rise = min(max(z / max(s2, 1e-9), 0.0), 1.0)
        girth = s0 + (s1 - s0) * rise
        return turn * girth, z, 2 * math.pi * girth
    return turn * s0, z, 2 * math.pi * s0


@kernel
def _lattice(i: int, j: int, k: int) -> float:
    return chance(i + 7919 * k, j - 104729 * k)


@kernel
def _lump(x: float, y: float, z: float) -> float:
    """Smooth noise in [0, 1] with lumps about 1 wide."""
    i, j, k = math.floor(x), math.floor(y), math.floor(z)
    p, q, r = x - i, y - j, z - k
    p, q, r = p * p * (3 - 2 * p), q * q * (3 - 2 * q), r * r * (3 - 2 * r)
    value = 0.0
    for di in range(2):
        for dj in range(2):
            for dk in range(2):
                weight = (p if di else 1 - p) * (q if dj else 1 - q) * (r if dk else 1 - r)
                value += weight * _lattice(int(i) + di, int(j) + dj, int(k) + dk)
    return value


@kernel
def _dots(u: float, v: float, girth: float, period: float, width: float) -> float:
    """Rows of discs; around a girth each row holds a whole number of them."""
    row = math.floor(v / period + 0.5)
    pitch = period
    if girth > 0.0:
        pitch = girth / max(1.0, math.floor(girth / period + 0.5))
    shift = 0.5 * (int(row) & 1)
    column = math.floor(u / pitch + shift + 0.5)
    du, dv = u - (column - shift) * pitch, v - row * period
    radius = _DOT_RADIUS * period
    cover = (radius - math.sqrt(du * du + dv * dv)) / max(width, 1e-6) + 0.5
    cover = min(max(cover, 0.0), 1.0)
    return cover + (math.pi * _DOT_RADIUS**2 - cover) * ramp(0.4, 1.0, width / period)


@kernel
def _wood(shape: int, s0: float, s1: float, x: float, y: float, z: float, period: float) -> float:
    """Growth rings around an axis outside the middle, bent by noise, with fine grain along z."""
    x, y = x + 0.6 * period, y + 0.35 * period
    bend = _lump(x * 3 / period, y * 3 / period, z * 0.6 / period)
    rings = math.sqrt(x * x + y * y) / period * 3.0 + 1.3 * bend + 0.25 * z / period
    grain = _lump(x * 22 / period, y * 22 / period, z * 1.5 / period)
    return 0.65 * ramp(0.25, 1.0, abs(2 * (rings - math.floor(rings)) - 1)) + 0.35 * grain


@kernel
def accent_share(
    pattern: int,
    period: float,
    shape: int,
    face: int,
    s0: float,
    s1: float,
    s2: float,
    x: float,
    y: float,
    z: float,
    width: float,
) -> float:
    """Share in [0, 1] of the accent colour at a local point, averaged over ``width`` metres."""
    if pattern == _PATCHES:
        f = 1.0 / period
        lumps = 0.75 * _lump(x * f + 9.2, y * f + 3.7, z * f + 5.1)
        lumps += 0.25 * _lump(x * f * 2.3, y * f * 2.3, z * f * 2.3)
        soft = 0.02 + width * f * 0.6
        return ramp(0.52 - soft, 0.52 + soft, lumps)
    if pattern == _WOOD:
        return _wood(shape, s0, s1, x, y, z, period) * (1 - 0.6 * ramp(0.1, 0.5, width / period))
    if pattern == _SPOKES:
        radius = math.sqrt(x * x + y * y)
        turn = math.atan2(y, x) / (2 * math.pi)
        return wave(turn * _SPOKE_PAIRS, _SPOKE_PAIRS * width / max(2 * math.pi * radius, 1e-6))
    u, v, girth = _unrolled(shape, face, s0, s1, s2, x, y, z)
    if pattern == _STRIPES:
        return wave(v / period + 0.25, width / period)
    if pattern == _DOTS:
        return _dots(u, v, girth, period, width)
    if pattern == _CHECKS:
        pitch = period
        if girth > 0.0:
            pitch = girth / max(1.0, math.floor(girth / period + 0.5))
        a, b = wave(u / pitch, width / pitch), wave(v / period, width / period)
        return a + b - 2 * a * b
    return 0.0
