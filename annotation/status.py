"""How far a study is: by annotator, by item, and how many hours of people's work are left.

Knows no server: it counts what was pulled last.
"""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass

from annotation.answers import Answers
from annotation.study import Study


@dataclass(frozen=True)
class AnnotatorStanding:
    """One annotator's slots. ``median_seconds`` is None before the first answer."""

    annotator: str
    num_slots: int
    num_answered: int
    num_without_ranking: int
    num_rejected: int
    median_seconds: float | None


@dataclass(frozen=True)
class ItemStanding:
    """One item's slots."""

    item_id: str
    num_slots: int
    num_answered: int


@dataclass(frozen=True)
class Standing:
    """The whole study. ``hours_left`` is None until somebody has answered something."""

    annotators: tuple[AnnotatorStanding, ...]
    items: tuple[ItemStanding, ...]
    hours_left: float | None

    @property
    def num_slots(self) -> int:
        return sum(own.num_slots for own in self.annotators)

    @property
    def num_answered(self) -> int:
        return sum(own.num_answered for own in self.annotators)


def standing(study: Study, found: Answers) -> Standing:
    """Count a study. Open slots are reckoned at their annotator's median time, else at everybody's."""
    by_annotator = {annotator: _standing(study, found, annotator) for annotator in study.accounts}
    wanted = Counter(slot.item_id for slot in study.slots.values())
    answered = Counter(ranking.item_id for ranking in found.rankings)
    items = tuple(ItemStanding(item_id, wanted[item_id], answered[item_id]) for item_id in study.items)
    hours_left = None
    if found.rankings:
        usual = statistics.median(ranking.seconds for ranking in found.rankings)
        seconds = [
            (own.num_slots - own.num_answered) * (own.median_seconds or usual)
            for own in by_annotator.values()
        ]
        hours_left = sum(seconds) / 3600
    return Standing(tuple(by_annotator.values()), items, hours_left)


def _standing(study: Study, found: Answers, annotator: str) -> AnnotatorStanding:
    own = [ranking for ranking in found.rankings if ranking.annotator == annotator]
    rejected = [
        reject
        for reject in found.rejects
        if reject.slot_id is not None
        and study.owners[reject.slot_id] == annotator
        and reject.reason != "superseded"
    ]
    return AnnotatorStanding(
        annotator,
        num_slots=len(study.slots_of(annotator)),
        num_answered=len(own),
        num_without_ranking=sum(ranking.verdict != "ranked" for ranking in own),
        num_rejected=len(rejected),
        median_seconds=statistics.median(ranking.seconds for ranking in own) if own else None,
    )
