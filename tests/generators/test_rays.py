"""Entries of rays into the canonical shapes, against marching through their plain definitions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from data.schema import FloatArray
from generators.procedural.rays import MISS, enter
from generators.procedural.scene import Shape

STEP = 0.004
lengths = st.floats(0.2, 1.2)
numbers = st.floats(-1.0, 1.0)


def inside(shape: Shape, size: tuple[float, float, float], points: FloatArray) -> npt.NDArray[np.bool_]:
    """Whether points (N, 3) lie in the shape, straight from the words of ``scene.Shape``."""
    a, b, c = size
    if shape == Shape.ELLIPSOID:
        return np.asarray(((points / np.array(size)) ** 2).sum(1) <= 1)
    if shape == Shape.BOX:
        return np.asarray((np.abs(points) <= np.array(size)).all(1))
    if shape == Shape.CYLINDER:
        return np.asarray((np.hypot(points[:, 0], points[:, 1]) <= a) & (np.abs(points[:, 2]) <= b))
    # The hull of two balls is all the balls in between.
    share = np.linspace(0, 1, 400)
    height = points[:, None, 2] - share * c
    reach = np.hypot(np.hypot(points[:, None, 0], points[:, None, 1]), height)
    return np.asarray((reach <= a + (b - a) * share).any(1))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(list(Shape)),
    st.tuples(lengths, lengths, lengths),
    st.tuples(numbers, numbers, numbers),
    st.tuples(numbers, numbers, numbers),
    st.floats(0.3, 3.0),
)
def test_a_ray_enters_where_marching_first_finds_the_inside(
    shape: Shape,
    size: tuple[float, float, float],
    direction: tuple[float, float, float],
    aim: tuple[float, float, float],
    length: float,
) -> None:
    d = np.array(direction)
    assume(np.linalg.norm(d) > 0.1)
    d *= length / np.linalg.norm(d)  # ``t`` counts in lengths of the direction
    origin = 0.6 * np.array(aim) - 4.0 * d / length
    t = np.arange(0, 8, STEP) / length
    within = inside(shape, size, origin + t[:, None] * d)
    hit, _, *normal = enter(int(shape), *size, *origin, *d)
    if hit >= MISS:
        assert within.sum() <= 60, "marching finds an inside that the ray misses by more than a graze"
        return
    assume(within.sum() > 3)
    assert hit * length == pytest.approx(
        t[np.argmax(within)] * length, abs=0.03 if within.sum() < 60 else 0.012
    )
    assert np.dot(normal, d) <= 1e-9, "the normal of an entry faces the ray"


@pytest.mark.parametrize(
    ("shape", "size", "entry", "face", "normal"),
    [
        (Shape.ELLIPSOID, (0.5, 2.0, 3.0), 3.5, 0, (-1, 0, 0)),
        (Shape.BOX, (0.25, 2.0, 3.0), 3.75, 0, (-1, 0, 0)),
        (Shape.CYLINDER, (0.75, 3.0, 0.0), 3.25, 0, (-1, 0, 0)),
        (Shape.ROUND_CONE, (0.5, 0.5, 1.0), 3.5, 0, (-1, 0, 0)),
    ],
)
def test_entry_face_and_normal_along_x(
    shape: Shape, size: tuple[float, float, float], entry: float, face: int, normal: tuple[int, int, int]
) -> None:
    hit, got_face, *got = enter(int(shape), *size, -4.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    assert hit == pytest.approx(entry)
    assert got_face == face
    assert np.array(got) / np.linalg.norm(got) == pytest.approx(np.array(normal), abs=1e-12)


def test_flat_parts_have_their_own_faces() -> None:
    box = [
        enter(int(Shape.BOX), 1, 2, 3, *(-9 * np.array(d)), *d)[1] for d in np.vstack([np.eye(3), -np.eye(3)])
    ]
    assert box == [0, 2, 4, 1, 3, 5]
    assert enter(int(Shape.CYLINDER), 1, 2, 0, 0.0, 0.0, 9.0, 0.0, 0.0, -1.0)[1] == 1
    assert enter(int(Shape.CYLINDER), 1, 2, 0, 0.0, 0.0, -9.0, 0.0, 0.0, 1.0)[1] == 2


def test_a_round_cone_with_one_ball_inside_the_other_is_that_ball() -> None:
    hit = enter(int(Shape.ROUND_CONE), 1.0, 0.2, 0.5, 0.0, -5.0, 0.0, 0.0, 1.0, 0.0)
    assert hit[0] == pytest.approx(4.0)


def test_nothing_behind_the_start_is_hit() -> None:
    for shape in Shape:
        assert enter(int(shape), 0.5, 0.5, 0.5, 4.0, 0.1, 0.1, 1.0, 0.0, 0.0)[0] == MISS
