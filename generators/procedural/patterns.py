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
_RINGS_MEAN = 0.375


@kernel
def _climb(shape: int, s2: float, z: float) -> float:
    """Metres up a round surface, from z = 0."""
    return math.asin(min(max(z / s2, -1.0), 1.0)) * s2 if shape == _ELLIPSOID else z


@kernel
def _radius(shape: int, s0: float, s1: float, s2: float, climb: float) -> float:
    """Distance from the axis that far up a round surface."""
    if shape == _ELLIPSOID:
        return max(math.cos(min(max(climb / s2, -1.57), 1.57)), 0.02) * 0.5 * (s0 + s1)
    if shape == _ROUND_CONE:
        return max(s0 + (s1 - s0) * min(max(climb / s2, 0.0), 1.0), 1e-6)
    return s0


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
def _dots(u: float, v: float, pitch: float, period: float, width: float) -> float:
    """Discs around multiples of ``pitch`` along, around v = 0 up."""
    du = u - math.floor(u / pitch + 0.5) * pitch
    radius = _DOT_RADIUS * period
    cover = (radius - math.sqrt(du * du + v * v)) / max(width, 1e-6) + 0.5
    cover = min(max(cover, 0.0), 1.0)
    return cover + (math.pi * _DOT_RADIUS**2 - cover) * ramp(0.4, 1.0, width / period)


@kernel
def _wood(x: float, y: float, z: float, period: float, width: float) -> float:
    """Growth rings around an axis outside the middle, bent by noise, with fine grain along z."""
    x, y, z, width = x / period + 0.6, y / period + 0.35, z / period, width / period
    bend = _lump(x * 3, y * 3, z * 0.6)
    turns = math.sqrt(x * x + y * y) * 3.0 + 1.3 * bend + 0.25 * z
    rings = ramp(0.25, 1.0, abs(2 * (turns - math.floor(turns)) - 1)) - _RINGS_MEAN
    grain = _lump(x * 22, y * 22, z * 1.5) - 0.5
    rings *= 1.0 - ramp(0.08, 0.25, width)
    grain *= 1.0 - ramp(0.02, 0.06, width)
    return 0.65 * (_RINGS_MEAN + rings) + 0.35 * (0.5 + grain)


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
        return _wood(x, y, z, period, width)
    if pattern == _SPOKES:
        radius = math.sqrt(x * x + y * y)
        turn = math.atan2(y, x) / (2 * math.pi)
        return wave(turn * _SPOKE_PAIRS, _SPOKE_PAIRS * width / max(2 * math.pi * radius, 1e-6))
    flat = shape == _BOX or (shape == _CYLINDER and face > 0)
    if flat:
        axis = face // 2 if shape == _BOX else 2
        u, v = (y if axis == 0 else x), (y if axis == 2 else z)
    else:
        u, v = math.atan2(y, x), _climb(shape, s2, z)
    if pattern == _STRIPES:
        return wave(v / period + 0.25, width / period)
    rows = 1.0 if pattern == _DOTS else 2.0
    row = math.floor(v * rows / period + (0.5 if pattern == _DOTS else 0.0))
    pitch = period
    if not flat:
        # Around a girth every row holds a whole number of dots or checks.
        girth = _radius(shape, s0, s1, s2, (row + (0.0 if pattern == _DOTS else 0.5)) * period / rows)
        pitch = 2 * math.pi * girth / max(1.0, math.floor(2 * math.pi * girth / period + 0.5))
        u *= girth
    if pattern == _DOTS:
        return _dots(u + 0.5 * pitch * (row & 1), v - row * period, pitch, period, width)
    if pattern == _CHECKS:
        a, b = wave(u / pitch, width / pitch), wave(v / period, width / period)
        return a + b - 2 * a * b
    return 0.0
