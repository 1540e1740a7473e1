"""Segments against every possible way to cut, and budgets against every possible way to share."""

from __future__ import annotations

from itertools import combinations, pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moments.errors import FeatureError
from moments.segments import (
    Segment,
    frame_budgets,
    nearest_total,
    segments_by_count,
    segments_by_penalty,
)

CURVES = st.lists(st.floats(0, 1), min_size=2, max_size=9).map(lambda values: np.sort(np.array(values)))


def error(points: np.ndarray) -> float:
    """Squared distance of the points to their best line, by a polynomial fit."""
    if len(points) == 2:
        return 0.0
    x = np.arange(len(points)) / len(points)
    return float(np.sum((np.polyval(np.polyfit(x, points, 1), x) - points) ** 2))


def all_cuts(frames: int) -> list[tuple[int, ...]]:
    inner = range(1, frames - 1)
    return [(0, *cut, frames - 1) for size in range(frames - 1) for cut in combinations(inner, size)]


def cost(points: np.ndarray, cuts: tuple[int, ...]) -> float:
    return sum(error(points[start : end + 1]) for start, end in pairwise(cuts))


def tiles(segments: tuple[Segment, ...], frames: int) -> bool:
    joints = [segment.start for segment in segments] + [segments[-1].end]
    shared = all(left.end == right.start for left, right in pairwise(segments))
    return shared and joints[0] == 0 and joints[-1] == frames - 1 and joints == sorted(set(joints))


def of_rises(*rises: float) -> list[Segment]:
    return [Segment(10 * index, 10 * index + 10, rise, 0.0) for index, rise in enumerate(rises)]


@given(CURVES, st.sampled_from([1e-4, 0.02, 0.3]))
def test_penalised_segments_cost_as_little_as_the_best_of_all_cuts(
    points: np.ndarray, penalty: float
) -> None:
    found = segments_by_penalty(points, penalty)
    least = min(cost(points, cuts) + penalty * (len(cuts) - 1) for cuts in all_cuts(len(points)))
    assert tiles(found, len(points))
    assert sum(segment.squared_error + penalty for segment in found) == pytest.approx(least, abs=1e-9)


@given(CURVES, st.data())
def test_a_count_is_exact_and_costs_as_little_as_the_best_of_its_cuts(
    points: np.ndarray, data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, len(points) - 1))
    found = segments_by_count(points, count)
    least = min(cost(points, cuts) for cuts in all_cuts(len(points)) if len(cuts) == count + 1)
    assert tiles(found, len(points))
    assert len(found) == count
    assert sum(segment.squared_error for segment in found) == pytest.approx(least, abs=1e-9)
    for segment in found:
        assert segment.squared_error == pytest.approx(
            error(points[segment.start : segment.end + 1]), abs=1e-9
        )
        assert segment.rise == points[segment.end] - points[segment.start]


def test_a_jump_becomes_a_segment_of_two_frames() -> None:
    points = np.where(np.arange(81) < 30, 0.0, 1.0)
    joints = [(segment.start, segment.end) for segment in segments_by_penalty(points)]
    assert joints == [(0, 29), (29, 30), (30, 80)]


def test_kinks_of_a_long_curve_are_found_at_their_frames() -> None:
    points = np.interp(np.arange(3000), [0, 500, 2990, 2999], [0, 0.6, 0.7, 1])
    for found in (segments_by_count(points, 3), segments_by_penalty(points, 1e-6)):
        assert [segment.end for segment in found] == [500, 2990, 2999]
        assert sum(segment.squared_error for segment in found) < 1e-18


def test_a_straight_line_is_one_segment() -> None:
    assert len(segments_by_penalty(np.linspace(0, 1, 300))) == 1


def test_budgets_are_proportional_to_the_rise() -> None:
    assert frame_budgets(of_rises(0.5, 0.25, 0.25), 81) == (41, 21, 21)
    assert frame_budgets(of_rises(0.5, 0.25, 0.25), 81, multiple=4) == (41, 21, 21)
    assert frame_budgets(of_rises(0.98, 0.02), 81, multiple=4, minimum=5) == (77, 5)


def test_a_pause_gets_the_minimum() -> None:
    assert frame_budgets(of_rises(0.0, 1.0, 0.0), 81, multiple=4, minimum=9) == (9, 65, 9)


def test_a_fall_gets_the_minimum_and_takes_nothing_from_the_others() -> None:
    assert frame_budgets(of_rises(0.6, -0.5, 0.2), 82) == (61, 2, 21)


def test_segments_that_do_not_rise_share_by_their_durations() -> None:
    still = [Segment(0, 30, 0.0, 0.0), Segment(30, 40, 0.0, 0.0)]
    assert frame_budgets(still, 81) == (61, 21)


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=3),
    st.integers(1, 60),
    st.integers(1, 5),
    st.integers(0, 3),
    st.integers(0, 9),
)
def test_budgets_meet_the_total_and_are_the_nearest_to_proportional(
    rises: list[float], total: int, multiple: int, plus: int, minimum: int
) -> None:
    segments = of_rises(*rises)
    model = {"multiple": multiple, "plus": plus, "minimum": minimum}
    accepted = [n for n in range(2, 70) if n >= minimum and n >= plus and (n - plus) % multiple == 0]
    sharings = [each for each in product(accepted, repeat=len(rises)) if sum(each) - len(each) + 1 == total]
    if not sharings:
        with pytest.raises(FeatureError, match=r"never make|shorter than the minimum"):
            frame_budgets(segments, total, **model)
        total = nearest_total(total, len(rises), **model)
        assert sum(frame_budgets(segments, total, **model)) - len(rises) + 1 == total
        return
    found = frame_budgets(segments, total, **model)
    assert found in sharings
    assert nearest_total(total, len(rises), **model) == total
    shares = np.array(rises) if sum(rises) > 0 else np.ones(len(rises))
    due = 1 + shares / shares.sum() * (total - 1)
    least = min(np.sum((each - due) ** 2) for each in np.array(sharings))
    assert np.sum((np.array(found) - due) ** 2) == pytest.approx(least)


@pytest.mark.parametrize(("wanted", "met"), [(80, 81), (79, 77), (78, 77), (83, 81), (84, 85), (3, 9)])
def test_the_nearest_total_of_two_segments_of_wan(wanted: int, met: int) -> None:
    assert nearest_total(wanted, 2, multiple=4, plus=1, minimum=5) == met


def test_a_total_that_no_lengths_of_the_model_make_is_refused_with_the_nearest() -> None:
    with pytest.raises(FeatureError, match=r"2 segments of 4·m \+ 1 frames never make 80; .* is 81"):
        frame_budgets(of_rises(1, 1), 80, multiple=4)


def test_a_segment_shorter_than_the_minimum_is_refused_with_what_is_needed() -> None:
    with pytest.raises(FeatureError, match="3 segments of at least 33 need 97; take fewer segments"):
        frame_budgets(of_rises(1, 1, 1), 81, multiple=4, minimum=30)


@pytest.mark.parametrize("model", [{"multiple": 0}, {"plus": -1}])
def test_a_model_without_lengths_is_refused(model: dict[str, int]) -> None:
    with pytest.raises(FeatureError, match="expected multiple ≥ 1 and plus ≥ 0"):
        frame_budgets(of_rises(1), 81, **model)


def test_no_segments_are_refused() -> None:
    with pytest.raises(FeatureError, match="0 segments"):
        frame_budgets([], 81)


@pytest.mark.parametrize("points", [np.zeros(1), np.zeros(0), np.zeros((2, 2))])
def test_fewer_than_two_frames_have_no_segments(points: np.ndarray) -> None:
    with pytest.raises(FeatureError, match="T ≥ 2"):
        segments_by_penalty(points)
    with pytest.raises(FeatureError, match="T ≥ 2"):
        segments_by_count(points, 1)


def test_values_that_are_not_finite_are_refused_with_the_frame() -> None:
    with pytest.raises(FeatureError, match="frame 1 is not finite"):
        segments_by_penalty(np.array([0, np.nan, 1]))


@pytest.mark.parametrize("count", [0, 3])
def test_counts_that_cannot_be_cut_are_refused(count: int) -> None:
    with pytest.raises(FeatureError, match="3 frames have 1 to 2"):
        segments_by_count(np.array([0, 0.5, 1]), count)


@pytest.mark.parametrize("penalty", [0.0, -1.0, float("nan")])
def test_a_penalty_that_is_not_positive_is_refused(penalty: float) -> None:
    with pytest.raises(FeatureError, match="expected a positive number"):
        segments_by_penalty(np.array([0, 0.5, 1]), penalty)
