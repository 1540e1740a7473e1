"""Sun and sky of each setting. Knows nothing of what they shine on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generators.procedural.choice import choose
from generators.procedural.scene import Light

Color = tuple[float, float, float]


@dataclass(frozen=True)
class _Sky:
    """Range of the sun's height, and linear radiances. Indoors the "sun" is the brightest lamp."""

    lowest_degrees: float
    highest_degrees: float
    sun: Color
    ambient: Color


_DAY = _Sky(38.0, 56.0, (2.5, 2.35, 2.1), (0.62, 0.72, 0.88))
_HALL = _Sky(58.0, 72.0, (1.6, 1.55, 1.45), (0.85, 0.85, 0.83))

SKIES: dict[str, _Sky] = {
    "meadow": _DAY,
    "beach": _Sky(40.0, 58.0, (2.7, 2.5, 2.15), (0.6, 0.72, 0.9)),
    "desert": _Sky(34.0, 50.0, (2.8, 2.4, 1.85), (0.6, 0.62, 0.7)),
    "snowfield": _Sky(30.0, 42.0, (2.2, 2.1, 1.95), (0.75, 0.88, 1.1)),
    "street": _Sky(36.0, 52.0, (2.3, 2.15, 1.9), (0.65, 0.72, 0.84)),
    "plaza": _DAY,
    "forest_clearing": _Sky(46.0, 62.0, (2.2, 2.15, 1.75), (0.58, 0.72, 0.6)),
    "rooftop": _Sky(28.0, 40.0, (2.7, 2.1, 1.5), (0.62, 0.66, 0.82)),
    "gym": _HALL,
    "studio": _Sky(50.0, 62.0, (1.9, 1.88, 1.85), (0.8, 0.8, 0.82)),
    "living_room": _Sky(52.0, 64.0, (1.75, 1.6, 1.35), (0.85, 0.8, 0.72)),
    "warehouse": _Sky(56.0, 70.0, (1.7, 1.7, 1.65), (0.72, 0.76, 0.82)),
}


def light_of(setting: str, seed: Sequence[int]) -> Light:
    """The setting's light, from a side that the seed picks and the cameras do not look into.

    Raises ``ConfigError`` for an unknown setting.
    """
    sky = choose("setting", setting, SKIES)
    rng = np.random.default_rng(seed)
    height = np.radians(rng.uniform(sky.lowest_degrees, sky.highest_degrees))
    azimuth = np.radians(rng.uniform(-75.0, 120.0))  # the side of the stage on which the cameras stand
    direction = (
        float(np.cos(azimuth) * np.cos(height)),
        float(np.sin(azimuth) * np.cos(height)),
        float(np.sin(height)),
    )
    return Light(direction, sky.sun, sky.ambient)
