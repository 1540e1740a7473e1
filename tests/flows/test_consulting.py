"""What is still to be asked, of whom: answers to come, one more person, or nobody left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from annotation.answers import Answers
from annotation.items import Ranking, RankingItem, Slot
from annotation.study import Account, Study
from data.errors import ConfigError
from flows import consulting
from flows.consulting import annotators_of, look
from flows.real_recipe import RealRecipe
from tests.annotation.crowd import ranking

CLIPS = tuple("abc")
RECIPE = RealRecipe.model_validate(
    {"name": "x", "decision": {"min_annotators": 3, "max_annotators": 6}, "exclusion": {"min_answers": 1}}
)


def study_of(folder: Path, people: Sequence[str], asked: dict[str, Sequence[str]]) -> Study:
    """A study whose questions were put to these people, a slot each."""
    study = Study(folder, create=True)
    for name in people:
        study.note_account(Account(name, f"{name}@example.org", None))
    for item_id, names in asked.items():
        study.note_item(RankingItem(item_id, "reference", CLIPS))
        for name in names:
            study.note_slot(Slot(f"{item_id}/{name}", item_id, CLIPS), name)
    return study


def seen(monkeypatch: pytest.MonkeyPatch, folder: Path, rankings: Sequence[Ranking]) -> consulting.Look:
    monkeypatch.setattr(consulting, "answers", lambda _: Answers(tuple(rankings), (), ()))
    return look(folder, RECIPE)


def test_answers_to_open_questions_are_waited_for_and_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    six = tuple(f"p{number}" for number in range(6))
    study_of(tmp_path, six, {"clear": six, "open": six})
    rankings = [ranking(name, "a>b>c", "clear") for name in six[:5]]
    rankings += [ranking("p0", "a>b>c", "open"), ranking("p1", "c>b>a", "open")]
    found = seen(monkeypatch, tmp_path, rankings)
    assert [own.outcome for own in found.decisions] == ["accept", "ask_more"]
    assert (found.waiting, found.to_extend, found.settled) == (4, (), False)


def test_one_more_is_asked_when_all_have_answered_until_nobody_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    four = ("p0", "p1", "p2", "p3")
    study = study_of(tmp_path, [*four, "p4"], {"open": four})
    rankings = [ranking(name, "a>b>c" if name < "p2" else "c>b>a", "open") for name in four]
    found = seen(monkeypatch, tmp_path, rankings)
    assert (found.waiting, found.to_extend, found.settled) == (0, ("open",), False)
    study.note_slot(Slot("open/p4", "open", CLIPS), "p4")
    assert seen(monkeypatch, tmp_path, rankings).waiting == 1
    found = seen(monkeypatch, tmp_path, [*rankings, ranking("p4", "b>a>c", "open")])
    assert (found.waiting, found.to_extend, found.settled) == (0, (), True)


def test_whoever_is_not_heard_is_neither_waited_for_nor_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    four = ("p0", "p1", "p2", "hasty")
    study_of(tmp_path, four, {"open": ("p0", "p1", "p2"), "other": four})
    rankings = [ranking(name, "a>b>c" if name < "p2" else "c>b>a", "open") for name in four[:3]]
    rankings += [ranking("hasty", "a>b>c", "other", seconds=0.5)]
    found = seen(monkeypatch, tmp_path, rankings)
    assert found.unheard == {"hasty": ("too_fast",)}
    assert found.to_extend == ()
    assert found.waiting == 3


def test_annotators_come_from_a_file(tmp_path: Path) -> None:
    recipe = RECIPE.overridden(footage=None, annotators=str(tmp_path / "people.txt"), workers=None)
    with pytest.raises(ConfigError, match="cannot be read"):
        annotators_of(recipe)
    (tmp_path / "people.txt").write_text("\n")
    with pytest.raises(ConfigError, match="names nobody"):
        annotators_of(recipe)
    (tmp_path / "people.txt").write_text(" ann@example.org\n\nbo@example.org\n")
    assert annotators_of(recipe) == ["ann@example.org", "bo@example.org"]
