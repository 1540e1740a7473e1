"""Strengths: those of choix on whole and partial rankings; ties, people of one mind, and nobody."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import choix
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from annotation.items import Ranking
from annotation.plackett_luce import Array, Choices, choices, fit, strengths
from data.errors import ConfigError
from tests.annotation.crowd import crowd, ranking

NAMES = tuple("abcde")
partial_orders = st.permutations(NAMES).flatmap(
    lambda order: st.integers(2, len(NAMES)).map(lambda size: tuple(order[:size]))
)


def untied(orders: list[tuple[str, ...]]) -> list[Ranking]:
    return crowd(*(">".join(order) for order in orders))


@settings(max_examples=30, deadline=None)
@given(st.lists(partial_orders, min_size=1, max_size=9), st.floats(0.02, 2.0))
def test_untied_rankings_have_the_strengths_that_choix_finds(
    orders: list[tuple[str, ...]], alpha: float
) -> None:
    data = [tuple(NAMES.index(name) for name in order) for order in orders]
    expected = choix.opt_rankings(len(NAMES), data, alpha=alpha, tol=1e-10)
    found = fit(choices(untied(orders), NAMES), alpha)[0]
    np.testing.assert_allclose(found, expected, atol=2e-5)


def log_likelihood(order: tuple[int, ...], values: Array) -> float:
    return float(
        sum(values[order[i]] - np.log(np.exp(values[list(order[i:])]).sum()) for i in range(len(order) - 1))
    )


def orders_within(groups: list[list[int]]) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = [()]
    for group in groups:
        found = [before + after for before in found for after in permutations(group)]
    return found


def test_ties_are_the_mean_over_all_orders_of_the_tied() -> None:
    rankings = [ranking("p", "a=b=c>d>e"), ranking("q", "b>a=e>c=d"), ranking("r", "e=a")]
    tied = [[[0, 1, 2], [3], [4]], [[1], [0, 4], [2, 3]], [[4, 0]]]

    def loss(values: Array) -> float:
        means = [
            np.mean([log_likelihood(order, values) for order in orders_within(groups)]) for groups in tied
        ]
        return 0.3 * float((values**2).sum()) - float(sum(means))

    expected = minimize(loss, np.zeros(5), tol=1e-10).x
    np.testing.assert_allclose(fit(choices(rankings, NAMES), 0.3)[0], expected, atol=1e-4)


def test_all_tied_is_no_preference() -> None:
    found = strengths(crowd("a=b=c", "a=b=c", "c=b=a"), "abc")
    np.testing.assert_allclose(found.strengths, 0.0, atol=1e-12)
    assert found.lead().low < 0


def test_a_candidate_that_was_not_ranked_is_neither_first_nor_last() -> None:
    found = strengths(crowd("a>b", "a>b", "a>b"), "abc")
    by_name = {row.candidate: row.strength for row in found.standings()}
    assert by_name["c"] == pytest.approx(0.0, abs=1e-9)
    assert by_name["a"] == pytest.approx(-by_name["b"])


@settings(max_examples=15, deadline=None)
@given(
    st.lists(partial_orders, min_size=2, max_size=6).flatmap(lambda own: st.permutations(untied(own))),
    st.permutations(NAMES),
)
def test_neither_order_nor_names_matter(rankings: list[Ranking], renamed: list[str]) -> None:
    same = strengths(rankings, NAMES, num_draws=50)
    assert strengths(sorted(rankings, key=repr), NAMES[::-1], num_draws=50).standings() == same.standings()
    new = dict(zip(NAMES, renamed, strict=True))
    other = [replace(own, order=tuple((new[name],) for (name,) in own.order)) for own in rankings]
    by_new_name = {row.candidate: row.strength for row in strengths(other, NAMES, num_draws=50).standings()}
    for row in same.standings():
        assert by_new_name[new[row.candidate]] == pytest.approx(row.strength, abs=1e-7)


def test_weights_count_annotators_as_often_as_they_say() -> None:
    rankings = crowd("a>b>c", "c>a>b")
    twice = [*rankings, replace(rankings[0], annotator="again")]
    weighted = fit(choices(rankings, "abc"), 0.1, np.array([[2.0, 1.0]]))
    np.testing.assert_allclose(weighted, fit(choices(twice, "abc"), 0.1), atol=1e-9)


def test_annotators_are_drawn_and_not_rankings() -> None:
    """One who says the same thing ten times is not ten people: the interval is that of three."""
    three = crowd("a>b>c", "a>c>b", "b>a>c")
    many = [replace(own, annotation_id=str(copy)) for own in three for copy in range(10)]
    ten_people = [replace(own, annotator=f"{own.annotator}{own.annotation_id}") for own in many]
    loud, crowded = strengths(many, "abc").lead(), strengths(ten_people, "abc").lead()
    assert loud.gap == pytest.approx(crowded.gap)
    assert loud.high - loud.low > 3 * (crowded.high - crowded.low)


def test_draws_are_wider_than_the_bootstrap_by_what_few_people_hide() -> None:
    """For 4 people at 90 %: t(0.95; 3) = 2.3534, z(0.95) = 1.6449, √(4 / 3)."""
    rankings, alpha = crowd("a>b>c", "a>c>b", "b>a>c", "c>a>b"), 0.2
    chance = np.random.default_rng(7)
    centre = chance.normal(0.0, np.sqrt(1 / (2 * alpha)), (60, 3))
    weights = chance.multinomial(4, [0.25] * 4, 60).astype(float)
    drawn = fit(choices(rankings, "abc"), alpha, weights, centre)
    drawn -= drawn.mean(axis=1, keepdims=True)
    found = strengths(rankings, "abc", alpha, level=0.9, num_draws=60, seed=7)
    expected = found.strengths + 2.35336 / 1.64485 * np.sqrt(4 / 3) * (drawn - found.strengths)
    np.testing.assert_allclose(found.draws, expected, rtol=1e-4, atol=1e-6)


def test_people_of_one_mind_leave_a_spread() -> None:
    found = strengths(crowd(*["a>b>c>d>e"] * 4), NAMES)
    assert np.all(found.draws.std(axis=0) > 0.3)
    assert [row.candidate for row in found.standings()] == list(NAMES)


@pytest.mark.parametrize("rankings", [[], crowd("a>b>c")], ids=["nobody", "one"])
def test_fewer_than_two_annotators_leave_everything_open(rankings: list[Ranking]) -> None:
    found = strengths(rankings, "abc")
    for row in found.standings():
        assert (row.rank_low, row.rank_high) == (1, 3)
        assert row.best_probability == pytest.approx(1 / 3, abs=0.06)
    assert found.lead().low < 0 < found.lead().high


def test_many_who_agree_make_it_certain() -> None:
    found = strengths(crowd(*["a>b>c"] * 30, *["a>c>b"] * 10, "b>a>c", "c>a>b"), "abc")
    first = found.standings()[0]
    assert (first.candidate, first.rank_low, first.rank_high) == ("a", 1, 1)
    assert first.best_probability == 1.0
    assert found.lead().runner_up == "b"
    assert found.lead().low > 0


def test_the_lead_is_told_over_the_rival_of_whom_least_is_known() -> None:
    """``c`` was seen by two people only: below ``b`` in strength, and it might still be the best."""
    rankings = crowd(*["a>b"] * 9, "a>c", "c>a", "b>a")
    lead = strengths(rankings, "abc").lead()
    assert (lead.winner, lead.runner_up) == ("a", "c")


def test_best_probabilities_sum_to_one() -> None:
    rows = strengths(crowd("a>b>c", "b>a>c", "c>b>a"), "abc").standings()
    assert sum(row.best_probability for row in rows) == pytest.approx(1.0)


def test_the_seed_repeats_the_draws() -> None:
    rankings = crowd("a>b>c", "b>a>c", "c>b>a")
    one, same, other = (strengths(rankings, "abc", seed=seed).draws for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_only_rankings_speak() -> None:
    silent = ranking("q", "", verdict="cannot_judge")
    assert choices([ranking("p", "a>b"), silent], "ab").annotators == ("p",)


def test_many_candidates_and_a_small_penalty_are_solved() -> None:
    names = tuple(f"n{index:02d}" for index in range(20))
    data: Choices = choices(crowd(*[">".join(names)] * 50), names)
    found = fit(data, 1e-4)[0]
    assert np.all(np.diff(found) < 0)
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("order", "candidates", "says"),
    [
        ("a>b", "a", "two or more"),
        ("a>b", "aab", "each once"),
        ("a>x", "abc", "no candidate"),
        ("a>b>a", "abc", "twice"),
        ("=".join("abcdefghijklm"), "abcdefghijklm", "ties 13"),
    ],
)
def test_what_is_no_ranking_is_told(order: str, candidates: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        strengths(crowd(order), candidates)


@pytest.mark.parametrize("alpha", [0.0, -1.0, float("nan")])
def test_no_penalty_is_refused(alpha: float) -> None:
    with pytest.raises(ConfigError, match="alpha"):
        strengths(crowd("a>b"), "ab", alpha=alpha)
