"""From linear light to the bytes that a screen shows, and to lightness as the eye takes it.

Knows nothing of styles.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import numpy.typing as npt

from data.schema import Image
from generators.procedural.kernel import kernel
from generators.procedural.visibility import FloatImage

Curve = npt.NDArray[np.uint8]

_CURVE_STEPS, _CURVE_TOP = 16384, 4.0


@cache
def light_curve() -> Curve:
    """sRGB bytes of linear light 0–4 with a shoulder: straight up to 0.6, then towards 1."""
    x = np.linspace(0, _CURVE_TOP, _CURVE_STEPS)
    y = np.where(x < 0.6, x, 1 - 0.4 * np.exp(-(x - 0.6) / 0.4))
    coded = np.where(y <= 0.0031308, 12.92 * y, 1.055 * y ** (1 / 2.4) - 0.055)
    return np.round(255 * coded).astype(np.uint8)


@kernel
def byte(curve: Curve, light: float) -> int:
    """The sRGB byte of linear light; black for NaN, which compares false with everything."""
    at = light * (_CURVE_STEPS - 1) / _CURVE_TOP + 0.5
    at = at if at > 0.0 else 0.0
    return int(curve[int(at if at < _CURVE_STEPS else _CURVE_STEPS - 1)])


@kernel
def lightness(color: FloatImage, row: int, column: int) -> float:
    """Lightness of a pixel as the eye takes it: root of luminance."""
    light = 0.2126 * color[row, column, 0] + 0.7152 * color[row, column, 1] + 0.0722 * color[row, column, 2]
    return math.sqrt(min(max(light, 0.0), 1.0))


@kernel
def develop(color: FloatImage, curve: Curve, out: Image) -> None:
    """Bytes of a whole picture of linear light."""
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            for c in range(3):
                out[row, column, c] = byte(curve, color[row, column, c])
