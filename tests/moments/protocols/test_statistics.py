"""Wilson's interval against the equation that defines it, McNemar's p against counting every outcome."""

from __future__ import annotations

from itertools import product
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import binomtest

from moments.errors import FeatureError
from moments.protocols.statistics import Accuracy, accuracy, mcnemar, wilson

counts = st.integers(1, 400).flatmap(lambda queries: st.tuples(st.integers(0, queries), st.just(queries)))


@given(counts, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_the_ends_of_the_interval_solve_the_score_equation(count: tuple[int, int], confidence: float) -> None:
    hits, queries = count
    share = hits / queries
    z = NormalDist().inv_cdf(0.5 + confidence / 2)

    def score(true: float) -> float:
        return (share - true) ** 2 * queries - z**2 * true * (1 - true)

    low = 0.0 if hits == 0 else brentq(score, 0, share - 1e-12, xtol=1e-14)
    high = 1.0 if hits == queries else brentq(score, share + 1e-12, 1, xtol=1e-14)
    assert wilson(hits, queries, confidence) == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize(
    ("hits", "queries", "low", "high"),
    [(17, 40, 0.285, 0.578), (11, 40, 0.161, 0.428), (216, 250, 0.816, 0.901), (211, 250, 0.794, 0.884)],
)
def test_the_intervals_of_the_papers_figures(hits: int, queries: int, low: float, high: float) -> None:
    found = Accuracy(hits, queries)
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-4)
    assert found.value == hits / queries


@given(counts)
def test_the_share_lies_in_its_interval_and_that_between_zero_and_one(count: tuple[int, int]) -> None:
    found = Accuracy(*count)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high


@pytest.mark.parametrize("queries", [1, 7, 40, 250])
@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.9, 0.95, 0.99])
def test_none_and_all_reach_the_ends_exactly(queries: int, confidence: float) -> None:
    assert wilson(0, queries, confidence)[0] == 0
    assert wilson(queries, queries, confidence)[1] == 1


@pytest.mark.parametrize(("hits", "queries"), [(0, 0), (1, 0), (-1, 4), (5, 4)])
def test_counts_that_are_none_are_refused(hits: int, queries: int) -> None:
    with pytest.raises(FeatureError, match=f"{hits} hits of {queries} queries"):
        Accuracy(hits, queries)


def test_no_queries_have_no_accuracy() -> None:
    with pytest.raises(FeatureError, match="0 hits of 0 queries"):
        accuracy(np.zeros(0, dtype=bool))


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_confidence_is_a_share(confidence: float) -> None:
    with pytest.raises(FeatureError, match="confidence is"):
        wilson(1, 2, confidence)


hit_pairs = st.lists(st.tuples(st.booleans(), st.booleans()), max_size=14)


@given(hit_pairs)
def test_p_is_the_share_of_coin_tosses_at_least_as_uneven(pairs: list[tuple[bool, bool]]) -> None:
    first, second = np.array(pairs, dtype=bool).reshape(-1, 2).T
    found = mcnemar(first, second)
    only_first = sum(a and not b for a, b in pairs)
    only_second = sum(b and not a for a, b in pairs)
    tosses = [sum(coins) for coins in product((0, 1), repeat=only_first + only_second)]
    middle = (only_first + only_second) / 2
    uneven = [toss for toss in tosses if abs(toss - middle) >= abs(only_first - middle)]
    assert (found.only_first, found.only_second) == (only_first, only_second)
    assert found.p_value == pytest.approx(len(uneven) / len(tosses))


@pytest.mark.parametrize(("only_first", "only_second"), [(0, 3000), (1480, 1520), (700, 500), (9, 2), (0, 1)])
def test_thousands_of_queries_have_a_p_value_too(only_first: int, only_second: int) -> None:
    first = np.arange(only_first + only_second + 5) < only_first
    second = (np.arange(len(first)) >= only_first) & (np.arange(len(first)) < only_first + only_second)
    expected = binomtest(only_first, only_first + only_second).pvalue
    assert mcnemar(first, second).p_value == pytest.approx(expected, rel=1e-6, abs=1e-300)


def test_methods_that_never_differ_have_p_one() -> None:
    hits = np.array([True, False, True])
    assert mcnemar(hits, hits).p_value == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [([True], [True, False]), ([[True]], [[True]]), ([1, 0], [0, 1])],
)
def test_hits_of_other_queries_cannot_be_paired(first: list[object], second: list[object]) -> None:
    with pytest.raises(FeatureError, match="of the same queries in the same order"):
        mcnemar(np.array(first), np.array(second))
