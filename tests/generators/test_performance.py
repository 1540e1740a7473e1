"""Timings run from 0 to 1 without going back, and no two of them are alike."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.procedural.channels import Beat
from generators.procedural.motions import MOTIONS, motion_channels
from generators.procedural.performance import HURRY, PAUSE_SHARE, performance


def course(seed: int, num_frames: int = 80, fps: float = 16.0) -> np.ndarray:
    seconds = np.arange(num_frames) / fps
    return performance(seconds, float(seconds[-1]), np.random.default_rng(seed))


@given(st.integers(0, 10_000), st.integers(8, 200), st.sampled_from([6.0, 16.0, 30.0]))
def test_a_performance_goes_from_0_to_1_and_never_back(seed: int, num_frames: int, fps: float) -> None:
    done = course(seed, num_frames, fps)

    assert done[0] == 0.0
    assert done[-1] == pytest.approx(1.0)
    assert (np.diff(done) >= 0.0).all()


@given(st.integers(0, 10_000))
def test_hurry_and_pauses_have_their_bounds(seed: int) -> None:
    speed = np.diff(course(seed, num_frames=801, fps=160.0)) * 800

    moving = speed[speed > 0.0]
    assert (speed == 0.0).mean() <= 2 * PAUSE_SHARE + 0.01
    assert moving.max() <= HURRY**2 / (1 - 2 * PAUSE_SHARE)


@given(st.integers(0, 10_000), st.integers(1, 9), st.floats(0.1, 3.0))
def test_spans_cover_what_moves_and_none_is_too_short(seed: int, count: int, shortest: float) -> None:
    done = course(seed)
    beat = Beat(np.arange(80) / 16.0, 79 / 16.0, 16.0, done)
    spans = beat.spans(count, shortest)

    moving = np.flatnonzero(np.diff(done) > 0.0)
    begin, end = moving[0] / 16.0, (moving[-1] + 1) / 16.0
    assert len(spans) - 1 == max(1, min(count, int((end - begin) / shortest)))
    assert beat.moving() == (begin, end)
    assert (spans[0], spans[-1]) == pytest.approx((begin, end))
    assert np.diff(spans).min() >= min(shortest, end - begin) - 1e-9


def test_a_span_is_as_long_as_the_motion_hesitates_in_it() -> None:
    seconds = np.arange(81) / 16.0
    slow_then_fast = np.interp(seconds, [0.0, 3.0, 5.0], [0.0, 0.5, 1.0])
    beat = Beat(seconds, 5.0, 16.0, slow_then_fast)

    np.testing.assert_allclose(beat.spans(2, shortest_seconds=1.0), [0.0, 1.0 + 3.0 * 0.6, 5.0])


def busyness(motion: str, seed: int) -> np.ndarray:
    """How much the channels change at every instant, without its mean and of length 1."""
    channels = motion_channels(motion, 80, 16.0, seed)[0]
    change = np.abs(np.diff(channels, axis=0)).sum(axis=1)
    centred = change - change.mean()
    return centred / np.linalg.norm(centred)


@pytest.mark.parametrize("motion", MOTIONS)
def test_two_triplets_of_a_motion_are_told_apart_by_their_timing(motion: str) -> None:
    """They would otherwise be as good an answer to each other's question as the true positive."""
    profiles = [busyness(motion, seed) for seed in range(12)]
    agreement = [float(one @ other) for one, other in combinations(profiles, 2)]
    assert np.median(agreement) < 0.7


def test_a_negative_does_not_share_the_timing_of_its_reference() -> None:
    agreement = [float(busyness("wave", seed) @ busyness("nod", seed)) for seed in range(40)]
    assert abs(np.median(agreement)) < 0.35
