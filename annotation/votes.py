"""Which rankings count: of every slot the latest valid one, of every annotator one an item.

Knows neither statistics nor servers. Nothing is deleted: what does not count is told with its reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from annotation.items import Ranking, RankingItem, Slot
from data.errors import ConfigError

Reason = Literal[
    "unknown_slot", "unknown_item", "other_item", "unknown_candidate", "candidate_twice", "nothing_ranked",
    "order_without_ranking", "no_time", "replaced", "repeat", "second_answer", "excluded",
]  # fmt: skip


@dataclass(frozen=True)
class Uncounted:
    """A ranking that is kept and does not count."""

    ranking: Ranking
    reason: Reason


def answers(
    rankings: Iterable[Ranking], slots: Sequence[Slot], items: Sequence[RankingItem]
) -> tuple[tuple[Ranking, ...], tuple[Uncounted, ...]]:
    """The latest valid ranking of every slot, repeats included, and all others with the reason.

    An edited annotation comes as a later ranking of the same slot; a cancelled one comes not at all. The
    order of ``rankings`` makes no difference.
    """
    slots_by_id, items_by_id = by_id(slots), items_of(items)
    uncounted, latest = [], dict[str, Ranking]()
    for ranking in sorted(rankings, key=lambda own: (own.slot_id, own.annotation_id)):
        reason = _invalid(ranking, slots_by_id, items_by_id)
        if reason is not None:
            uncounted.append(Uncounted(ranking, reason))
            continue
        before = latest.get(ranking.slot_id)
        if before is not None and _when(before) > _when(ranking):
            uncounted.append(Uncounted(ranking, "replaced"))
            continue
        if before is not None:
            uncounted.append(Uncounted(before, "replaced"))
        latest[ranking.slot_id] = ranking
    return tuple(latest.values()), tuple(uncounted)


def votes(
    rankings: Iterable[Ranking],
    slots: Sequence[Slot],
    items: Sequence[RankingItem],
    excluded: Collection[str] = (),
) -> tuple[tuple[Ranking, ...], tuple[Uncounted, ...]]:
    """What counts towards the items: one answer an annotator and item, and all others with the reason.

    Repeats show how consistent somebody is and count no second time; where one annotator was given an item
    in two slots by mistake, the later answer counts. Verdicts other than "ranked" are among the votes.
    """
    current, uncounted = answers(rankings, slots, items)
    known = by_id(slots)
    counted, left_out = dict[tuple[str, str], Ranking](), list(uncounted)
    for ranking in sorted(current, key=lambda own: (_when(own), own.slot_id)):
        key = (ranking.item_id, ranking.annotator)
        if ranking.annotator in excluded:
            left_out.append(Uncounted(ranking, "excluded"))
        elif known[ranking.slot_id].repeat_of is not None:
            left_out.append(Uncounted(ranking, "repeat"))
        else:
            if key in counted:
                left_out.append(Uncounted(counted[key], "second_answer"))
            counted[key] = ranking
    return tuple(counted[key] for key in sorted(counted)), tuple(left_out)


def by_id(slots: Sequence[Slot]) -> Mapping[str, Slot]:
    """Slots by their ids. Raises ``ConfigError`` where two share one."""
    found = {slot.slot_id: slot for slot in slots}
    if len(found) < len(slots):
        raise ConfigError(f"{len(slots)} slots share {len(found)} ids: every slot needs its own")
    return found


def items_of(items: Sequence[RankingItem]) -> Mapping[str, RankingItem]:
    """Items by their ids. Raises ``ConfigError`` where two share one."""
    found = {item.item_id: item for item in items}
    if len(found) < len(items):
        raise ConfigError(f"{len(items)} items share {len(found)} ids: every item needs its own")
    return found


def _invalid(ranking: Ranking, slots: Mapping[str, Slot], items: Mapping[str, RankingItem]) -> Reason | None:
    slot, item = slots.get(ranking.slot_id), items.get(ranking.item_id)
    named = [name for tied in ranking.order for name in tied]
    if slot is None:
        return "unknown_slot"
    if item is None:
        return "unknown_item"
    if slot.item_id != ranking.item_id:
        return "other_item"
    if not set(named) <= set(item.candidates):
        return "unknown_candidate"
    if len(set(named)) < len(named):
        return "candidate_twice"
    if ranking.verdict == "ranked" and len(named) < 2:
        return "nothing_ranked"  # one alone is above nobody
    if ranking.verdict != "ranked" and named:
        return "order_without_ranking"
    try:
        _when(ranking)
    except ValueError:
        return "no_time"
    return None


def _when(ranking: Ranking) -> datetime:
    """Instants, not texts: "…00Z" and "…00.5+00:00" do not sort as texts."""
    moment = datetime.fromisoformat(ranking.submitted_at)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
