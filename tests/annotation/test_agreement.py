"""Agreement: the values of published definitions, and what has none is None."""

from __future__ import annotations

import random

import krippendorff
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import friedmanchisquare, kendalltau

from annotation.agreement import (
    Array,
    agreement,
    alpha_interval,
    kendalls_w,
    krippendorff_alpha,
    mean_tau,
    positions,
    tau_b,
)
from data.errors import ConfigError
from tests.annotation.crowd import crowd, item, ranking

cells = st.one_of(st.just(float("nan")), st.integers(1, 5).map(float))


def tables(rows: tuple[int, int], missing: bool = True) -> st.SearchStrategy[Array]:
    cell = cells if missing else st.integers(1, 5).map(float)
    row = st.lists(cell, min_size=5, max_size=5)
    return st.lists(row, min_size=rows[0], max_size=rows[1]).map(np.array)


@settings(max_examples=60, deadline=None)
@given(tables((2, 6)))
def test_alpha_is_the_one_of_krippendorff(units: Array) -> None:
    found = krippendorff_alpha(units)
    pairable = units[:, (~np.isnan(units)).sum(axis=0) > 1]
    assume(len(np.unique(pairable[~np.isnan(pairable)])) > 1)
    assert found == pytest.approx(krippendorff.alpha(units, level_of_measurement="ordinal"), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(tables((2, 4)), st.lists(st.integers(0, 3), min_size=4, max_size=4))
def test_nobody_agrees_with_themselves(units: Array, times: list[int]) -> None:
    """The weighted alpha from its definition, pair by pair of different annotators."""
    weights = np.array(times[: len(units)], dtype=float)
    found = krippendorff_alpha(units, weights)
    values = np.unique(units[~np.isnan(units)])
    together = np.zeros((len(values), len(values)))
    for unit in units.T:
        there = [who for who in range(len(units)) if not np.isnan(unit[who])]
        pairs = {(a, b): weights[a] * weights[b] for a in there for b in there if a != b}
        if sum(pairs.values()) == 0:
            continue
        share = sum(weights[a] for a in there) / sum(pairs.values())
        for (a, b), weight in pairs.items():
            together[np.searchsorted(values, unit[a]), np.searchsorted(values, unit[b])] += weight * share
    totals = together.sum(axis=0)
    ordinal = np.array(
        [
            [
                (totals[min(c, k) : max(c, k) + 1].sum() - (totals[c] + totals[k]) / 2) ** 2
                for k in range(len(values))
            ]
            for c in range(len(values))
        ]
    ).reshape(len(values), len(values))
    expected = (np.outer(totals, totals) * ordinal).sum() / (totals.sum() - 1) if totals.sum() else 0.0
    if expected <= 0:
        assert found is None
    else:
        assert found == pytest.approx(1 - (together * ordinal).sum() / expected, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(tables((2, 2)))
def test_tau_is_the_one_of_scipy(pair: Array) -> None:
    one, other = pair
    both = ~(np.isnan(one) | np.isnan(other))
    found = tau_b(one, other)
    if both.sum() < 2 or len(set(one[both])) < 2 or len(set(other[both])) < 2:
        assert found is None
    else:
        assert found == pytest.approx(kendalltau(one[both], other[both]).statistic, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.permutations(range(5)), min_size=2, max_size=6))
def test_w_follows_from_friedmans_test_and_from_the_mean_of_spearmans(orders: list[list[int]]) -> None:
    table = np.array(orders, dtype=float)
    people = len(table)
    found = kendalls_w(table / 5)
    chi_square = friedmanchisquare(*table.T).statistic
    assert found == pytest.approx(chi_square / (people * 4), abs=1e-9)
    spearmans = [np.corrcoef(a, b)[0, 1] for i, a in enumerate(table) for b in table[:i]]
    assert found == pytest.approx(((people - 1) * np.mean(spearmans) + 1) / people, abs=1e-9)


def test_w_is_corrected_for_ties() -> None:
    """m = 3, n = 4; W = 12 S / (m² (n³ - n) - m ΣT), T = Σ (t³ - t), worked by hand."""
    candidates = "abcd"
    table = np.stack([positions(own.order, candidates) for own in crowd("a=b>c>d", "a>b>c=d", "a>b>c>d")])
    sums = np.array([1.5 + 1 + 1, 1.5 + 2 + 2, 3 + 3.5 + 3, 4 + 3.5 + 4])
    spread = ((sums - sums.mean()) ** 2).sum()
    assert kendalls_w(table) == pytest.approx(12 * spread / (9 * 60 - 3 * (6 + 6)))


def test_positions_of_ties_and_parts() -> None:
    np.testing.assert_allclose(
        positions((("b",), ("a", "c")), "abcd"), [2 / 3, 1 / 6, 2 / 3, np.nan], rtol=1e-12
    )


def test_all_alike_agree_wholly_and_opposites_not() -> None:
    alike = agreement(crowd(*["a>b>c>d>e"] * 4), [item()])
    assert (alike.alpha, alike.kendalls_w, alike.tau) == pytest.approx((1.0, 1.0, 1.0))
    assert (alike.alpha_low, alike.alpha_high) == pytest.approx((1.0, 1.0))
    opposite = agreement(crowd("a>b>c>d>e", "e>d>c>b>a"), [item()])
    assert opposite.tau == pytest.approx(-1.0)
    assert opposite.kendalls_w == pytest.approx(0.0)
    assert opposite.alpha is not None
    assert opposite.alpha < 0


def test_one_annotator_nobody_or_all_tied_have_no_agreement() -> None:
    for rankings in ([], crowd("a>b>c>d>e"), crowd("a=b=c=d=e", "a=b=c=d=e", "e=d=c=b=a")):
        found = agreement(rankings, [item()])
        assert (found.alpha, found.alpha_low, found.kendalls_w, found.tau) == (None, None, None, None)
    assert agreement([], []).num_annotators == 0
    assert agreement(crowd("a", "a"), [item(candidates="a")]).tau is None


def test_people_who_ranked_different_candidates_have_no_agreement() -> None:
    found = agreement(crowd("a>b", "c>d", "e"), [item()])
    assert (found.alpha, found.kendalls_w, found.tau) == (None, None, None)


def test_overall_is_over_the_candidates_of_all_items() -> None:
    rankings = crowd("a>b>c", "a>b>c", "c>b>a", item="one") + crowd("b>a>c", "b>c>a", item="two")
    items = [item("one", "abc"), item("two", "abc")]
    units = np.full((3, 6), np.nan)
    units[:, :3] = [[1, 2, 3], [1, 2, 3], [3, 2, 1]]
    units[:2, 3:] = [[2, 1, 3], [3, 1, 2]]
    found = agreement(rankings, items)
    assert found.alpha == pytest.approx(krippendorff.alpha(units, level_of_measurement="ordinal"))
    single = [agreement(rankings, [own]).tau for own in items]
    assert found.tau == pytest.approx(np.mean(np.array(single, dtype=float)))
    assert found.num_annotators == 3


def test_the_order_of_rankings_does_not_matter() -> None:
    rankings = crowd("a>b>c>d>e", "b>a>c>e>d", "c=d>a>e", "e>a>b>c>d")
    shuffled = random.Random(1).sample(rankings, 4)
    assert agreement(shuffled, [item()]) == agreement(rankings, [item()])


def test_the_interval_holds_alpha_and_narrows_with_people() -> None:
    chance = np.random.default_rng(3)

    def width(people: int) -> float:
        units = np.concatenate(
            [np.argsort(np.argsort(np.arange(5) + chance.normal(0, 1.5, (people, 5)))) for _ in range(8)],
            axis=1,
        ).astype(float)
        low, high = alpha_interval(units, num_draws=300)
        alpha = krippendorff_alpha(units)
        assert low is not None
        assert high is not None
        assert alpha is not None
        assert low <= alpha <= high
        return high - low

    assert width(40) < width(6)


def test_two_annotators_have_alpha_and_no_interval() -> None:
    found = agreement(crowd("a>b>c>d>e", "b>a>c>d>e"), [item()])
    assert found.alpha is not None
    assert (found.alpha_low, found.alpha_high) == (None, None)


def test_mean_tau_leaves_out_those_who_tie_everything() -> None:
    table = np.stack([positions(own.order, "abc") for own in crowd("a>b>c", "a>b>c", "a=b=c")])
    assert mean_tau(table) == pytest.approx(1.0)


def test_two_rankings_by_one_annotator_and_strange_candidates_are_refused() -> None:
    with pytest.raises(ConfigError, match="one of each"):
        agreement([ranking("p", "a>b"), ranking("p", "b>a")], [item()])
    with pytest.raises(ConfigError, match="none of the 5"):
        agreement(crowd("a>x"), [item()])
