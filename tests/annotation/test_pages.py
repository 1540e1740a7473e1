"""The pages and their tasks: valid, of one mind with our records, and telling nothing."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path
from typing import get_args

import PIL.Image
import pytest

from annotation.example import example_picture
from annotation.items import Kind, RankingItem, Said, Slot, Verdict
from annotation.pages import candidate_id, instruction, label_config, same_config, task_data, visible
from annotation.results import BETTER, BUCKET, CLIP_A, CLIP_B, ORDER, STATUS
from annotation.study import Study

ITEM = RankingItem("walk & turn ↻", "a" * 64, ("b" * 64, "c" * 64, "d" * 64))
SLOT = Slot("s1", ITEM.item_id, ("d" * 64, "b" * 64, "c" * 64))
PAIR = RankingItem(ITEM.item_id, ITEM.reference, ITEM.candidates[:2])
PAIR_SLOT = Slot("s1", ITEM.item_id, ("c" * 64, "b" * 64))
QUESTION = "Which “turn” is <more> even & calm?"
every_kind = pytest.mark.parametrize("kind", get_args(Kind))


def study_of(kind: Kind, folder: Path) -> Study:
    made = Study(folder / kind, create=True)
    question = QUESTION if kind == "preference" else ""
    made.note("page", {"kind": kind, "question": question, "label_config": label_config(kind)})
    for number, clip in enumerate((ITEM.reference, *ITEM.candidates)):
        made.note("clip", {"clip": clip, "url": f'/data/upload/1/{number}.mp4?a=1&b="2"'})
    return made


def task(study: Study) -> dict[str, object]:
    slot, item = (SLOT, ITEM) if study.kind == "ranking" else (PAIR_SLOT, PAIR)
    return task_data(study, slot, item)


@every_kind
def test_label_studio_takes_the_page_and_its_tasks(kind: Kind, tmp_path: Path) -> None:
    from label_studio_sdk.label_interface.interface import LabelInterface

    page = LabelInterface(label_config(kind))
    page.validate()  # type: ignore[no-untyped-call]
    variables = {tag.get("value", "") for tag in ElementTree.fromstring(label_config(kind)).iter()}
    assert {name[1:] for name in variables if name.startswith("$")} == set(
        task(study_of(kind, tmp_path)).keys() - {"task_key"}
    )


@every_kind
def test_nothing_is_chosen_beforehand_and_everything_must_be(kind: Kind) -> None:
    page = ElementTree.fromstring(label_config(kind))
    choices = list(page.iter("Choices"))
    assert choices
    assert all(tag.get("required") == "true" and tag.get("requiredMessage") for tag in choices)
    assert not [tag for tag in page.iter("Choice") if tag.get("selected")]
    keys = Counter(tag.get("hotkey") for tag in page.iter("Choice"))
    assert None not in keys
    assert set(keys.values()) == {1}


def words(kind: Kind, name: str) -> list[str | None]:
    (tag,) = (tag for tag in ElementTree.fromstring(label_config(kind)).iter() if tag.get("name") == name)
    assert tag.tag == "Choices"
    return [choice.get("value") for choice in tag.iter("Choice")]


def test_the_pages_have_the_names_and_words_that_answers_are_read_by() -> None:
    tags = {tag.get("name"): tag.tag for tag in ElementTree.fromstring(label_config("ranking")).iter()}
    assert (tags[ORDER], tags[BUCKET]) == ("Ranker", "Bucket")
    assert words("ranking", STATUS) == list(get_args(Verdict))
    for name in (CLIP_A, CLIP_B):
        assert words("check", name) == [*get_args(Said), "does_not_play"]
    assert words("preference", BETTER) == ["a", "b", "no_difference", "does_not_play"]


def test_every_task_shows_its_clips_in_the_order_of_its_slot(tmp_path: Path) -> None:
    for kind in get_args(Kind):
        study = study_of(kind, tmp_path)
        slot = SLOT if kind == "ranking" else PAIR_SLOT
        expected = [study.clip_urls[clip] for clip in (ITEM.reference, *slot.shown)]
        assert re.findall(r'[^"\s]*/upload/1/\d', json.dumps(visible(task(study)))) == [
            url.partition(".")[0] for url in expected
        ]


def test_a_pair_without_a_source_shows_two_clips_and_no_empty_place(tmp_path: Path) -> None:
    study = study_of("preference", tmp_path)
    shown = str(task_data(study, PAIR_SLOT, RankingItem("x", "", PAIR.candidates))["clips_html"])
    assert re.findall("<h4>(.*?)</h4>", shown) == ["Clip A", "Clip B"]
    assert shown.count("<video") == 2


@every_kind
def test_a_task_tells_nothing_of_its_item(kind: Kind, tmp_path: Path) -> None:
    study = study_of(kind, tmp_path)
    text = json.dumps(task(study)).lower()
    secrets = (ITEM.item_id, "walk", study.key, *ITEM.candidates, "positive", "negative", "gold", "first")
    assert not any(secret in text for secret in secrets)


def test_a_candidate_has_another_name_in_every_slot(tmp_path: Path) -> None:
    study = study_of("ranking", tmp_path)
    other = Slot("s2", SLOT.item_id, SLOT.shown)
    names = [{candidate_id(study, slot, clip) for clip in SLOT.shown} for slot in (SLOT, other)]
    assert not names[0] & names[1]
    assert all(name[0].isalpha() for name in names[0])


@every_kind
def test_white_space_is_no_edit_and_a_word_is(kind: Kind) -> None:
    page = label_config(kind)
    assert same_config(page, page.replace("\n", "\r\n  "))
    assert not same_config(page, page.replace("does not play", "plays"))


def test_what_is_visible_is_texts_and_addresses(tmp_path: Path) -> None:
    data = task(study_of("preference", tmp_path))
    rewritten = data | {"clips_html": str(data["clips_html"]).replace(" muted", ' muted="true"')}
    assert visible(rewritten) == visible(data)
    assert visible(data | {"question": "Which is nicer?"}) != visible(data)
    swapped = study_of("preference", tmp_path / "swapped")
    assert visible(task_data(swapped, Slot("s1", "x", PAIR_SLOT.shown[::-1]), PAIR)) != visible(data)


@every_kind
def test_the_instructions_name_the_keys_and_show_the_example(kind: Kind) -> None:
    text = " ".join(instruction(kind, '/data/upload/1/x.gif?a="1"').split())
    page = ElementTree.fromstring(label_config(kind))
    assert {tag.get("hotkey") for tag in page.iter("Choice")} <= set(re.findall(r"\d", text))
    assert 'src="/data/upload/1/x.gif?a=&quot;1&quot;"' in text
    if kind == "ranking":
        assert all(tag.get("html", "") in text for tag in page.iter("Choice"))


@every_kind
def test_the_example_has_a_panel_for_every_clip_that_is_told_of(kind: Kind) -> None:
    picture = PIL.Image.open(io.BytesIO(example_picture(kind)))
    assert (picture.format, picture.n_frames) == ("GIF", 64)  # type: ignore[attr-defined]
    panels = {"ranking": 4, "check": 3, "preference": 2}[kind]
    assert picture.size == (panels * (144 + 12) - 12, 144)
