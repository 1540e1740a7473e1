"""Studies for tests of the page of annotators: a crowd of known quality, written without a server."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from annotation.answers import Answers, Change, Reject
from annotation.items import Ranking, RankingItem, Slot, Verdict
from annotation.study import Account, Study

PASSWORD = "correct-horse-battery"


def clip(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def empty_study(folder: Path, num_people: int = 3, num_items: int = 2, name: str = "study") -> Study:
    """Everybody is asked everything; the first item is gold, and everyone sees the second twice."""
    study = Study(folder / name, create=True)
    for number in range(num_items):
        candidates = tuple(clip(f"{number} {letter}") for letter in "abcde")
        known = candidates if number == 0 else None
        study.note_item(RankingItem(f"item {number}", clip(f"{number}"), candidates, known))
    for person in range(num_people):
        annotator = f"a{clip(str(person))[:8]}"
        study.note_account(Account(annotator, f"person{person}@example.org", PASSWORD, person))
        for item in study.items.values():
            chance = np.random.default_rng((person, len(study.slots)))
            shown = tuple(map(str, chance.permutation(item.candidates)))
            slot = Slot(f"{annotator}/{item.item_id}", item.item_id, shown)
            study.note_slot(slot, annotator)
            if item.item_id == "item 1":
                again = Slot(f"{slot.slot_id}/again", "item 1", shown[::-1], slot.slot_id)
                study.note_slot(again, annotator)
    return study


def ranking(study: Study, slot_id: str, order: tuple[str, ...], seconds: float) -> Ranking:
    slot, annotator = study.slots[slot_id], study.owners[slot_id]
    tied = tuple((name,) for name in order)
    verdict: Verdict = "ranked" if order else "cannot_judge"
    return Ranking(
        slot_id, slot.item_id, annotator, verdict, tied, seconds, "2026-01-01T00:00:00Z", f"of {slot_id}"
    )


def crowd_answers(study: Study, share: float = 0.8) -> Answers:
    """The last annotator leaves all as it was shown, at once; the others mostly rank in the order of names.

    Of everybody's slots the first ``share`` are answered; the first annotator had one rejected.
    """
    careless = list(study.accounts)[-1]
    rankings = []
    for annotator in study.accounts:
        slots = study.slots_of(annotator)
        for slot in slots[: round(share * len(slots))]:
            chance = np.random.default_rng([*slot.slot_id.encode()])
            own = study.items[slot.item_id].candidates
            noisy = np.argsort(np.arange(5) + chance.normal(0, 1.2, 5))
            order = slot.shown if annotator == careless else tuple(own[index] for index in noisy)
            if annotator != careless and chance.random() < 0.05:
                order = ()
            seconds = float(chance.lognormal(0.6 if annotator == careless else 3.8, 0.5))
            rankings.append(ranking(study, slot.slot_id, order, seconds))
    first = study.slots_of(next(iter(study.accounts)))[-1].slot_id
    rejects = (
        Reject("r1", first, 1, "incomplete", "places 3 of 5"),
        Reject("r2", first, 1, "incomplete", "places 4 of 5"),
        Reject("r3", None, 9, "unknown_task", "not of this study"),
    )
    return Answers(tuple(rankings), rejects, (Change("x", first, "changed", "someone else", "now"),))
