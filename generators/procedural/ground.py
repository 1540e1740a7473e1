"""The colour of the ground of every setting, at any point and averaged over any pixel.

Knows nothing of light: what comes back is the share of light that the ground returns, and its gloss.
"""

from __future__ import annotations

import math

from generators.procedural import place as kinds
from generators.procedural.kernel import kernel
from generators.procedural.noise import Color, Noise, band, chance, line, mix, ramp, sample, srgb, tint, wave
from generators.procedural.world import World

_GRASS_DARK, _GRASS_LIGHT, _STRAW = srgb(0x4A7429), srgb(0x86A944), srgb(0xB9B56A)
_PETALS = (srgb(0xF4F1E4), srgb(0xF2CF3E), srgb(0xC77BC9))
_SAND, _SAND_DARK, _WET_SAND = srgb(0xE6D2A6), srgb(0xCDB283), srgb(0xA98E66)
_SHALLOWS, _SEA, _FOAM = srgb(0x5FC0BE), srgb(0x1F6E9E), srgb(0xF4F8F6)
_DUNE, _DUNE_DARK = srgb(0xE3A867), srgb(0xBD7A43)
_SNOW, _SNOW_SHADE = srgb(0xF2F5F9), srgb(0xC3D3E8)
_ASPHALT, _PAINT, _KERB, _PAVER = srgb(0x5E6064), srgb(0xE8E5DA), srgb(0xB4B1AA), srgb(0xA39C92)
_STONE_A, _STONE_B, _JOINT = srgb(0xC9BDA6), srgb(0xA8937A), srgb(0x7F7462)
_SOIL, _MOSS, _LEAF = srgb(0x6B5138), srgb(0x5E7A35), srgb(0xA5713A)
_SLAB, _GRAVEL = srgb(0xA9A8A4), srgb(0x8E877E)
_MAPLE_A, _MAPLE_B, _COURT_BLUE, _COURT_RED = srgb(0xD9A866), srgb(0xC08A4A), srgb(0x2B5FA8), srgb(0xB23A36)
_SWEEP, _SWEEP_EDGE = srgb(0xD5D4DA), srgb(0xBDBEC8)
_OAK_A, _OAK_B, _RUG, _RUG_RIM = srgb(0xA9713F), srgb(0x84522B), srgb(0x8FA3AD), srgb(0xE9E2D2)
_CONCRETE, _SAFETY = srgb(0x9FA09C), srgb(0xE3B92B)


@kernel
def _fleck(x: float, y: float, pitch: float, rate: float, radius: float, width: float) -> tuple[float, float]:
    """Scattered discs, one in ``rate`` of the cells: coverage, and a number that belongs to the disc."""
    i, j = math.floor(x / pitch), math.floor(y / pitch)
    draw = chance(i, j)
    if draw > rate:
        return 0.0, 0.0
    cx = (i + 0.25 + 0.5 * chance(i + 51, j)) * pitch
    cy = (j + 0.25 + 0.5 * chance(i, j + 87)) * pitch
    away = math.sqrt((x - cx) ** 2 + (y - cy) ** 2)
    cover = (radius - away) / max(width, 1e-6) + 0.5
    shrunk = min(1.0, 4 * radius * radius / (width * width + 1e-12))
    return min(max(cover, 0.0), 1.0) * shrunk, draw / rate


@kernel
def _tile(
    x: float, y: float, side_x: float, side_y: float, gap: float, wx: float, wy: float
) -> tuple[float, float]:
    """Tiles in running bond along x: how much joint, and a number in [0, 1) that belongs to the tile."""
    row = math.floor(y / side_y)
    shifted = x + 0.5 * side_x * (row & 1)
    joint = max(line(shifted, side_x, gap, wx), line(y, side_y, gap, wy))
    return joint, chance(math.floor(shifted / side_x), row)


@kernel
def _planks(
    w: World,
    noise: Noise,
    x: float,
    y: float,
    board: float,
    length: float,
    wx: float,
    wy: float,
    dark: Color,
    light: Color,
) -> Color:
    row = math.floor(y / board)
    shifted = x + length * chance(row, 17)
    own = chance(math.floor(shifted / length), row + 991)
    grain = sample(noise, y * 2.5 + own * 9.7, x * 0.35, 1.3, max(wy * 2.5, wx * 0.35))
    melt = 1.0 - ramp(0.4, 1.2, wy / board)
    tone = 0.5 + melt * (0.55 * (own - 0.5) + w.detail * 0.13 * grain[2])
    seam = max(line(y, board, 0.004, wy), line(shifted, length, 0.004, wx) * melt)
    return tint(mix(dark, light, tone), 1.0 - 0.45 * seam)


@kernel
def _meadow(w: World, noise: Noise, x: float, y: float, width: float) -> Color:
    fine = sample(noise, x, y, 2.3, width)
    turned = sample(noise, 0.8 * x - 0.6 * y, 0.6 * x + 0.8 * y, 5.3, width)
    broad = sample(noise, 0.6 * x + 0.8 * y, y * 0.6 - x * 0.8, 31.0, width)
    tone = 0.45 + 0.22 * broad[0] + 0.12 * turned[0]
    color = mix(_GRASS_DARK, _GRASS_LIGHT, min(max(tone, 0.0), 1.0))
    color = mix(color, _STRAW, 0.35 * ramp(0.6, 1.8, broad[0] - 0.5 * turned[3]))
    color = tint(
        color, 1.0 + w.detail * (0.17 * fine[2] + 0.10 * fine[1] + 0.13 * turned[2] - 0.06 * turned[3])
    )
    cover, own = _fleck(x, y, 0.27, 0.16 * ramp(-0.4, 0.8, turned[0] + broad[0]), 0.016, width)
    petal = _PETALS[0] if own < 0.45 else (_PETALS[1] if own < 0.85 else _PETALS[2])
    return mix(color, petal, cover * min(1.0, 2 * w.detail))


@kernel
def _sand(
    w: World,
    noise: Noise,
    x: float,
    y: float,
    width: float,
    dark: Color,
    light: Color,
    period: float,
    depth: float,
) -> Color:
    n = sample(noise, x, y, 3.7, width)
    broad = sample(noise, 0.8 * x - 0.6 * y, 0.6 * x + 0.8 * y, 23.0, width)
    phase = (0.94 * x + 0.34 * y) / period + 0.55 * n[0] + 0.9 * broad[0]
    ripple = math.sin(2 * math.pi * phase) + 0.35 * math.sin(4 * math.pi * phase + 0.8)
    ripple *= (1.0 - ramp(0.2, 0.6, width / period)) * ramp(-1.8, 0.6, broad[0])
    tone = 0.62 + 0.12 * broad[0] + w.detail * depth * ripple
    return tint(mix(dark, light, min(max(tone, 0.0), 1.3)), 1.0 + w.detail * 0.07 * n[1])


@kernel
def _beach(w: World, noise: Noise, x: float, y: float, width: float) -> tuple[Color, float]:
    sand = _sand(w, noise, x, y, width, _SAND_DARK, _SAND, 0.21, 0.13)
    broad = sample(noise, x, y, 29.0, width)
    shore = math.sqrt(x * x + y * y) - 15.0 - 0.9 * broad[0]
    if shore < -3.5:
        return sand, 0.0
    sand = mix(sand, _WET_SAND, ramp(-2.6, -0.4, shore))
    depth = ramp(0.0, 16.0, shore)
    swell = sample(noise, x, y * 2.1, 13.0, width * 1.5)
    chop = sample(noise, x + y * 0.3, y * 2.3, 4.1, width * 1.5)
    sea = tint(mix(_SHALLOWS, _SEA, depth), 1.0 + w.detail * (0.09 * swell[0] + 0.09 * chop[0]))
    sea = mix(sea, _FOAM, 0.6 * ramp(1.1, 2.1, chop[0] + 0.6 * swell[0]) * w.detail)
    foam = ramp(0.55, 0.0, abs(shore - 0.35 - 0.25 * swell[0])) * ramp(-1.2, 1.0, chop[0] + 0.8)
    foam = max(foam, 0.6 * ramp(0.3, 0.0, abs(shore - 2.0 - 0.5 * swell[0])) * ramp(-0.4, 1.2, chop[0]))
    cover = ramp(-0.1 - width, 0.15 + width, shore)
    return mix(mix(sand, sea, cover), _FOAM, 0.85 * foam), 0.5 * cover


@kernel
def _snow(w: World, noise: Noise, x: float, y: float, width: float) -> Color:
    n = sample(noise, x, y, 4.3, width)
    drift = sample(noise, 0.5 * x + 0.3 * y, 1.6 * y - 0.7 * x, 21.0, width * 1.5)
    tone = 0.30 - 0.20 * drift[0] - 0.10 * w.detail * n[0] - 0.05 * w.detail * n[1]
    glint = ramp(2.2, 2.5, n[1]) * (1.0 - ramp(0.01, 0.03, width)) * w.detail
    return tint(mix(_SNOW, _SNOW_SHADE, min(max(tone, 0.0), 1.0)), 1.0 + 0.15 * glint)


@kernel
def _street(w: World, noise: Noise, x: float, y: float, width: float, wx: float, wy: float) -> Color:
    n = sample(noise, x, y, 1.9, width)
    broad = sample(noise, 0.8 * x - 0.6 * y, 0.6 * x + 0.8 * y, 13.0, width)
    side = abs(y)
    if side < 4.2:
        color = tint(_ASPHALT, 1.0 + w.detail * 0.16 * n[1] + 0.08 * broad[0])
        crack = ramp(1.9, 2.6, broad[3] + 0.4 * broad[0]) * w.detail
        color = tint(color, 1.0 - 0.25 * crack)
        worn = 0.85 + 0.08 * w.detail * n[1]
        dashes = wave((x + 1.0) / 4.0, wx / 4.0)
        middle = band(side - 1.9, 0.075, wy) * dashes
        edge = band(side - 3.75, 0.06, wy)
        color = mix(color, _PAINT, worn * max(middle, edge))
        return tint(color, 1.0 - 0.35 * ramp(0.25, 0.0, 4.2 - side))
    if side < 4.45:
        stone = line(x, 1.0, 0.012, wx)
        return tint(
            _KERB,
            (1.0 + w.detail * 0.10 * n[1]) * (1.0 - 0.4 * stone) * (0.75 + 0.25 * ramp(4.2, 4.28, side)),
        )
    joint, own = _tile(x, y, 0.6, 0.4, 0.012, wx, wy)
    melt = 1.0 - ramp(0.3, 0.9, width / 0.4)
    color = tint(_PAVER, 1.0 + melt * 0.22 * (own - 0.5) + w.detail * 0.09 * n[1] + 0.05 * broad[0])
    return tint(color, 1.0 - 0.35 * joint)


@kernel
def _plaza(w: World, noise: Noise, x: float, y: float, width: float, wx: float, wy: float) -> Color:
    n = sample(noise, x, y, 2.7, width)
    joint, own = _tile(x, y, 0.9, 0.6, 0.015, wx, wy)
    melt = 1.0 - ramp(0.3, 0.9, width / 0.6)
    color = mix(_STONE_A, _STONE_B, 0.35 + melt * 0.4 * (own - 0.5))
    radius = math.sqrt(x * x + y * y)
    ring = ramp(0.18 + width, 0.18 - width, abs(radius - 4.6)) + ramp(
        0.1 + width, 0.1 - width, abs(radius - 5.3)
    )
    color = mix(color, _JOINT, 0.55 * min(ring, 1.0))
    color = tint(color, 1.0 + w.detail * (0.06 * n[1] + 0.06 * n[0]))
    return mix(color, tint(_JOINT, 0.8), 0.6 * joint)


@kernel
def _forest(w: World, noise: Noise, x: float, y: float, width: float) -> Color:
    n = sample(noise, x, y, 2.9, width)
    broad = sample(noise, 0.8 * x - 0.6 * y, 0.6 * x + 0.8 * y, 11.0, width)
    moss = ramp(-0.5, 0.9, broad[0] + 0.35 * n[0] + 0.02 * (64.0 - x * x - y * y) / 8.0)
    color = mix(tint(_SOIL, 1.0 + 0.12 * n[0]), mix(_MOSS, _GRASS_LIGHT, 0.3 + 0.15 * n[0]), moss)
    color = tint(color, 1.0 + w.detail * (0.14 * n[1] + 0.12 * n[2] - 0.05 * n[3]))
    for k in range(2):
        angle = 0.7 + 1.1 * k
        u, v = math.cos(angle) * x - math.sin(angle) * y, math.sin(angle) * x + math.cos(angle) * y
        cover, own = _fleck(u, v * 1.8, 0.19, 0.3, 0.033, width)
        leaf = tint(mix(_LEAF, _STRAW, own * 0.7), 0.7 + 0.5 * own)
        color = mix(color, leaf, 0.85 * cover * min(1.0, 2 * w.detail))
    return color


@kernel
def _rooftop(w: World, noise: Noise, x: float, y: float, width: float, wx: float, wy: float) -> Color:
    n = sample(noise, x, y, 2.1, width)
    gravel = mix(_GRAVEL, _SLAB, 0.4 + 0.2 * n[0])
    gravel = tint(gravel, 1.0 + w.detail * (0.24 * n[1] - 0.16 * n[3]))
    i, j = math.floor(x / 1.2), math.floor(y / 1.2)
    own = chance(i, j)
    joint = max(line(x, 1.2, 0.03, wx), line(y, 1.2, 0.03, wy))
    slab = tint(_SLAB, 1.0 + 0.16 * (own - 0.5) + w.detail * (0.07 * n[1] + 0.06 * n[0]))
    slab = tint(slab, 1.0 - 0.45 * joint)
    return mix(slab, gravel, ramp(6.0 - width, 6.0 + width, max(abs(x), abs(y))))


@kernel
def _gym(w: World, noise: Noise, x: float, y: float, width: float, wx: float, wy: float) -> Color:
    color = _planks(w, noise, x, y, 0.12, 2.2, wx, wy, _MAPLE_B, _MAPLE_A)
    radius = math.sqrt(x * x + y * y)
    circle = band(radius - 1.8, 0.03, width)
    half = band(x, 0.03, wx) * ramp(7.0, 6.9, abs(y))
    bounds = max(
        band(abs(y) - 6.9, 0.04, wy) * ramp(12.1, 12.0, abs(x)),
        band(abs(x) - 12.0, 0.04, wx) * ramp(7.0, 6.9, abs(y)),
    )
    arc = math.sqrt((abs(x) - 12.0) ** 2 + y * y)
    three = band(arc - 6.2, 0.03, width)
    volley = band(abs(x) - 4.2, 0.03, wx) * ramp(4.6, 4.5, abs(y))
    color = mix(color, _COURT_BLUE, 0.9 * min(1.0, circle + half + bounds))
    color = mix(color, _COURT_RED, 0.85 * max(volley, 0.0))
    return mix(color, _FOAM, 0.85 * three)


@kernel
def _living_room(w: World, noise: Noise, x: float, y: float, width: float, wx: float, wy: float) -> Color:
    color = _planks(w, noise, x, y, 0.14, 1.5, wx, wy, _OAK_B, _OAK_A)
    outside = max(abs(x) - 2.3, abs(y) - 1.7)
    if outside > 0.1:
        return color
    weave = sample(noise, x, y, 1.1, width)
    rug = tint(_RUG, 1.0 + w.detail * 0.12 * weave[1])
    zigzag = abs(2 * (x / 0.5 - math.floor(x / 0.5)) - 1) * 0.12
    bars = wave((y + zigzag) / 0.42, wy / 0.42)
    rug = mix(rug, tint(_RUG, 0.72), 0.55 * bars)
    rug = mix(rug, _RUG_RIM, ramp(0.012 + width, 0.012 - width, abs(outside + 0.14) - 0.035))
    return mix(rug, color, ramp(-width, width, outside))


@kernel
def _warehouse(w: World, noise: Noise, x: float, y: float, width: float, wx: float, wy: float) -> Color:
    n = sample(noise, x, y, 3.3, width)
    broad = sample(noise, 0.8 * x - 0.6 * y, 0.6 * x + 0.8 * y, 17.0, width)
    color = tint(_CONCRETE, 1.0 + 0.09 * broad[0] + w.detail * (0.06 * n[0] + 0.05 * n[1]))
    color = tint(color, 1.0 - 0.25 * ramp(1.2, 2.2, broad[3] - 0.5 * broad[0]) * w.detail)
    joint = max(line(x - 1.7, 4.0, 0.02, wx), line(y - 1.3, 4.0, 0.02, wy))
    color = tint(color, 1.0 - 0.5 * joint)
    lane = band(abs(y) - 4.4, 0.06, wy)
    return mix(color, _SAFETY, lane * (0.82 + 0.08 * w.detail * n[1]))


@kernel
def ground(
    w: World, noise: Noise, x: float, y: float, minor: float, hx: float, hy: float, grazing: float
) -> tuple[Color, float]:
    """Albedo and gloss of the ground at (x, y) metres.

    A pixel there is ``minor`` metres wide and ``minor / grazing`` long in the direction (hx, hy).
    """
    major = minor / grazing
    width = math.sqrt(minor * major)
    wx, wy = abs(hx) * major + abs(hy) * minor, abs(hy) * major + abs(hx) * minor
    # Only what nature scatters moves with the seed: lanes and walls must meet.
    sx, sy = x + w.shift_m[0], y + w.shift_m[1]
    kind = w.kind
    if kind == kinds.MEADOW:
        return _meadow(w, noise, sx, sy, width), 0.0
    if kind == kinds.BEACH:
        return _beach(w, noise, x, y, width)
    if kind == kinds.DESERT:
        return _sand(w, noise, sx, sy, width, _DUNE_DARK, _DUNE, 0.34, 0.22), 0.0
    if kind == kinds.SNOWFIELD:
        return _snow(w, noise, sx, sy, width), 0.1
    if kind == kinds.STREET:
        return _street(w, noise, x, y, width, wx, wy), 0.05
    if kind == kinds.PLAZA:
        return _plaza(w, noise, x, y, width, wx, wy), 0.1
    if kind == kinds.FOREST_CLEARING:
        return _forest(w, noise, x, y, width), 0.0
    if kind == kinds.ROOFTOP:
        return _rooftop(w, noise, x, y, width, wx, wy), 0.0
    if kind == kinds.GYM:
        return _gym(w, noise, x, y, width, wx, wy), 0.5
    if kind == kinds.LIVING_ROOM:
        return _living_room(w, noise, x, y, width, wx, wy), 0.3
    if kind == kinds.WAREHOUSE:
        return _warehouse(w, noise, x, y, width, wx, wy), 0.25
    return mix(_SWEEP, _SWEEP_EDGE, ramp(1.0, 9.0, math.sqrt(x * x + y * y))), 0.15
