"""Features and flow agree where only the looks differ, and show where in the clip two halves part."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moments.errors import FeatureError
from moments.flow_synchrony import Movement, motion_ratio, movement, pair_synchrony, still_alone_frames
from moments.hof import flow_of_luma
from moments.hog import hog_of_luma, luma
from tests.moments.clips import NUM_FRAMES, Frames, late_rush, moving_disc, rest, stop_and_go


def moved(frames: Frames) -> Movement:
    pictures = luma(frames)
    rounded = pictures.round().numpy().astype(np.uint8)
    return movement(hog_of_luma(pictures).numpy(), flow_of_luma(rounded))


def with_energy(energy: list[float]) -> Movement:
    return Movement(len(energy) + 1, (), np.array(energy), ())


@pytest.fixture(scope="module")
def reference() -> Movement:
    return moved(moving_disc(stop_and_go()))


@pytest.fixture(scope="module")
def positive() -> Movement:
    return moved(moving_disc(stop_and_go(), ground_seed=5, disc_seed=6))


def test_a_clip_agrees_with_itself_fully_at_every_frame(reference: Movement) -> None:
    found = pair_synchrony(reference, reference)
    assert found.whole.score == found.features_score == found.flow_score == pytest.approx(1)
    assert found.whole.best_lag_frames == 0
    assert found.by_frame == pytest.approx(np.ones(NUM_FRAMES))


def test_other_looks_of_the_same_motion_agree(reference: Movement, positive: Movement) -> None:
    found = pair_synchrony(reference, positive)
    assert min(found.whole.score, found.features_score, found.flow_score) > 0.8
    assert found.by_frame.min() > 0.7
    assert found.whole.best_lag_frames == 0


@pytest.mark.parametrize("view", [np.s_[:, :, ::-1], np.s_[:, ::-1], np.s_[:, 8:88, 10:90]])
def test_the_direction_of_flow_in_the_picture_does_not_matter(
    reference: Movement, view: tuple[slice, ...]
) -> None:
    assert pair_synchrony(reference, moved(moving_disc(stop_and_go())[view])).flow_score > 0.8


def test_the_score_is_the_mean_of_one_correlation_of_features_and_two_of_flow(
    reference: Movement, positive: Movement
) -> None:
    found = pair_synchrony(reference, positive)
    assert found.whole.score == pytest.approx((found.features_score + 2 * found.flow_score) / 3)


@pytest.mark.parametrize("delay", [-5, -4, 4, 5])
def test_a_delay_is_found_with_its_sign(reference: Movement, delay: int) -> None:
    found = pair_synchrony(reference, moved(moving_disc(stop_and_go(delay_frames=delay), ground_seed=5)))
    assert found.whole.best_lag_frames == delay
    assert found.whole.best_score > 0.8 > 0.6 > found.whole.score


def test_another_motion_and_a_reversed_one_do_not_agree(reference: Movement) -> None:
    assert pair_synchrony(reference, moved(moving_disc(late_rush()))).whole.profile.max() < 0.5
    assert pair_synchrony(reference, moved(moving_disc(stop_and_go()[::-1]))).whole.score < 0.5


def test_flow_that_turns_back_is_told_from_flow_that_goes_on() -> None:
    time = np.arange(NUM_FRAMES)
    stroke = 0.12 * (1 - np.cos(2 * np.pi * time / 10))
    there_and_back = np.stack([0.3 + stroke, 0.5 + 0 * stroke], axis=1)
    onward = np.stack([0.2 + np.abs(np.diff(stroke, prepend=0)).cumsum() * 0.2, 0.5 + 0 * stroke], axis=1)
    one, other = moved(moving_disc(there_and_back)), moved(moving_disc(onward))
    assert one.recurrence[3].min() < -0.5 < 0 < other.recurrence[3].min()


def test_agreement_falls_where_the_two_part_and_not_before(reference: Movement) -> None:
    path = stop_and_go()
    path[20:] = path[20] + np.linspace(0, 0.3, NUM_FRAMES - 20)[:, None] * [0, 1]
    by_frame = pair_synchrony(reference, moved(moving_disc(path, ground_seed=5))).by_frame
    assert by_frame[:10].min() > 0.7
    assert by_frame[25:].mean() < by_frame[:10].mean() - 0.3
    assert by_frame.argmin() > 15


def test_order_of_the_clips_mirrors_the_profile(reference: Movement, positive: Movement) -> None:
    forth, back = pair_synchrony(reference, positive), pair_synchrony(positive, reference)
    np.testing.assert_allclose(forth.whole.profile, back.whole.profile[::-1], atol=1e-12)
    np.testing.assert_allclose(forth.by_frame, back.by_frame, atol=1e-12)


def test_a_still_clip_agrees_with_nothing_and_moves_far_less(reference: Movement) -> None:
    still = moved(moving_disc(rest()))
    found = pair_synchrony(reference, still)
    assert not found.whole.profile.any()
    assert not found.by_frame.any()
    assert motion_ratio(reference, still) == pytest.approx(1 / 100)
    assert motion_ratio(still, reference) == pytest.approx(100)
    assert motion_ratio(still, still) == 1


def test_the_ratio_of_motion_is_that_of_mean_energy() -> None:
    assert motion_ratio(with_energy([0.1, 0.3]), with_energy([0.2, 0.8])) == pytest.approx(2.5)


def test_flow_up_and_down_counts_as_much_as_flow_across() -> None:
    frames = moving_disc(stop_and_go())
    assert motion_ratio(moved(frames), moved(frames.swapaxes(1, 2))) == pytest.approx(1, abs=0.1)


def test_slow_flow_is_neither_rest_nor_motion() -> None:
    lively = [1.0] * 10
    assert still_alone_frames(with_energy([0.2] * 6 + lively), with_energy([0.0] * 6 + lively)) == 0
    assert still_alone_frames(with_energy([0.2] * 6 + lively), with_energy([1.0] * 6 + lively)) == 0


def test_a_clip_that_freezes_stands_still_alone(reference: Movement) -> None:
    frames = moving_disc(stop_and_go(), ground_seed=5)
    frames[8:] = frames[8]
    assert still_alone_frames(reference, moved(frames)) >= 5
    assert still_alone_frames(reference, reference) == 0


@given(
    st.lists(st.sampled_from([0.0, 1.0]), min_size=8, max_size=30),
    st.lists(st.sampled_from([0.0, 1.0]), min_size=8, max_size=30),
)
def test_the_most_that_one_moves_during_one_rest_of_the_other_is_counted(
    first: list[float], second: list[float]
) -> None:
    first, second = [*first, *[1.0] * 8], [*second, *[1.0] * 8]  # at least a tenth of each moves
    most = 0
    for one, other in ((first, second), (second, first)):
        moves_meanwhile = 0
        for rests, moves in zip(one, other, strict=False):
            moves_meanwhile = moves_meanwhile + int(moves) if rests == 0 else 0
            most = max(most, moves_meanwhile)
    assert still_alone_frames(with_energy(first), with_energy(second)) == most


def test_clips_of_other_lengths_are_compared_where_they_overlap(reference: Movement) -> None:
    shorter = moved(moving_disc(stop_and_go(NUM_FRAMES - 6)))
    found = pair_synchrony(reference, shorter)
    assert found.whole.score == pytest.approx(1, abs=0.02)
    assert len(found.by_frame) == NUM_FRAMES - 6


def test_flow_of_another_clip_is_refused() -> None:
    features = np.ones((9, 4, 2))
    with pytest.raises(FeatureError, match="both must come from one clip"):
        movement(features, np.zeros((9, 128, 128, 2)))
    with pytest.raises(FeatureError, match="T ≥ 8"):
        movement(features[:5], np.zeros((4, 128, 128, 2)))
