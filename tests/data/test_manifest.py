"""The manifest balances, repeats, and is read back or refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import manifest
from data.errors import ConfigError, ContractError
from data.manifest import Counts, Manifest

numbers = st.integers(0, 50)
reasons = st.dictionaries(st.text(min_size=1, max_size=8), numbers, max_size=4)


@given(numbers, reasons, reasons, numbers, st.integers(-3, 3))
def test_counts_balance_or_are_refused(
    accepted: int, rejected: dict[str, int], failed: dict[str, int], pending: int, error: int
) -> None:
    total = accepted + sum(rejected.values()) + sum(failed.values()) + pending
    if error == 0:
        assert Counts(total, accepted, rejected, failed, pending).requested == total
    else:
        with pytest.raises(ContractError, match="do not balance"):
            Counts(total + error, accepted, rejected, failed, pending)


def test_negative_counts_do_not_balance_anything() -> None:
    with pytest.raises(ContractError, match="do not balance"):
        Counts(1, 2, {"static": -1})


def test_a_manifest_comes_back_and_repeats(finished: Path, tmp_path: Path) -> None:
    read = manifest.read(finished / "manifest.json")
    manifest.write(read, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (finished / "manifest.json").read_bytes()
    assert manifest.read(tmp_path / "again.json") == read
    reordered = dataclasses.replace(read, recipe=dict(reversed(read.recipe.items())))
    manifest.write(reordered, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (finished / "manifest.json").read_bytes()


def test_it_says_what_others_look_for(finished: Path) -> None:
    fields = json.loads((finished / "manifest.json").read_text())
    assert fields["counts"] == {
        "requested": 5,
        "accepted": 3,
        "rejected": {"out_of_sync": 1},
        "failed": {"unavailable": 1},
        "pending": 0,
    }
    assert [shard.keys() for shard in fields["shards"]] == [{"path", "sha256", "rows"}]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("num_clips", 8, "a third of num_clips"),
        ("accepted_by_category", {"view": 2}, "accepted_by_category"),
        ("shards", (), "the shards' rows"),
    ],
)
def test_sums_that_disagree_are_our_bug(finished: Path, field: str, value: Any, said: str) -> None:
    read = manifest.read(finished / "manifest.json")
    with pytest.raises(ContractError, match=said):
        dataclasses.replace(read, **{field: value})


@pytest.mark.parametrize("value", [float("nan"), object()])
def test_what_json_cannot_hold_is_our_bug(finished: Path, tmp_path: Path, value: object) -> None:
    read = dataclasses.replace(manifest.read(finished / "manifest.json"), recipe={"x": value})
    with pytest.raises(ContractError, match="JSON cannot"):
        manifest.write(read, tmp_path / "manifest.json")
    assert not (tmp_path / "manifest.json").exists()


def read_changed(path: Path, **changes: object) -> Manifest:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return manifest.read(path)


def test_manifests_that_cannot_be_used_are_explained(finished: Path, tmp_path: Path) -> None:
    path = finished / "manifest.json"
    with pytest.raises(ConfigError, match="no finished data set"):
        manifest.read(tmp_path / "manifest.json")
    with pytest.raises(ConfigError, match="schema_version 99, this program reads"):
        read_changed(path, schema_version=99)
    with pytest.raises(ConfigError, match="do not balance"):
        read_changed(path, schema_version=1, counts={"requested": 9, "accepted": 3})
    with pytest.raises(ConfigError, match="not a whole manifest"):
        read_changed(path, counts=3)
    for text in ("[]", "{}", '{"schema_version": 1}', "not json", ""):
        path.write_text(text)
        with pytest.raises(ConfigError, match=r"manifest\.json"):
            manifest.read(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        manifest.read(finished)
