"""The best attempt is the one in sync; motion decides among equals, and a leak costs."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moments.candidates import best_candidate, candidate_score
from moments.errors import FeatureError

GOOD = {
    "synchrony": 0.9,
    "reference_motion": 0.6,
    "positive_motion": 0.5,
    "positive_to_reference_motion": 1.0,
    "bleeding": 0.0,
}
numbers = st.floats(0.05, 1)


def test_the_score_is_the_stated_sum() -> None:
    measures = GOOD | {"positive_to_reference_motion": 0.5, "bleeding": 0.2}
    assert candidate_score(measures) == pytest.approx(0.9 + 0.25 * 0.5 / 1.0 - 0.2 - 0.1)


@pytest.mark.parametrize(
    "worse",
    [
        {"synchrony": 0.6},
        {"positive_motion": 0.1},
        {"reference_motion": 0.1},
        {"bleeding": 0.3},
        {"positive_to_reference_motion": 3.0},
        {"positive_to_reference_motion": 1 / 3},
    ],
    ids=lambda change: "".join(change),
)
def test_a_candidate_that_is_worse_in_one_thing_loses(worse: dict[str, float]) -> None:
    assert best_candidate([GOOD | worse, GOOD, GOOD | worse]) == 1


def test_more_motion_does_not_outweigh_synchrony() -> None:
    lively = GOOD | {"synchrony": 0.5, "reference_motion": 100.0, "positive_motion": 100.0}
    assert best_candidate([lively, GOOD]) == 1


def test_the_first_of_equals_is_taken() -> None:
    assert best_candidate([GOOD, dict(GOOD)]) == 0


def test_an_attempt_that_could_not_be_measured_is_the_last_choice() -> None:
    assert candidate_score({}) == -math.inf
    assert best_candidate([{}, GOOD | {"synchrony": -1.0, "bleeding": 1.0}]) == 1
    assert best_candidate([{}, {}]) == 0


@given(st.lists(st.tuples(numbers, numbers, numbers, numbers), min_size=1, max_size=6))
def test_nothing_beats_the_choice(drawn: list[tuple[float, float, float, float]]) -> None:
    names = ("synchrony", "positive_motion", "positive_to_reference_motion", "bleeding")
    candidates = [GOOD | dict(zip(names, values, strict=True)) for values in drawn]
    chosen = candidates[best_candidate(candidates)]
    assert all(candidate_score(chosen) >= candidate_score(other) for other in candidates)


def test_what_cannot_be_scored_is_refused_by_name() -> None:
    with pytest.raises(FeatureError, match="no candidates"):
        best_candidate([])
    with pytest.raises(FeatureError, match="no 'bleeding'"):
        candidate_score({name: value for name, value in GOOD.items() if name != "bleeding"})
    with pytest.raises(FeatureError, match="not a number"):
        candidate_score(GOOD | {"synchrony": math.nan})
