"""The page and its tasks: valid, of one mind with our records, and telling nothing."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import get_args

import PIL.Image
import pytest

from annotation.config import (
    BUCKET,
    ORDER,
    STATUS,
    clips_in,
    instruction,
    label_config,
    same_config,
    task_data,
)
from annotation.example import example_picture
from annotation.items import RankingItem, Slot, Verdict
from annotation.study import Study

ITEM = RankingItem("walk & turn ↻", "a" * 64, ("b" * 64, "c" * 64, "d" * 64))
SLOT = Slot("s1", ITEM.item_id, ("d" * 64, "b" * 64, "c" * 64))


@pytest.fixture
def study(tmp_path: Path) -> Study:
    made = Study(tmp_path / "study", create=True)
    for number, clip in enumerate((ITEM.reference, *ITEM.candidates)):
        made.note("clip", {"clip": clip, "url": f'/data/upload/1/{number}.mp4?a=1&b="2"'})
    return made


def test_label_studio_takes_the_configuration() -> None:
    from label_studio_sdk.label_interface.interface import LabelInterface

    LabelInterface(label_config()).validate()  # type: ignore[no-untyped-call]


def test_the_page_has_the_names_and_verdicts_that_answers_are_read_by() -> None:
    page = ElementTree.fromstring(label_config())
    names = {tag.get("name"): tag.tag for tag in page.iter()}
    assert (names[STATUS], names[ORDER], names[BUCKET]) == ("Choices", "Ranker", "Bucket")
    assert [choice.get("value") for choice in page.iter("Choice")] == list(get_args(Verdict))
    (status,) = page.iter("Choices")
    assert status.get("required") == "true"


def test_a_task_shows_the_candidates_in_the_order_of_its_slot(study: Study) -> None:
    data = task_data(study, SLOT, ITEM)
    reference, candidates = clips_in(data)
    assert reference == study.clip_urls[ITEM.reference]
    assert [url for _, url in candidates] == [study.clip_urls[clip] for clip in SLOT.shown]
    assert all(name[0].isalpha() for name, _ in candidates)


def test_a_task_tells_nothing_of_its_item(study: Study) -> None:
    text = json.dumps(task_data(study, SLOT, ITEM))
    assert not any(secret in text for secret in (ITEM.item_id, "walk", study.key, *ITEM.candidates))


def test_a_candidate_has_another_name_in_every_slot(study: Study) -> None:
    other = Slot("s2", SLOT.item_id, SLOT.shown)
    names = [{name for name, _ in clips_in(task_data(study, slot, ITEM))[1]} for slot in (SLOT, other)]
    assert not names[0] & names[1]


def test_white_space_is_no_edit_and_a_word_is() -> None:
    assert same_config(label_config(), label_config().replace("\n", "\r\n  "))
    assert not same_config(label_config(), label_config().replace("MOTION", "COLOUR"))


def test_the_instructions_name_the_choices_and_show_the_example() -> None:
    text = instruction('/data/upload/1/x.gif?a="1"')
    page = ElementTree.fromstring(label_config())
    assert all(choice.get("html", "") in " ".join(text.split()) for choice in page.iter("Choice"))
    assert 'src="/data/upload/1/x.gif?a=&quot;1&quot;"' in text
    picture = PIL.Image.open(io.BytesIO(example_picture()))
    assert (picture.format, picture.n_frames) == ("GIF", 64)  # type: ignore[attr-defined]
