"""Rejected attempts as lines, and the count of triplets that were lost for good."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import rejects
from data.errors import ConfigError
from data.rejects import final_reasons
from data.schema import Category, Reject
from tests.data.samples import reject

rows = st.builds(
    Reject,
    triplet_id=st.text(min_size=1, max_size=6),
    category=st.sampled_from(Category),
    attempt=st.integers(0, 5),
    seed=st.integers(0, 2**63 - 1),
    stage=st.sampled_from(["clips", "verdict"]),
    kind=st.sampled_from(["rejected", "failed"]),
    reason=st.sampled_from(["static", "hard_cut"]),
    detail=st.text(max_size=20),
    measures=st.dictionaries(
        st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False), max_size=3
    ),
)


@given(st.lists(rows, max_size=6))
def test_rows_come_back_in_order(tmp_path_factory: pytest.TempPathFactory, given_: list[Reject]) -> None:
    path = tmp_path_factory.mktemp("rejects") / rejects.FILENAME
    rejects.write(iter(given_), path)
    assert list(rejects.read(path)) == sorted(given_, key=lambda row: (row.triplet_id, row.attempt))


def test_lines_are_plain_json_whatever_was_measured(tmp_path: Path) -> None:
    path = tmp_path / rejects.FILENAME
    odd = replace(
        reject("a", 0, "nan"), detail="two\nlines\u2028 and 'quotes\"", measures={"x": math.inf, "y": 1.5}
    )
    rejects.write([odd], path)
    (line,) = path.read_text().split("\n")[:-1]
    assert json.loads(line)["measures"] == {"x": None, "y": 1.5}
    (back,) = rejects.read(path)
    assert back.detail == odd.detail
    assert math.isnan(back.measures["x"])


@pytest.mark.parametrize("line", ["{}", "[1]", "not json", '{"triplet_id": "a"}'])
def test_a_line_that_is_no_row_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / rejects.FILENAME
    rejects.write([reject("a", 0, "static")], path)
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(ConfigError, match="line 2"):
        list(rejects.read(path))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*rejects\.jsonl"):
        list(rejects.read(tmp_path / rejects.FILENAME))


def test_a_lost_triplet_counts_once_under_its_last_reason() -> None:
    found = [
        reject("a", 1, "hard_cut"),
        reject("a", 0, "static"),
        reject("b", 0, "static"),  # accepted later
        reject("c", 0, "static"),
        reject("c", 1, "unavailable", kind="failed"),
        reject("d", 0, "hard_cut"),
    ]
    assert final_reasons(found, {"b"}) == ({"hard_cut": 2}, {"unavailable": 1})


@given(st.lists(rows, max_size=12), st.sets(st.text(min_size=1, max_size=6), max_size=3))
def test_every_lost_triplet_is_counted_exactly_once(given_: list[Reject], settled: set[str]) -> None:
    rejected, failed = final_reasons(given_, settled)
    assert sum(rejected.values()) + sum(failed.values()) == len({row.triplet_id for row in given_} - settled)
