"""Light on surfaces: sun with soft shadow, sky with contact shade, gloss, haze, and each style's way.

Knows nothing of pixels or of what covers what.  A lit colour comes in two parts, what the sky gives
and what the sun gives, because a moving shadow takes away only the second.
"""

from __future__ import annotations

import math

from generators.procedural import place as kinds
from generators.procedural.kernel import kernel
from generators.procedural.noise import Color, Noise, line, mix, ramp, srgb, tint
from generators.procedural.patterns import accent_share
from generators.procedural.rays import MISS, enter
from generators.procedural.shadows import SKY, SUBJECT, SUN, Stage, hidden_share
from generators.procedural.surroundings import BEYOND, CEILING, GROUND, surface
from generators.procedural.world import World

# How a style wants light and material treated while drawing; ``styles`` does the rest on the picture.
NATURAL, BANDED, PALE, FLAT, DRAFT = range(5)

FAR_M = 60.0  # beyond this shadows are not looked for
CONTACT = 0.72  # share of the sky's light that close bodies can take away
_DUSK = (srgb(0x5A2A5C), srgb(0xE8694A), srgb(0xFFE3A6))  # gradient of a silhouette picture
_SUBJECT_INK, _SCENERY_INK, _RIM = srgb(0x14101F), srgb(0x5B3560), srgb(0xFFB98A)
_BLUE, _BLUE_FILL, _BLUE_SUBJECT, _GRID = srgb(0x17407F), srgb(0x1E4E94), srgb(0x3E7CC4), srgb(0x6FA0DA)

Lit = tuple[Color, Color]  # light from the sky, light from the sun


@kernel
def luminance(c: Color) -> float:
    """Relative luminance of linear RGB."""
    return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]


@kernel
def _dusk(share: float) -> Color:
    if share < 0.45:
        return mix(_DUSK[0], _DUSK[1], max(share, 0.0) / 0.45)
    return mix(_DUSK[1], _DUSK[2], min((share - 0.45) / 0.55, 1.0))


@kernel
def _bands(x: float) -> float:
    """Three steps of light, each edge as wide as about a pixel."""
    return 0.55 * ramp(0.08, 0.12, x) + 0.45 * ramp(0.48, 0.53, x)


@kernel
def _hazed(w: World, lit: Lit, t: float) -> Lit:
    clear = math.exp(-t / w.fade_m)
    h = w.horizon
    sky = mix((h[0], h[1], h[2]), lit[0], clear)
    return sky, tint(lit[1], clear)


@kernel
def _drafted(w: World, kind: int, color: Color, x: float, y: float, t: float, flat: float) -> Color:
    """Blueprint paper: a ruled floor; of everything else just enough to be traced."""
    paper = mix(_BLUE, _BLUE_FILL, 0.9 * luminance(color))
    if kind != GROUND:
        return paper
    width = t * w.pixel / max(flat, 0.05)
    fine = line(x, 0.5, 0.012, width) + line(y, 0.5, 0.012, width)
    bold = line(x, 2.5, 0.03, width) + line(y, 2.5, 0.03, width)
    return mix(paper, _GRID, min(0.22 * fine + 0.35 * bold, 0.6) * math.exp(-t / 40.0))


@kernel
def shade_surroundings(
    w: World,
    noise: Noise,
    stage: Stage,
    kind: int,
    t: float,
    x: float,
    y: float,
    z: float,
    dx: float,
    dy: float,
    dz: float,
) -> Lit:
    """Light of ground, walls or distance along a unit ray from (x, y, z), under the scenery's shadow."""
    color, nx, ny, nz, gloss = surface(w, noise, kind, t, x, y, z, dx, dy, dz, w.pixel)
    dark = (0.0, 0.0, 0.0)
    if kind == BEYOND:
        if w.look == FLAT:
            return _dusk(0.30 + 0.75 * luminance(color)), dark
        if w.look == DRAFT:
            return mix(_BLUE, _BLUE_FILL, 0.9 * luminance(color)), dark
        return color, dark
    hx, hy, hz = x + t * dx, y + t * dy, z + t * dz
    facing = nx * w.to_sun[0] + ny * w.to_sun[1] + nz * w.to_sun[2]
    if kind != GROUND and w.ceiling:
        # Lamps and windows light a room from everywhere.
        facing = 0.75 if kind == CEILING else 0.45 + 0.25 * facing
    elif w.kind == kinds.STUDIO:
        facing = max(w.to_sun[2], 0.4)
    facing = max(facing, 0.0)
    flat = abs(dx * nx + dy * ny + dz * nz)
    width = t * w.pixel / math.sqrt(max(flat, 0.02))
    open_sun, open_sky = 1.0, 1.0
    if t < FAR_M:
        open_sun -= hidden_share(stage, SUN, hx, hy, hz, -1, width)
        open_sky -= CONTACT * hidden_share(stage, SKY, hx, hy, hz, -1, width)
    if w.look == DRAFT:
        paper = _drafted(w, kind, color, hx, hy, t, flat)
        return tint(paper, 0.82), tint(paper, 0.18 * open_sun)
    if w.look == FLAT:
        share = luminance(color) * (0.7 + 0.3 * facing)
        flat_color = _dusk(0.26 + 0.60 * share)
        return _hazed_dusk(w, tint(flat_color, 0.62), tint(flat_color, 0.38 * open_sun), t)
    sky_color = (
        color[0] * w.ambient[0] * open_sky,
        color[1] * w.ambient[1] * open_sky,
        color[2] * w.ambient[2] * open_sky,
    )
    power = facing * open_sun
    sun_color = (color[0] * w.sun[0] * power, color[1] * w.sun[1] * power, color[2] * w.sun[2] * power)
    if gloss > 0.0 and w.look == NATURAL and kind == GROUND:
        # Seen flat, glossy ground mirrors the sky or the wall behind; a blur of it is enough.
        mirror = gloss * (0.03 + 0.55 * (1.0 - flat) ** 5)
        h = w.horizon
        sky_color = mix(sky_color, (h[0], h[1], h[2]), mirror)
    if w.kind == kinds.STUDIO:
        # The paper sweeps up behind: no line where floor ends and backdrop starts.
        up = ramp(3.5, 9.0, math.sqrt(hx * hx + hy * hy))
        h = w.horizon
        return mix(sky_color, (h[0], h[1], h[2]), up), tint(sun_color, 1.0 - up)
    return _hazed(w, (sky_color, sun_color), t)


@kernel
def _hazed_dusk(w: World, sky: Color, sun: Color, t: float) -> Lit:
    clear = math.exp(-t / min(3.0 * w.fade_m, 90.0))
    return mix(_dusk(0.85), sky, clear), tint(sun, clear)


@kernel
def _glint(w: World, nx: float, ny: float, nz: float, dx: float, dy: float, dz: float, gloss: float) -> float:
    """Highlight of the sun on a surface (Blinn's half vector)."""
    hx, hy, hz = w.to_sun[0] - dx, w.to_sun[1] - dy, w.to_sun[2] - dz
    length = math.sqrt(hx * hx + hy * hy + hz * hz)
    if length < 1e-6:
        return 0.0
    aligned = max((nx * hx + ny * hy + nz * hz) / length, 0.0)
    sharpness = 6.0 + 110.0 * gloss * gloss
    return gloss * gloss * (0.25 + 1.6 * gloss) * math.exp(sharpness * math.log(max(aligned, 1e-6)))


@kernel
def shade_solid(
    w: World,
    stage: Stage,
    n: int,
    moving: bool,
    t: float,
    x: float,
    y: float,
    z: float,
    dx: float,
    dy: float,
    dz: float,
) -> Lit:
    """Light of solid ``n`` along a unit ray; ``t`` is used where the ray only grazes it."""
    own = stage.solids[n]
    inv = own.inverse
    rx, ry, rz = x - own.origin[0], y - own.origin[1], z - own.origin[2]
    ox = inv[0, 0] * rx + inv[0, 1] * ry + inv[0, 2] * rz
    oy = inv[1, 0] * rx + inv[1, 1] * ry + inv[1, 2] * rz
    oz = inv[2, 0] * rx + inv[2, 1] * ry + inv[2, 2] * rz
    ex = inv[0, 0] * dx + inv[0, 1] * dy + inv[0, 2] * dz
    ey = inv[1, 0] * dx + inv[1, 1] * dy + inv[1, 2] * dz
    ez = inv[2, 0] * dx + inv[2, 1] * dy + inv[2, 2] * dz
    s0, s1, s2 = own.size[0], own.size[1], own.size[2]
    hit, face, a, b, c = enter(own.shape, s0, s1, s2, ox, oy, oz, ex, ey, ez)
    nx, ny, nz = -dx, -dy, -dz
    if hit < MISS:
        t = hit
        nx = inv[0, 0] * a + inv[1, 0] * b + inv[2, 0] * c
        ny = inv[0, 1] * a + inv[1, 1] * b + inv[2, 1] * c
        nz = inv[0, 2] * a + inv[1, 2] * b + inv[2, 2] * c
        length = max(math.sqrt(nx * nx + ny * ny + nz * nz), 1e-12)
        nx, ny, nz = nx / length, ny / length, nz / length
    toward = max(-(nx * dx + ny * dy + nz * dz), 0.0)
    width = t * w.pixel / math.sqrt(max(toward, 0.1))
    share = accent_share(
        own.pattern, own.period, own.shape, face, s0, s1, s2,
        ox + t * ex, oy + t * ey, oz + t * ez, width / own.stretch,
    )  # fmt: skip
    color = mix(
        (own.color[0], own.color[1], own.color[2]), (own.accent[0], own.accent[1], own.accent[2]), share
    )
    gloss = own.gloss
    hx, hy, hz = x + t * dx, y + t * dy, z + t * dz
    facing = max(nx * w.to_sun[0] + ny * w.to_sun[1] + nz * w.to_sun[2], 0.0)
    rim = (1.0 - toward) ** 3
    dark = (0.0, 0.0, 0.0)
    if w.look == FLAT:
        if moving:
            return mix(mix(_SUBJECT_INK, _SCENERY_INK, 0.10 + 0.25 * toward * share), _RIM, 0.55 * rim), dark
        return _hazed_dusk(w, mix(_SCENERY_INK, _RIM, 0.22 * rim), dark, t)
    open_sun, open_sky = 1.0, 1.0
    if facing > 0.0:
        open_sun -= hidden_share(stage, SUN, hx, hy, hz, n, width)
        open_sun *= 1.0 - hidden_share(stage, SUBJECT + SUN, hx, hy, hz, n, width)
    open_sky -= CONTACT * hidden_share(stage, SKY, hx, hy, hz, n, width)
    open_sky *= 1.0 - CONTACT * hidden_share(stage, SUBJECT + SKY, hx, hy, hz, n, width)
    # Close above the ground half of the sky is ground, and dark.
    open_sky *= 0.62 + 0.38 * ramp(0.0, 0.35, hz)
    if w.look == DRAFT:
        fill = _BLUE_SUBJECT if moving else _BLUE_FILL
        fill = tint(fill, 0.75 + 0.35 * facing - 0.25 * share)
        return tint(fill, 0.85), tint(fill, 0.15 * open_sun)
    if w.look == PALE:
        grey = luminance(color)
        color = mix((grey, grey, grey), color, 0.6)
        if not moving:
            color = mix(color, (0.8, 0.8, 0.8), 0.45)
    up = 0.5 + 0.5 * nz
    bounce = 0.30 * (w.sun[0] * max(w.to_sun[2], 0.0) * 0.5 + w.ambient[0]) * (1.0 - up)
    if w.look == BANDED:
        facing = _bands(facing)
        up, bounce = 0.65 + 0.35 * ramp(0.3, 0.36, up), 0.0
    warm = (bounce, bounce * 0.92, bounce * 0.8)
    metal = ramp(0.65, 0.9, gloss) if w.look == NATURAL else 0.0
    diffuse = 1.0 - 0.8 * metal
    level = (0.30 + 0.70 * up) * open_sky
    sky_color = (
        color[0] * diffuse * (w.ambient[0] * level + warm[0]),
        color[1] * diffuse * (w.ambient[1] * level + warm[1]),
        color[2] * diffuse * (w.ambient[2] * level + warm[2]),
    )
    power = facing * open_sun * diffuse
    sun_color = (color[0] * w.sun[0] * power, color[1] * w.sun[1] * power, color[2] * w.sun[2] * power)
    glint = _glint(w, nx, ny, nz, dx, dy, dz, gloss)
    if w.look == BANDED:
        glint = 0.5 * gloss * ramp(0.30, 0.36, glint)
    glint *= open_sun if facing > 0.0 else 0.0
    tone = mix((1.0, 1.0, 1.0), color, metal)
    sun_color = (
        sun_color[0] + glint * tone[0] * w.sun[0],
        sun_color[1] + glint * tone[1] * w.sun[1],
        sun_color[2] + glint * tone[2] * w.sun[2],
    )
    if w.look == NATURAL:
        # What the surface mirrors: sky above, a dark horizon line, warm ground below.
        mz = dz + 2.0 * toward * nz
        h, s = w.horizon, w.zenith
        mirror = mix((h[0], h[1], h[2]), (s[0], s[1], s[2]), ramp(0.05, 0.9, mz))
        mirror = mix((0.34, 0.31, 0.27), mirror, ramp(-0.12, 0.10, mz))
        mirror = tint(mirror, open_sky)
        strength = gloss * (0.05 + 0.5 * rim) * (1.0 - metal) + 0.75 * metal
        sky_color = (
            sky_color[0] + strength * mirror[0] * tone[0],
            sky_color[1] + strength * mirror[1] * tone[1],
            sky_color[2] + strength * mirror[2] * tone[2],
        )
    return _hazed(w, (sky_color, sun_color), t)
