"""The Semantic Progress Function against dense least squares and against paths whose pace is known."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moments.errors import FeatureError
from moments.progress import SemanticProgress, semantic_progress

T = 81
TIME = np.linspace(0, 1, T)


def great_circle(angles: np.ndarray) -> np.ndarray:
    """Embeddings (T, 4) at these angles along one great circle."""
    frame = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    return np.cos(angles)[:, None] * frame[0] + np.sin(angles)[:, None] * frame[1]


def dense(z: np.ndarray, window: int, sigma: float, ridge: float, power: float) -> np.ndarray:
    """The raw S from the full matrix A, by a least-squares solver."""
    z = z / np.linalg.norm(z, axis=1, keepdims=True)
    rows, targets, weights = [], [], []
    for i in range(len(z)):
        for j in range(i + 1, min(len(z), i + window + 1)):
            row = np.zeros(len(z))
            row[i], row[j] = -1, 1
            rows.append(row)
            targets.append(np.arccos(np.clip(z[i] @ z[j], -1, 1)) ** power)
            weights.append(np.exp(-((j - i) ** 2) / (2 * sigma**2)))
    root = np.sqrt(weights)
    left = np.vstack([root[:, None] * np.array(rows), np.sqrt(ridge) * np.eye(len(z))])
    right = np.concatenate([root * np.array(targets), np.zeros(len(z))])
    return np.linalg.lstsq(left, right, rcond=None)[0]


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 10_000),
    st.integers(2, 40),
    st.integers(1, 35),
    st.floats(1.0, 40.0),
    st.sampled_from([1.0, 2.0]),
    st.sampled_from([1e-5, 1e-3, 1.0]),
)
def test_raw_equals_dense_least_squares(
    seed: int, frames: int, window: int, sigma: float, power: float, ridge: float
) -> None:
    z = np.random.default_rng(seed).normal(size=(frames, 8))
    found = semantic_progress(z, window=window, sigma=sigma, ridge=ridge, power=power)
    np.testing.assert_allclose(found.raw, dense(z, window, sigma, ridge, power), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "angle", [1e-9, 1e-6, 3e-4, 9.9e-4, 1.01e-3, 0.5, 3.0, np.pi - 1.01e-3, np.pi - 1e-6]
)
def test_angles_keep_twelve_digits_behind_the_point_from_tiny_to_opposite(angle: float) -> None:
    path = great_circle(np.repeat([0, angle], [2, 1]))
    found = semantic_progress(path, window=1, ridge=1e-12)
    assert found.range_radians == pytest.approx(angle, rel=1e-11, abs=2e-12)


def test_frames_of_length_zero_are_at_no_angle_to_each_other() -> None:
    path = np.zeros((3, 4))
    assert semantic_progress(path).range_radians == 0
    path[2, 0] = 1
    found = semantic_progress(path, window=1, ridge=1e-12)
    np.testing.assert_allclose(np.diff(found.raw), [0, np.pi / 2], atol=1e-9)


@pytest.mark.parametrize("frames", [127, 128, 129, 290])
def test_a_clip_longer_than_a_block_equals_dense_least_squares(frames: int) -> None:
    z = np.random.default_rng(frames).normal(size=(frames, 6))
    found = semantic_progress(z, ridge=1e-3)
    np.testing.assert_allclose(found.raw, dense(z, 30, 20, 1e-3, 1), rtol=0, atol=1e-9)


def test_constant_speed_is_a_straight_line_of_the_true_angle() -> None:
    found = semantic_progress(great_circle(1.2 * TIME))
    np.testing.assert_allclose(found.progress, TIME, atol=1e-4)
    assert found.range_radians == pytest.approx(1.2, abs=1e-4)
    assert found.raw.mean() == pytest.approx(0, abs=1e-9)
    assert found.interpretable


@pytest.mark.parametrize(
    ("pace", "tolerance"),
    [(np.square, 0.0032), (np.sqrt, 0.033), (lambda t: t * t * (3 - 2 * t), 0.0092)],
)
def test_smooth_paces_are_recovered_and_only_the_smoothing_errs(
    pace: Callable[[np.ndarray], np.ndarray], tolerance: float
) -> None:
    wanted = pace(TIME)
    found = semantic_progress(great_circle(1.2 * wanted))
    assert np.abs(found.progress - wanted).max() <= tolerance
    np.testing.assert_allclose(found.unsmoothed, wanted, atol=1e-6)
    raised = found.raw - found.raw[0]
    np.testing.assert_allclose(raised / raised[-1], wanted, atol=1e-6)


def test_a_jump_is_spread_over_two_intervals_but_found_at_its_frame() -> None:
    found = semantic_progress(great_circle(np.where(np.arange(T) < 30, 0.0, 1.0)))
    steps = np.diff(found.progress)
    np.testing.assert_allclose(steps[[28, 29]], 0.5, atol=1e-3)
    assert found.largest_jump == pytest.approx(1, abs=1e-3)
    assert found.largest_jump_frame == 30
    np.testing.assert_allclose(found.unsmoothed, np.arange(T) >= 30, atol=1e-3)


def jittered(angles: np.ndarray, jitter_radians: float) -> np.ndarray:
    """Embeddings (T, 512) at these angles along a great circle, each off by about this angle."""
    path = np.zeros((len(angles), 512))
    path[:, 0], path[:, 1] = np.cos(angles), np.sin(angles)
    return path + jitter_radians * np.random.default_rng(0).normal(size=path.shape) / np.sqrt(512)


def share_of_the_jump(found: SemanticProgress) -> float:
    return float(found.progress[T // 2 + 1] - found.progress[T // 2 - 2])


JUMP = np.where(np.arange(T) < T // 2, 0.0, 1.0)


def test_jitter_pulls_the_progress_towards_a_straight_line() -> None:
    shares = [share_of_the_jump(semantic_progress(jittered(JUMP, size))) for size in (0.0, 0.05, 0.1, 0.2)]
    assert shares[0] > 0.99
    assert all(quiet > loud for quiet, loud in pairwise(shares))
    np.testing.assert_allclose(shares[1:], [0.74, 0.57, 0.38], atol=0.08)


@pytest.mark.parametrize(("size", "share"), [(0.05, 0.94), (0.1, 0.89), (0.2, 0.8)])
def test_the_noise_correction_gives_the_jump_most_of_its_share_back(size: float, share: float) -> None:
    found = semantic_progress(jittered(JUMP, size), correct_noise=True)
    assert share_of_the_jump(found) == pytest.approx(share, abs=0.02)
    assert found.range_radians == pytest.approx(1, abs=0.2)
    # Two views of one frame are off by `size` each, at right angles to one another.
    assert found.noise_radians == pytest.approx(np.sqrt(2) * size, rel=0.05)


@pytest.mark.parametrize("pace", [lambda t: t, np.square, lambda t: t * t * (3 - 2 * t)])
def test_the_noise_correction_leaves_a_smooth_path_as_it_is(
    pace: Callable[[np.ndarray], np.ndarray],
) -> None:
    plain = semantic_progress(great_circle(1.2 * pace(TIME)))
    corrected = semantic_progress(great_circle(1.2 * pace(TIME)), correct_noise=True)
    np.testing.assert_allclose(corrected.raw, plain.raw, atol=1e-3)
    assert plain.noise_radians == 0


def test_the_noise_correction_refuses_a_still_clip_whose_jitter_has_a_range() -> None:
    still = jittered(np.zeros(T), 0.05)
    assert semantic_progress(still).interpretable
    assert not semantic_progress(still, correct_noise=True).interpretable


def test_the_range_of_a_long_wandering_path_saturates() -> None:
    walk = np.random.default_rng(4).normal(size=(T, 64)).cumsum(0) + 8 * np.eye(64)[0]
    unit = walk / np.linalg.norm(walk, axis=1, keepdims=True)
    length = np.arccos(np.sum(unit[1:] * unit[:-1], axis=1)).sum()
    assert semantic_progress(walk).range_radians < length / 3


def test_identical_frames_are_not_interpretable_and_have_no_range() -> None:
    found = semantic_progress(np.tile(np.random.default_rng(1).normal(size=16), (T, 1)))
    assert found.range_radians < 1e-9
    assert not found.interpretable


def test_a_clip_that_only_trembles_would_pass_for_perfectly_paced_and_is_refused() -> None:
    found = semantic_progress(jittered(np.zeros(T), 1e-3))
    assert found.max_deviation < 0.06
    assert not found.interpretable


def test_a_straight_blend_of_two_embeddings_deviates_by_a_twentieth() -> None:
    blend = (1 - TIME)[:, None] * np.eye(4)[0] + TIME[:, None] * np.eye(4)[1]
    assert semantic_progress(blend).max_deviation == pytest.approx(0.048, abs=0.004)


def test_progress_runs_from_zero_to_one_without_falling() -> None:
    walk = np.random.default_rng(2).normal(size=(T, 32)).cumsum(0)
    found = semantic_progress(walk)
    assert found.progress[0] == 0
    assert found.progress[-1] == 1
    assert (np.diff(found.progress) >= 0).all()
    assert found.mean_deviation <= found.rms_deviation <= found.max_deviation


def test_half_precision_features_of_nearly_equal_frames_keep_their_small_angles() -> None:
    angles = 1e-6 * np.arange(T)
    found = semantic_progress(great_circle(angles))
    assert found.range_radians == pytest.approx(1e-6 * (T - 1), rel=1e-4)


def test_a_zero_embedding_is_at_a_right_angle_to_the_others() -> None:
    found = semantic_progress(np.array([[1.0, 0.0], [0.0, 0.0]]), ridge=1e-12)
    assert found.range_radians == pytest.approx(np.pi / 2)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_very_short_clips_are_finite(frames: int) -> None:
    found = semantic_progress(np.random.default_rng(3).normal(size=(frames, 5)), correct_noise=True)
    assert found.progress.shape == found.unsmoothed.shape == (frames,)
    assert np.isfinite(found.raw).all()
    assert np.isfinite(found.rms_deviation)


def test_embeddings_that_are_not_finite_are_refused_with_the_frame() -> None:
    z = np.ones((5, 3))
    z[2, 1] = np.inf
    with pytest.raises(FeatureError, match="frame 2 is not finite"):
        semantic_progress(z)


@pytest.mark.parametrize("shape", [(5,), (0, 3), (2, 3, 4)])
def test_anything_but_one_embedding_a_frame_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(FeatureError, match=r"expected \(T, d\)"):
        semantic_progress(np.ones(shape))


@pytest.mark.parametrize("setting", [{"window": 0}, {"sigma": 0.0}, {"ridge": 0.0}, {"power": 0.0}])
def test_settings_that_leave_nothing_to_solve_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(FeatureError, match="must all be positive"):
        semantic_progress(np.ones((4, 2)), **setting)  # type: ignore[arg-type]
