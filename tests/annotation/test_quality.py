"""Who works well: measures by hand; the careless are named, the honest not, and few answers accuse nobody."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from annotation.items import Ranking, RankingItem, Slot, Verdict
from annotation.quality import AnnotatorQuality, ExclusionRules, MeanTau, excluded, qualities
from data.errors import ConfigError
from tests.annotation.crowd import crowd, item, ranking, slots_for

RULES = ExclusionRules()
NAMES = tuple("abcde")


def quality(
    rankings: list[Ranking], slots: list[Slot], items: list[RankingItem], of: str = "p0"
) -> AnnotatorQuality:
    (found,) = (own for own in qualities(rankings, slots, items, RULES) if own.annotator == of)
    return found


def assert_tau(found: MeanTau | None, mean: float, count: int, deviation: float) -> None:
    assert found is not None
    assert (found.mean, found.count, found.deviation) == pytest.approx((mean, count, deviation))


def test_gold_is_the_mean_tau_with_the_known_orders() -> None:
    items = [item("g1", gold=True), item("g2", gold=True)]
    own = [ranking("p0", "a>b>c>e>d", item="g1"), ranking("p0", "e>d>c>b>a", item="g2")]
    found = quality(own, slots_for(own), items)
    assert_tau(found.gold, (0.8 - 1.0) / 2, 2, np.sqrt(2 / 6) / 2)
    assert found.agreement is None


def test_the_deviation_is_that_of_random_orders() -> None:
    chance = np.random.default_rng(0)
    items = [item(f"g{number}", gold=True) for number in range(4)]
    means, deviations = [], set()
    for _ in range(150):
        own = [ranking("p0", ">".join(chance.permutation(NAMES)), item=each.item_id) for each in items]
        gold = quality(own, slots_for(own), items).gold
        assert gold is not None
        means.append(gold.mean)
        deviations.add(gold.deviation)
    assert np.std(means) == pytest.approx(deviations.pop(), rel=0.15)
    assert not deviations


def test_gold_of_which_only_the_best_is_known_asks_for_no_more() -> None:
    best_known = RankingItem("g", "reference", tuple(NAMES), ("a",))
    right, wrong = ranking("p0", "a>e>d>c>b", item="g"), ranking("p1", "b>c>d>e>a", item="g")
    slots = slots_for([right, wrong])
    assert_tau(quality([right, wrong], slots, [best_known]).gold, 1.0, 1, np.sqrt(0.5))
    assert_tau(quality([right, wrong], slots, [best_known], of="p1").gold, -1.0, 1, np.sqrt(0.5))
    chance = np.random.default_rng(1)
    taus = []
    for _ in range(300):
        own = [ranking("p0", ">".join(chance.permutation(NAMES)), item="g")]
        gold = quality(own, slots_for(own), [best_known]).gold
        assert gold is not None
        taus.append(gold.mean)
    assert np.std(taus) == pytest.approx(np.sqrt(0.5), rel=0.1)


def test_consistency_compares_a_repeat_with_ones_own_first_answer() -> None:
    own = [
        ranking("p0", "a>b>c>d>e"),
        ranking("p0", "b>a>c>d>e", slot="again"),
        ranking("p1", "e>d>c>b>a", slot="not-theirs"),
    ]
    slots = [
        *slots_for(own[:1]),
        Slot("again", "item", NAMES, repeat_of="item/p0"),
        Slot("not-theirs", "item", NAMES, repeat_of="item/p0"),
    ]
    found = quality(own, slots, [item()])
    assert_tau(found.consistency, 0.8, 1, np.sqrt(1 / 6))
    assert quality(own, slots, [item()], "p1").consistency is None


def test_agreement_is_with_the_others_and_not_with_oneself() -> None:
    own = crowd("e>d>c>b>a", "a>b>c>d>e", "a>b>c>e>d")
    found = quality(own, slots_for(own), [item()])
    assert found.agreement is not None
    assert found.agreement.mean == pytest.approx(-9 / np.sqrt(10 * 9))  # the others tie d and e
    assert quality(own[:1], slots_for(own), [item()]).agreement is None


def test_position_is_the_order_on_screen() -> None:
    own = crowd("c>a>b>e>d", "a>b>c>d>e")
    found = quality(own, slots_for(own, "cabed"), [item()])
    assert found.position is not None
    assert found.position.mean == pytest.approx(1.0)


def test_shares_and_seconds_are_of_the_answers_that_stand() -> None:
    own = [
        ranking("p0", "a>b", item="i1", seconds=2.0),
        ranking("p0", "", item="i2", verdict="cannot_judge", seconds=10.0),
        ranking("p0", "", item="i3", verdict="does_not_play", seconds=20.0),
        ranking("p0", "a>b", item="i4", seconds=30.0),
    ]
    edited = replace(own[0], seconds=500.0, submitted_at="2025-01-01T00:00:00Z")
    found = quality([*own, edited], slots_for(own), [item(f"i{number}") for number in range(1, 5)])
    assert (found.num_answers, found.median_seconds, found.fastest_seconds) == (4, 15.0, 2.0)
    assert (found.fast_share, found.cannot_judge_share, found.does_not_play_share) == (0.25, 0.25, 0.25)


def study(kinds: dict[str, str], count: int = 20) -> tuple[list[Ranking], list[Slot], list[RankingItem]]:
    """Everyone on ``count`` items and four gold ones, each shown in another order."""
    chance = np.random.default_rng(5)
    items = [item(f"i{number}") for number in range(count)]
    items += [item(f"g{number}", gold=True) for number in range(4)]
    rankings, slots = [], []
    for name, kind in kinds.items():
        for own in items:
            shown = "".join(chance.permutation(NAMES))
            honest = sorted(NAMES, key=lambda each: NAMES.index(each) + chance.gumbel(0.0, 0.9))
            order = {
                "shown": list(shown),
                "random": list(chance.permutation(NAMES)),
                "reversed": honest[::-1],
            }
            verdict: Verdict = "cannot_judge" if kind == "silent" else "ranked"
            answer = "" if kind == "silent" else ">".join(order.get(kind, honest))
            seconds = 1.0 if kind == "fast" else 40.0
            mine = ranking(name, answer, item=own.item_id, verdict=verdict, seconds=seconds)
            rankings.append(mine)
            slots.append(Slot(mine.slot_id, own.item_id, tuple(shown)))
    return rankings, slots, items


def test_the_careless_are_named_with_their_reasons_and_the_honest_are_not() -> None:
    kinds = {f"h{number}": "honest" for number in range(6)}
    kinds |= {kind: kind for kind in ("random", "reversed", "shown", "fast", "silent")}
    found = excluded(*study(kinds), RULES)
    assert set(found) == {"random", "reversed", "shown", "fast", "silent"}
    assert found["fast"] == ("too_fast",)
    assert found["silent"] == ("cannot_judge",)
    assert set(found["reversed"]) == {"gold", "agreement"}
    assert "position" in found["shown"]
    assert "agreement" in found["random"]


def test_a_repeat_that_contradicts_every_first_answer_is_named() -> None:
    own, slots = [], []
    for number in range(6):
        own += [
            ranking("p0", "a>b>c>d>e", item=f"i{number}"),
            ranking("p0", "e>d>c>b>a", item=f"i{number}", slot=f"again{number}"),
        ]
        slots.append(Slot(f"again{number}", f"i{number}", tuple("cebda"), repeat_of=f"i{number}/p0"))
    slots += slots_for([each for each in own if "again" not in each.slot_id], "bdace")
    found = excluded(own, slots, [item(f"i{number}") for number in range(6)], RULES)
    assert found == {"p0": ("consistency",)}


def test_who_takes_the_screen_from_its_end_is_named_too() -> None:
    rankings, slots, items = study({"h0": "honest", "h1": "honest", "bad": "shown"})
    backwards = [replace(own, order=own.order[::-1]) if own.annotator == "bad" else own for own in rankings]
    assert "position" in excluded(backwards, slots, items, RULES)["bad"]


def test_the_same_is_found_in_any_order() -> None:
    kinds = {"h0": "honest", "h1": "honest", "h2": "honest", "bad": "random"}
    rankings, slots, items = study(kinds)
    assert excluded(rankings[::-1], slots[::-1], items[::-1], RULES) == excluded(
        rankings, slots, items, RULES
    )


def test_few_answers_accuse_nobody() -> None:
    rankings, slots, items = study({"h0": "honest", "h1": "honest", "h2": "honest", "bad": "random"}, count=2)
    few = [each for each in rankings if not each.item_id.startswith("g")]
    assert excluded(few, slots, items, RULES) == {}
    fast = [replace(each, seconds=0.5) for each in few]
    assert excluded(fast, slots, items, RULES) == {}


def test_who_ties_everything_agrees_with_nothing() -> None:
    items = [item(f"g{number}", gold=True) for number in range(20)]
    own = [ranking("p0", "a=b=c=d=e", item=each.item_id) for each in items]
    gold = quality(own, slots_for(own), items).gold
    assert gold is not None
    assert gold.mean == 0.0
    assert excluded(own, slots_for(own), items, RULES) == {"p0": ("gold",)}


def test_candidates_that_nobody_else_ranked_are_left_out() -> None:
    own = crowd("a>b>c", "c>d", "d>e")
    found = quality(own, slots_for(own), [item()])
    assert found.agreement is None
    assert qualities([], [], [], RULES) == ()


@pytest.mark.parametrize(
    "wrong",
    [{"min_gold_tau": 2.0}, {"max_fast_share": -0.1}, {"significance": 0.0}, {"min_answers": 0}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_limits_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        ExclusionRules(**wrong)  # type: ignore[arg-type]
