"""The oracle against the direct formula, pair by pair, also where motions nearly agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moments.errors import FeatureError
from moments.protocols.oracle import trajectory_similarities, trajectory_similarity
from moments.protocols.retrieval import retrieval
from tests.moments.protocols.galleries import triplets

seeds = st.integers(0, 10_000)


def direct(first: np.ndarray, second: np.ndarray) -> float:
    if first.shape != second.shape:
        return 0.0
    size = np.sqrt((first**2).sum()) + np.sqrt((second**2).sum())
    return 1 - float(np.sqrt(((first - second) ** 2).sum()) / size) if size > 0 else 1.0


def some_motions(seed: int) -> list[np.ndarray]:
    """Motions of three shapes; some are nearly others, some equal, some at rest."""
    rng = np.random.default_rng(seed)
    motions = [
        rng.normal(size=shape) * 10.0 ** rng.integers(-3, 4) for shape in [(12, 3), (9, 4), (12, 2)] * 3
    ]
    nearly = [motions[0] * (1 + 10.0**-power) for power in (2, 3, 4, 5, 6, 9, 12)]
    return [*motions, *nearly, motions[1].copy(), -motions[0], np.zeros((12, 3)), np.zeros((12, 3))]


@given(seeds)
def test_all_pairs_agree_with_the_direct_formula(seed: int) -> None:
    motions = some_motions(seed)
    queries = motions[::2]
    expected = [[direct(a, b) for b in motions] for a in queries]
    np.testing.assert_allclose(trajectory_similarities(queries, motions), expected, rtol=0, atol=1e-9)


@given(seeds)
def test_identical_motions_agree_by_exactly_one_and_all_lie_in_range(seed: int) -> None:
    motions = some_motions(seed)
    found = trajectory_similarities(motions, [motion.copy() for motion in motions])
    assert (np.diag(found) == 1).all()
    assert found.min() >= 0
    assert found.max() <= 1
    np.testing.assert_allclose(found, found.T, atol=1e-12)


@given(seeds)
def test_motions_know_order_and_shift(seed: int) -> None:
    motion = np.random.default_rng(seed).normal(size=(12, 3))
    assert trajectory_similarity(motion, motion[::-1]) < 0.9
    assert trajectory_similarity(motion, np.roll(motion, 2, axis=0)) < 0.9


def test_motions_of_other_lengths_or_channels_do_not_agree() -> None:
    assert trajectory_similarity(np.ones((5, 2)), np.ones((4, 2))) == 0
    assert trajectory_similarity(np.ones((5, 2)), np.ones((2, 5))) == 0
    assert trajectory_similarity(np.zeros((5, 2)), np.zeros((5, 2))) == 1


def test_a_motion_that_is_not_finite_is_named() -> None:
    motions = [np.ones((5, 2)), np.full((5, 2), np.inf)]
    with pytest.raises(FeatureError, match="gallery motion 1 of 2"):
        trajectory_similarities(motions[:1], motions)


def test_the_oracle_answers_every_query_when_motions_differ() -> None:
    moves = [np.random.default_rng(seed).normal(size=(9, 4)) for seed in range(6)]
    motions = [moves[i] for i in (0, 0, 1, 2, 2, 3, 4, 4, 5)]
    gallery = triplets(3)
    similarity = trajectory_similarities([motions[query] for query in gallery.queries], motions)
    assert retrieval(similarity, gallery).hits.all()
