"""Everything a kernel must know besides shapes, in one record: camera, place, light and look.

Knows no scene.  It is a record because kernels take a record by address: as a tuple of arrays it would
be copied into every call of every pixel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from data.schema import FloatArray
from generators.procedural.place import Place
from generators.procedural.projection import View
from generators.procedural.scene import Light

_VECTOR = (np.float64, (3,))
_WORLD = np.dtype(
    [
        # the camera: see ``projection.View``; ``pixel`` is radians per pixel in the middle
        ("position", *_VECTOR),
        ("right", *_VECTOR),
        ("up", *_VECTOR),
        ("forward", *_VECTOR),
        ("focal_px", np.float64),
        ("half_px", np.float64),
        ("pixel", np.float64),
        # the place: see ``place.Place``
        ("kind", np.int64),
        ("half_x_m", np.float64),
        ("half_y_m", np.float64),
        ("wall_m", np.float64),
        ("round", np.bool_),
        ("ceiling", np.bool_),
        ("fade_m", np.float64),
        ("zenith", *_VECTOR),
        ("horizon", *_VECTOR),
        ("shift_m", np.float64, (2,)),
        # the light, scaled so that level white ground is about 1
        ("to_sun", *_VECTOR),
        ("sun", *_VECTOR),
        ("ambient", *_VECTOR),
        # the style's way of drawing: see ``shading``
        ("look", np.int64),
        ("detail", np.float64),
    ],
    align=True,
)
World = Any  # a record of _WORLD as kernels see it
WorldRecord = npt.NDArray[np.void]  # (1,) of _WORLD


def world_record(view: View, place: Place, light: Light, look: int, detail: float) -> WorldRecord:
    """One record for all kernels. ``detail`` is the strength of fine texture: 1 natural, 0 flat."""
    record = np.zeros(1, _WORLD)
    to_sun, sun, ambient = _exposed(light)
    named = {**view._asdict(), **vars(place), "to_sun": to_sun, "sun": sun, "ambient": ambient}
    for name, value in {**named, "pixel": 1.0 / view.focal_px, "look": look, "detail": detail}.items():
        record[name][0] = value
    return record


def _exposed(light: Light) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Direction, sun and ambient; radiances scaled so that the unit they came in does not matter."""
    sun, ambient = np.array(light.sun, np.float64), np.array(light.ambient, np.float64)
    to_sun = np.array(light.direction, np.float64)
    to_sun = to_sun / max(float(np.linalg.norm(to_sun)), 1e-9)
    weights = np.array([0.2126, 0.7152, 0.0722])
    level = float(weights @ sun) * max(float(to_sun[2]), 0.3) + float(weights @ ambient)
    return to_sun, sun / max(level, 1e-6), ambient / max(level, 1e-6)
