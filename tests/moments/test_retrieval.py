"""The retrieval protocol on matrices made by hand, its interval, and the oracle that knows the motion."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moments.errors import FeatureError
from moments.retrieval import cosine_similarity, retrieval, trajectory_similarities, trajectory_similarity

ROLES = ["reference", "positive", "negative"] * 3
GROUPS = ["a", "a", "a", "b", "b", "b", "c", "c", "c"]
CATEGORIES = ["view"] * 6 + ["scene_style"] * 3


def perfect() -> np.ndarray:
    """Every reference finds its positive: triplets are at 0, 3 and 6."""
    similarity = np.full((9, 9), 0.1)
    similarity[[0, 3, 6], [1, 4, 7]] = 0.9
    return similarity


def ask(similarity: np.ndarray) -> dict[str, int]:
    found = retrieval(similarity, roles=ROLES, groups=GROUPS, categories=CATEGORIES)
    return {category: accuracy.hits for category, accuracy in found.categories.items()}


def test_every_reference_that_finds_its_positive_is_a_hit() -> None:
    assert ask(perfect()) == {"view": 2, "scene_style": 1}


@pytest.mark.parametrize("rival", [2, 3, 4, 8])
def test_own_negative_and_clips_of_other_triplets_and_categories_are_candidates(rival: int) -> None:
    similarity = perfect()
    similarity[0, rival] = 0.95
    assert ask(similarity) == {"view": 1, "scene_style": 1}


def test_the_query_itself_is_not_a_candidate() -> None:
    similarity = perfect()
    np.fill_diagonal(similarity, 1.0)
    assert ask(similarity) == {"view": 2, "scene_style": 1}


def test_a_tie_is_a_miss() -> None:
    similarity = perfect()
    similarity[0, 5] = 0.9
    assert ask(similarity) == {"view": 1, "scene_style": 1}
    assert ask(np.ones((9, 9))) == {"view": 0, "scene_style": 0}


def test_only_references_ask_and_only_their_own_row_counts() -> None:
    similarity = perfect()
    similarity[1] = similarity[2] = 5.0
    assert ask(similarity) == {"view": 2, "scene_style": 1}


def test_mean_is_over_categories_and_not_over_queries() -> None:
    similarity = perfect()
    similarity[6, 8] = 1.0
    found = retrieval(similarity, roles=ROLES, groups=GROUPS, categories=CATEGORIES)
    assert found.mean == 0.5


@pytest.mark.parametrize(
    ("hits", "queries", "low", "high"),
    [(17, 40, 0.285, 0.578), (11, 40, 0.161, 0.428), (216, 250, 0.816, 0.901)],
)
def test_interval_is_wilsons(hits: int, queries: int, low: float, high: float) -> None:
    similarity = np.zeros((2 * queries, 2 * queries))
    similarity[np.arange(hits), queries + np.arange(hits)] = 1
    groups = [str(i) for i in range(queries)] * 2
    roles = ["reference"] * queries + ["positive"] * queries
    found = retrieval(similarity, roles=roles, groups=groups, categories=["all"] * 2 * queries)
    accuracy = found.categories["all"]
    assert (accuracy.hits, accuracy.queries) == (hits, queries)
    assert (accuracy.low, accuracy.high) == pytest.approx((low, high), abs=6e-4)


def test_interval_stays_between_zero_and_one() -> None:
    found = retrieval(perfect(), roles=ROLES, groups=GROUPS, categories=CATEGORIES).categories["view"]
    assert 0 < found.low < found.accuracy == found.high == 1


def test_labels_of_another_length_are_refused() -> None:
    with pytest.raises(FeatureError, match=r"similarity is \(9, 9\) for 8 roles"):
        retrieval(perfect(), roles=ROLES[:8], groups=GROUPS, categories=CATEGORIES)


def test_nan_is_refused_with_its_row() -> None:
    similarity = perfect()
    similarity[4, 2] = np.nan
    with pytest.raises(FeatureError, match="row 4 holds NaN"):
        ask(similarity)


def test_a_reference_without_a_positive_is_refused() -> None:
    roles = ["reference", "negative", "negative", *ROLES[3:]]
    with pytest.raises(FeatureError, match="reference of a has 0 positives"):
        retrieval(perfect(), roles=roles, groups=GROUPS, categories=CATEGORIES)


def test_a_set_without_references_is_refused() -> None:
    with pytest.raises(FeatureError, match="there is nothing to ask"):
        retrieval(np.eye(2), roles=["positive"] * 2, groups=["a", "b"], categories=["view"] * 2)


def test_cosines_of_unit_opposite_and_zero_vectors() -> None:
    found = cosine_similarity(np.array([[2.0, 0], [-3.0, 0], [0, 0], [1.0, 1.0]]))
    np.testing.assert_allclose(found[0], [1, -1, 0, np.sqrt(0.5)])
    np.testing.assert_allclose(found, found.T)


motions = st.integers(0, 10_000).map(lambda seed: np.random.default_rng(seed).normal(size=(12, 3)))


@settings(deadline=None, max_examples=40)
@given(motions, motions)
def test_trajectories_agree_by_one_only_when_they_are_equal(first: np.ndarray, second: np.ndarray) -> None:
    found = trajectory_similarity(first, second)
    assert found == trajectory_similarity(second, first)
    assert 0 <= found <= 1
    assert (found == 1) == np.array_equal(first, second)
    assert trajectory_similarity(first, first.copy()) == 1


@settings(deadline=None, max_examples=40)
@given(motions)
def test_trajectories_know_order_and_shift(motion: np.ndarray) -> None:
    assert trajectory_similarity(motion, motion[::-1]) < 0.9
    assert trajectory_similarity(motion, np.roll(motion, 2, axis=0)) < 0.9


def test_trajectories_of_other_lengths_or_channels_do_not_agree() -> None:
    assert trajectory_similarity(np.ones((5, 2)), np.ones((4, 2))) == 0
    assert trajectory_similarity(np.ones((5, 2)), np.ones((5, 3))) == 0
    assert trajectory_similarity(np.zeros((5, 2)), np.zeros((5, 2))) == 1


def test_the_oracle_answers_every_query_when_motions_differ() -> None:
    moves = [np.random.default_rng(seed).normal(size=(9, 4)) for seed in range(6)]
    clips = [moves[i] for i in (0, 0, 1, 2, 2, 3, 4, 4, 5)]
    assert ask(trajectory_similarities(clips)) == {"view": 2, "scene_style": 1}
