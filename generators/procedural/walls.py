"""Walls, façades, parapets and ceilings around a place: how high they are and what is on them.

Knows nothing of light or of the sky above them.  ``u`` runs along a wall, ``z`` up it, in metres;
``side`` 0–3 tells the four walls apart.
"""

from __future__ import annotations

import math

from generators.procedural import place as kinds
from generators.procedural.kernel import kernel
from generators.procedural.noise import Color, Noise, band, chance, line, mix, ramp, sample, srgb, tint, wave
from generators.procedural.world import World

_RENDERS = (srgb(0xD9C7A8), srgb(0xC98F6B), srgb(0xB7B9B4), srgb(0x9C5B45), srgb(0xE2D9C3))
_GLASS, _GLASS_SKY, _FRAME, _DOOR = srgb(0x2E3B47), srgb(0x8FB4CF), srgb(0xEDEAE2), srgb(0x51382B)
_AWNINGS = (srgb(0xB8423A), srgb(0x2F6F62), srgb(0x33507E), srgb(0xC9972F))
_PARAPET, _COPING = srgb(0xB9AFA2), srgb(0xD4CFC5)
_GYM_UPPER, _GYM_PAD, _GYM_STRIPE = srgb(0xE4E1D6), srgb(0x3F6FA6), srgb(0xD8B44A)
_PLASTER, _SKIRTING, _DADO = srgb(0xDCD6C6), srgb(0xF3F0E8), srgb(0x9DB0A0)
_CURTAIN, _PICTURE = srgb(0xB5654A), srgb(0x4B4136)
_BRICK, _MORTAR, _STEEL, _DAYLIGHT = srgb(0x9A5542), srgb(0xB9ADA0), srgb(0x7E8C96), srgb(0xE6F0F5)
_CEILING, _TRUSS, _GARDEN = srgb(0xDAD8D2), srgb(0x4A5054), srgb(0xACC593)


@kernel
def _house(u: float, side: int, pitch: float) -> tuple[float, float, float]:
    """House number, place within it in [0, pitch), and a number that belongs to it."""
    number = math.floor(u / pitch)
    return number, u - number * pitch, chance(int(number) + 37 * side, 11)


@kernel
def wall_height(w: World, side: int, u: float) -> float:
    """How high the wall stands at ``u``: houses differ, everything else is level."""
    if w.kind == kinds.STREET or w.kind == kinds.PLAZA:
        own = _house(u + w.shift_m[0], side, 7.0)[2]
        return 5.6 + 0.8 * math.floor(own * 5.0)
    return float(w.wall_m)


@kernel
def _pane(du: float, dz: float, half_u: float, half_z: float, width: float) -> float:
    """Coverage of a rectangle around the origin."""
    a = (half_u - abs(du)) / width + 0.5
    b = (half_z - abs(dz)) / width + 0.5
    return min(max(a, 0.0), 1.0) * min(max(b, 0.0), 1.0)


@kernel
def _facade(w: World, noise: Noise, side: int, u: float, z: float, width: float) -> Color:
    u = u + w.shift_m[0]
    number, at, own = _house(u, side, 7.0)
    pick = int(own * 4.999)
    color = _RENDERS[pick]
    n = sample(noise, u, z, 3.7, width)
    color = tint(color, 1.0 + w.detail * (0.05 * n[0] + 0.06 * n[1]))
    if pick == 3:
        row = math.floor(z / 0.1)
        bricks = max(line(z, 0.1, 0.014, width), line(u + 0.11 * (int(row) & 1), 0.22, 0.014, width))
        color = mix(color, _MORTAR, 0.5 * bricks * w.detail)
    top = wall_height(w, side, u - w.shift_m[0])
    color = mix(color, tint(color, 0.62), band(z - top + 0.28, 0.05, width))
    color = mix(color, _FRAME, 0.6 * ramp(top - 0.2 - width, top - 0.2 + width, z))
    if z < 3.1:
        shop = chance(int(number) + 91 * side, 5)
        if shop < 0.55:
            color = mix(color, _FRAME, 0.9 * _pane(at - 3.5, z - 1.35, 2.75, 1.15, width))
            glass = mix(_GLASS, _GLASS_SKY, 0.25 + 0.35 * ramp(0.2, 2.6, z + 0.35 * (at - 3.5)))
            color = mix(color, glass, _pane(at - 3.0, z - 1.3, 2.0, 0.98, width))
            color = mix(color, _DOOR, _pane(at - 5.6, z - 1.15, 0.48, 1.15, width))
            cloth = _AWNINGS[int(shop / 0.55 * 3.999)]
            stripes = mix(cloth, _FRAME, 0.85 * wave(at / 0.6, width / 0.6))
            return mix(color, stripes, _pane(at - 3.5, z - 2.75, 2.95, 0.27, width))
        color = mix(color, _DOOR, _pane(at - 1.5, z - 1.1, 0.5, 1.1, width))
        v, dz = at - 4.6, z - 1.6
    else:
        column, row = math.floor(at / (7.0 / 3)), math.floor((z - 3.1) / 2.1)
        v, dz = at - (column + 0.5) * 7.0 / 3, z - 3.1 - (row + 0.5) * 2.1
        if (row + 1) * 2.1 + 3.1 > top - 0.2:
            return color
    color = mix(color, _FRAME, _pane(v, dz, 0.56, 0.78, width))
    glass = mix(_GLASS, _GLASS_SKY, 0.2 + 0.5 * ramp(-0.8, 0.9, dz + 0.6 * v))
    bars = max(band(v, 0.03, width), band(dz - 0.2, 0.03, width))
    color = mix(color, mix(glass, _FRAME, bars), _pane(v, dz, 0.47, 0.69, width))
    return mix(color, tint(_FRAME, 0.8), _pane(v, dz + 0.85, 0.66, 0.06, width))


@kernel
def _gym(w: World, noise: Noise, side: int, u: float, z: float, width: float) -> Color:
    if z < 1.9:
        seam = line(u, 1.2, 0.025, width)
        shade = 1.0 - 0.18 * ramp(0.35, 0.6, abs(u / 1.2 - math.floor(u / 1.2) - 0.5))
        return tint(_GYM_PAD, (shade - 0.35 * seam) * (1.0 - 0.4 * ramp(0.1, 0.0, z)))
    row = math.floor(z / 0.3)
    joints = max(line(z, 0.3, 0.014, width), line(u + 0.3 * (int(row) & 1), 0.6, 0.014, width))
    color = tint(_GYM_UPPER, 1.0 - 0.14 * joints * w.detail)
    color = mix(color, _GYM_STRIPE, band(z - 2.25, 0.12, width))
    color = mix(color, _GYM_PAD, band(z - 2.55, 0.06, width))
    at = u / 3.2 - math.floor(u / 3.2) - 0.5
    glass = tint(_DAYLIGHT, 0.95 - 0.12 * ramp(4.6, 6.2, z))
    bars = max(line(at * 3.2, 0.8, 0.06, width), band(z - 5.4, 0.03, width))
    return mix(color, mix(glass, _STEEL, bars), _pane(at * 3.2, z - 5.4, 1.25, 0.8, width))


@kernel
def _living_room(w: World, noise: Noise, side: int, u: float, z: float, width: float) -> Color:
    n = sample(noise, u, z, 2.9, width)
    stripes = wave(u / 0.36, width / 0.36)
    color = tint(mix(_PLASTER, _DADO, 0.10 * stripes), 1.0 + w.detail * 0.015 * n[1])
    color = mix(color, tint(_DADO, 1.0 + 0.02 * n[1]), ramp(0.95 + width, 0.95 - width, z))
    color = mix(color, _SKIRTING, band(z - 0.95, 0.035, width))
    color = mix(color, tint(_SKIRTING, 0.55), band(z - 0.17, 0.008, width))
    color = mix(color, _SKIRTING, ramp(0.16 + width, 0.16 - width, z))
    at = u / 4.4 - math.floor(u / 4.4)
    v, odd = (at - 0.5) * 4.4, math.floor(u / 4.4) + side
    if odd & 1:
        own = chance(odd, side + 3)
        color = mix(color, _PICTURE, _pane(v, z - 1.85, 0.62, 0.47, width))
        color = mix(color, _SKIRTING, _pane(v, z - 1.85, 0.57, 0.42, width))
        hill = 1.74 + 0.13 * math.sin(4.0 * v + 6 * own)
        art = mix(mix(_DADO, _GLASS_SKY, 0.8), _CURTAIN, 0.75 * ramp(hill + 0.02, hill - 0.02, z))
        return mix(color, art, _pane(v, z - 1.85, 0.45, 0.31, width))
    color = mix(color, _SKIRTING, _pane(v, z - 1.85, 0.98, 0.88, width))
    view = mix(_GARDEN, _DAYLIGHT, ramp(1.35, 1.75, z + 0.12 * n[0]))
    bars = max(band(v, 0.03, width), band(z - 2.15, 0.025, width))
    color = mix(color, mix(view, _SKIRTING, bars), _pane(v, z - 1.85, 0.88, 0.78, width))
    fold = 0.82 + 0.18 * math.cos(2 * math.pi * v / 0.16)
    return mix(color, tint(_CURTAIN, fold), _pane(abs(v) - 1.12, z - 1.6, 0.24, 1.25, width))


@kernel
def _warehouse(w: World, noise: Noise, side: int, u: float, z: float, width: float) -> Color:
    n = sample(noise, u, z, 2.7, width)
    if z < 2.6:
        row = math.floor(z / 0.13)
        joints = max(line(z, 0.13, 0.018, width), line(u + 0.15 * (int(row) & 1), 0.3, 0.018, width))
        own = chance(math.floor((u + 0.15 * (int(row) & 1)) / 0.3), int(row) + 71 * side)
        melt = 1.0 - ramp(0.3, 0.9, width / 0.13)
        color = tint(_BRICK, 1.0 + melt * 0.35 * (own - 0.5) + w.detail * 0.06 * n[1] + 0.06 * n[0])
        color = mix(color, _MORTAR, 0.6 * joints)
    else:
        rib = math.cos(2 * math.pi * u / 0.28) * (1.0 - ramp(0.3, 0.7, width / 0.28))
        color = tint(_STEEL, 1.0 + 0.16 * rib + 0.05 * n[0] + w.detail * 0.02 * n[1])
        color = tint(color, 1.0 - 0.3 * line(z - 2.6, 2.1, 0.03, width))
        at = u / 5.0 - math.floor(u / 5.0) - 0.5
        bars = max(line(at * 5.0, 0.6, 0.05, width), band(z - 4.7, 0.025, width))
        color = mix(color, mix(_DAYLIGHT, _TRUSS, bars), _pane(at * 5.0, z - 4.7, 1.5, 0.6, width))
    post = line(u - 2.5, 5.0, 0.3, width)
    return mix(color, tint(_TRUSS, 1.3), post)


@kernel
def wall(w: World, noise: Noise, side: int, u: float, z: float, width: float) -> Color:
    """Albedo of a wall at ``u`` along it and ``z`` up it, averaged over ``width``."""
    width = max(width, 1e-4)
    if w.kind == kinds.STREET or w.kind == kinds.PLAZA:
        return _facade(w, noise, side, u, z, width)
    if w.kind == kinds.GYM:
        return _gym(w, noise, side, u, z, width)
    if w.kind == kinds.LIVING_ROOM:
        return _living_room(w, noise, side, u, z, width)
    if w.kind == kinds.WAREHOUSE:
        return _warehouse(w, noise, side, u, z, width)
    n = sample(noise, u, z, 2.3, width)
    color = tint(_PARAPET, 1.0 + w.detail * (0.08 * n[1] + 0.07 * n[0]))
    return mix(color, _COPING, ramp(w.wall_m - 0.12 - width, w.wall_m - 0.12 + width, z))


@kernel
def ceiling(w: World, noise: Noise, x: float, y: float, width: float) -> Color:
    """Albedo of the ceiling: plain plaster at home, trusses and lamps in a hall."""
    if w.kind == kinds.LIVING_ROOM:
        return _CEILING
    truss = line(x, 2.5, 0.22, width)
    lamp = band(y - 4.0 * math.floor(y / 4.0 + 0.5), 0.2, width)
    dash = wave(x / 2.5 + 0.25, width / 2.5)
    color = mix(tint(_STEEL, 0.55), tint(_TRUSS, 0.7), truss)
    return mix(color, (1.6, 1.6, 1.5), lamp * dash)
