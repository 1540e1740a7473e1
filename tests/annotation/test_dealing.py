"""Who is asked what: evenly, by different people, repeatably; and a memory that survives any crash."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.dealing import deal
from annotation.items import RankingItem, Slot
from annotation.study import FILENAME, Account, Study
from data.errors import ConfigError

CLIPS = tuple(f"{number:064x}" for number in range(6))


def items(number: int, *, gold: int = 0) -> list[RankingItem]:
    return [
        RankingItem(f"item {i}", CLIPS[0], CLIPS[1:], CLIPS[1:] if i < gold else None) for i in range(number)
    ]


def new_study(folder: Path, num_annotators: int) -> Study:
    study = Study(folder / "study", create=True)
    for number in range(num_annotators):
        study.note_account(Account(f"a{number}", f"{number}@example.org", None, number))
    return study


def deal_and_note(study: Study, what: list[RankingItem], per_item: int, repeats: int) -> list[Slot]:
    dealt = deal(study, what, list(study.accounts), per_item, repeats)
    for item in what:
        if item.item_id not in study.items:
            study.note_item(item)
    for one in dealt:
        study.note_slot(one.slot, one.annotator)
    return [one.slot for one in dealt]


@settings(max_examples=40)
@given(
    num_items=st.integers(1, 12),
    people=st.integers(1, 6),
    per_item=st.integers(1, 6),
    repeats=st.integers(0, 3),
)
def test_every_item_goes_to_so_many_different_people_and_work_is_even(
    num_items: int, people: int, per_item: int, repeats: int
) -> None:
    per_item = min(per_item, people)
    with tempfile.TemporaryDirectory() as folder:
        study = new_study(Path(folder), people)
        slots = deal_and_note(study, items(num_items), per_item, repeats)
        first = [slot for slot in slots if slot.repeat_of is None]
        pairs = Counter((study.owners[slot.slot_id], slot.item_id) for slot in first)
        assert set(pairs.values()) == {1}
        assert set(Counter(slot.item_id for slot in first).values()) == {per_item}
        load = [sum(owner == name for owner, _ in pairs) for name in study.accounts]
        assert max(load) - min(load) <= 1
        for name, num_first in zip(study.accounts, load, strict=True):
            again = [slot for slot in study.slots_of(name) if slot.repeat_of]
            assert len(again) == min(repeats, num_first)
        assert all(sorted(slot.shown) == sorted(CLIPS[1:]) for slot in slots)
        assert deal_and_note(study, items(num_items), per_item, repeats) == []


def test_repeats_come_far_behind_and_in_another_order(tmp_path: Path) -> None:
    study = new_study(tmp_path, 2)
    slots = {slot.slot_id: slot for slot in deal_and_note(study, items(20), 1, 3)}
    for name in study.accounts:
        order = [slot.slot_id for slot in study.slots_of(name)]
        for slot in study.slots_of(name):
            if slot.repeat_of is not None:
                assert order.index(slot.slot_id) - order.index(slot.repeat_of) >= 5
                assert slot.shown != slots[slot.repeat_of].shown
                assert slot.item_id == slots[slot.repeat_of].item_id


def test_orders_on_screen_differ_between_people(tmp_path: Path) -> None:
    study = new_study(tmp_path, 6)
    slots = deal_and_note(study, items(1), 6, 0)
    assert len({slot.shown for slot in slots}) > 3


def test_gold_goes_to_everybody_and_is_not_repeated(tmp_path: Path) -> None:
    study = new_study(tmp_path, 4)
    slots = deal_and_note(study, items(6, gold=2), 1, 2)
    counts = Counter(slot.item_id for slot in slots if slot.repeat_of is None)
    assert counts == {f"item {i}": 4 if i < 2 else 1 for i in range(6)}
    assert not any(slot.repeat_of and slot.item_id in ("item 0", "item 1") for slot in slots)


def test_asking_for_more_adds_only_the_difference(tmp_path: Path) -> None:
    study = new_study(tmp_path, 4)
    deal_and_note(study, items(5), 2, 1)
    before = dict(study.slots)
    added = deal_and_note(study, items(6), 3, 1)
    assert before.items() <= study.slots.items()
    assert Counter(slot.item_id for slot in added) == {f"item {i}": 1 for i in range(5)} | {"item 5": 3}


def test_a_study_cut_off_at_any_byte_is_what_was_whole(tmp_path: Path) -> None:
    study = new_study(tmp_path, 1)
    deal_and_note(study, items(1), 1, 0)
    data = (tmp_path / "study" / FILENAME).read_bytes()
    starts = [0, *(place + 1 for place, byte in enumerate(data) if byte == ord("\n"))]
    for end in range(starts[1], len(data)):
        folder = tmp_path / "cut"
        folder.mkdir(exist_ok=True)
        (folder / FILENAME).write_bytes(data[:end])
        cut = Study(folder)
        whole = sum(start <= end for start in starts[1:])
        assert (len(cut.accounts), len(cut.items), len(cut.slots)) == (whole > 1, whole > 2, whole > 3)
        cut.note("media", {"project": 7})
        assert Study(folder).media_project == 7


def test_a_damaged_study_is_told_by_line(tmp_path: Path) -> None:
    study = new_study(tmp_path, 2)
    path = study.folder / FILENAME
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], '{"slot": {}}', *lines[2:]]) + "\n")
    with pytest.raises(ConfigError, match="line 2 is damaged"):
        Study(study.folder)
    with pytest.raises(ConfigError, match="no study"):
        Study(tmp_path / "elsewhere")
