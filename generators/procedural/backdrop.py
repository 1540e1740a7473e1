"""The sky and what stands far away: hills, woods, dunes, peaks, trunks and roofs, ring behind ring.

Knows nothing of the subject.  Far things stand on rings around the origin, so they shift against
each other when the camera moves.  What comes back is light that reaches the eye, not albedo.
"""

from __future__ import annotations

import math

from generators.procedural import place as kinds
from generators.procedural.kernel import kernel
from generators.procedural.noise import Color, Noise, chance, cloud, mix, ramp, sample, srgb, tint
from generators.procedural.world import World

_CLOUD, _CLOUD_SHADE = srgb(0xFBFBF8), srgb(0xC3CEDB)
_HILL, _WOOD_DARK, _WOOD_LIGHT = srgb(0x6F8F5E), srgb(0x33562E), srgb(0x6F9344)
_DUNE, _DUNE_SHADE, _MESA = srgb(0xE0A565), srgb(0xB9783F), srgb(0xB3674A)
_PEAK, _PEAK_SNOW, _PINE, _PINE_SNOW = srgb(0x6F8099), srgb(0xF0F4FA), srgb(0x2F4A43), srgb(0xC9D8DF)
_BARK, _BARK_LIGHT, _LEAVES, _LEAVES_LIGHT = srgb(0x3B2E24), srgb(0x7A654C), srgb(0x3E6330), srgb(0x9DB955)
_TOWER, _TOWER_LIGHT, _PANE = srgb(0x77808C), srgb(0xB0A79C), srgb(0x3E4C5C)
_ISLE = srgb(0x5E7F74)


@kernel
def _horizon(w: World) -> Color:
    return w.horizon[0], w.horizon[1], w.horizon[2]


@kernel
def sky(w: World, noise: Noise, dx: float, dy: float, dz: float) -> Color:
    """Light of the sky in a unit direction: gradient, glow around the sun, drifting-shaped clouds."""
    up = max(dz, 0.0)
    zenith = (w.zenith[0], w.zenith[1], w.zenith[2])
    color = mix(_horizon(w), zenith, 1.0 - math.exp(-3.2 * up))
    if w.kind >= kinds.GYM:
        return color
    facing = max(dx * w.to_sun[0] + dy * w.to_sun[1] + dz * w.to_sun[2], 0.0)
    glow = facing**8 * 0.25 + facing**160 * 0.9
    color = mix(color, (1.0, 0.96, 0.86), min(glow, 1.0))
    if w.kind == kinds.FOREST_CLEARING or dz < 0.01:
        return color
    # Clouds hang on a plane high above; near the horizon they close up and fade into haze.
    s = 1.0 / (dz + 0.12)
    x, y = dx * s + 0.05 * w.shift_m[0], dy * s + 0.05 * w.shift_m[1]
    n = sample(noise, x, y, 4.1, 0.006 * s)
    m = sample(noise, x, y, 1.3, 0.006 * s)
    thickness = n[0] + 0.35 * m[0]
    cover = ramp(0.25, 1.5, thickness) * ramp(0.01, 0.16, dz)
    return mix(color, mix(_CLOUD, _CLOUD_SHADE, ramp(0.9, 2.6, thickness)), 0.9 * cover)


@kernel
def _ring(
    x: float, y: float, z: float, dx: float, dy: float, dz: float, radius: float
) -> tuple[float, float, float, float]:
    """Where a ray meets a ring around the origin: distance, cosine and sine on the ring, height."""
    a = dx * dx + dy * dy
    b = x * dx + y * dy
    c = x * x + y * y - radius * radius
    root = b * b - a * c
    if a < 1e-9 or root < 0.0:
        return 1e9, 1.0, 0.0, 1e9 * dz
    t = (-b + math.sqrt(root)) / a
    return t, (x + t * dx) / radius, (y + t * dy) / radius, z + t * dz


@kernel
def _waves(w: World, noise: Noise, cosine: float, sine: float, hills: int, row: float) -> float:
    """A profile of about ``hills`` hills around the ring, without a seam, mean 0 and deviation 1."""
    reach = hills * 0.05
    return cloud(noise, w.shift_m[0] + row + reach * cosine, w.shift_m[1] + reach * sine, 1.0)


@kernel
def _over(color: Color, top: float, z: float, width: float, layer: Color) -> Color:
    cover = (top - z) / max(width, 1e-6) + 0.5
    return mix(color, layer, min(max(cover, 0.0), 1.0))


@kernel
def _wood(noise: Noise, u: float, z: float, top: float, width: float) -> Color:
    n = sample(noise, u, z * 1.2, 19.0, width)
    m = sample(noise, u, z * 1.2, 7.0, width)
    tone = 0.35 + 0.25 * n[0] + 0.16 * m[0] + 0.25 * ramp(top - 5.0, top, z) - 0.3 * ramp(2.0, 0.0, z)
    return tint(mix(_WOOD_DARK, _WOOD_LIGHT, min(max(tone, 0.0), 1.0)), 1.0 - 0.08 * m[3])


@kernel
def _pines(u: float, z: float, row: int) -> tuple[float, float]:
    """A row of pines at (u, z): metres inside the outline of the nearest, and how snowy it is there."""
    best, snow = -9.0, 0.0
    for k in range(-1, 2):
        tree = math.floor(u / 2.4) + k
        draw = chance(tree, row)
        below = 4.5 + 5.5 * draw - z
        tier = below / (0.7 + 0.5 * draw)
        tier -= math.floor(tier)  # boughs widen downwards and start again at every tier
        away = abs(u - (tree + 0.5 + 0.6 * (chance(tree, row + 9) - 0.5)) * 2.4)
        inside = below * 0.2 * (0.62 + 0.38 * tier) - away
        if inside > best:
            best, snow = inside, ramp(0.75, 0.1, tier) * (0.35 + 0.4 * draw)
    return best, snow


@kernel
def _tower(u: float, z: float, row: int, width: float, low: float, high: float) -> tuple[float, Color]:
    """A block of flats on a far ring: its height and its wall with rows of windows."""
    block = math.floor(u / 16.0)
    own = chance(int(block), row)
    at = u - block * 16.0
    height = low + (high - low) * own * own
    if at > 13.0:
        height = low * 0.6
    n = chance(math.floor(at / 1.6) + int(block) * 10, math.floor(z / 3.0) + row)
    color = mix(_TOWER, _TOWER_LIGHT, chance(int(block), row + 1))
    window = (0.5 - abs(at / 1.6 - math.floor(at / 1.6) - 0.5)) * 1.6 > 0.3 and z / 3.0 - math.floor(
        z / 3.0
    ) > 0.4
    melt = 1.0 - ramp(0.5, 1.5, width)
    share = (1.0 if window else 0.0) * melt + 0.35 * (1.0 - melt)
    return height, mix(color, tint(_PANE, 0.7 + 0.7 * n), 0.65 * share)


@kernel
def _forest(
    w: World, noise: Noise, x: float, y: float, z: float, dx: float, dy: float, dz: float, pixel: float
) -> Color:
    """Trunks on five rings, and leaves above and behind them."""
    t, cosine, sine, high = _ring(x, y, z, dx, dy, dz, 34.0)
    u = 34.0 * math.atan2(sine, cosine)
    n = sample(noise, u, high, 13.0, t * pixel)
    m = sample(noise, u, high, 4.3, t * pixel)
    leaf = 0.40 + 0.22 * n[0] + 0.13 * m[0] + 0.03 * high
    color = mix(_LEAVES, _LEAVES_LIGHT, min(max(leaf, 0.0), 1.0))
    color = mix(
        color,
        sky(w, noise, dx, dy, dz),
        0.55 + 0.40 * ramp(0.3, 1.6, n[0] + 0.5 * m[0] + 0.05 * (high - 7.0)),
    )
    color = mix(color, tint(_LEAVES, 0.75), ramp(2.2, 0.2, high + 0.5 * n[0]))
    for k in range(5):
        radius = 30.0 - 4.2 * k
        t, cosine, sine, high = _ring(x, y, z, dx, dy, dz, radius)
        if t <= 0.0:
            continue
        u, width = radius * math.atan2(sine, cosine), t * pixel
        haze = 0.72 - 0.15 * k
        pitch = 3.4 + 0.3 * k
        u += w.shift_m[0] + 5 * k
        number = math.floor(u / pitch)
        own = chance(int(number), 31 + k)
        middle = (number + 0.3 + 0.4 * own) * pitch + 0.05 * high * (own - 0.5)
        half = (0.13 + 0.14 * chance(int(number), 77 + k)) * (1.0 + 0.5 * ramp(0.8, 0.0, high))
        away = (u - middle) / half
        cover = min(max((1.0 - abs(away)) * half / max(width, 1e-6) + 0.5, 0.0), 1.0)
        if own > 0.8:
            cover = 0.0
        n = sample(noise, u * 2.0, high * 0.5, 2.9, width * 1.2)
        bark = mix(_BARK, _BARK_LIGHT, min(max(0.35 + 0.16 * n[2] - 0.35 * away, 0.0), 1.0))
        color = mix(color, mix(bark, (0.55, 0.66, 0.42), haze), cover)
        bush = 0.5 + 0.35 * cloud(noise, u, 3.0 * k, 11.0) + 0.12 * n[0]
        n = sample(noise, u, high, 3.1, width)
        green = mix(_LEAVES, _LEAVES_LIGHT, min(max(0.3 + 0.2 * n[0] + 0.1 * n[1] + 0.25 * high, 0.0), 1.0))
        color = _over(color, bush, high, width + 0.1, mix(green, (0.55, 0.66, 0.42), haze * 0.8))
        crown = 5.6 + 0.9 * cloud(noise, u, 7.0 * k, 9.0) + 0.5 * n[0]
        green = mix(_LEAVES, _LEAVES_LIGHT, min(max(0.45 + 0.3 * n[0] + 0.1 * n[1], 0.0), 1.0))
        color = mix(color, mix(green, (0.6, 0.72, 0.45), haze), 0.8 * ramp(crown - 0.2, crown + 0.3, high))
    return color


@kernel
def _isles(
    w: World,
    noise: Noise,
    color: Color,
    x: float,
    y: float,
    z: float,
    dx: float,
    dy: float,
    dz: float,
    pixel: float,
) -> Color:
    t, cosine, sine, high = _ring(x, y, z, dx, dy, dz, 900.0)
    if high > 70.0:
        return color
    top = 26.0 * _waves(w, noise, cosine, sine, 6, 0.3) - 22.0
    return _over(color, top, high, t * pixel, mix(_ISLE, _horizon(w), 0.55))


@kernel
def _peaks(
    w: World,
    noise: Noise,
    color: Color,
    x: float,
    y: float,
    z: float,
    dx: float,
    dy: float,
    dz: float,
    pixel: float,
) -> Color:
    t, cosine, sine, high = _ring(x, y, z, dx, dy, dz, 900.0)
    if high < 240.0:
        top = 95.0 + 55.0 * _waves(w, noise, cosine, sine, 9, 0.1)
        n = sample(noise, 900.0 * math.atan2(sine, cosine), high * 1.6, 190.0, t * pixel)
        rock = mix(_PEAK, _PEAK_SNOW, ramp(-0.7, 0.9, n[0] + 0.5 * n[2] + (high - 60.0) / 40.0))
        color = _over(color, top, high, t * pixel, mix(rock, _horizon(w), 0.45))
    t, cosine, sine, high = _ring(x, y, z, dx, dy, dz, 66.0)
    if high < 11.0:
        inside, snow = _pines(66.0 * math.atan2(sine, cosine), high, 5)
        tree = mix(mix(_PINE, _PINE_SNOW, snow), _horizon(w), 0.18)
        color = _over(color, inside, 0.0, t * pixel + 0.04, tree)
        top = 1.0 + 0.6 * _waves(w, noise, cosine, sine, 14, 0.7)
        color = _over(color, top, high, t * pixel, mix(_PEAK_SNOW, _horizon(w), 0.3))
    return color


@kernel
def _dunes(
    w: World,
    noise: Noise,
    color: Color,
    x: float,
    y: float,
    z: float,
    dx: float,
    dy: float,
    dz: float,
    pixel: float,
) -> Color:
    t, cosine, sine, high = _ring(x, y, z, dx, dy, dz, 900.0)
    if high < 100.0:
        steps = _waves(w, noise, cosine, sine, 12, 0.1)
        top = 20.0 + 62.0 * ramp(0.15, 0.45, steps) + 5.0 * steps
        n = sample(noise, 270.0 * math.atan2(sine, cosine), high * 3.0, 190.0, t * pixel * 2)
        mesa = tint(_MESA, 1.0 + 0.08 * n[2] + 0.1 * math.sin(high * 0.45))
        color = _over(color, top, high, t * pixel, mix(mesa, _horizon(w), 0.55))
    for k in range(2):
        t, cosine, sine, high = _ring(x, y, z, dx, dy, dz, 240.0 - 150.0 * k)
        if high > 27.0:
            continue
        slope = _waves(w, noise, cosine, sine, 9 + 5 * k, 0.4 + k)
        ahead = _waves(w, noise, cosine - 0.02 * sine, sine + 0.02 * cosine, 9 + 5 * k, 0.4 + k)
        top = (9.0 if k == 0 else 2.6) + (6.5 if k == 0 else 2.0) * slope
        side = ramp(-0.05, 0.05, ahead - slope + 0.02 * math.sin(high))
        dune = mix(_DUNE, _DUNE_SHADE, 0.25 + 0.55 * side)
        color = _over(color, top, high, t * pixel, mix(dune, _horizon(w), 0.42 - 0.22 * k))
    return color


@kernel
def _city(
    w: World, color: Color, x: float, y: float, z: float, dx: float, dy: float, dz: float, pixel: float
) -> Color:
    for k in range(3):
        radius = 260.0 - 95.0 * k
        t, cosine, sine, high = _ring(x, y, z, dx, dy, dz, radius)
        if high < 50.0:
            along = radius * math.atan2(sine, cosine)
            top, front = _tower(along, high, 13 * k, t * pixel, -6.0 - 6 * k, 46.0 - 18.0 * k)
            color = _over(color, top, high, t * pixel, mix(front, _horizon(w), 0.72 - 0.20 * k))
    return color


@kernel
def _hills(
    w: World,
    noise: Noise,
    color: Color,
    x: float,
    y: float,
    z: float,
    dx: float,
    dy: float,
    dz: float,
    pixel: float,
) -> Color:
    t, cosine, sine, high = _ring(x, y, z, dx, dy, dz, 900.0)
    if high < 140.0:
        top = 62.0 + 30.0 * _waves(w, noise, cosine, sine, 7, 0.1)
        color = _over(color, top, high, t * pixel, mix(_HILL, _horizon(w), 0.68))
    t, cosine, sine, high = _ring(x, y, z, dx, dy, dz, 320.0)
    if high < 36.0:
        top = 15.0 + 8.0 * _waves(w, noise, cosine, sine, 10, 0.6)
        wood = _wood(noise, 320.0 * math.atan2(sine, cosine), high, top, t * pixel)
        color = _over(color, top, high, t * pixel, mix(wood, _horizon(w), 0.5))
    t, cosine, sine, high = _ring(x, y, z, dx, dy, dz, 76.0)
    if high < 11.0:
        along = 76.0 * math.atan2(sine, cosine)
        top = 4.6 + 1.5 * _waves(w, noise, cosine, sine, 15, 0.2) + 0.9 * cloud(noise, along, 5.0, 9.0)
        wood = mix(_wood(noise, along, high, top, t * pixel), _horizon(w), 0.14)
        color = _over(color, top, high, t * pixel + 0.25, wood)
    return color


@kernel
def distance(
    w: World, noise: Noise, x: float, y: float, z: float, dx: float, dy: float, dz: float, pixel: float
) -> Color:
    """Light from beyond the ground and the walls, along a unit ray; ``pixel`` is its angle in radians."""
    kind = w.kind
    if kind == kinds.FOREST_CLEARING:
        return _forest(w, noise, x, y, z, dx, dy, dz, pixel)
    color = sky(w, noise, dx, dy, dz)
    if kind >= kinds.GYM or kind == kinds.PLAZA or kind == kinds.STREET:
        return color
    if kind == kinds.BEACH:
        return _isles(w, noise, color, x, y, z, dx, dy, dz, pixel)
    if kind == kinds.SNOWFIELD:
        return _peaks(w, noise, color, x, y, z, dx, dy, dz, pixel)
    if kind == kinds.DESERT:
        return _dunes(w, noise, color, x, y, z, dx, dy, dz, pixel)
    if kind == kinds.ROOFTOP:
        return _city(w, color, x, y, z, dx, dy, dz, pixel)
    return _hills(w, noise, color, x, y, z, dx, dy, dz, pixel)
