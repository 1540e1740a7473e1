"""Where the camera stands: every viewpoint is framed so that nothing that moves is ever cut off.

Knows primitives only as extents in space. Pictures are square, and z is up in all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.schema import FloatArray
from generators.procedural.choice import choose
from generators.procedural.easing import glide
from generators.procedural.extents import reach
from generators.procedural.scene import Camera, Primitives

VERTICAL_FOV_DEGREES = 36.0
MARGIN = 0.08  # of the picture's side, kept free on each edge
LOWEST_CAMERA_M = 0.22

_SLOPE = float(np.tan(np.radians(VERTICAL_FOV_DEGREES / 2.0))) * (1.0 - 2.0 * MARGIN)


@dataclass(frozen=True)
class Viewpoint:
    """A direction to look from, and how it changes during a clip.

    Azimuth 0 is straight ahead of the subject at rest, positive towards its left; elevation is above
    the horizon. ``arc_degrees`` is the sweep around the azimuth, ``push`` the last distance over the first.
    """

    azimuth_degrees: float
    elevation_degrees: float
    arc_degrees: float = 0.0
    push: float = 1.0


VIEWPOINTS = {
    "front": Viewpoint(0.0, 9.0),
    "three_quarter_left": Viewpoint(-45.0, 11.0),
    "three_quarter_right": Viewpoint(45.0, 11.0),
    "side": Viewpoint(84.0, 8.0),
    "high": Viewpoint(30.0, 46.0),
    "low": Viewpoint(30.0, -6.0),
    "slow_push_in": Viewpoint(0.0, 9.0, push=0.74),
    "slow_arc": Viewpoint(-45.0, 11.0, arc_degrees=46.0),
}


def framed(camera: str, moving: Sequence[Primitives], num_frames: int) -> Camera:
    """The camera of this name around everything that moves, over T frames (or 1, when it stands still).

    Raises ``ConfigError`` for an unknown camera.
    """
    view = choose("camera", camera, VIEWPOINTS)
    if view.arc_degrees:
        share = glide(np.arange(num_frames) / max(num_frames - 1, 1), 0.15) - 0.5
        return _around(moving, view, view.azimuth_degrees + view.arc_degrees * share)
    elevation = view.elevation_degrees
    position, forward = _fitted(moving, view.azimuth_degrees, elevation)
    while position[2] < LOWEST_CAMERA_M:  # a camera that looks up at something small would be under ground
        elevation += 2.0
        position, forward = _fitted(moving, view.azimuth_degrees, elevation)
    depth = float((middle_of(moving) - position) @ forward)
    target = position + depth * forward
    if view.push == 1.0:
        return Camera(position[None], target[None], VERTICAL_FOV_DEGREES)
    share = glide(np.arange(num_frames) / max(num_frames - 1, 1), 0.15)
    distances = depth * (1.0 - (1.0 - view.push) * share) / view.push
    return Camera(target - distances[:, None] * forward, target[None], VERTICAL_FOV_DEGREES)


def _axes(azimuth_degrees: float, elevation_degrees: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Forward, right and up (3,) of a camera that looks at the stage from this direction."""
    azimuth, elevation = np.radians(azimuth_degrees), np.radians(elevation_degrees)
    out = np.array(
        [np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)]
    )
    right = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
    return -out, right, np.cross(right, -out)


def _farthest(moving: Sequence[Primitives], direction: FloatArray) -> float:
    return max(float(reach(primitives, direction).max()) for primitives in moving)


def middle_of(moving: Sequence[Primitives]) -> FloatArray:
    """Centre of the box around everything that moves."""
    eye = np.eye(3)
    return np.array([(_farthest(moving, axis) - _farthest(moving, -axis)) / 2.0 for axis in eye])


def _fitted(
    moving: Sequence[Primitives], azimuth_degrees: float, elevation_degrees: float
) -> tuple[FloatArray, FloatArray]:
    """Tightest place of a camera of fixed orientation, and where it looks, both (3,).

    A point p is inside one edge of the picture when p · (right - slope · forward) does not exceed the
    same product of the camera's place. Opposite edges give the distance and the place between them.
    """
    forward, right, up = _axes(azimuth_degrees, elevation_degrees)
    rightmost, leftmost, top, bottom = (
        _farthest(moving, sign * axis - _SLOPE * forward) for axis in (right, up) for sign in (1.0, -1.0)
    )
    behind = max(rightmost + leftmost, top + bottom) / (2.0 * _SLOPE)
    return 0.5 * (rightmost - leftmost) * right + 0.5 * (top - bottom) * up - behind * forward, forward


def _around(moving: Sequence[Primitives], view: Viewpoint, azimuths_degrees: FloatArray) -> Camera:
    """A camera on a circle around the middle of the motion, just far enough for all of its azimuths."""
    middle = middle_of(moving)
    distance = 0.0
    for azimuth in np.linspace(azimuths_degrees.min(), azimuths_degrees.max(), 17):
        forward, right, up = _axes(float(azimuth), view.elevation_degrees)
        for edge in (right, -right, up, -up):
            normal = edge - _SLOPE * forward
            distance = max(distance, (_farthest(moving, normal) - float(middle @ normal)) / _SLOPE)
    forwards = np.array([_axes(float(a), view.elevation_degrees)[0] for a in azimuths_degrees])
    return Camera(middle - distance * forwards, middle[None], VERTICAL_FOV_DEGREES)
