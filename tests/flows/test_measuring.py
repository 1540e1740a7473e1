"""Rows of an evaluation from vectors that lie in a store or in a file, and from the true motion."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.collection import ClipCollection, open_collection, reversed_references
from data.errors import ConfigError
from data.schema import FloatArray
from data.vectors import Vectors, VectorStore
from flows.asking import Exam, KnnRules, answer, exam
from flows.embedding import ORDER, RHYTHM
from flows.evaluation import MethodRow
from flows.measuring import ablations, brought, measured, oracle
from moments.descriptors import Variant, ablation_variants
from moments.embedder import EmbedderFacts
from tests.flows.in_memory import labelled, triplets

FACTS = EmbedderFacts("dinov2-tiny", "Tiny", "", 64, "", "fp32")
JOINT = EmbedderFacts("videomae", "Joint", "", 16, "", "fp32", frame_wise=False)


def _asked(collection: ClipCollection) -> Exam:
    return exam([collection], None, None, KnnRules(k=2))


def _vectors(seed: int, clips: int, rows: int, dimensions: int = 5) -> Vectors:
    """Rows of length 1, at random."""
    vectors = np.random.default_rng(seed).normal(size=(clips, rows, dimensions)).astype(np.float32)
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=2, keepdims=True)
    return unit


def _kept(folder: Path, facts: EmbedderFacts, asked: Exam, vectors: Mapping[str, Vectors]) -> VectorStore:
    store = VectorStore(folder, facts.name, facts.identity)
    store.write(
        {
            clip.sha256: {name: rows[index] for name, rows in vectors.items()}
            for index, clip in enumerate(asked.gallery.clips)
        }
    )
    return store


def _standard(clips: int, seed: int = 0) -> dict[str, Vectors]:
    return {
        str(Variant()): _vectors(seed, clips, 3),
        ORDER: _vectors(seed + 1, clips, 5),
        RHYTHM: _vectors(seed + 2, clips, 1),
    }


def _reference(moments: Vectors, order: Vectors, rhythm: Vectors) -> dict[str, Vectors]:
    """The vectors of each method, from their definitions."""
    weighted = np.concatenate([moments[:, 0], 8 * moments[:, 1], 4 * moments[:, 2]], axis=1)
    return {
        "mean": moments[:, 0],
        "moments": weighted,
        "order": np.concatenate([weighted, *order.transpose(1, 0, 2)], axis=1),
        "rhythm": rhythm[:, 0],
    }


def test_each_method_is_asked_with_its_own_vectors(tmp_path: Path) -> None:
    asked = _asked(triplets(*["view"] * 12, *["style"] * 8))
    kept = _standard(60)
    found = measured(
        asked,
        _kept(tmp_path, FACTS, asked, kept),
        FACTS,
        Variant(),
        ("mean", "moments", "order", "rhythm"),
    )
    wanted = _reference(*kept.values())
    hits = {row.kind: row.hits for row in found.rows}
    assert hits == {kind: answer(asked, own, "", "", "mean", "").hits for kind, own in wanted.items()}
    assert len(set(hits.values())) > 1
    assert [row.method for row in found.rows] == [
        "Tiny, mean-pooled",
        "Tiny, SemanticMoments",
        "Tiny, SemanticMoments + order",
        "Tiny, rhythm",
    ]
    assert found.rows[1].quoted_name == "SM-DINOv2"
    assert [own.method for own in found.maps] == ["Tiny, mean-pooled", "Tiny, SemanticMoments"]
    assert {wrong.method for wrong in found.confusions} == {"Tiny, SemanticMoments"}
    assert found.notes == ()


def test_few_methods_are_no_reason_for_maps(tmp_path: Path) -> None:
    asked = _asked(triplets(*["view"] * 6))
    found = measured(
        asked, _kept(tmp_path, FACTS, asked, _standard(18)), FACTS, Variant(), ("mean", "moments")
    )
    assert [row.kind for row in found.rows] == ["mean", "moments"]
    assert found.maps == ()


def test_rhythms_of_other_lengths_are_left_out_and_a_note_says_so(tmp_path: Path) -> None:
    asked = _asked(triplets(*["view"] * 2))
    store = VectorStore(tmp_path, FACTS.name, FACTS.identity)
    for index, clip in enumerate(asked.gallery.clips):
        rows = {name: own[index] for name, own in _standard(6).items()}
        store.write({clip.sha256: rows | {RHYTHM: np.ones((1, 10 + index % 2), np.float32)}})
    found = measured(asked, store, FACTS, Variant(), ("mean", "rhythm"))
    assert [row.kind for row in found.rows] == ["mean"]
    assert "one number of frames" in found.notes[0]


def test_labels_are_answered_without_maps(tmp_path: Path) -> None:
    asked = _asked(labelled(*"aabbaabb"))
    store = _kept(tmp_path, FACTS, asked, _standard(8))
    found = measured(asked, store, FACTS, Variant(), ("mean", "moments", "order", "rhythm"))
    assert len(found.rows) == 4
    assert found.maps == ()
    assert found.confusions == ()


def _file(path: Path, column: str, names: list[str], vectors: Vectors) -> Path:
    pq.write_table(pa.table({column: names, "vector": [own.tolist() for own in vectors]}), path)
    return path


@pytest.mark.parametrize("column", ["clip_id", "clip_sha256"])
def test_vectors_from_elsewhere_are_asked_as_our_own(column: str, tmp_path: Path) -> None:
    asked = _asked(triplets(*["view"] * 10))
    names = [clip.clip_id if column == "clip_id" else clip.sha256 for clip in asked.gallery.clips]
    order = np.random.default_rng(5).permutation(30)
    kept = _standard(30, seed=7)
    for kind, rows in (("mean", kept["released/patch"][:, 0]), ("moments", kept["released/patch"])):
        file = _file(tmp_path / "VideoMoCo.parquet", column, [names[index] for index in order], rows[order])
        (row,) = brought(asked, file).rows
        assert row.hits == answer(asked, _reference(*kept.values())[kind], "", "", "mean", "").hits
        assert (row.kind, row.method, row.quoted_name) == ("brought", "VideoMoCo (brought)", "VideoMoCo")


def test_a_file_that_lacks_clips_names_the_first(tmp_path: Path) -> None:
    asked = _asked(triplets("view", "view"))
    names = [clip.clip_id for clip in asked.gallery.clips if clip.clip_id != "1/positive"]
    file = _file(tmp_path / "own.parquet", "clip_id", names, _vectors(0, 5, 1)[:, 0])
    with pytest.raises(ConfigError, match=r"own\.parquet lacks .* 1 of 6 clips: the first is 1/positive"):
        brought(asked, file)


def test_two_moments_are_neither_vectors_nor_three_moments(tmp_path: Path) -> None:
    asked = _asked(triplets("view"))
    names = [clip.clip_id for clip in asked.gallery.clips]
    file = _file(tmp_path / "own.parquet", "clip_id", names, _vectors(0, 3, 2))
    with pytest.raises(ConfigError, match="2 rows a clip; expected 1, or the 3 moments"):
        brought(asked, file)


def test_the_true_motion_finds_every_positive_also_among_reversals(built: Path) -> None:
    clips = open_collection(built)
    for collections in ([clips], [clips, reversed_references(clips)]):
        (row,) = oracle(exam(collections, None, None, KnnRules()), collections).rows
        assert row.kind == "oracle"
        assert all(row.hits)


def test_reversals_are_motions_of_their_own(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = open_collection(built)
    # Told the same motion forwards for a reversal, the reversal is as near as the reference itself.
    monkeypatch.setattr("flows.measuring.true_motions", _symmetric_motions)
    collections = [clips, reversed_references(clips)]
    (row,) = oracle(exam(collections, None, None, KnnRules()), collections).rows
    assert not any(row.hits)


def _symmetric_motions(collection: ClipCollection) -> dict[str, FloatArray]:
    """Motions that are their own reversal, alike within a triplet but for the negative."""
    motions: dict[str, FloatArray] = {}
    for index, clip in enumerate(collection.clips):
        height = index // 3 + (10 if clip.role == "negative" else 0)
        motions[clip.clip_id] = np.asarray(height + np.bartlett(9), np.float64)[:, None]
    return motions


def test_without_a_record_of_motion_there_is_no_oracle() -> None:
    clips = triplets("view", "view")
    assert oracle(_asked(clips), [clips]).rows == ()


def _ablation_vectors(clips: int, facts: EmbedderFacts) -> dict[str, Vectors]:
    variants = ablation_variants(facts.num_frames if facts.frame_wise else None)
    return {str(variant): _vectors(20 + index, clips, 3) for index, variant in enumerate(variants)}


def _hits(asked: Exam, vectors: Vectors) -> int:
    row: MethodRow = answer(asked, vectors.reshape(len(vectors), -1), "", "", "mean", "")
    return row.overall.hits


def test_tables_4_and_5_are_read_from_one_store(tmp_path: Path) -> None:
    asked = _asked(triplets(*["view"] * 20))
    kept = _ablation_vectors(60, FACTS)
    fourth, fifth = ablations(asked, _kept(tmp_path, FACTS, asked, kept), FACTS)
    patch = kept["released/patch/T=32"]
    wanted = {
        "(1, 0, 0)": patch[:, 0],
        "(0, 1, 0)": patch[:, 1],
        "(1, 8, 0)": patch[:, :2] * np.array([[1], [8]]),
        "(1, 8, 4) patch concat": patch * np.array([[1], [8], [4]]),
        "(1, 8, 4) patch sum": (patch * np.array([[1], [8], [4]])).sum(axis=1),
        "(1, 8, 4) frame concat": kept["released/frame/T=32"] * np.array([[1], [8], [4]]),
    }
    measured_hits = {cell.title: cell.overall.hits for cell in fourth.rows}
    assert {title: measured_hits[title] for title in wanted} == {
        title: _hits(asked, own) for title, own in wanted.items()
    }
    assert len(fourth.rows) == 9
    assert fourth.title.endswith("32 frames")
    assert all(cell.quoted is not None for cell in (*fourth.rows, *fifth.rows))
    assert [cell.overall.hits for cell in fifth.rows] == [
        _hits(asked, kept[f"released/patch/T={frames}"] * np.array([[1], [8], [4]]))
        for frames in (4, 8, 16, 32, 64)
    ]
    assert fourth.held_out is not None
    assert fourth.held_out.queries == 20
    assert len(fourth.held_out_weights) == 5


def test_a_backbone_that_joins_frames_has_table_4_only(tmp_path: Path) -> None:
    asked = _asked(triplets(*["view"] * 6))
    (fourth,) = ablations(asked, _kept(tmp_path, JOINT, asked, _ablation_vectors(18, JOINT)), JOINT)
    assert fourth.title.endswith("all frames")
    assert len(fourth.rows) == 9


@pytest.mark.parametrize(("queries", "folds"), [(1, 0), (3, 3)])
def test_few_queries_make_few_folds_or_none(queries: int, folds: int, tmp_path: Path) -> None:
    asked = _asked(triplets(*["view"] * queries))
    store = _kept(tmp_path, FACTS, asked, _ablation_vectors(3 * queries, FACTS))
    fourth, _ = ablations(asked, store, FACTS)
    assert len(fourth.held_out_weights) == folds
    assert (fourth.held_out is None) == (folds == 0)
