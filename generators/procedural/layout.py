"""Where scenery stands: in the picture, off the path of the subject, and never in front of it.

Knows things by the radius they take on the ground, and everything that moves by its extents.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
    gaps = np.min(np.linalg.norm(places[:, None] - swept[None, :, :2], axis=-1) - swept[None, :, 3], axis=1)
    chance = rng.random(_CANDIDATES)
    taken: list[FloatArray] = []
    seen = np.zeros(len(cameras), dtype=int)  # how many things each camera has in its picture
    for index in np.argsort(gaps + 2.0 * chance):  # near ones first, but not all of the nearest
        place = places[index]
        apart = all(np.linalg.norm(place - other) > 2.0 * prop.radius_m + 0.25 for other in taken)
        if not apart or gaps[index] < prop.radius_m + CLEARANCE_M:
            continue
        shown = np.array([_is_in_picture(camera, place, prop.radius_m) for camera in cameras])
        wanted = np.any(shown & (seen < prop.count))
        if wanted and not any(_hides(camera, place, prop.radius_m, swept) for camera in cameras):
            taken.append(place)
            seen += shown
            facing = np.arctan2(-place[1], -place[0]) + rng.uniform(-0.4, 0.4)
            at = Frame(rotation("z", facing), np.array([[*place, 0.0]]))
            prop.draw(at, out, paints, np.random.default_rng([*seed, index]))
        if (seen >= prop.count).all():
            break
    return out.primitives()


def _directions(rng: np.random.Generator) -> FloatArray:
    angle = rng.uniform(0.0, 2.0 * np.pi, _CANDIDATES)
    return np.stack([np.cos(angle), np.sin(angle)], -1)


def _rows(camera: Camera) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Eye and unit view direction on the ground, both (2,), at the start, the middle and the end."""
    last = len(camera.position) - 1
    for row in sorted({0, last // 2, last}):
        eye = camera.position[row, :2]
        ahead = camera.target[min(row, len(camera.target) - 1), :2] - eye
        yield eye, ahead / np.linalg.norm(ahead)


def _is_in_picture(camera: Camera, place: FloatArray, radius_m: float) -> bool:
    """Whether most of a thing is between the left and right edges of the picture all the time."""
    slope = np.tan(np.radians(camera.vertical_fov_degrees / 2.0))
    for eye, ahead in _rows(camera):
        offset = place - eye
        aside = abs(float(ahead[0] * offset[1] - ahead[1] * offset[0]))
        if aside + 0.4 * radius_m > slope * float(offset @ ahead):
            return False
    return True


def _hides(camera: Camera, place: FloatArray, radius_m: float, swept: FloatArray) -> bool:
    """Whether a thing stands before anything that moves, or would fill the picture from close by.

    Seen from above: whatever overlaps it in bearing must be nearer to the camera than it is.
    """
    for eye, _ in _rows(camera):
        offset, others = place - eye, swept[:, :2] - eye
        distance = float(np.linalg.norm(offset))
        if distance < radius_m + 1.0:
            return True
        distances = np.maximum(np.linalg.norm(others, axis=-1), 1e-6)
        turn = np.arctan2(offset[0] * others[:, 1] - offset[1] * others[:, 0], others @ offset)
        half = np.arcsin(np.clip((swept[:, 3] + 0.1) / distances, 0.0, 1.0)) + np.arcsin(radius_m / distance)
        if np.any((np.abs(turn) < half) & (distances > distance)):
            return True
    return False
