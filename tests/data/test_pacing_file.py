"""Pacing files of every kind that is read, and what is said about those that are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import pacing_file
from data.errors import ConfigError

INNER = st.lists(st.floats(0, 1), max_size=20)


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(INNER)
def test_all_three_kinds_of_file_say_the_same(tmp_path: Path, inner: list[float]) -> None:
    shares = (0.0, *sorted(inner), 1.0)
    rows = "\n".join(f"{index},{share!r}" for index, share in enumerate(shares))
    for name, text in {
        "curve.txt": "\n\n".join(map(repr, shares)),
        "curve.csv": f"time,progress\n{rows}\n",
        "curve.json": json.dumps(shares),
    }.items():
        times, progress = pacing_file.read(written(tmp_path, name, text))
        assert progress == shares
        assert times == tuple(range(len(shares)))


def test_columns_of_a_csv_go_by_their_names_and_times_have_any_unit(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "\ufeffprogress, note, time\n0, x, -2.5\n0.25, y, 0\n1, z, 10\n")
    assert pacing_file.read(path) == ((-2.5, 0, 10), (0, 0.25, 1))


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("a.txt", "", "0 points"),
        ("a.txt", "0\n", "1 points"),
        ("a.txt", "0\n\nhalf\n1\n", r"a\.txt, line 3: 'half' is not a number"),
        ("a.txt", "0\nnan\n1\n", "line 2: 'nan' is not a number"),
        ("a.txt", "0\n\n0.6\n0.5\n1\n", "line 4: progress falls from 0.6 to 0.5"),
        ("a.txt", "0\n2\n", "line 2: progress is 2; .* 1 is expected here"),
        ("a.txt", "0.1\n1\n", "line 1: progress is 0.1; .* 0 is expected here"),
        ("a.csv", "", "line 1: the columns are none; expected time and progress"),
        ("a.csv", "t,progress\n0,0\n1,1\n", "line 1: the columns are t, progress"),
        ("a.csv", "time,progress\n0,0\n1\n2,1\n", "line 3: None is not a number"),
        ("a.csv", "time,progress\n0,0\n1,0.5\n1,1\n", "line 4: time 1 follows 1; times must rise"),
        ("a.json", "[0, 1", r"a\.json, line 1: not JSON"),
        ("a.json", '{"progress": [0, 1]}', "JSON of type dict; expected a list"),
        ("a.json", "[0, null, 1]", "item 2: None is not a number"),
        ("a.json", "[0, true]", "item 2: True is not a number"),
        ("a.json", "[0, 0.7, 0.3, 1]", "item 3: progress falls"),
    ],
)
def test_a_file_that_is_no_pacing_is_refused_with_its_line(
    tmp_path: Path, name: str, text: str, complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        pacing_file.read(written(tmp_path, name, text))


def test_a_file_that_is_not_there_and_one_that_is_not_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the pacing file"):
        pacing_file.read(tmp_path / "none.txt")
    (tmp_path / "picture.txt").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(ConfigError, match="cannot read the pacing file"):
        pacing_file.read(tmp_path / "picture.txt")
