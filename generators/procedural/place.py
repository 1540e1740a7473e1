"""What a setting is made of, as numbers: how far its ground goes, its walls, its sky and its air.

Knows neither how ground and walls are painted (``ground``, ``walls``, ``backdrop``) nor the subject.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.errors import ConfigError
from data.schema import FloatArray
from generators.procedural.noise import Color, srgb
from generators.procedural.scene import Environment

MEADOW, BEACH, DESERT, SNOWFIELD, STREET, PLAZA, FOREST_CLEARING, ROOFTOP = range(8)
GYM, STUDIO, LIVING_ROOM, WAREHOUSE = range(8, 12)

_FAR_M = 1e8


@dataclass(frozen=True)
class _Setting:
    """``half_x_m``, ``half_y_m``: where walls stand (or the ground ends in a circle, when ``round``).

    ``fade_m`` is the distance at which haze hides about two thirds.  Colours are 0xRRGGBB.
    """

    code: int
    half_x_m: float
    half_y_m: float
    wall_m: float
    round: bool
    ceiling: bool
    fade_m: float
    zenith: int
    horizon: int


_SETTINGS = {
    "meadow": _Setting(MEADOW, 75, 75, 0, True, False, 420, 0x3E7CC4, 0xCFE4F0),
    "beach": _Setting(BEACH, 600, 600, 0, True, False, 500, 0x2F83CC, 0xD6ECF3),
    "desert": _Setting(DESERT, 80, 80, 0, True, False, 320, 0x4C86BE, 0xF3DFBE),
    "snowfield": _Setting(SNOWFIELD, 65, 65, 0, True, False, 300, 0x5D90C6, 0xE6EEF5),
    "street": _Setting(STREET, _FAR_M, 9.0, 9.0, False, False, 320, 0x5A92CB, 0xDCE6EA),
    "plaza": _Setting(PLAZA, 21, 21, 9.0, False, False, 220, 0x4987C8, 0xE6E7DE),
    "forest_clearing": _Setting(FOREST_CLEARING, 12, 12, 0, True, False, 260, 0x9CC2C4, 0xD5E3C4),
    "rooftop": _Setting(ROOFTOP, 9.5, 9.5, 1.05, False, False, 330, 0x4C7FBA, 0xF2DCC4),
    "gym": _Setting(GYM, 13, 9.5, 7.5, False, True, 400, 0xD8DCDC, 0xD8DCDC),
    "studio": _Setting(STUDIO, 9, 9, 0, True, False, _FAR_M, 0xC8CCD4, 0xC8CCD4),
    "living_room": _Setting(LIVING_ROOM, 6.5, 6.5, 3.4, False, True, _FAR_M, 0xF2EEE6, 0xF2EEE6),
    "warehouse": _Setting(WAREHOUSE, 15, 12, 7.0, False, True, 500, 0x8C9296, 0xC2C6C6),
}


@dataclass(frozen=True)
class Place:
    """One environment in the terms of ``_Setting``; colours linear RGB, ``shift_m`` (2,) from the seed."""

    kind: int
    half_x_m: float
    half_y_m: float
    wall_m: float
    round: bool
    ceiling: bool
    fade_m: float
    zenith: Color
    horizon: Color
    shift_m: FloatArray


def place_of(environment: Environment) -> Place:
    """The place that ``environment.kind`` names.

    Raises:
        ConfigError: no setting has that name.
    """
    setting = _SETTINGS.get(environment.kind)
    if setting is None:
        raise ConfigError(
            f"environment kind is {environment.kind!r}; the renderer knows {', '.join(_SETTINGS)}: "
            "use one of these"
        )
    return Place(
        setting.code,
        setting.half_x_m,
        setting.half_y_m,
        setting.wall_m,
        setting.round,
        setting.ceiling,
        setting.fade_m,
        srgb(setting.zenith),
        srgb(setting.horizon),
        np.random.default_rng(environment.seed).uniform(-40, 40, 2),
    )
