"""The styles: from linear light and keys to the finished picture.

Knows nothing of shapes or lamps.  Paper, hatching and canvas are fixed to the picture, so that what
stands still stays still.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from data.errors import ConfigError
from data.schema import Image
from generators.procedural.developing import Curve, byte, develop, light_curve, lightness
from generators.procedural.kernel import kernel
from generators.procedural.noise import NoiseTexture, mix, noise_texture, ramp, sample, srgb, tint
from generators.procedural.outlines import contour, line_image
from generators.procedural.shading import BANDED, DRAFT, FLAT, NATURAL, PALE
from generators.procedural.surroundings import GROUND
from generators.procedural.visibility import FloatImage, KeyImage

_TOON_TONES = 7.0
_INK, _GRAPHITE, _PAPER, _CHALK = srgb(0x1B1A24), srgb(0x3A3A40), srgb(0xF4EFE4), srgb(0xE4EEFA)


class Style(NamedTuple):
    """How a style is drawn (``look``, texture ``detail``, the sun's half-width in radians) and finished."""

    look: int
    detail: float
    sun_spread: float
    finish: Callable[[FloatImage, KeyImage, FloatImage, int, Image], None]


@kernel
def _ink(color: FloatImage, key: KeyImage, lines: FloatImage, curve: Curve, out: Image) -> None:
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            pixel = (color[row, column, 0], color[row, column, 1], color[row, column, 2])
            grey = 0.2126 * pixel[0] + 0.7152 * pixel[1] + 0.0722 * pixel[2]
            flat = 1.0
            if key[row, column] < 0:
                # Surroundings fall into a few flat tones, with a soft step between two.
                tone = _TOON_TONES * lightness(color, row, column)
                step = math.floor(tone) + ramp(0.35, 0.65, tone - math.floor(tone))
                flat = (step + 0.5) / (tone + 0.5)
            pixel = mix((grey, grey, grey), pixel, 1.25)
            pixel = mix(tint(pixel, flat * flat), _INK, min(1.25 * lines[row, column], 1.0))
            for c in range(3):
                out[row, column, c] = byte(curve, pixel[c])


@kernel
def _hatch(u: float, level: float) -> float:
    """Pencil strokes across u (period 1): none at level 0, wider and darker towards 1."""
    d = abs(2 * (u - math.floor(u)) - 1)  # 0 in the middle of a stroke
    return ramp(0.25 + 0.7 * level, 0.55 * level - 0.25, d) * min(1.0, 0.35 + level) if level > 0.0 else 0.0


@kernel
def _draw(
    subject_key: int,
    color: FloatImage,
    key: KeyImage,
    lines: FloatImage,
    noises: NoiseTexture,
    curve: Curve,
    out: Image,
) -> None:
    size = out.shape[0]
    unit = 512.0 / size
    for row in range(size):
        for column in range(size):
            r, g, b = color[row, column, 0], color[row, column, 1], color[row, column, 2]
            tone = lightness(color, row, column)
            x, y = column * unit, row * unit
            n = sample(noises[0], x, y, 256.0, unit)
            wobble = 0.16 * n[0]
            subject = key[row, column] >= subject_key
            # Far things get fewer strokes than the subject.
            dark = (1.02 - tone) if subject else 0.85 * (0.95 - tone)
            strokes = _hatch((x + y) / 7.5 + wobble, min(max(1.15 * dark, 0.0), 1.0))
            strokes = max(
                strokes, _hatch((x - 0.8 * y) / 7.0 + wobble, min(max(1.6 * (dark - 0.40), 0.0), 1.0))
            )
            strokes = max(
                strokes, _hatch((x + 0.1 * y) / 6.0 + wobble, min(max(1.8 * (dark - 0.62), 0.0), 1.0))
            )
            strokes *= (0.80 if subject else 0.60) + 0.12 * n[1]
            trace = 0.75 * ramp(0.05, 0.25, contour(color, row, column)) * (0.8 + 0.2 * n[1])
            graphite = max(
                max(0.8 * strokes, trace), min(1.5 * lines[row, column], 1.0) * (0.92 + 0.08 * n[1])
            )
            paper = 1.0 + 0.018 * n[1] + 0.008 * n[0]
            pixel = (_PAPER[0] * paper, _PAPER[1] * paper, _PAPER[2] * paper)
            wash = 0.45 if subject else 0.13
            shade = max(0.2126 * r + 0.7152 * g + 0.0722 * b, 0.05)
            pixel = mix(
                pixel, (r / shade * 0.6, g / shade * 0.6, b / shade * 0.6), wash * (1 - 0.5 * strokes)
            )
            pixel = mix(pixel, _GRAPHITE, min(max(graphite, 0.0), 1.0))
            for c in range(3):
                out[row, column, c] = byte(curve, pixel[c])


@kernel
def _plot(
    subject_key: int,
    color: FloatImage,
    key: KeyImage,
    lines: FloatImage,
    noises: NoiseTexture,
    curve: Curve,
    out: Image,
) -> None:
    size = out.shape[0]
    unit = 512.0 / size
    for row in range(size):
        for column in range(size):
            x, y = column * unit, row * unit
            n = sample(noises[0], x, y, 256.0, unit)
            ruled = 0.05 * (1.0 if int(x) % 32 == 0 or int(y) % 32 == 0 else 0.0)
            paper = 1.0 + 0.03 * n[0] + 0.02 * n[1]
            pixel = tint((color[row, column, 0], color[row, column, 1], color[row, column, 2]), paper)
            trace = 0.0 if key[row, column] == GROUND else ramp(0.006, 0.05, contour(color, row, column))
            trace *= 0.5 if key[row, column] >= subject_key else 0.22
            chalk = max(min(1.35 * lines[row, column], 1.0), trace)
            pixel = mix(mix(pixel, _CHALK, ruled), _CHALK, chalk)
            for c in range(3):
                out[row, column, c] = byte(curve, pixel[c])


@kernel
def _box_means(color: FloatImage, side: int, across: FloatImage, means: FloatImage) -> None:
    """Means of roots of light, and of their squared luma, over windows that start at each pixel."""
    size = color.shape[0]
    for row in range(size):
        for column in range(size):
            for c in range(3):
                means[row, column, c] = math.sqrt(min(max(color[row, column, c], 0.0), 4.0))
            luma = 0.3 * means[row, column, 0] + 0.6 * means[row, column, 1] + 0.1 * means[row, column, 2]
            means[row, column, 3] = luma * luma
    for row in range(size):
        for column in range(size):
            for c in range(4):
                total = 0.0
                for k in range(side):
                    total += means[row, min(column + k, size - 1), c]
                across[row, column, c] = total / side
    for row in range(size):
        for column in range(size):
            for c in range(4):
                total = 0.0
                for k in range(side):
                    total += across[min(row + k, size - 1), column, c]
                means[row, column, c] = total / side


@kernel
def _paint(means: FloatImage, side: int, noises: NoiseTexture, curve: Curve, out: Image) -> None:
    """Of the four windows that touch a pixel the calmest gives the colour (Kuwahara's filter)."""
    size = out.shape[0]
    unit = 512.0 / size
    for row in range(size):
        for column in range(size):
            total, red, green, blue = 1e-9, 0.0, 0.0, 0.0
            for k in range(4):
                r = max(row - (side - 1) * (k // 2), 0)
                c = max(column - (side - 1) * (k % 2), 0)
                luma = 0.3 * means[r, c, 0] + 0.6 * means[r, c, 1] + 0.1 * means[r, c, 2]
                unrest = max(means[r, c, 3] - luma * luma, 0.0)
                weight = 1.0 / (1e-4 + unrest) ** 2
                total += weight
                red += weight * means[r, c, 0]
                green += weight * means[r, c, 1]
                blue += weight * means[r, c, 2]
            red, green, blue = red / total, green / total, blue / total
            grey = 0.3 * red + 0.6 * green + 0.1 * blue
            n = sample(
                noises[0],
                column * unit * 0.8 + row * unit * 0.6,
                row * unit * 0.8 - column * unit * 0.6,
                420.0,
                unit,
            )
            bristle = 1.0 + 0.013 * n[2] + 0.02 * n[0]
            # Richer and warmer than life, with the lights towards yellow and the darks towards violet.
            red = (grey + 1.35 * (red - grey)) * bristle + 0.02
            green = (grey + 1.35 * (green - grey)) * bristle
            blue = (grey + 1.35 * (blue - grey)) * bristle + 0.05 * (0.5 - grey)
            red, green, blue = max(red, 0.0), max(green, 0.0), max(blue, 0.0)
            out[row, column, 0] = byte(curve, red * red * 1.04)
            out[row, column, 1] = byte(curve, green * green)
            out[row, column, 2] = byte(curve, blue * blue)


def _plain(color: FloatImage, key: KeyImage, depth: FloatImage, subject_key: int, out: Image) -> None:
    develop(color, light_curve(), out)


def _toon(color: FloatImage, key: KeyImage, depth: FloatImage, subject_key: int, out: Image) -> None:
    _ink(color, key, line_image(key, depth, subject_key), light_curve(), out)


def _sketch(color: FloatImage, key: KeyImage, depth: FloatImage, subject_key: int, out: Image) -> None:
    _draw(subject_key, color, key, line_image(key, depth, subject_key), noise_texture(), light_curve(), out)


def _blueprint(color: FloatImage, key: KeyImage, depth: FloatImage, subject_key: int, out: Image) -> None:
    _plot(subject_key, color, key, line_image(key, depth, subject_key), noise_texture(), light_curve(), out)


def _painted(color: FloatImage, key: KeyImage, depth: FloatImage, subject_key: int, out: Image) -> None:
    side = max(2, round(5 * len(key) / 512))
    means, across = (np.empty((*key.shape, 4), np.float32) for _ in range(2))
    _box_means(color, side, across, means)
    _paint(means, side, noise_texture(), light_curve(), out)


_STYLES = {
    "shaded": Style(NATURAL, 1.0, 0.02, _plain),
    "toon": Style(BANDED, 0.25, 0.001, _toon),
    "sketch": Style(PALE, 0.3, 0.01, _sketch),
    "painted": Style(NATURAL, 1.4, 0.02, _painted),
    "silhouette": Style(FLAT, 0.3, 0.02, _plain),
    "blueprint": Style(DRAFT, 0.0, 0.001, _blueprint),
}


def style_named(name: str) -> Style:
    """The style of that name.

    Raises:
        ConfigError: no style has that name.
    """
    style = _STYLES.get(name)
    if style is None:
        raise ConfigError(f"style is {name!r}; the renderer knows {', '.join(_STYLES)}: use one of these")
    return style
