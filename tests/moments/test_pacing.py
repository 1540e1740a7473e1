"""Pacings and the inverse of a progress curve, against interpolation and against each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moments.errors import FeatureError
from moments.pacing import PACINGS, Pacing, curve, exp_down, exp_up, inverse, linear, retimed_positions
from moments.progress import semantic_progress

TIME = np.linspace(0, 1, 81)
STEPS = st.lists(st.sampled_from([0.0, 0.0, 1e-3, 0.3, 1.0, 7.0]), min_size=1, max_size=60)


def rising(steps: list[float]) -> np.ndarray:
    """A curve from 0 to 1 with these steps; flat where a step is 0."""
    climbed = np.cumsum([0.0, *steps, 1.0])
    return climbed / climbed[-1]


def great_circle(angles: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


@given(STEPS, st.integers(1, 200))
def test_the_curve_at_the_inverse_is_the_share_that_was_asked_for(steps: list[float], number: int) -> None:
    progress, shares = rising(steps), np.linspace(0, 1, number)
    positions = inverse(progress, shares)
    np.testing.assert_allclose(
        np.interp(positions, np.arange(len(progress)), progress), shares, rtol=0, atol=2e-9
    )
    assert (np.diff(positions) >= 0).all()
    assert positions[0] == 0
    assert number == 1 or positions[-1] == len(progress) - 1


@given(STEPS, st.integers(0, 60))
def test_on_a_flat_part_the_frame_nearest_to_straight_time_is_taken(steps: list[float], frame: int) -> None:
    progress = rising(steps)
    share = progress[min(frame, len(steps))]
    flat = np.flatnonzero(progress == share)
    nearest = np.clip(share * (len(progress) - 1), flat[0], flat[-1])
    assert inverse(progress, np.array([share]))[0] == pytest.approx(nearest, abs=1e-3)


@given(STEPS)
def test_a_clip_backwards_is_answered_backwards(steps: list[float]) -> None:
    progress, shares = rising(steps), np.linspace(0, 1, 33)
    forth = inverse(progress, shares)
    back = inverse(1 - progress[::-1], 1 - shares[::-1])
    np.testing.assert_allclose(forth, len(progress) - 1 - back[::-1], atol=1e-4)


def test_a_target_that_falls_by_rounding_does_not_run_backwards_on_a_flat_part() -> None:
    positions = inverse(np.array([0, 0.5, 0.5, 0.5, 1]), np.array([0.5, 0.5 - 1e-10]))
    assert positions[0] == positions[1] == pytest.approx(2)


@given(st.sampled_from(sorted(PACINGS)), st.integers(2, 2000))
def test_every_named_pacing_runs_from_zero_to_one_without_falling(name: str, number: int) -> None:
    shares = PACINGS[name](np.linspace(0, 1, number))
    assert shares[0] == 0
    assert shares[-1] == pytest.approx(1, abs=1e-15)
    assert (np.diff(shares) >= -1e-15).all()


@given(st.sampled_from(sorted(PACINGS)), st.integers(2, 2000))
def test_every_named_pacing_has_an_inverse(name: str, number: int) -> None:
    grid = np.linspace(0, 1, number)
    np.testing.assert_allclose(
        inverse(PACINGS[name](grid), PACINGS[name](grid)), np.arange(number), atol=0.01
    )


def test_named_pacings_follow_their_formulas() -> None:
    u = np.array([0.0, 0.25, 0.5, 1.0])
    e = np.exp(3.0)
    np.testing.assert_allclose(linear(u), u)
    np.testing.assert_allclose(exp_up(u), (np.exp(3 * u) - 1) / (e - 1))
    np.testing.assert_allclose(exp_down(u), (e - np.exp(3 * (1 - u))) / (e - 1))
    np.testing.assert_allclose(PACINGS["sinusoidal"](u), [0, 0.25 + 1 / (2 * np.pi), 0.5, 1])


def test_a_curve_goes_straight_through_its_points() -> None:
    np.testing.assert_allclose(curve([0, 0.2, 1])(np.array([0.25, 0.5, 0.75])), [0.1, 0.2, 0.6])
    timed = curve([0, 0.2, 1], times=[10, 11, 14])
    np.testing.assert_allclose(timed(np.array([0, 0.25, 0.625, 1])), [0, 0.2, 0.6, 1])


@pytest.mark.parametrize("pacing", [linear, exp_up, exp_down, curve([0, 0.7, 0.7, 1])])
def test_a_retimed_clip_has_the_target_as_its_progress(pacing: Pacing) -> None:
    found = semantic_progress(great_circle(1.2 * TIME**2))
    positions = retimed_positions(found, pacing, 120)
    retimed = np.interp(positions, np.arange(81), TIME**2)
    np.testing.assert_allclose(retimed, pacing(np.linspace(0, 1, 120)), atol=1e-5)


def test_a_jump_is_stretched_over_its_own_interval_alone() -> None:
    found = semantic_progress(great_circle(np.where(np.arange(81) < 30, 0.0, 1.0)))
    positions = retimed_positions(found, linear, 81)
    assert positions[[0, -1]].tolist() == [0, 80]
    assert ((positions[1:-1] > 28.9) & (positions[1:-1] < 30.1)).all()
    np.testing.assert_allclose(np.diff(positions[2:-2]), 1 / 80, atol=1e-3)


@pytest.mark.parametrize("frames", [1, 2, 81])
@pytest.mark.parametrize("target", sorted(PACINGS))
def test_a_clip_that_cannot_be_interpreted_keeps_its_time(frames: int, target: str) -> None:
    found = semantic_progress(np.ones((frames, 4)))
    positions = retimed_positions(found, PACINGS[target], 41)
    np.testing.assert_allclose(positions, np.linspace(0, frames - 1, 41))


def test_two_different_frames_are_paced_between_them() -> None:
    found = semantic_progress(np.eye(2))
    np.testing.assert_allclose(retimed_positions(found, exp_up, 5), exp_up(np.linspace(0, 1, 5)))


def test_one_frame_is_the_first() -> None:
    assert retimed_positions(semantic_progress(np.eye(5)), linear, 1).tolist() == [0]


@pytest.mark.parametrize(
    ("progress", "times", "complaint"),
    [
        ([0.0], None, "at least two"),
        ([[0.0, 1.0]], None, "at least two"),
        ([0, 0.6, 0.5, 1], None, "progress falls at point 3 of 4, which is 0.5"),
        ([0, np.nan, 1], None, "progress is not finite at point 2"),
        ([0, 0.5, 0.9], None, "runs from 0 to 0.9; expected from 0 to 1"),
        ([0.1, 1], None, "runs from 0.1 to 1"),
        ([0, 0.5, 1], [0, 1, 1], "times do not rise at point 3"),
        ([0, 0.5, 1], [0, 1], "2 times came with 3 values"),
    ],
)
def test_a_curve_that_is_no_pacing_is_refused(
    progress: list[float], times: list[float] | None, complaint: str
) -> None:
    with pytest.raises(FeatureError, match=complaint):
        curve(progress, times)


@pytest.mark.parametrize(
    ("progress", "shares", "complaint"),
    [
        ([0, 1, 0.5, 1], [0.5], "progress falls at point 3"),
        ([0.0, 0.0], [0.5], "runs from 0 to 0"),
        ([0, 1], [0.5, 1.1], "the target leaves 0 … 1 at point 2"),
        ([0, 1], [np.nan], "the target leaves"),
        ([0, 1], [0.5, 0.4], "the target falls at point 2"),
    ],
)
def test_an_inverse_that_does_not_exist_is_refused(
    progress: list[float], shares: list[float], complaint: str
) -> None:
    with pytest.raises(FeatureError, match=complaint):
        inverse(np.array(progress), np.array(shares))


def test_no_frames_are_refused() -> None:
    with pytest.raises(FeatureError, match="0 frames are asked for"):
        retimed_positions(semantic_progress(np.eye(3)), linear, 0)
