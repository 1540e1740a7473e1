"""Where scenery stands: in the picture, off the path of the subject, and never in front of it.

Knows things by the radius they take on the ground, and everything that moves by its extents.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.schema import FloatArray
from generators.procedural.choice import choose
from generators.procedural.extents import spheres
from generators.procedural.rig import Frame, Sculpture, rotation
from generators.procedural.scene import Camera, Primitives
from generators.procedural.scenery import SCENERY, Paints

AREA_M = 6.0  # radius of the ground that scenery may stand on; the smallest room is little larger
CLEARANCE_M = 0.3
_CANDIDATES = 600


def lay_out(
    scenery: str, moving: Sequence[Primitives], cameras: Sequence[Camera], paints: Paints, seed: Sequence[int]
) -> Primitives:
    """The scenery's primitives (one frame), clear of everything that moves and of every line of sight.

    The candidate places depend on the seed alone, so two kinds of scenery stand in similar places.
    Raises ``ConfigError`` for an unknown scenery.
    """
    prop = choose("scenery", scenery, SCENERY)
    out = Sculpture(1)
    if prop is None:
        return out.primitives()
    rng = np.random.default_rng(seed)
    swept = np.concatenate([spheres(primitives) for primitives in moving])
    places = AREA_M * np.sqrt(rng.random(_CANDIDATES))[:, None] * _directions(rng)
    gaps = np.min(
        np.linalg.norm(places[:, None] - swept[None, :, :2], axis=-1) - swept[None, :, 3], axis=1
    )
    chance = rng.random(_CANDIDATES)
    taken: list[FloatArray] = []
    for index in np.argsort(gaps + 2.0 * chance):  # near ones first, but not all of the nearest
        place = places[index]
        apart = all(np.linalg.norm(place - other) > 2.0 * prop.radius_m + 0.25 for other in taken)
        free = gaps[index] > prop.radius_m + CLEARANCE_M and apart
        if free and all(_behind(camera, place, prop.radius_m, swept) for camera in cameras):
            taken.append(place)
            facing = np.arctan2(-place[1], -place[0]) + rng.uniform(-0.4, 0.4)
            prop.draw(
                Frame(rotation("z", facing), np.array([[*place, 0.0]])), out, paints, np.random.default_rng([*seed, index])
            )
        if len(taken) == prop.count:
            break
    return out.primitives()


def _directions(rng: np.random.Generator) -> FloatArray:
    angle = rng.uniform(0.0, 2.0 * np.pi, _CANDIDATES)
    return np.stack([np.cos(angle), np.sin(angle)], -1)


def _behind(camera: Camera, place: FloatArray, radius_m: float, swept: FloatArray) -> bool:
    """Whether a thing at ``place`` (2,) is in the picture and hides nothing that moves, at any time.

    Seen from above: whatever overlaps it in bearing must be nearer to the camera than it is.
    """
    slope = np.tan(np.radians(camera.vertical_fov_degrees / 2.0))
    for row in {0, len(camera.position) // 2, len(camera.position) - 1}:
        eye = camera.position[row, :2]
        ahead = camera.target[min(row, len(camera.target) - 1), :2] - eye
        ahead = ahead / np.linalg.norm(ahead)
        offset = place - eye
        depth, aside = float(offset @ ahead), float(ahead[0] * offset[1] - ahead[1] * offset[0])
        if depth < 0.5 or abs(aside) + 0.4 * radius_m > slope * depth:
            return False
        distance = np.hypot(depth, aside)
        others = swept[:, :2] - eye
        distances = np.maximum(np.linalg.norm(others, axis=-1), 1e-6)
        turn = np.arctan2(
            offset[0] * others[:, 1] - offset[1] * others[:, 0], others @ offset
        )
        half = np.arcsin(np.clip((swept[:, 3] + 0.1) / distances, 0.0, 1.0)) + np.arcsin(min(radius_m / distance, 1.0))
        if np.any((np.abs(turn) < half) & (distances > distance)):
            return False
    return True
