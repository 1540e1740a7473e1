"""Synchrony holds where only the looks differ and fails where the motion does."""

from __future__ import annotations

import numpy as np
import pytest

from moments.errors import FeatureError
from moments.hog import hog
from moments.synchrony import MIN_FRAMES, activity, agreement_by_frame, synchrony
from tests.moments.clips import NUM_FRAMES, Frames, late_rush, moving_disc, rest, stop_and_go


def features(frames: Frames) -> np.ndarray:
    found: np.ndarray = hog(frames).numpy()
    return found


@pytest.fixture(scope="module")
def reference() -> np.ndarray:
    return features(moving_disc(stop_and_go()))


def test_a_clip_agrees_with_itself_fully(reference: np.ndarray) -> None:
    found = synchrony(reference, reference)
    assert found.score == pytest.approx(1)
    assert found.best_lag_frames == 0
    assert found.best_score == found.score == found.profile.max()


@pytest.mark.parametrize(
    "other",
    [
        {"ground_seed": 5},
        {"disc_seed": 7},
        {"radius": 0.11},
        {"ground_seed": 8, "disc_seed": 9},
    ],
    ids=["scenery", "appearance", "size", "scenery and appearance"],
)
def test_other_looks_of_the_same_motion_agree(reference: np.ndarray, other: dict[str, float]) -> None:
    found = synchrony(reference, features(moving_disc(stop_and_go(), **other)))  # type: ignore[arg-type]
    assert found.score > 0.8
    assert found.best_lag_frames == 0


@pytest.mark.parametrize("view", [np.s_[:, :, ::-1], np.s_[:, ::-1], np.s_[:, 8:88, 10:90]])
def test_mirrored_turned_and_closer_views_agree(reference: np.ndarray, view: tuple[slice, ...]) -> None:
    found = synchrony(reference, features(moving_disc(stop_and_go())[view]))
    assert found.score > 0.8
    assert found.best_lag_frames == 0


@pytest.mark.parametrize("delay", [-5, -4, 4, 5])
def test_a_delay_is_found_with_its_sign(reference: np.ndarray, delay: int) -> None:
    found = synchrony(reference, features(moving_disc(stop_and_go(delay_frames=delay), ground_seed=5)))
    assert found.best_lag_frames == delay
    assert found.best_score > 0.8 > found.score


def test_another_motion_does_not_agree_at_any_lag(reference: np.ndarray) -> None:
    assert synchrony(reference, features(moving_disc(late_rush()))).profile.max() < 0.5


def test_reversal_is_seen(reference: np.ndarray) -> None:
    assert synchrony(reference, reference[::-1]).score < 0.5


def test_a_half_frozen_clip_does_not_agree(reference: np.ndarray) -> None:
    frozen = reference.copy()
    frozen[NUM_FRAMES // 2 :] = frozen[NUM_FRAMES // 2]
    assert synchrony(reference, frozen).score < 0.75


def test_a_static_clip_agrees_with_nothing(reference: np.ndarray) -> None:
    still = features(moving_disc(rest()))
    assert not synchrony(reference, still).profile.any()
    assert not synchrony(still, still).profile.any()


def test_order_of_the_clips_mirrors_the_profile(reference: np.ndarray) -> None:
    other = features(moving_disc(stop_and_go(delay_frames=3), disc_seed=4))
    forth, back = synchrony(reference, other), synchrony(other, reference)
    np.testing.assert_allclose(forth.profile, back.profile[::-1], atol=1e-12)
    assert forth.best_lag_frames == -back.best_lag_frames == 3


def test_agreement_by_frame_of_reversed_clips_is_reversed(reference: np.ndarray) -> None:
    other = features(moving_disc(late_rush(), ground_seed=5))
    forth = agreement_by_frame(activity(reference), activity(other), NUM_FRAMES)
    back = agreement_by_frame(activity(reference[::-1]), activity(other[::-1]), NUM_FRAMES)
    np.testing.assert_allclose(forth, back[::-1], atol=1e-12)
    assert np.ptp(forth) > 0.5


def test_two_steady_motions_agree_and_are_given_no_lag() -> None:
    def turning(speed: float) -> np.ndarray:
        angle = speed * np.arange(NUM_FRAMES)[:, None]
        return np.stack([np.cos(angle), np.sin(angle)], axis=2)

    found = synchrony(turning(0.05), turning(0.11))
    assert found.score == pytest.approx(1)
    assert found.best_lag_frames == 0


def test_clips_of_other_lengths_are_compared_where_they_overlap(reference: np.ndarray) -> None:
    found = synchrony(reference, reference[:-6])
    assert found.score == pytest.approx(1)
    assert found.best_lag_frames == 0


def test_no_lag_leaves_less_than_half_of_a_short_clip(reference: np.ndarray) -> None:
    assert len(synchrony(reference[:10], reference[:10], max_lag_frames=50).profile) == 2 * 5 + 1


def test_too_short_and_broken_features_are_refused(reference: np.ndarray) -> None:
    with pytest.raises(FeatureError, match=r"expected \(T, P, D\) with T ≥ 8"):
        synchrony(reference, reference[: MIN_FRAMES - 1])
    broken = reference.copy()
    broken[3, 0, 0] = np.nan
    with pytest.raises(FeatureError, match="not finite"):
        synchrony(broken, reference)
