"""Every kind of difference between a set of real clips and its manifest is found and named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.real_columns import ANNOTATIONS, TRIPLETS
from data.verify import verify
from tests.data.real_samples import UNKNOWN, real_set

SHARD = "real/train-00000-of-00001.parquet"
ANSWERS = "annotations/train-00000-of-00001.parquet"
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("real")
    real_set(root / "full")
    real_set(root / "references", "references", UNKNOWN)
    return root


@pytest.fixture
def full(_made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(_made / "full", tmp_path / "full"))


@pytest.fixture
def told(_made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(_made / "references", tmp_path / "told"))


def edit(name: str, schema: pa.Schema, change: Callable[[Rows], object]) -> Callable[[Path], None]:
    def damage(out: Path) -> None:
        rows = pq.read_table(out / name).to_pylist()
        change(rows)
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), out / name)

    return damage


def edit_rows(change: Callable[[Rows], object]) -> Callable[[Path], None]:
    return edit(SHARD, TRIPLETS, change)


def edit_answers(change: Callable[[Rows], object]) -> Callable[[Path], None]:
    return edit(ANSWERS, ANNOTATIONS, change)


def set_in_manifest(**changes: object) -> Callable[[Path], None]:
    def damage(out: Path) -> None:
        path = out / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return damage


def replace_text(name: str, old: str, new: str) -> Callable[[Path], None]:
    def damage(out: Path) -> None:
        text = (out / name).read_text()
        assert old in text
        (out / name).write_text(text.replace(old, new, 1))

    return damage


def drop_line(out: Path) -> None:
    path = out / "references.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def swap_clips(rows: Rows) -> None:
    rows[0]["reference"] = rows[1]["reference"]


def other_kind(out: Path) -> None:
    (out / "data").mkdir()
    (out / "data" / "train-00000-of-00001.parquet").touch()


DAMAGE: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "unbalanced": (set_in_manifest(items={"real-0000": "accepted"}), {"manifest"}),
    "no shard": (lambda out: (out / SHARD).unlink(), {"shard_unreadable", "accepted_item", "reference"}),
    "a row less": (edit_rows(lambda rows: rows.pop()), {"shard_rows", "accepted_item", "reference"}),
    "a row twice": (edit_rows(lambda rows: rows.append(rows[0])), {"triplet_id"}),
    "another id": (edit_rows(lambda rows: rows[0].update(triplet_id="x")), {"accepted_item", "reference"}),
    "another clip": (edit_rows(swap_clips), {"clip_sha256"}),
    "no clip": (edit_rows(lambda rows: rows[1].update(negative=None)), {"clip_sha256"}),
    "wrong rate": (edit_rows(lambda rows: rows[1].update(fps=24)), {"clip_fps", "reference"}),
    "another winner": (edit_rows(lambda rows: rows[0]["candidates"].reverse()), {"winner"}),
    "another place": (edit_rows(lambda rows: rows[0].update(positive_first_frame=41)), {"reference"}),
    "lost rights": (edit_rows(lambda rows: rows[0].update(reference_author="")), {"rights", "reference"}),
    "another address": (
        replace_text("references.csv", "films/0.mp4", "films/9.mp4"),
        {"references_sha256", "reference"},
    ),
    "another licence": (replace_text("references.csv", "CC-BY-4.0", "CC0-1.0"), {"videos_by_licence"}),
    "a reference less": (drop_line, {"references_rows", "reference"}),
    "no references": (lambda out: (out / "references.csv").unlink(), {"references_unreadable"}),
    "an answer less": (edit_answers(lambda rows: rows.pop()), {"shard_sha256", "shard_rows"}),
    "an answer twice": (edit_answers(lambda rows: rows.append(rows[0])), {"annotation_id"}),
    "an answer to nothing": (
        edit_answers(lambda rows: rows[0].update(item_id="real-0009")),
        {"annotation_item"},
    ),
    "another reference": (
        edit_answers(lambda rows: rows[1].update(reference_sha256="0f")),
        {"annotation_reference"},
    ),
    "another candidate": (
        edit_answers(lambda rows: rows[1].update(shown=["0f"])),
        {"annotation_candidates"},
    ),
    "another annotator": (edit_answers(lambda rows: rows[0].update(annotator="p9")), {"num_annotators"}),
    "unknown shard": (lambda out: (out / "real" / "train-7.parquet").touch(), {"unknown_file"}),
    "unknown answers": (lambda out: (out / "annotations" / "x.parquet").touch(), {"unknown_file"}),
    "shards of another kind": (other_kind, {"unknown_file"}),
    "temporary file": (lambda out: (out / ".references.csv.k.partial").touch(), {"leftover"}),
}


def test_sound_sets_have_no_findings(full: Path, told: Path) -> None:
    assert list(verify(full)) == []
    assert list(verify(told)) == []


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_found_and_named(kind: str, full: Path) -> None:
    damage, expected = DAMAGE[kind]
    damage(full)
    assert expected <= {finding.what for finding in verify(full)}


def test_a_clip_in_a_set_of_references_is_found(told: Path, full: Path) -> None:
    clip = pq.read_table(full / SHARD).to_pylist()[0]["reference"]
    edit_rows(lambda rows: rows[1].update(positive=clip))(told)
    found = {finding.what: finding for finding in verify(told)}
    assert found.keys() == {"shard_sha256", "clip_passed_on"}
    assert found["clip_passed_on"].where == f"{SHARD}, triplet real-0001, positive"


def test_a_place_outside_the_folder_is_not_followed(full: Path) -> None:
    shutil.copyfile(full / "references.csv", full.parent / "elsewhere.csv")
    facts = json.loads((full / "manifest.json").read_text())["references"]
    set_in_manifest(references=facts | {"path": "../elsewhere.csv"})(full)
    found = {finding.what: finding for finding in verify(full)}
    assert "leaves the folder" in found["references_unreadable"].got
