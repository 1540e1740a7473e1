"""The result of an evaluation as JSON: whole, readable, and never with what JSON has no word for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from data.errors import ConfigError
from flows.evaluation import Evaluation, write_json
from tests.flows.evaluation_samples import CATEGORIES, HOSTILE, knn, synthetic


def written(evaluation: Evaluation, folder: Path) -> dict[str, object]:
    path = folder / "made" / "on the way" / "evaluation.json"
    write_json(evaluation, path)
    content: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return content


def test_every_row_has_its_shares_with_value_interval_and_counts(tmp_path: Path) -> None:
    evaluation = synthetic()
    content = written(evaluation, tmp_path)
    rows = content["rows"]
    assert isinstance(rows, list)
    for row, told in zip(evaluation.rows, rows, strict=True):
        assert list(told["columns"]) == list(CATEGORIES)
        for name, share in (*row.columns.items(), ("all", row.overall)):
            own = told["columns"].get(name, told["overall"])
            assert own == {
                "hits": share.hits,
                "queries": share.queries,
                "low": share.low,
                "high": share.high,
                "value": share.hits / share.queries,
            }
        assert told["hits"] == list(row.hits)
        assert told["quoted"] == row.quoted


def test_everything_but_the_maps_is_told(tmp_path: Path) -> None:
    content = written(synthetic(distractors=("a", "b")), tmp_path)
    assert content.keys() == {"format", *Evaluation.__dataclass_fields__} - {"maps"}
    assert content["distractors"] == ["a", "b"]
    assert content["chance"] == pytest.approx(1 / 731)


def test_tests_ablations_and_confusions_keep_their_numbers(tmp_path: Path) -> None:
    evaluation = synthetic()
    content = written(evaluation, tmp_path)
    comparisons, ablations = content["comparisons"], content["ablations"]
    assert isinstance(comparisons, list)
    assert isinstance(ablations, list)
    assert comparisons[0]["p_value"] == evaluation.comparisons[0].p_value
    assert (comparisons[1]["only_first"], comparisons[1]["only_second"]) == (21, 9)
    assert ablations[0]["held_out_weights"][0] == [1, 8, 4]
    assert ablations[0]["rows"][2]["quoted"] is None
    assert ablations[1]["held_out"] is None


def test_text_stays_as_it_is(tmp_path: Path) -> None:
    name = f"прыжок {HOSTILE}"
    assert written(synthetic(name), tmp_path)["name"] == name
    assert "прыжок" in (tmp_path / "made/on the way/evaluation.json").read_text(encoding="utf-8")


def test_a_number_that_json_lacks_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    evaluation = knn()
    row = replace(evaluation.rows[0], mean=float("nan"))
    with pytest.raises(ValueError, match="JSON"):
        written(replace(evaluation, rows=(row,)), tmp_path)
    assert not list(tmp_path.rglob("*.json"))


def test_a_file_where_the_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "made").write_text("in the way")
    with pytest.raises(ConfigError, match="choose another output folder"):
        written(knn(), tmp_path)


def test_columns_are_those_of_the_first_row() -> None:
    assert synthetic().columns == list(CATEGORIES)
    assert knn().columns == ["majority", "weighted", "top5"]
    assert knn(rows=()).columns == []
