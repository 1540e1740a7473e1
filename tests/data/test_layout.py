"""The published folder layout and the Hub repository."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data import layout
from data.columns import SCHEMA
from data.errors import ConfigError
from data.layout import export_folders, export_parquet, read_folders
from data.schema import Role
from data.shards import read_rows
from data.verify import verify
from data.video import probe

SHARD = "data/train-00000-of-00001.parquet"


def tree(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_the_published_layout_is_exact(finished: Path, tmp_path: Path) -> None:
    assert export_folders(finished, tmp_path / "export") == 3
    folders = ["scene_style/triplet_0", "view/triplet_0", "view/triplet_1"]
    clips = [f"{folder}/{name}.mp4" for folder in folders for name in ("ref", "positive", "negative")]
    assert tree(tmp_path / "export") == sorted(["index.csv", *clips])
    assert [int(folder.split("/")[1].split("_")[1]) for folder in folders] == [
        0,
        0,
        1,
    ]  # as the evaluator sorts
    assert probe(tmp_path / "export" / clips[4]).num_frames == 8


def test_the_index_leads_back_to_the_rows(finished: Path, tmp_path: Path) -> None:
    export_folders(finished, tmp_path / "export")
    with (tmp_path / "export" / "index.csv").open(newline="") as file:
        index = {line["folder"]: line for line in csv.DictReader(file)}
    rows = {row["triplet_id"]: row for row in read_rows([finished / SHARD])}
    for triplet in read_folders(tmp_path / "export"):
        line = index[f"{triplet.category}/triplet_{triplet.number}"]
        for role, path in triplet.clips.items():
            data = path.read_bytes()
            assert data == rows[line["triplet_id"]][role]["bytes"]
            assert line[f"{role}_sha256"] == hashlib.sha256(data).hexdigest()


def test_folders_are_read_by_number_not_by_letter(finished: Path, tmp_path: Path) -> None:
    export_folders(finished, tmp_path / "export")
    view = tmp_path / "export" / "view"
    (view / "triplet_0").rename(view / "triplet_10")
    (view / "triplet_1").rename(view / "clip_9")
    found = [(each.category, each.number) for each in read_folders(tmp_path / "export")]
    assert found == [("scene_style", 0), ("view", 9), ("view", 10)]


def test_incomplete_and_misnamed_folders_are_named(finished: Path, tmp_path: Path) -> None:
    root = tmp_path / "export"
    export_folders(finished, root)
    (root / "view" / "triplet_1" / "negative.mp4").unlink()
    with pytest.raises(ConfigError, match=r"view/triplet_1 is incomplete: negative\.mp4 missing"):
        list(read_folders(root))
    (root / "view" / "triplet_1").rename(root / "view" / "my_triplet_1")
    with pytest.raises(ConfigError, match="my_triplet_1: expected a name like triplet_12"):
        list(read_folders(root))
    with pytest.raises(ConfigError, match="not a folder"):
        list(read_folders(root / "index.csv"))


@pytest.mark.parametrize("export", [export_folders, export_parquet])
def test_a_folder_with_something_in_it_is_left_alone(export: object, finished: Path, tmp_path: Path) -> None:
    target = tmp_path / "export"
    target.mkdir()
    (target / "mine.txt").touch()
    with pytest.raises(ConfigError, match="not empty"):
        export(finished, target)  # type: ignore[operator]
    assert tree(target) == ["mine.txt"]
    (target / "mine.txt").unlink()
    export(finished, target)  # type: ignore[operator]
    assert len(tree(target)) > 3
    with pytest.raises(ConfigError, match="cannot write"):
        export(finished, finished / "manifest.json")  # type: ignore[operator]


def test_a_failed_export_leaves_nothing(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(row: dict[str, object], role: Role) -> bytes:
        if row["triplet_id"] == "view-0002":
            raise ConfigError("damaged")
        return b"bytes"

    monkeypatch.setattr(layout, "_checked_bytes", damaged)
    with pytest.raises(ConfigError, match="damaged"):
        export_folders(finished, tmp_path / "new" / "export")
    assert list((tmp_path / "new").iterdir()) == []


def test_leftovers_of_a_killed_export_do_not_get_in(finished: Path, tmp_path: Path) -> None:
    (tmp_path / ".export.partial" / "view" / "triplet_0").mkdir(parents=True)
    (tmp_path / ".export.partial" / "view" / "old.txt").touch()
    export_folders(finished, tmp_path / "export")
    assert "view/old.txt" not in tree(tmp_path / "export")
    assert not (tmp_path / ".export.partial").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"category": "../../elsewhere"}, "has the category '../../elsewhere'"),
        ({"positive_sha256": "0" * 64}, "positive clip of triplet scene_style-0000 is damaged"),
    ],
)
def test_rows_that_lie_are_refused(change: dict[str, str], said: str, finished: Path, tmp_path: Path) -> None:
    rows = pq.read_table(finished / SHARD).to_pylist()
    rows[0].update(change)
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), finished / SHARD)
    with pytest.raises(ConfigError, match=said):
        export_folders(finished, tmp_path / "export")
    assert not (tmp_path / "export").exists()


@pytest.mark.parametrize("export", [export_folders, export_parquet])
def test_shards_outside_the_folder_are_refused(export: object, finished: Path, tmp_path: Path) -> None:
    facts = json.loads((finished / "manifest.json").read_text())
    facts["shards"][0]["path"] = "../secret.parquet"
    shutil.copyfile(finished / SHARD, finished.parent / "secret.parquet")
    (finished / "manifest.json").write_text(json.dumps(facts))
    with pytest.raises(ConfigError, match="leaves the folder"):
        export(finished, tmp_path / "export")  # type: ignore[operator]


def test_a_folder_without_a_manifest_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no finished data set"):
        export_folders(tmp_path, tmp_path / "export")


def test_a_parquet_export_verifies_like_the_original(finished: Path, tmp_path: Path) -> None:
    export_parquet(finished, tmp_path / "hub")
    assert tree(tmp_path / "hub") == ["README.md", SHARD, "manifest.json", "rejects.jsonl"]
    assert list(verify(tmp_path / "hub")) == []
