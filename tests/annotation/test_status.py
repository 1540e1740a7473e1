"""Progress and hours left, counted by hand."""

from __future__ import annotations

from pathlib import Path

from annotation.answers import Answers, Reject
from annotation.items import Ranking, RankingItem, Slot
from annotation.status import standing
from annotation.study import Account, Study


def study_of_two(folder: Path) -> Study:
    """Anna has the slots s0, s1 and s2, Bo has s3; all are of one item."""
    study = Study(folder / "study", create=True)
    study.note_item(RankingItem("item", "r", ("x", "y")))
    for annotator in ("anna", "bo"):
        study.note_account(Account(annotator, f"{annotator}@example.org", None, 1))
    for number in range(4):
        study.note_slot(Slot(f"s{number}", "item", ("x", "y")), "bo" if number == 3 else "anna")
    return study


def ranking(slot: str, annotator: str, seconds: float) -> Ranking:
    return Ranking(slot, "item", annotator, "ranked", (("x",), ("y",)), seconds, "2026-01-01T00:00:00Z", slot)


def test_open_slots_are_reckoned_at_their_annotators_own_pace_or_at_everybodys(tmp_path: Path) -> None:
    study = study_of_two(tmp_path)
    found = Answers((ranking("s0", "anna", 30.0), ranking("s1", "anna", 50.0)), (), ())
    now = standing(study, found)
    assert [(own.num_answered, own.num_slots, own.median_seconds) for own in now.annotators] == [
        (2, 3, 40.0),
        (0, 1, None),
    ]
    assert now.hours_left == (1 * 40 + 1 * 40) / 3600
    assert (now.items[0].num_answered, now.items[0].num_slots) == (2, 4)


def test_nothing_is_guessed_before_the_first_answer(tmp_path: Path) -> None:
    assert standing(study_of_two(tmp_path), Answers((), (), ())).hours_left is None


def test_rejects_are_counted_and_leave_their_slot_open(tmp_path: Path) -> None:
    rejects = (
        Reject("1", "s3", 1, "incomplete", ""),
        Reject("2", "s0", 2, "superseded", ""),
        Reject("3", None, 3, "unknown_task", ""),
    )
    now = standing(study_of_two(tmp_path), Answers((ranking("s0", "anna", 9.0),), rejects, ()))
    assert [(own.num_rejected, own.num_slots - own.num_answered) for own in now.annotators] == [
        (0, 2),
        (1, 1),
    ]
