"""Who sees which item, in which order, and what they see twice. Our own.

Knows no server and no clips.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from annotation.items import Kind, RankingItem, Slot
from annotation.study import Study
from data.errors import ConfigError


@dataclass(frozen=True)
class Dealt:
    """A slot and the annotator who is to fill it."""

    annotator: str
    slot: Slot


def deal(
    study: Study,
    items: Sequence[RankingItem],
    annotators: Sequence[str],
    per_item: int,
    repeats: int,
    unheard: Collection[str] = (),
) -> list[Dealt]:
    """The slots that are still missing, in the order in which each annotator is to see them.

    Every item goes to ``per_item`` different annotators, those with the least to do first; gold items go to
    all.  Every annotator gets ``repeats`` items twice, about half of their tasks apart or more, in another
    order of candidates.  What the study holds already counts, so that the same call gives nothing and one
    with more adds the difference.  Those ``unheard`` get nothing new.  Raises ``ConfigError`` for too few
    annotators.
    """
    if not 1 <= per_item <= len(annotators):
        raise ConfigError(
            f"{per_item} answers per item were asked for, of {len(annotators)} annotators: name at least as "
            "many annotators as answers, and at least one of each"
        )
    seen = {(study.owners[key], slot.item_id) for key, slot in study.slots.items()}
    load = Counter(study.owners.values())
    new: dict[str, list[str]] = {annotator: [] for annotator in annotators}
    for item in sorted(items, key=lambda item: study.opaque("deal", item.item_id)):
        holders = sum((annotator, item.item_id) in seen for annotator in study.accounts)
        free = [name for name in annotators if name not in unheard and (name, item.item_id) not in seen]
        free.sort(key=lambda annotator: (load[annotator], study.opaque("deal", item.item_id, annotator)))
        for annotator in free[: len(free) if item.known_order else max(0, per_item - holders)]:
            load[annotator] += 1
            new[annotator].append(item.item_id)
    known = study.items | {item.item_id: item for item in items}
    return [
        dealt
        for annotator in annotators
        if annotator not in unheard
        for dealt in _hand(study, annotator, new[annotator], known, repeats)
    ]


def check_items(items: Iterable[RankingItem], kind: Kind = "ranking") -> None:
    """Raise ``ConfigError`` for an item that nobody could judge, or two that share a name."""
    known: dict[str, RankingItem] = {}
    for item in items:
        name = f"item {item.item_id!r}"
        if known.setdefault(item.item_id, item) != item:
            raise ConfigError(f"{name} is there twice with different clips: give each a name of its own")
        if len(item.candidates) < 2:
            raise ConfigError(f"{name} has {len(item.candidates)} candidates, ranking needs two or more")
        if kind != "ranking" and len(item.candidates) > 2:
            raise ConfigError(f"{name} has {len(item.candidates)} candidates, a {kind} shows two")
        if not item.reference and kind != "preference":
            raise ConfigError(f"{name} has no reference to compare with")
        twice = [clip for clip, times in Counter(item.candidates).items() if times > 1]
        if twice:
            raise ConfigError(f"{name} has the candidate {twice[0][:12]} twice: name each clip once")
        if item.reference in item.candidates:
            raise ConfigError(f"{name} has its reference {item.reference[:12]} among its candidates")
        known_order = item.known_order or item.candidates
        if not set(known_order) <= set(item.candidates) or len(set(known_order)) < len(known_order):
            raise ConfigError(f"{name} has a known order that is not one of its candidates")


def _hand(
    study: Study, annotator: str, item_ids: list[str], items: Mapping[str, RankingItem], repeats: int
) -> Iterator[Dealt]:
    """New slots of one annotator, shuffled, with repeats put far behind what they repeat."""
    had = study.slots_of(annotator)
    order = sorted(item_ids, key=lambda item_id: study.opaque("order", annotator, item_id))
    hand = [_slot(study, annotator, items[item_id], None) for item_id in order]
    twice = {slot.repeat_of for slot in had}
    missing = max(0, repeats - len(twice - {None}))
    earlier = [slot for slot in had if slot.repeat_of is None and slot.slot_id not in twice]
    candidates = [slot for slot in (*earlier, *hand) if items[slot.item_id].known_order is None]
    chosen = candidates[:missing]
    chance = random.Random(study.opaque("repeats", annotator, str(len(had))))
    half = len(hand) // 2
    for original in chosen:
        place = hand.index(original) if original in hand else 0
        again = _slot(study, annotator, items[original.item_id], original)
        hand.insert(chance.randint(min(place + 1 + half, len(hand)), len(hand)), again)
    yield from (Dealt(annotator, slot) for slot in hand)


def _slot(study: Study, annotator: str, item: RankingItem, original: Slot | None) -> Slot:
    occurrence = "first" if original is None else "again"
    slot_id = "s" + study.opaque("slot", annotator, item.item_id, occurrence)
    chance = random.Random(study.opaque("shown", slot_id))
    shown = tuple(chance.sample(sorted(item.candidates), len(item.candidates)))
    while original is not None and shown == original.shown:
        shown = tuple(chance.sample(shown, len(shown)))
    return Slot(slot_id, item.item_id, shown, None if original is None else original.slot_id)
