"""What people said comes back as it was written, joins its triplets, and is missed by no check."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import ConfigError
from data.people import (
    PairPreference,
    TripletCheck,
    read_checks,
    read_preferences,
    write_checks,
    write_preferences,
)
from data.schema import Role
from data.shards import read_rows
from data.verify import verify
from tests.data.samples import data_set

counts = st.integers(0, 2**31 - 1)
shares = st.none() | st.floats(0, 1)
checks = st.builds(
    TripletCheck,
    **dict.fromkeys(("num_accept", "num_reject", "num_unsure", "num_does_not_play"), counts),
    **dict.fromkeys(("accept_share", "accept_low", "accept_high"), shares),
)
preferences = st.builds(
    PairPreference,
    **dict.fromkeys(("num_first", "num_second", "num_no_difference", "num_does_not_play"), counts),
    **dict.fromkeys(("second_share", "second_low", "second_high"), shares),
)


@given(st.lists(checks, max_size=4), st.lists(preferences, max_size=4))
def test_rows_come_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, said: list[TripletCheck], preferred: list[PairPreference]
) -> None:
    out = tmp_path_factory.mktemp("out")
    assert read_checks(write_checks(said, out)) == said
    assert read_preferences(write_preferences(preferred, out)) == preferred
    assert sorted(path.name for path in (out / "people").iterdir()) == [
        "checks.parquet",
        "preferences.parquet",
    ]


def test_a_second_time_replaces_the_first(out: Path) -> None:
    rows = accepted(out)
    write_checks(rows, out)
    path = write_checks(rows[:1], out)
    assert read_checks(path) == rows[:1]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    data_set(tmp_path / "out")
    return tmp_path / "out"


def accepted(out: Path) -> list[TripletCheck]:
    """Three people accept every triplet of a data set."""
    columns = ("triplet_id", *(f"{role}_sha256" for role in Role))
    rows = read_rows(sorted((out / "data").glob("*.parquet")), columns)
    three_accept: dict[str, Any] = dict.fromkeys(("num_reject", "num_unsure", "num_does_not_play"), 0) | {
        "num_accept": 3,
        "accept_share": 1.0,
        "accept_low": 0.5258,
        "accept_high": 1.0,
        "outcome": "accept",
    }
    return [TripletCheck(**row, **three_accept) for row in rows]


def test_outcomes_join_their_triplets_in_sql(out: Path) -> None:
    import duckdb

    write_checks(accepted(out), out)
    with duckdb.connect() as memory:
        joined = memory.execute(
            f"SELECT triplet_id, outcome FROM '{out}/data/*.parquet' JOIN '{out}/people/checks.parquet' "
            "USING (triplet_id, reference_sha256, positive_sha256, negative_sha256)"
        ).fetchall()
    assert sorted(joined) == sorted((row.triplet_id, "accept") for row in accepted(out))


def test_a_data_set_with_what_people_said_of_it_is_in_order(out: Path) -> None:
    write_checks(accepted(out), out)
    write_preferences([], out)
    assert list(verify(out)) == []


def test_what_was_said_of_other_clips_is_found(out: Path) -> None:
    first, *rest = accepted(out)
    write_checks([replace(first, positive_sha256="0" * 64), *rest], out)
    (finding,) = verify(out)
    assert (finding.what, finding.where) == ("stale_checks", "people/checks.parquet")
    assert "1 other clips" in finding.got


@pytest.mark.parametrize("name", ["checks.parquet", "preferences.parquet"])
def test_a_file_that_cannot_be_read_is_found(out: Path, name: str) -> None:
    (out / "people").mkdir()
    (out / "people" / name).write_bytes(b"PAR1")
    (finding,) = verify(out)
    assert (finding.what, finding.where) == ("people_unreadable", f"people/{name}")


def test_one_file_is_not_taken_for_the_other(out: Path) -> None:
    path = write_preferences([], out)
    with pytest.raises(ConfigError, match="holds other columns"):
        read_checks(path)
