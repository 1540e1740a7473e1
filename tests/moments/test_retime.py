"""Rotary positions of ReTime: formulas against printed numbers, and what holds for every clip."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from moments.errors import FeatureError
from moments.retime import BandStrength, TimeWarp, latent_frames, step_factor

EVEN = TimeWarp(np.zeros(81))
KINDS = ["exp_up", "none", "linear", "cosine", "exp_down", "window"]

tau_of_81 = arrays(np.float64, 79, elements=st.floats(0, 80)).map(lambda a: np.r_[0, np.sort(a), 80])
noise_levels = st.floats(0, 1)


def test_the_fastest_band_takes_a_fifth_and_the_slowest_three_quarters() -> None:
    alpha = BandStrength().of(22)
    assert alpha[0] == pytest.approx(0.20)
    assert alpha[21] == pytest.approx(0.770, abs=5e-4)
    assert (np.diff(alpha) > 0).all()


def test_strength_follows_its_formula_band_by_band() -> None:
    alpha = BandStrength(low=0.1, high=0.9, decay=2).of(5)
    by_hand = [0.9 + (0.1 - 0.9) * np.exp(-2 * band / 4) for band in range(5)]
    np.testing.assert_allclose(alpha, by_hand, rtol=1e-15)


def test_models_that_list_slow_bands_first_get_the_strengths_reversed() -> None:
    slow_first = BandStrength(fastest_first=False).of(341)
    np.testing.assert_array_equal(slow_first, BandStrength().of(341)[::-1])


def test_a_single_band_takes_the_low_strength() -> None:
    assert BandStrength().of(1) == pytest.approx([0.2])


@pytest.mark.parametrize(
    ("noise_level", "share"), [(1, 1.0), (0.9, 0.727), (0.75, 0.445), (0.5, 0.182), (0.25, 0.059), (0, 0)]
)
def test_exp_up_has_the_released_values(noise_level: float, share: float) -> None:
    assert step_factor(noise_level) == pytest.approx(share, abs=5e-4)


@given(noise_levels)
def test_the_other_factors_follow_their_formulas(t: float) -> None:
    assert step_factor(t, "none") == 1
    assert step_factor(t, "linear") == t
    assert step_factor(t, "cosine") == pytest.approx(np.sin(np.pi * t / 2) ** 2, abs=1e-12)
    assert step_factor(t, "exp_down") == pytest.approx((np.exp(3 * (1 - t)) - 1) / (np.exp(3) - 1), abs=1e-12)
    assert step_factor(t, "window", (0.25, 0.75)) == (0.25 <= t <= 0.75)


@pytest.mark.parametrize("kind", KINDS)
@given(t=noise_levels)
def test_every_factor_is_a_share(kind: str, t: float) -> None:
    assert 0 <= step_factor(t, kind) <= 1


@pytest.mark.parametrize("level", [-0.1, 1.1, 900.0, float("nan")])
def test_a_timestep_is_not_a_noise_level(level: float) -> None:
    with pytest.raises(FeatureError, match="divide the timestep by 1000"):
        step_factor(level)


@pytest.mark.parametrize(("frames", "stride", "latents"), [(81, 4, 21), (5, 4, 2), (121, 8, 16)])
def test_the_first_frame_has_a_latent_to_itself(frames: int, stride: int, latents: int) -> None:
    assert latent_frames(frames, stride) == latents


@pytest.mark.parametrize("frames", [0, 1, 4, 80, 82])
def test_clips_that_do_not_fill_their_latents_are_refused(frames: int) -> None:
    with pytest.raises(FeatureError, match=f"{frames} frames"):
        TimeWarp(np.zeros(frames))


@given(noise_levels)
def test_without_a_correction_every_latent_is_at_its_index_exactly(t: float) -> None:
    np.testing.assert_array_equal(EVEN.positions(t), np.tile(np.arange(21.0), (22, 1)))


@given(tau_of_81)
def test_strength_zero_is_the_plain_model_exactly(tau: np.ndarray) -> None:
    off = replace(EVEN, strength=BandStrength(0, 0)).refined(tau)
    np.testing.assert_array_equal(off.positions(1), np.tile(np.arange(21.0), (22, 1)))


@given(tau_of_81, noise_levels)
def test_frame_positions_follow_the_blend_of_the_paper(tau: np.ndarray, t: float) -> None:
    positions = EVEN.refined(tau).positions(t)
    gamma = (np.exp(3 * t) - 1) / (np.exp(3) - 1)
    for band in (0, 7, 21):
        alpha = gamma * (0.8 - 0.6 * np.exp(-3 * band / 21))
        for latent in (0, 1, 11, 20):
            blend = (1 - alpha) * 4 * latent + alpha * tau[4 * latent]
            assert positions[band, latent] == pytest.approx(blend / 4, abs=1e-9)


@given(tau_of_81, noise_levels)
def test_one_pass_keeps_the_order_and_the_ends(tau: np.ndarray, t: float) -> None:
    positions = EVEN.refined(tau).positions(t)
    assert (np.diff(positions, axis=1) >= -1e-12).all()
    np.testing.assert_array_equal(positions[:, 0], 0)
    np.testing.assert_array_equal(positions[:, -1], 20)


def test_ends_are_pinned_although_the_clip_begins_and_ends_with_a_rest() -> None:
    tau = np.linspace(10, 70, 81)
    positions = EVEN.refined(tau).positions(1)
    np.testing.assert_array_equal(positions[:, [0, -1]], np.tile([0.0, 20.0], (22, 1)))
    assert (positions[:, 1] > 1).all()


def test_a_jump_in_the_middle_draws_latents_to_it() -> None:
    tau = np.r_[0, np.full(79, 40.0), 80]
    gaps = np.diff(EVEN.refined(tau).positions(1)[21])
    assert gaps[9] < 0.3
    assert gaps[0] > 5


def test_released_positions_are_the_centres_of_the_frames() -> None:
    positions = TimeWarp(np.zeros(81), strength=BandStrength(0, 0), mapping="released").positions(1)
    np.testing.assert_allclose(positions[5], np.r_[0, np.arange(20) + 0.625], atol=1e-12)


@given(tau_of_81, tau_of_81)
def test_released_positions_follow_the_authors_arithmetic(first: np.ndarray, second: np.ndarray) -> None:
    warp = TimeWarp(np.zeros(81), factor="none", mapping="released").refined(first).refined(second)
    frames, centres = np.arange(81.0), np.r_[0, 4 * np.arange(1, 21) - 1.5]
    for band in (0, 21):
        alpha = 0.8 - 0.6 * np.exp(-3 * band / 21)
        base = np.interp(centres, frames, frames + alpha * (first - frames)) * 20 / 80
        target = np.interp(centres, frames, second) * 20 / 80
        np.testing.assert_allclose(
            warp.positions(0.5)[band], base + alpha * (target - np.arange(21)), atol=1e-9
        )


@given(tau_of_81, tau_of_81, noise_levels)
def test_every_pass_moves_on_from_the_positions_before_it(
    first: np.ndarray, second: np.ndarray, t: float
) -> None:
    once, twice = EVEN.refined(first), EVEN.refined(first).refined(second)
    step = EVEN.refined(second).positions(t) - EVEN.positions(t)
    np.testing.assert_allclose(twice.positions(t), once.positions(t) + step, atol=1e-9)


def test_a_clip_that_is_even_asks_for_no_further_move() -> None:
    once = EVEN.refined(np.linspace(0, 1, 81) ** 2 * 80)
    np.testing.assert_array_equal(once.refined(np.arange(81.0)).positions(1), once.positions(1))


@pytest.mark.parametrize(
    "tau",
    [
        np.arange(80.0),
        np.arange(81.0)[::-1],
        np.full(81, np.nan),
        np.arange(81.0) + 1,
        np.arange(81.0) - 1,
        np.zeros((81, 1)),
    ],
    ids=["too short", "falling", "not finite", "past the end", "before the start", "two dimensions"],
)
def test_a_tau_that_inverts_no_progress_is_refused(tau: np.ndarray) -> None:
    with pytest.raises(FeatureError, match="tau"):
        EVEN.refined(tau)


@pytest.mark.parametrize("strength", [(-0.1, 0.8, 3), (0.2, 1.1, 3), (0.2, 0.8, -1), (0.2, 0.8, np.inf)])
def test_strengths_outside_their_range_are_refused(strength: tuple[float, float, float]) -> None:
    with pytest.raises(FeatureError, match="band strengths"):
        BandStrength(*strength)


def test_a_correction_that_is_no_row_of_numbers_is_refused() -> None:
    with pytest.raises(FeatureError, match="correction"):
        TimeWarp(np.zeros((81, 22)))
    with pytest.raises(FeatureError, match="correction"):
        TimeWarp(np.full(81, np.inf))
    with pytest.raises(FeatureError, match="bands"):
        TimeWarp(np.zeros(81), bands=0)


@pytest.mark.parametrize("window", [(0.6, 0.4), (-0.1, 0.5), (0.5, 1.1)])
def test_a_window_that_is_no_range_of_noise_levels_is_refused(window: tuple[float, float]) -> None:
    with pytest.raises(FeatureError, match="window"):
        TimeWarp(np.zeros(81), factor="window", window=window)
