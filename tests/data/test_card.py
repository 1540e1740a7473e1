"""The card: front matter that the Hub understands, text that cannot break out of it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from data import card, manifest
from data.columns import SCHEMA
from data.layout import export_parquet
from data.manifest import Counts, Manifest


@pytest.fixture
def facts(finished: Path) -> Manifest:
    return manifest.read(finished / manifest.FILENAME)


def front_matter(text: str) -> dict[str, Any]:
    _, head, _ = text.split("---\n", 2)
    loaded: dict[str, Any] = yaml.safe_load(head)
    return loaded


def test_the_front_matter_says_what_the_hub_filters_by(facts: Manifest) -> None:
    head = front_matter(card.render(facts))
    assert head["license"] == "cc-by-4.0"
    assert head["size_categories"] == ["n<1K"]
    assert {"synthetic", "video"} <= set(head["tags"])
    assert head["dataset_info"]["splits"][0]["num_examples"] == 3


def test_its_features_are_those_that_datasets_writes(facts: Manifest) -> None:
    import datasets

    features = datasets.Features.from_arrow_schema(SCHEMA)
    assert front_matter(card.render(facts))["dataset_info"]["features"] == features._to_yaml_list()


def test_the_exported_folder_loads_as_a_repository(finished: Path, tmp_path: Path) -> None:
    import datasets

    export_parquet(finished, tmp_path / "hub")
    loaded = datasets.load_dataset(str(tmp_path / "hub"), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded.num_rows == 3
    assert isinstance(loaded.features["negative"], datasets.Video)


def test_the_text_holds_the_numbers(facts: Manifest) -> None:
    text = card.render(facts)
    assert "5 requested = 3 accepted + 1 rejected + 1 failed + 0 pending." in text
    assert "| rejected | out_of_sync | 1 |" in text
    assert "| oracle | 100.0% | 100.0% |" in text
    assert "| videos | procedural@2 |" in text


def test_foreign_text_stays_text(facts: Manifest) -> None:
    nasty = '"]\n---\n# x <script>alert(1)</script> | `y` : {a'
    hurt = replace(facts, recipe_name=nasty, licence=nasty, generators={nasty: nasty}, software={nasty: "1"})
    text = card.render(hurt)
    assert front_matter(text)["pretty_name"] == "SimMotion " + " ".join(nasty.split())
    assert front_matter(text)["license"] == "other"
    assert front_matter(text)["license_name"] == " ".join(nasty.split())
    body = text.split("\n# SimMotion", 1)[1]
    assert "<script>" not in body
    assert "\n---\n" not in body
    assert "\n# x" not in body


def test_foreign_text_is_no_link_and_leaves_no_cell(facts: Manifest) -> None:
    nasty = "![x](https://tracker.test/a.png) \\| [y](javascript:z)"
    text = card.render(replace(facts, generators={nasty: nasty}, licence=nasty))
    body = text.split("\n# SimMotion", 1)[1]
    foreign = [line for line in body.splitlines() if "tracker" in line]
    assert len(foreign) == 2
    assert not [line for line in foreign if re.search(r"(?<!\\)\[", line)]
    cells = re.split(r"(?<!\\)(?:\\\\)*\|", foreign[0])
    assert len(cells) == 4, "two cells between three bars"


@pytest.mark.parametrize(("rows", "size"), [(999, "n<1K"), (1000, "1K<n<10K"), (250_000, "100K<n<1M")])
def test_sizes_are_in_the_hubs_words(facts: Manifest, rows: int, size: str) -> None:
    grown = replace(
        facts,
        counts=Counts(rows, rows),
        accepted_by_category={"view": rows},
        num_clips=3 * rows,
        shards=(replace(facts.shards[0], rows=rows),),
    )
    assert front_matter(card.render(grown))["size_categories"] == [size]


def test_an_empty_data_set_has_a_card(facts: Manifest, tmp_path: Path) -> None:
    empty = replace(
        facts,
        counts=Counts(0, 0),
        accepted_by_category={},
        shards=(),
        num_clips=0,
        num_clip_bytes=0,
        retrieval={},
    )
    card.write(empty, tmp_path / card.FILENAME)
    assert "Not measured." in (tmp_path / card.FILENAME).read_text()
