"""Every kind of difference between a folder and its manifest is found and named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.collection import BACKWARDS
from data.columns import SCHEMA
from data.difference import Finding
from data.scores import write_scores
from data.vectors import VectorStore
from data.verify import verify
from tests.data.samples import reject
from tests.data.test_scores import SCORE

SHARD = "data/train-00000-of-00001.parquet"


def edit_rows(out: Path, edit: Callable[[list[dict[str, object]]], object]) -> None:
    """Change the rows of the shard and make its hash agree, as a careless editor would."""
    rows = pq.read_table(out / SHARD).to_pylist()
    edit(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), out / SHARD)


def set_in_manifest(out: Path, **changes: object) -> None:
    path = out / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def flip_in_shard(out: Path) -> None:
    data = bytearray((out / SHARD).read_bytes())
    data[data.index(b"mdat") + 600] ^= 1
    (out / SHARD).write_bytes(data)


def append_reject(out: Path) -> None:
    from data import rejects

    path = out / rejects.FILENAME
    rejects.write([*rejects.read(path), reject("view-0009", 0, "static")], path)


def spoil_blob(out: Path) -> None:
    blob = min((out / "store" / "blobs").rglob("*.mp4"))
    data = blob.read_bytes()
    blob.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def replace_clip(rows: list[dict[str, object]]) -> None:
    rows[0]["reference"] = rows[1]["reference"]


def clips_of(out: Path) -> list[str]:
    return pq.read_table(out / SHARD)["negative_sha256"].to_pylist()


def keep_vectors(out: Path, *clips: str, name: str = "vit") -> Path:
    """Write one part and return its path."""
    store = VectorStore(out, name, f"{name} of 12 frames")
    before = set(store.folder.glob("*"))
    store.write({clip: {"mean": np.ones((1, 4), np.float32)} for clip in clips})
    (part,) = set(store.folder.glob("*")) - before
    return part


def keep_scores(out: Path, *clips: str) -> None:
    scores = [replace(SCORE, clip_sha256=clip) for clip in clips]
    write_scores(scores, out / "scores" / "vit.parquet", "vit")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def swap_vectors(out: Path) -> None:
    """A part of one embedder in the folder of another."""
    part = keep_vectors(out, *clips_of(out), name="hog")
    part.replace(keep_vectors(out, *clips_of(out)[:1]))


def leave_preview(out: Path) -> None:
    (out / "report" / "media").mkdir(parents=True)
    (out / "report" / "media" / "view-0001.part.mp4").touch()


DAMAGE: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "no manifest": (lambda out: (out / "manifest.json").unlink(), {"manifest"}),
    "unbalanced": (lambda out: set_in_manifest(out, counts={"requested": 4, "accepted": 3}), {"manifest"}),
    "no shard": (lambda out: (out / SHARD).unlink(), {"shard_unreadable", "shard_rows"}),
    "cut shard": (lambda out: (out / SHARD).write_bytes(b"PAR1"), {"shard_sha256", "shard_unreadable"}),
    "bit of a clip": (flip_in_shard, {"shard_sha256", "clip_sha256"}),
    "fewer rows": (
        lambda out: edit_rows(out, lambda rows: rows.pop()),
        {"shard_rows", "accepted_by_category"},
    ),
    "a row twice": (
        lambda out: edit_rows(out, lambda rows: rows.append(rows[0])),
        {"triplet_id", "shard_rows"},
    ),
    "another clip": (lambda out: edit_rows(out, replace_clip), {"clip_sha256"}),
    "no clip": (lambda out: edit_rows(out, lambda rows: rows[2].update(negative=None)), {"clip_unreadable"}),
    "wrong length": (
        lambda out: edit_rows(out, lambda rows: rows[1].update(num_frames=9)),
        {"clip_num_frames"},
    ),
    "wrong width": (lambda out: edit_rows(out, lambda rows: rows[1].update(width_px=50)), {"clip_width_px"}),
    "wrong rate": (lambda out: edit_rows(out, lambda rows: rows[1].update(fps=24)), {"clip_fps"}),
    "one reject more": (append_reject, {"rejected"}),
    "no rejects": (lambda out: (out / "rejects.jsonl").unlink(), {"rejects_unreadable"}),
    "temporary shard": (lambda out: (out / "store" / "tmp" / "x.parquet").write_bytes(b"x"), {"leftover"}),
    "temporary file": (lambda out: (out / ".manifest.json.k.partial").touch(), {"leftover"}),
    "unknown shard": (lambda out: (out / "data" / "train-00007.parquet").touch(), {"unknown_file"}),
    "spoilt blob": (spoil_blob, {"blob_sha256"}),
    "unfinished preview": (leave_preview, {"leftover"}),
    "cut vectors": (lambda out: cut(keep_vectors(out, *clips_of(out))), {"vectors_unreadable"}),
    "vectors of another embedder": (swap_vectors, {"vectors_unreadable"}),
    "scores of another clip": (lambda out: keep_scores(out, *clips_of(out), "0f"), {"stale_scores"}),
    "other scores": (
        lambda out: [keep_scores(out), cut(out / "scores" / "vit.parquet")],
        {"scores_unreadable"},
    ),
}


def test_a_sound_data_set_has_no_findings(finished: Path) -> None:
    assert list(verify(finished)) == []


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_found_and_named(kind: str, finished: Path) -> None:
    damage, expected = DAMAGE[kind]
    damage(finished)
    assert expected <= {finding.what for finding in verify(finished)}


def test_vectors_and_scores_of_its_own_clips_are_no_findings(finished: Path) -> None:
    clips = clips_of(finished)
    keep_vectors(finished, *clips[:2])
    keep_vectors(finished, clips[2], f"{BACKWARDS}{clips[0]}")
    keep_vectors(finished, *clips, name="hog")
    keep_scores(finished, *clips)
    (finished / "report" / "media").mkdir(parents=True)
    (finished / "report" / "media" / "view-0001.mp4").touch()
    assert list(verify(finished)) == []


def test_vectors_of_distractors_are_no_fault(finished: Path) -> None:
    keep_vectors(finished, *clips_of(finished), "0f")
    assert list(verify(finished, decode=False)) == []


def test_a_lost_shard_does_not_make_its_scores_stale(finished: Path) -> None:
    keep_scores(finished, *clips_of(finished))
    (finished / SHARD).unlink()
    found = {finding.what for finding in verify(finished)}
    assert "shard_unreadable" in found
    assert "stale_scores" not in found


def test_a_shard_named_outside_the_folder_is_not_followed(finished: Path) -> None:
    facts = json.loads((finished / "manifest.json").read_text())
    facts["shards"][0]["path"] = "../elsewhere.parquet"
    (finished.parent / "elsewhere.parquet").write_bytes((finished / SHARD).read_bytes())
    set_in_manifest(finished, shards=facts["shards"])
    found = {finding.what: finding for finding in verify(finished)}
    assert "leaves the folder" in found["shard_unreadable"].got


def test_clips_are_decoded_only_when_asked(finished: Path) -> None:
    edit_rows(finished, lambda rows: rows[1].update(fps=24))
    found = {finding.what for finding in verify(finished, decode=False)}
    assert found == {"shard_sha256"}


def test_a_finding_reads_as_a_sentence(finished: Path) -> None:
    edit_rows(finished, lambda rows: rows[1].update(num_frames=9))
    (finding,) = [each for each in verify(finished) if each.where.endswith("negative")]
    assert finding == Finding("clip_num_frames", f"{SHARD}, triplet view-0001, negative", "9", "8")
    assert str(finding) == f"{SHARD}, triplet view-0001, negative: clip_num_frames: expected 9, got 8"
