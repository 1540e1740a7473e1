"""Outcomes of checks and preferences follow the stated rule, and chance alone decides nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.checks import checked, gold_accuracy, opinion, preferred, unheard, wilson
from annotation.items import Judgement, Ranking, RankingItem, Said
from tests.annotation.crowd import ranking

TRIPLET = RankingItem("t", "r", ("p", "n"))
GOLD = RankingItem("gold/t", "r", ("p", "n"), ("p", "n"))
PAIR = RankingItem("x.mp4", "", ("one", "two"))


def judgement(
    annotator: str, positive: Said, negative: Said, item: str = "t", plays: bool = True
) -> Judgement:
    base = vars(ranking(annotator, "", item, verdict="ranked" if plays else "does_not_play"))
    return Judgement(**base, said=(("n", negative), ("p", positive)) if plays else ())


Pair = tuple[Said, Said]  # of the positive, of the negative
ACCEPT: Pair = ("yes", "no")
REJECT: Pair = ("no", "no")
UNSURE: Pair = ("yes", "unsure")


def crowd(*opinions: Pair, item: str = "t") -> list[Judgement]:
    return [judgement(f"p{who}", *said, item) for who, said in enumerate(opinions)]


@pytest.mark.parametrize(
    ("positive", "negative", "expected"),
    [
        ("yes", "no", "accept"),
        ("yes", "yes", "reject"),
        ("no", "no", "reject"),
        ("no", "yes", "reject"),
        ("unsure", "yes", "reject"),
        ("no", "unsure", "reject"),
        ("unsure", "no", "unsure"),
        ("yes", "unsure", "unsure"),
        ("unsure", "unsure", "unsure"),
    ],
)
def test_an_annotator_accepts_both_or_not_at_all(positive: Said, negative: Said, expected: str) -> None:
    assert opinion(judgement("p", positive, negative), TRIPLET) == expected


@given(st.integers(1, 60), st.data(), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_wilson_holds_the_shares_whose_score_test_does_not_reject(
    total: int, data: st.DataObject, level: float
) -> None:
    """Its ends solve |count/total - p| = z sqrt(p (1 - p) / total), which is where it comes from."""
    count = data.draw(st.integers(0, total))
    z = {0.5: 0.6744897501960817, 0.9: 1.6448536269514722, 0.95: 1.959963984540054, 0.99: 2.5758293035489004}
    found = wilson(count, total, level)
    assert found.share == count / total
    assert 0 <= found.low <= found.share <= found.high <= 1
    for end in (found.low, found.high):
        score = z[level] * np.sqrt(end * (1 - end) / total)
        assert abs(count / total - end) == pytest.approx(score, abs=1e-9)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ([], "unsure"),
        ([ACCEPT] * 2, "unsure"),  # too few
        ([ACCEPT] * 3, "accept"),
        ([REJECT] * 3, "reject"),
        ([ACCEPT] * 3 + [UNSURE], "unsure"),  # who is unsure counts against either
        ([ACCEPT] * 4 + [REJECT], "unsure"),
        ([ACCEPT] * 6 + [REJECT], "accept"),
        ([REJECT] * 6 + [UNSURE], "reject"),
        ([UNSURE] * 9, "unsure"),
    ],
)
def test_an_outcome_needs_enough_people_and_a_clear_majority(said: list[Pair], outcome: str) -> None:
    (row,) = checked(crowd(*said), [TRIPLET])
    assert row.outcome == outcome
    assert row.num_accept + row.num_reject + row.num_unsure == len(said)
    assert (row.accept_share is None) == (not said)


def test_a_clip_that_does_not_play_is_counted_and_decides_nothing() -> None:
    broken = [judgement(f"q{who}", "yes", "yes", plays=False) for who in range(5)]
    (row,) = checked([*crowd(*[ACCEPT] * 3), *broken], [TRIPLET])
    assert (row.num_accept, row.num_does_not_play, row.accept_share, row.outcome) == (3, 5, 1.0, "accept")


def test_every_triplet_has_its_own_row_in_order() -> None:
    items = [RankingItem(name, "r", ("p", "n")) for name in "cab"]
    said = crowd(ACCEPT, ACCEPT, ACCEPT, item="a") + crowd(REJECT, item="b") + crowd(REJECT, item="elsewhere")
    rows = checked(said, items)
    assert [(row.triplet_id, row.num_accept, row.num_reject) for row in rows] == [
        ("c", 0, 0),
        ("a", 3, 0),
        ("b", 0, 1),
    ]
    assert (rows[0].reference_sha256, rows[0].positive_sha256, rows[0].negative_sha256) == ("r", "p", "n")


def pairs(*orders: str) -> list[Ranking]:
    return [ranking(f"p{who}", order, PAIR.item_id) for who, order in enumerate(orders)]


@pytest.mark.parametrize(
    ("orders", "share", "outcome"),
    [
        (["two>one"] * 3, 1.0, "second"),
        (["one>two"] * 3, 0.0, "first"),
        (["one=two"] * 3, 0.5, "no_difference"),
        (["two>one"] * 2, 1.0, "unsure"),
        (["two>one"] * 3 + ["one=two"] * 20, (3 + 10) / 23, "no_difference"),
        (["two>one", "one>two"] * 10, 0.5, "unsure"),
        ([], None, "unsure"),
    ],
)
def test_ties_count_half_for_each(orders: list[str], share: float | None, outcome: str) -> None:
    (row,) = preferred(pairs(*orders), [PAIR], "Which?", {})
    assert (row.second_share, row.outcome) == (share, outcome)
    assert row.num_first + row.num_second + row.num_no_difference == len(orders)


def test_a_pair_names_the_triplet_of_whichever_clip_is_in_the_data_set() -> None:
    shown = RankingItem("y", "src", ("one", "other"))
    broken = ranking("p", "", "y", verdict="does_not_play")
    first, second = preferred([broken], [PAIR, shown], "Which?", {"two": "view_1", "src": "view_2"})
    assert (first.triplet_id, first.source_sha256) == ("view_1", None)
    assert (second.triplet_id, second.source_sha256, second.num_does_not_play) == ("view_2", "src", 1)


def test_gold_tells_who_does_not_look() -> None:
    gold = [RankingItem(f"gold/{n}", "r", ("p", "n"), ("p", "n")) for n in range(5)]
    said = [judgement("good", "yes", "no", item.item_id) for item in gold]
    said += [judgement("careless", "yes", "yes", item.item_id) for item in gold]
    said += [judgement("new", "no", "no", gold[0].item_id), judgement("new", "yes", "yes", TRIPLET.item_id)]
    said += [judgement("unlucky", "yes", "no", gold[0].item_id, plays=False)]
    accuracy = gold_accuracy(said, [*gold, TRIPLET])
    assert {who: (share.share, share.total) for who, share in accuracy.items()} == {
        "careless": (0.0, 5),
        "good": (1.0, 5),
        "new": (0.0, 1),
    }
    assert unheard(accuracy) == {"careless"}  # one wrong answer accuses nobody


def test_gold_may_know_of_one_clip_alone_which_is_right() -> None:
    other_way = RankingItem("gold/t", "r", ("n", "p"), ("p",))
    assert gold_accuracy([judgement("a", "yes", "no", GOLD.item_id)], [other_way])["a"].share == 1
    assert gold_accuracy([judgement("a", "unsure", "no", GOLD.item_id)], [GOLD])["a"].share == 0


def test_people_who_answer_by_chance_decide_seldom() -> None:
    """Accept by guessing is one case of nine; a false accept of three needs it thrice."""
    chance = np.random.default_rng(0)
    words: tuple[Said, ...] = ("yes", "no", "unsure")
    outcomes = []
    for _ in range(2000):
        said = [(words[a], words[b]) for a, b in chance.integers(0, 3, (3, 2))]
        (row,) = checked(crowd(*said), [TRIPLET])
        outcomes.append(row.outcome)
    assert outcomes.count("accept") / 2000 < 0.01
