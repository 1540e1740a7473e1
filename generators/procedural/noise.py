"""One tileable texture of four noises, filtered by distance, that every natural surface is made of.

Knows nothing of settings.  The texture is the same in every process; a scene's seed only moves the
place at which it is read.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from generators.procedural.kernel import kernel

SIZE_TEXELS = 512
_LEVELS = 9
_SEED = 20250101

Color = tuple[float, float, float]
Texels = npt.NDArray[np.float32]


# The texture travels as a record: kernels take a record by address, an array by its whole description.
_NOISE = np.dtype([("texels", np.float32, (sum((SIZE_TEXELS >> k) ** 2 for k in range(_LEVELS)), 4))])
Noise = Any  # a record of _NOISE as kernels see it
NoiseTexture = npt.NDArray[np.void]  # (1,) of _NOISE


def _spectral(rng: np.random.Generator, amplitude: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """White noise shaped by an amplitude per frequency: tileable by construction."""
    white = np.fft.fft2(rng.standard_normal(amplitude.shape))
    field = np.real(np.fft.ifft2(white * amplitude))
    return np.asarray(np.clip((field - field.mean()) / field.std(), -2.5, 2.5), np.float64)


def _cells(rng: np.random.Generator, count: int) -> npt.NDArray[np.float64]:
    """Nearness to the border between the two closest of ``count`` scattered points."""
    points = rng.uniform(0, SIZE_TEXELS, (count, 2))
    axis = np.arange(SIZE_TEXELS) + 0.5
    texels = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    near, _ = cKDTree(points, boxsize=SIZE_TEXELS).query(texels, k=2)
    gap = (near[:, 1] - near[:, 0]).reshape(SIZE_TEXELS, SIZE_TEXELS)
    border = np.exp(-gap / (0.12 * SIZE_TEXELS / math.sqrt(count)))
    return np.asarray((border - border.mean()) / border.std(), np.float64)


@cache
def noise_texture() -> NoiseTexture:
    """The texture: all mip levels one after the other, built once per process in about half a second.

    Channels, each of mean 0 and about unit deviation: 0 clouds, 1 grain, 2 streaks along the second
    axis, 3 cells (low in the middle of a cell, high at its border).
    """
    rng = np.random.default_rng(_SEED)
    f = np.fft.fftfreq(SIZE_TEXELS, 1 / SIZE_TEXELS)
    fx, fy = np.meshgrid(f, f, indexing="ij")
    radius = np.maximum(np.hypot(fx, fy), 1.0)
    clouds = _spectral(rng, radius**-1.7 * (radius > 1.5))
    grain = _spectral(rng, radius**-0.5 * (radius > 20))
    streaks = _spectral(rng, np.exp(-((fx / 90) ** 2) - (fy / 16) ** 2) * (np.abs(fx) > 8))
    level = np.stack([clouds, grain, streaks, _cells(rng, 700)], -1)
    levels = [level]
    for _ in range(_LEVELS - 1):
        level = (level[::2, ::2] + level[1::2, ::2] + level[::2, 1::2] + level[1::2, 1::2]) / 4
        levels.append(level)
    texture = np.zeros(1, _NOISE)
    texture["texels"][0] = np.concatenate([item.reshape(-1, 4) for item in levels])
    return texture


@kernel
def _bilinear(noise: Noise, level: int, u: float, v: float) -> tuple[float, float, float, float]:
    size = SIZE_TEXELS >> level
    u = u / (1 << level) - 0.5
    v = v / (1 << level) - 0.5
    i, j = math.floor(u), math.floor(v)
    p, q = u - i, v - j
    i0, j0 = int(i) & (size - 1), int(j) & (size - 1)
    i1, j1 = (i0 + 1) & (size - 1), (j0 + 1) & (size - 1)
    start = (SIZE_TEXELS * SIZE_TEXELS - size * size) * 4 // 3  # texels of the levels before
    a, b = start + i0 * size + j0, start + i0 * size + j1
    c, d = start + i1 * size + j0, start + i1 * size + j1
    wa, wb, wc, wd = (1 - p) * (1 - q), (1 - p) * q, p * (1 - q), p * q
    t = noise.texels
    return (
        t[a, 0] * wa + t[b, 0] * wb + t[c, 0] * wc + t[d, 0] * wd,
        t[a, 1] * wa + t[b, 1] * wb + t[c, 1] * wc + t[d, 1] * wd,
        t[a, 2] * wa + t[b, 2] * wb + t[c, 2] * wc + t[d, 2] * wd,
        t[a, 3] * wa + t[b, 3] * wb + t[c, 3] * wc + t[d, 3] * wd,
    )


@kernel
def sample(
    noise: Noise, x: float, y: float, period: float, width: float
) -> tuple[float, float, float, float]:
    """The four noises at (x, y) when the texture repeats every ``period``, averaged over ``width``.

    All lengths share one unit, usually metres.
    """
    scale = SIZE_TEXELS / period
    u, v = x * scale, y * scale
    lod = math.log2(max(width * scale, 1.0))
    if lod <= 0.0:
        return _bilinear(noise, 0, u, v)
    lod = min(lod, _LEVELS - 1.001)
    level = int(lod)
    # Half of all widths read one level only; the steps in between are eased over.
    f = 2.0 * (lod - level) - 0.5
    if f >= 1.0:
        return _bilinear(noise, level + 1, u, v)
    a = _bilinear(noise, level, u, v)
    if f <= 0.0:
        return a
    b = _bilinear(noise, level + 1, u, v)
    return (
        a[0] + (b[0] - a[0]) * f,
        a[1] + (b[1] - a[1]) * f,
        a[2] + (b[2] - a[2]) * f,
        a[3] + (b[3] - a[3]) * f,
    )


@kernel
def cloud(noise: Noise, x: float, y: float, period: float) -> float:
    """The cloud channel alone at (x, y), at full resolution: for profiles and one-dimensional use."""
    scale = SIZE_TEXELS / period
    u, v = x * scale - 0.5, y * scale - 0.5
    i, j = math.floor(u), math.floor(v)
    p, q = u - i, v - j
    m = SIZE_TEXELS - 1
    i0, j0 = int(i) & m, int(j) & m
    i1, j1 = (i0 + 1) & m, (j0 + 1) & m
    t, n = noise.texels, SIZE_TEXELS
    return float(
        (t[i0 * n + j0, 0] * (1 - q) + t[i0 * n + j1, 0] * q) * (1 - p)
        + (t[i1 * n + j0, 0] * (1 - q) + t[i1 * n + j1, 0] * q) * p
    )


@kernel
def chance(i: int, j: int) -> float:
    """A number in [0, 1) that belongs to the cell (i, j) for ever."""
    h = (i * 374761393 + j * 668265263 + 1442695041) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    h = ((h ^ (h >> 16)) * 2246822519) & 0xFFFFFFFF
    return (h ^ (h >> 15)) / 4294967296.0


@kernel
def mix(a: Color, b: Color, m: float) -> Color:
    """From ``a`` at m = 0 to ``b`` at m = 1."""
    return a[0] + (b[0] - a[0]) * m, a[1] + (b[1] - a[1]) * m, a[2] + (b[2] - a[2]) * m


@kernel
def tint(a: Color, m: float) -> Color:
    """``a`` times ``m``, never negative."""
    m = max(m, 0.0)
    return a[0] * m, a[1] * m, a[2] * m


@kernel
def ramp(low: float, high: float, x: float) -> float:
    """Smooth step: 0 up to ``low``, 1 from ``high`` on."""
    s = (x - low) / (high - low)
    s = 0.0 if s < 0.0 else (1.0 if s > 1.0 else s)
    return s * s * (3.0 - 2.0 * s)


@kernel
def wave(x: float, width: float) -> float:
    """Square wave of period 1 (1 on [0, ½), else 0), averaged over ``width``."""
    f = x - math.floor(x)
    near = 0.25 - abs(f - 0.25) if f < 0.75 else 0.25 - abs(f - 1.25)
    sharp = 0.5 + near / max(width, 1e-6)
    sharp = 0.0 if sharp < 0.0 else (1.0 if sharp > 1.0 else sharp)
    fade = ramp(0.35, 0.9, width)
    return sharp + (0.5 - sharp) * fade


@kernel
def line(x: float, period: float, thickness: float, width: float) -> float:
    """Lines of ``thickness`` at every multiple of ``period``: coverage of a window of ``width``."""
    s = x / period
    d = abs(s - math.floor(s + 0.5)) * period
    grown = max(thickness, width)
    cover = (grown * 0.5 - d) / max(width, 1e-6) + 0.5
    cover = 0.0 if cover < 0.0 else (1.0 if cover > 1.0 else cover)
    # Past the point where lines melt together only their share of the surface is left.
    melt = ramp(0.3, 0.8, width / period)
    share = thickness / period
    return cover * (thickness / grown) * (1.0 - melt) + share * melt


@kernel
def band(distance: float, half: float, width: float) -> float:
    """A single line of half-thickness ``half``: its share of a window of ``width`` at ``distance``."""
    grown = max(half, 0.5 * width)
    cover = (grown - abs(distance)) / max(width, 1e-6) + 0.5
    return (0.0 if cover < 0.0 else (1.0 if cover > 1.0 else cover)) * half / grown


def srgb(code: int) -> Color:
    """Linear RGB of a 0xRRGGBB colour as screens show it."""

    def linear(byte: int) -> float:
        c = byte / 255
        return float(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4)

    return linear(code >> 16), linear(code >> 8 & 255), linear(code & 255)
