"""Nothing that moves is ever cut off, the subject fills the picture, and cameras differ."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle

import numpy as np
import pytest

from data.errors import ConfigError
from data.schema import FloatArray
from generators.procedural.bodies import SUBJECTS, Place, build_body
from generators.procedural.cameras import LOWEST_CAMERA_M, MARGIN, VIEWPOINTS, framed
from generators.procedural.extents import reach
from generators.procedural.motions import motion_channels
from generators.procedural.projection import view_at
from generators.procedural.scene import Camera, Primitives

FPS, FRAMES = 16, 80
CARRIED = [(subject, motion) for subject, (_, motions) in SUBJECTS.items() for motion in sorted(motions)]
# Every pair of subject and motion under one camera, and every camera many times over.
SHOTS = [(*pair, camera) for pair, camera in zip(CARRIED, cycle(VIEWPOINTS), strict=False)]


def moving(subject: str, motion: str, seed: int = 2) -> Primitives:
    channels = motion_channels(motion, FRAMES, FPS, seed)[0]
    return build_body(subject, motion, channels, Place(0.0, 0.0, 0.1), None).primitives


def clearances(camera: Camera, primitives: Primitives) -> FloatArray:
    """Least free share of the picture right, left, above and below the primitives: (4,), negative when cut.

    Under a moving camera every eighth frame is looked at.
    """
    stands = len(camera.position) == 1
    looks = [slice(None)] if stands else [slice(frame, frame + 1) for frame in range(0, FRAMES, 8)]
    free = [[_free(camera, look, primitives, axis) for axis in range(4)] for look in looks]
    return np.min(free, axis=0)


def _free(camera: Camera, look: slice, primitives: Primitives, edge: int) -> float:
    """Free share at one edge of the picture, by bisection on planes through the camera that touch a body."""
    view = view_at(camera, look.start or 0, 1000)
    seen = replace(primitives, linear=primitives.linear[look], origin=primitives.origin[look])
    axis = (view.right, -view.right, view.up, -view.up)[edge]
    low, high = -2.0, 2.0  # tangents of the angle to the view
    for _ in range(25):
        slope = (low + high) / 2.0
        normal = axis - slope * view.forward
        low, high = (slope, high) if reach(seen, normal).max() > view.position @ normal else (low, slope)
    return 0.5 - high * view.focal_px / 1000


@pytest.mark.parametrize(("subject", "motion", "camera"), SHOTS)
def test_nothing_is_cut_off_and_the_picture_is_filled(subject: str, motion: str, camera: str) -> None:
    primitives = moving(subject, motion)
    shot = framed(camera, [primitives], FRAMES)
    free = clearances(shot, primitives)

    assert free.min() >= MARGIN - 1e-3
    tightest = min(free[0] + free[1], free[2] + free[3])
    assert (
        tightest <= (0.12 if len(shot.position) == 1 and VIEWPOINTS[camera].push == 1.0 else 0.7) + 2 * MARGIN
    )


@pytest.mark.parametrize("camera", VIEWPOINTS)
def test_the_camera_stays_above_ground(camera: str) -> None:
    for subject, motion in (("ball", "spin"), ("person", "run"), ("chest", "open")):
        assert (
            framed(camera, [moving(subject, motion)], FRAMES).position[:, 2].min() >= LOWEST_CAMERA_M - 1e-9
        )


def test_framing_holds_everything_it_is_given() -> None:
    one, other = moving("person", "wave"), moving("person", "walk")
    shot = framed("side", [one, other], FRAMES)

    for primitives in (one, other):
        assert clearances(shot, primitives).min() >= MARGIN - 1e-3


@pytest.mark.parametrize("camera", ["slow_push_in", "slow_arc"])
def test_a_moving_camera_moves_smoothly_from_a_standing_start(camera: str) -> None:
    shot = framed(camera, [moving("person", "wave")], FRAMES)
    steps = np.linalg.norm(np.diff(shot.position, axis=0), axis=1)

    assert shot.position.shape == (FRAMES, 3)
    assert steps.sum() > 0.8
    assert steps[0] < 0.2 * steps.max()
    assert steps.max() < 0.15


def test_a_push_in_comes_closer() -> None:
    shot = framed("slow_push_in", [moving("person", "wave")], FRAMES)
    distance = np.linalg.norm(shot.position - shot.target, axis=1)

    assert (np.diff(distance) <= 1e-12).all()
    assert distance[-1] < 0.8 * distance[0]


def test_two_cameras_never_look_the_same_way() -> None:
    primitives = moving("person", "wave")
    shots = {name: framed(name, [primitives], FRAMES) for name in VIEWPOINTS if VIEWPOINTS[name].push == 1.0}
    looks = {name: (shot.target[0] - shot.position[0]) for name, shot in shots.items()}
    for one in looks:
        for other in looks:
            if one < other:
                a, b = looks[one], looks[other]
                cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
                assert np.degrees(np.arccos(cosine)) > 15, (one, other)


def test_an_unknown_camera_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"camera 'frontal'.*Did you mean 'front'\?"):
        framed("frontal", [moving("ball", "spin")], FRAMES)
