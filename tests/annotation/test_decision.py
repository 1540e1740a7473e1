"""Accept what is clear, ask where it helps, give up after a stated number; with hand-made crowds."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from annotation.decision import (
    Decision,
    DecisionRules,
    decide,
    decide_item,
    expected_gain_bits,
    most_gain,
)
from annotation.items import Ranking, Slot
from annotation.plackett_luce import Strengths, strengths
from data.errors import ConfigError
from tests.annotation.crowd import crowd, item, ranking, slots_for

RULES = DecisionRules(min_annotators=4, max_annotators=8, num_draws=400)


def decided(rankings: list[Ranking], rules: DecisionRules = RULES) -> Decision:
    (found,) = decide([item()], slots_for(rankings), rankings, rules)
    return found


def test_a_clear_winner_is_accepted_with_its_numbers() -> None:
    found = decided(crowd(*["a>b>c>d>e"] * 4, "a>c>b>d>e", "a>b>d>c>e", "a>b>c>e>d"))
    assert (found.outcome, found.reason) == ("accept", "clear_winner")
    assert (found.lead.winner, found.lead.runner_up) == ("a", "b")
    assert 0 < found.lead.low < found.lead.gap < found.lead.high
    assert [row.candidate for row in found.standings] == list("abcde")
    assert (found.num_ranked, found.num_cannot_judge, found.num_does_not_play) == (7, 0, 0)


def test_few_people_are_not_enough_however_much_they_agree() -> None:
    found = decided(crowd(*["a>b>c>d>e"] * 3), replace(RULES, level=0.2))
    assert found.lead.low > 0
    assert (found.outcome, found.reason) == ("ask_more", "too_few_annotators")


def test_no_clear_winner_asks_on_and_then_gives_up() -> None:
    divided = crowd(*["a>b>c>d>e", "b>a>c>d>e"] * 4)
    assert decided(divided[:6]).outcome == "ask_more"
    assert decided(divided[:6]).reason == "no_clear_winner"
    last = decided(divided)
    assert (last.outcome, last.reason) == ("reject", "no_agreement")


def test_those_who_cannot_judge_count_as_asked() -> None:
    unsure = [ranking(f"u{who}", "", verdict="cannot_judge") for who in range(8)]
    found = decided(unsure)
    assert (found.outcome, found.reason, found.num_cannot_judge) == ("reject", "no_agreement", 8)
    assert decided(unsure[:7]).outcome == "ask_more"


def test_one_player_may_be_broken_and_two_mean_the_clip_is() -> None:
    clear = crowd(*["a>b>c>d>e"] * 7)
    broken = [ranking(f"u{who}", "", verdict="does_not_play") for who in range(2)]
    assert decided([*clear, broken[0]]).outcome == "accept"
    found = decided([*clear, *broken])
    assert (found.outcome, found.reason, found.num_does_not_play) == ("reject", "does_not_play", 2)


def test_repeats_edits_second_slots_and_the_excluded_do_not_speak_twice() -> None:
    plain = crowd(*["a>b>c>d>e"] * 3, *["b>a>c>d>e"] * 2)
    slots = slots_for(plain)
    edited = replace(
        plain[0], order=(("e",), ("a",)), submitted_at="2025-12-31T10:00:00Z", annotation_id="old"
    )
    again = ranking("p0", "b>a", slot="again")
    careless = ranking("bad", "e>d>c>b>a", slot="bad")
    slots += [Slot("again", "item", tuple("abcde"), "item/p0"), Slot("bad", "item", tuple("abcde"))]
    (expected,) = decide([item()], slots, plain, RULES)
    (found,) = decide([item()], slots, [edited, careless, again, *plain], RULES, excluded=["bad"])
    assert found == expected
    (heard,) = decide([item()], slots, [careless, *plain], RULES)
    assert heard != expected


def test_the_order_of_rankings_does_not_matter() -> None:
    own = crowd("a>b>c>d>e", "b=a>d", "e>a>b", "a>c>b=e>d")
    found = {repr(decided(list(order))) for order in permutations(own)}
    assert len(found) == 1


def test_ties_and_parts_are_decided_too() -> None:
    found = decided(crowd(*["a>b=c=d=e"] * 8))
    assert (found.outcome, found.lead.winner) == ("accept", "a")
    assert decided(crowd(*["a=b>c=d=e"] * 8)).reason == "no_agreement"


def test_gold_items_and_items_without_answers() -> None:
    gold, empty = item("gold", gold=True), item("empty")
    (found,) = decide([gold, empty], [], [], RULES)
    assert (found.item_id, found.outcome, found.num_ranked) == ("empty", "ask_more", 0)
    assert found.gain_bits > 0.3


def drawn(*rows: tuple[float, ...]) -> Strengths:
    draws = np.array(rows)
    return Strengths(tuple("abc"), draws.mean(axis=0), draws, 0.95, 5)


def test_the_gain_is_the_mutual_information_of_the_best_and_the_next_first_choice() -> None:
    found = drawn((2.0, 0.0, -1.0), (0.0, 1.0, -1.0), (1.5, 0.5, -0.5), (0.2, 0.9, 0.0))
    first = np.exp(found.draws) / np.exp(found.draws).sum(axis=1, keepdims=True)
    joint = np.zeros((3, 3))
    for row, best in zip(first, found.draws.argmax(axis=1), strict=True):
        joint[best] += row / len(first)
    independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    known = joint > 0
    expected = (joint[known] * np.log2(joint[known] / independent[known])).sum()
    assert expected_gain_bits(found) == pytest.approx(expected)


def test_nothing_is_gained_where_it_is_settled_or_all_look_alike() -> None:
    assert expected_gain_bits(drawn((3.0, 0.0, 0.0), (2.0, 1.0, 0.0))) == 0.0
    alike = expected_gain_bits(drawn((0.01, 0.0, 0.0), (0.0, 0.01, 0.0), (0.0, 0.0, 0.01)))
    certain = expected_gain_bits(drawn((30.0, 0.0, 0.0), (0.0, 30.0, 0.0), (0.0, 0.0, 30.0)))
    assert 0 <= alike < 1e-4
    assert certain == pytest.approx(np.log2(3))


def test_the_next_annotator_goes_where_most_is_gained() -> None:
    settled = crowd(*["a>b>c>d>e"] * 6, "b>a>c>d>e", item="nearly")
    split = crowd("a>b>c>d>e", "b>a>c>d>e", "a>b>c>e>d", "b>a>d>c>e", item="split")
    few = crowd("a>b>c>d>e", item="few")
    rankings = settled + split + few
    items = [item(name) for name in ("nearly", "split", "few", "done")]
    done = crowd(*["a>b>c>d>e"] * 8, item="done")
    found = decide(items, slots_for(rankings + done), rankings + done, replace(RULES, level=0.99))
    asked = most_gain(found)
    assert [own.item_id for own in asked] == ["few", "split", "nearly"]
    assert asked[1].gain_bits > asked[2].gain_bits
    short_of_people_first = most_gain([replace(own, gain_bits=9.0 * (own.item_id != "few")) for own in asked])
    assert short_of_people_first[0].item_id == "few"


def test_the_item_alone_gives_the_same_as_among_others() -> None:
    own = crowd("a>b>c>d>e", "b>a>c>d>e", "a>c>b>d>e", "a>b>d>c>e")
    assert decide_item(item(), own, RULES) == decided(own)
    assert (
        decide_item(item(), own, RULES).lead
        == strengths(own, "abcde", RULES.alpha, RULES.level, RULES.num_draws, RULES.seed).lead()
    )


@pytest.mark.parametrize(
    "wrong",
    [{"min_annotators": 1}, {"min_annotators": 9, "max_annotators": 8}, {"level": 1.0}, {"alpha": 0.0}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_rules_that_cannot_be_meant_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        DecisionRules(**wrong)  # type: ignore[arg-type]
