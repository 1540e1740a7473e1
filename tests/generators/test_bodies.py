"""Bodies stand on the ground, plant their feet, keep their bones, and carry what the vocabulary says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_np

from data.errors import ConfigError
from data.schema import FloatArray
from generators.procedural.bodies import SUBJECTS, Body, Place, build_body
from generators.procedural.channels import columns_of
from generators.procedural.extents import lowest_m, reach
from generators.procedural.motions import motion_channels
from generators.procedural.rig import Frame, Sculpture, rotation, two_bone
from generators.procedural.scene import Shape

FPS, FRAMES = 16, 80
CARRIED = [(subject, motion) for subject, (_, motions) in SUBJECTS.items() for motion in sorted(motions)]
LEGGED = ("person", "robot", "dog", "horse", "bird")
BONES = {
    "person": [("left_hip", "left_knee"), ("right_knee", "right_foot"), ("left_elbow", "left_hand")],
    "robot": [("left_hip", "left_knee"), ("right_knee", "right_foot"), ("left_elbow", "left_hand")],
    "dog": [("left_fore_hip", "left_fore_knee"), ("right_hind_knee", "right_hind_hock"), ("trunk", "croup")],
    "horse": [
        ("left_fore_hip", "left_fore_knee"),
        ("right_hind_knee", "right_hind_hock"),
        ("trunk", "croup"),
    ],
    "bird": [("left_hip", "left_knee"), ("right_knee", "right_foot"), ("head", "beak")],
    "robot_arm": [("shoulder", "elbow"), ("elbow", "wrist")],
    "pendulum": [("axle", "bob")],
    "door": [("top_hinge", "top_corner"), ("handle", "bottom_hinge")],
}


def moving(subject: str, motion: str, seed: int = 1, num_frames: int = FRAMES, fps: int = FPS) -> Body:
    channels = motion_channels(motion, num_frames, fps, seed)[0]
    return build_body(subject, motion, channels, Place(0.4, -0.3, 0.5), None)


def joint(body: Body, name: str) -> FloatArray:
    return body.joints[:, body.joint_names.index(name)]


@pytest.mark.parametrize(("subject", "motion"), CARRIED)
def test_nothing_sinks_into_the_ground_or_floats_above_it(subject: str, motion: str) -> None:
    for seed in range(3):
        body = moving(subject, motion, seed)
        low = lowest_m(body.primitives)
        flight = columns_of(motion_channels(motion, FRAMES, FPS, seed)[0])["up_m"]

        assert low.min() >= -0.01
        assert (low - flight).max() <= 0.05


@pytest.mark.parametrize(("subject", "motion"), CARRIED)
def test_every_motion_starts_from_one_rest_pose(subject: str, motion: str) -> None:
    rest = moving(subject, sorted(SUBJECTS[subject][1])[0], seed=7)
    body = moving(subject, motion, seed=7)

    np.testing.assert_array_equal(body.joints[0], rest.joints[0])
    np.testing.assert_array_equal(body.primitives.linear[0], rest.primitives.linear[0])
    np.testing.assert_array_equal(body.primitives.origin[0], rest.primitives.origin[0])
    np.testing.assert_array_equal(body.primitives.size, rest.primitives.size)
    assert np.abs(body.joints - body.joints[0]).max() > 0.05


@pytest.mark.parametrize(("subject", "motion"), CARRIED)
def test_a_body_never_stands_still_in_the_middle_of_a_motion(subject: str, motion: str) -> None:
    joints = moving(subject, motion).joints

    for start in range(4, FRAMES - FPS, 2):
        half_second = joints[start : start + FPS // 2 + 1]
        assert np.ptp(half_second, axis=0).max() > 0.012, f"still at {start / FPS} s"


@pytest.mark.parametrize("subject", LEGGED)
@pytest.mark.parametrize("motion", ["walk", "run", "spin", "orbit", "zigzag", "crouch", "bow", "sway"])
def test_planted_feet_do_not_slide(subject: str, motion: str) -> None:
    for seed in range(3):
        body = moving(subject, motion, seed, num_frames=300, fps=60)
        for name in body.joint_names:
            if name.endswith("_foot"):
                foot = joint(body, name)
                down = foot[:, 2] <= foot[0, 2] + 1e-4
                planted = down[1:] & down[:-1]
                speed = np.linalg.norm(np.diff(foot, axis=0), axis=1) * 60
                assert planted.mean() > 0.25
                assert speed[planted].max() < 0.08, f"{name} slides at {speed[planted].max():.2f} m/s"


@pytest.mark.parametrize("subject", LEGGED)
@pytest.mark.parametrize("motion", ["walk", "run"])
def test_a_gait_lifts_every_foot_in_turn(subject: str, motion: str) -> None:
    body = moving(subject, motion)
    lifted = [
        joint(body, name)[:, 2] > joint(body, name)[0, 2] + 0.02
        for name in body.joint_names
        if "_foot" in name
    ]

    for foot in lifted:
        assert np.count_nonzero(np.diff(foot.astype(int)) == 1) >= 3
    assert not np.all(lifted[0] == lifted[1])


@pytest.mark.parametrize(("subject", "motion"), [pair for pair in CARRIED if pair[0] in BONES])
def test_bones_keep_their_length(subject: str, motion: str) -> None:
    body = moving(subject, motion)

    for start, end in BONES[subject]:
        length = np.linalg.norm(joint(body, start) - joint(body, end), axis=-1)
        np.testing.assert_allclose(length, length[0], atol=1e-9)


@pytest.mark.parametrize(("subject", "motion"), CARRIED)
def test_shapes_are_not_sheared_or_turned_inside_out(subject: str, motion: str) -> None:
    volume = np.linalg.det(moving(subject, motion).primitives.linear)

    assert volume.min() > 0.9
    assert volume.max() < 1.1


@pytest.mark.parametrize(("subject", "motion"), CARRIED)
def test_a_motion_works_in_the_shortest_clip(subject: str, motion: str) -> None:
    body = moving(subject, motion, num_frames=8)

    assert np.isfinite(body.joints).all()
    assert lowest_m(body.primitives).min() >= -0.01


def test_a_ball_rolls_as_far_as_it_travels() -> None:
    body = moving("ball", "roll", num_frames=600, fps=120)
    contact = joint(body, "centre")
    travelled = np.linalg.norm(np.diff(contact, axis=0), axis=1).sum()
    turned = np.linalg.norm(
        np.diff(joint(body, "front") - contact, axis=0), axis=1
    ).sum()  # an arc of one radius

    np.testing.assert_allclose(turned, travelled, rtol=0.02)


def test_a_crate_comes_to_rest_on_a_face() -> None:
    body = moving("crate", "roll")

    np.testing.assert_allclose(joint(body, "centre")[-1, 2], 0.4, atol=1e-9)
    assert joint(body, "centre")[:, 2].max() > 0.5


def test_a_subject_refuses_a_motion_that_it_cannot_carry() -> None:
    channels = motion_channels("open", FRAMES, FPS, 0)[0]
    with pytest.raises(ConfigError, match="a dog cannot carry the motion 'open'; it can bow, "):
        build_body("dog", "open", channels, Place(0.0, 0.0, 0.0), None)


def test_a_machine_refuses_clothes() -> None:
    channels = motion_channels("spin", FRAMES, FPS, 0)[0]
    with pytest.raises(ConfigError, match="a robot_arm cannot wear a hat"):
        build_body("robot_arm", "spin", channels, Place(0.0, 0.0, 0.0), "hat")


coordinates = st_np.arrays(np.float64, (1, 3), elements=st.floats(-1, 1))


@given(start=coordinates, end=coordinates)
def test_two_bones_meet_in_a_joint_of_their_lengths(start: FloatArray, end: FloatArray) -> None:
    if np.linalg.norm(end - start) < 1e-3 or np.linalg.norm(np.cross(end - start, [1.0, 0.0, 0.0])) < 1e-3:
        return
    middle, reached = two_bone(start, end, 0.5, 0.4, np.array([[1.0, 0.0, 0.0]]))

    np.testing.assert_allclose(np.linalg.norm(middle - start), 0.5, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(middle - reached), 0.4, atol=1e-6)
    if 0.11 < np.linalg.norm(end - start) < 0.89:
        np.testing.assert_allclose(reached, end, atol=1e-9)


@given(
    shape=st.sampled_from(list(Shape)),
    size=st.tuples(*[st.floats(0.05, 1.0)] * 3),
    angles=st.tuples(*[st.floats(-3, 3)] * 2),
    direction=st_np.arrays(np.float64, 3, elements=st.floats(-1, 1)),
)
def test_reach_is_the_farthest_of_many_surface_points(
    shape: Shape, size: tuple[float, float, float], angles: tuple[float, float], direction: FloatArray
) -> None:
    if np.linalg.norm(direction) < 0.1:
        return
    frame = Frame(rotation("x", angles[0]) @ rotation("z", angles[1]), np.array([[0.3, -0.2, 1.0]]))
    sculpture = Sculpture(1)
    stretched = frame.stretched(1.2, 0.9, 0.8)
    sculpture.add(shape, size, stretched, 0)
    local = _surface(shape, size)
    world = local @ stretched.rotation[0].T + stretched.origin[0]

    far = reach(sculpture.primitives(), direction)[0, 0]
    most = (world @ direction).max()
    assert most <= far + 1e-9
    assert far <= most + 0.02


def _surface(shape: Shape, size: tuple[float, float, float]) -> FloatArray:
    """Points on a canonical shape, dense enough to be within 2 cm of its farthest one."""
    a, b, c = size
    polar, turn = np.meshgrid(np.linspace(0, np.pi, 73), np.linspace(0, 2 * np.pi, 145))
    ball = np.stack([np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)], -1).reshape(
        -1, 3
    )
    ring = np.stack([np.cos(turn[:, 0]), np.sin(turn[:, 0])], -1)
    match shape:
        case Shape.ELLIPSOID:
            return np.asarray(ball * size)
        case Shape.ROUND_CONE:
            return np.concatenate([ball * a, ball * b + [0.0, 0.0, c]])
        case Shape.BOX:
            signs = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)])
            return np.asarray(signs * size)
        case Shape.CYLINDER:
            return np.concatenate([np.column_stack([ring * a, np.full(len(ring), z)]) for z in (-b, b)])
