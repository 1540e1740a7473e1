"""What counts: the latest valid answer of a slot, one an annotator and item, with a reason for all else."""

from __future__ import annotations

from itertools import permutations

import pytest

from annotation.items import Ranking, Slot
from annotation.votes import answers, votes
from data.errors import ConfigError
from tests.annotation.crowd import item, ranking, slots_for

ITEMS = [item(), item("other", "xyz")]


def test_an_edited_annotation_counts_as_it_is_now_in_whatever_order_it_comes() -> None:
    versions = [
        ranking("p", "a>b", at="2026-01-01T10:00:00Z"),
        ranking("p", "b>a", at="2026-01-01T10:00:00.500+00:00"),
        ranking("p", "c>a", at="2026-01-01T09:00:00Z"),
    ]
    for order in permutations(versions):
        counted, left_out = votes(order, slots_for(versions), ITEMS)
        assert counted == (versions[1],)
        assert {(each.ranking.annotation_id, each.reason) for each in left_out} == {
            (versions[0].annotation_id, "replaced"),
            (versions[2].annotation_id, "replaced"),
        }


def test_instants_are_compared_and_not_texts() -> None:
    early = ranking("p", "a>b", at="2026-01-01T11:30:00+02:00")
    late = ranking("p", "b>a", at="2026-01-01T10:00:00Z")
    assert answers([late, early], slots_for([early]), ITEMS)[0] == (late,)


@pytest.mark.parametrize(
    ("later", "reason"),
    [
        (ranking("p", "a>q", at="2026-02-01T10:00:00Z"), "unknown_candidate"),
        (ranking("p", "a>b>a", at="2026-02-01T10:00:00Z"), "candidate_twice"),
        (ranking("p", "a", at="2026-02-01T10:00:00Z"), "nothing_ranked"),
        (ranking("p", "", at="2026-02-01T10:00:00Z"), "nothing_ranked"),
        (ranking("p", "a>b", at="2026-02-01T10:00:00Z", verdict="cannot_judge"), "order_without_ranking"),
        (ranking("p", "x>y", item="other", slot="item/p", at="2026-02-01T10:00:00Z"), "other_item"),
        (ranking("p", "a>b", item="gone", slot="item/p"), "unknown_item"),
        (ranking("p", "a>b", slot="gone"), "unknown_slot"),
        (ranking("p", "a>b", at="yesterday"), "no_time"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_latest_valid_answer_outlives_an_invalid_one(later: Ranking, reason: str) -> None:
    good = ranking("p", "b>a>c")
    counted, left_out = votes([good, later], slots_for([good]), ITEMS)
    assert counted == (good,)
    assert [(each.ranking, each.reason) for each in left_out] == [(later, reason)]


def test_a_second_slot_and_a_repeat_do_not_count_twice() -> None:
    first = ranking("p", "a>b", slot="s1", at="2026-01-01T10:00:00Z")
    second = ranking("p", "b>a", slot="s2", at="2026-01-01T11:00:00Z")
    again = ranking("p", "c>a", slot="s3", at="2026-01-01T12:00:00Z")
    somebody = ranking("q", "c>a", slot="s4")
    slots = [*slots_for([first, second, somebody]), Slot("s3", "item", tuple("abcde"), repeat_of="s1")]
    counted, left_out = votes([again, second, first, somebody], slots, ITEMS)
    assert counted == (second, somebody)
    assert {(each.ranking.slot_id, each.reason) for each in left_out} == {
        ("s1", "second_answer"),
        ("s3", "repeat"),
    }
    assert set(answers([again, second, first, somebody], slots, ITEMS)[0]) == {first, second, again, somebody}


def test_who_is_excluded_is_kept_and_does_not_count() -> None:
    own = [ranking("p", "a>b"), ranking("q", "b>a")]
    counted, left_out = votes(own, slots_for(own), ITEMS, excluded={"p"})
    assert counted == (own[1],)
    assert [(each.ranking, each.reason) for each in left_out] == [(own[0], "excluded")]


def test_ids_given_twice_are_refused() -> None:
    own = slots_for([ranking("p", "a>b")])
    with pytest.raises(ConfigError, match="slots share"):
        votes([], own * 2, ITEMS)
    with pytest.raises(ConfigError, match="items share"):
        votes([], own, [item(), item()])
