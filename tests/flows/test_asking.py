"""Which clips ask which, and what comes of a method's vectors."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from data.collection import ClipCollection
from data.errors import ConfigError
from data.schema import FloatArray
from flows.asking import (
    Exam,
    KnnRules,
    answer,
    answer_similarity,
    compared,
    confusions,
    exam,
    quoted_row,
    rehearse,
    similarity_map,
)
from flows.evaluation import MethodRow, ProtocolName
from moments.errors import GalleryError
from tests.flows.in_memory import labelled, loose, triplets


def _exam(
    *collections: ClipCollection,
    protocol: ProtocolName | None = None,
    candidates: int | None = None,
    k: int = 20,
) -> Exam:
    return exam(collections, protocol, candidates, KnnRules(k))


def _similarity(asked: Exam, hits: list[bool]) -> FloatArray:
    """Each query likes its positive best, or, where it is to miss, its negative."""
    similarity = np.zeros((len(asked.gallery.queries), len(asked.gallery)))
    for row, (positive, negative, hit) in enumerate(
        zip(asked.gallery.positives, asked.gallery.negatives, hits, strict=True)
    ):
        similarity[row, positive if hit else negative] = 1
    return similarity


def test_the_protocol_is_that_of_the_data() -> None:
    assert _exam(triplets("view", "view")).protocol == "synthetic"
    assert _exam(triplets("examples", "examples")).protocol == "real"
    assert _exam(triplets("examples", "view")).protocol == "synthetic"
    assert _exam(triplets("view"), protocol="real").protocol == "real"
    assert _exam(labelled("a", "b", "a")).protocol == "knn"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (lambda: _exam(labelled("a", "b"), protocol="synthetic"), "no triplets: .* --protocol knn"),
        (lambda: _exam(triplets("view"), protocol="knn"), r"no labels\.csv"),
        (lambda: _exam(labelled("a gallery", "b gallery")), "none is a query"),
        (lambda: _exam(triplets("view"), candidates=5), "5 candidates .* --protocol real"),
        (lambda: _exam(labelled("a", "b"), candidates=5), "5 candidates"),
        (lambda: _exam(labelled("a", "b"), loose(2)), "leave --distractors and --backwards out"),
    ],
)
def test_what_a_protocol_cannot_use_is_refused(asked: Callable[[], Exam], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        asked()


def test_synthetic_asks_among_all_others_with_distractors() -> None:
    asked = _exam(triplets("view", "view"), loose(3))
    assert (asked.num_queries, asked.num_candidates, asked.chance) == (2, 8, 1 / 8)
    assert asked.distractors == ("loose 0", "loose 1", "loose 2")


def test_real_asks_among_the_benchmark_unless_more_is_given() -> None:
    own = triplets("examples", "examples")
    assert (_exam(own).num_candidates, _exam(own).distractors) == (5, ())
    assert (_exam(own, loose(3)).num_candidates, len(_exam(own, loose(3)).distractors)) == (8, 3)
    some = _exam(own, loose(3), candidates=7)
    assert (some.num_candidates, some.distractors, some.chance) == (7, ("loose 0", "loose 1"), 1 / 7)


def test_a_split_decides_who_asks_whom_and_without_one_each_is_left_out_once() -> None:
    split = _exam(labelled("a gallery", "b gallery", "c gallery", "a query", "b"))
    assert (split.query, split.other) == ((3, 4), (0, 1, 2))
    assert (split.num_queries, split.num_candidates, split.chance) == (2, 3, 1 / 3)
    alone = _exam(labelled("a", "b", "a", "b"))
    assert alone.query == alone.other == (0, 1, 2, 3)
    assert (alone.num_queries, alone.num_candidates, alone.chance) == (4, 3, 1 / 2)


def _renamed(collection: ClipCollection, index: int, **fields: object) -> ClipCollection:
    clips = list(collection.clips)
    clips[index] = dataclasses.replace(clips[index], **fields)  # type: ignore[arg-type]
    return dataclasses.replace(collection, clips=tuple(clips))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (
            lambda: _exam(_renamed(triplets("view", "view"), 1, sha256="sha of 1/negative")),
            "is the same file as",
        ),
        (lambda: _exam(_renamed(triplets("view", "view"), 1, role=None)), "0 clips as positive"),
        (lambda: _exam(triplets("examples"), loose(2), candidates=5), "need 3 distractors .* 2 are given"),
        (lambda: _exam(labelled("a", "b", "a"), k=3), "k is 3 for a gallery of 2"),
        (lambda: _exam(labelled("a query", "b gallery", "a gallery"), k=2), "k is 2 for a gallery of 2"),
    ],
)
def test_a_rehearsal_finds_what_would_fail_after_hours(asked: Callable[[], Exam], words: str) -> None:
    with pytest.raises(GalleryError, match=words):
        rehearse(asked())


def test_a_row_has_the_hits_of_each_query_by_category() -> None:
    asked = _exam(triplets("view", "style", "view", "view"))
    hits = [True, False, False, True]
    row = answer_similarity(asked, _similarity(asked, hits), "M", "B", "moments", "hog")
    assert row.hits == tuple(hits)
    assert {name: (own.hits, own.queries) for name, own in row.columns.items()} == {
        "view": (2, 3),
        "style": (0, 1),
    }
    assert (row.overall.hits, row.overall.queries) == (2, 4)
    assert row.mean == pytest.approx((2 / 3 + 0) / 2)
    # Wilson's interval of 2 in 4, from its formula with z = 1.96.
    assert (row.overall.low, row.overall.high) == pytest.approx((0.1500, 0.8500), abs=1e-4)
    assert (row.quoted, row.quoted_name) == ({}, "")


def test_vectors_answer_by_their_cosine() -> None:
    asked = _exam(triplets("view", "view"))
    own = np.array([[1, 0], [5, 0.1], [0, -1], [0, 1], [-3, 0], [0.1, 2]], np.float32)
    assert answer(asked, own, "M", "B", "mean", "hog").hits == (True, False)


def test_votes_are_the_columns_of_knn() -> None:
    asked = _exam(labelled("a", "a", "b", "b", "b"), k=2)
    vectors = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1], [0.2, 1]], np.float32)
    row = answer(asked, vectors, "M", "B", "mean", "dinov2-large")
    # With two neighbours each of the two a's gets one vote of each label; the nearer one decides.
    assert {name: own.value for name, own in row.columns.items()} == {
        "majority": 1.0,
        "weighted": 1.0,
        "top5": 1.0,
    }
    assert row.hits == (True,) * 5
    assert row.quoted_name == "DINOv2"
    assert set(row.quoted) == {"majority", "weighted", "top5"}


def test_the_rules_of_knn_reach_the_vote() -> None:
    clips = labelled("b gallery", "a gallery", "c gallery", "b query")
    vectors = np.array([[1, 0], [1, 0.1], [0, 1], [1, 0]], np.float32)
    for tie, hit in (("similarity", True), ("label", False)):
        asked = exam([clips], None, None, KnnRules(k=2, tie=tie))  # type: ignore[arg-type]
        assert answer(asked, vectors, "M", "B", "mean", "").hits == (hit,)


@pytest.mark.parametrize(
    ("name", "kind", "printed"),
    [
        ("dinov2-with-registers-large", "mean", "DINOv2"),
        ("dinov2-base", "moments", "SM-DINOv2"),
        ("vjepa2", "moments", "SM-V-JEPA 2"),
        ("CoCLR", "brought", "CoCLR"),
        ("dinov2-base", "order", ""),
        ("dinov3-base", "mean", ""),
    ],
)
def test_the_papers_row_of_its_like_stands_beside(name: str, kind: str, printed: str) -> None:
    asked = _exam(triplets("view", "view"))
    similarity = _similarity(asked, [True, True])
    row = answer_similarity(asked, similarity, "M", "B", kind, name)  # type: ignore[arg-type]
    assert row.quoted_name == printed
    assert row.quoted == quoted_row("synthetic", printed)
    assert bool(row.quoted) == bool(printed)


def _row(backbone: str, kind: str, hits: list[int]) -> MethodRow:
    asked = _exam(triplets(*["view"] * len(hits)))
    similarity = _similarity(asked, list(map(bool, hits)))
    return answer_similarity(asked, similarity, f"{backbone} {kind}", backbone, kind, "")  # type: ignore[arg-type]


def test_methods_are_tested_with_the_one_before_and_across_backbones() -> None:
    rows = [
        _row("A", "mean", [0, 0, 0, 1]),
        _row("A", "moments", [1, 1, 1, 0]),
        _row("A", "order", [1, 1, 1, 1]),
        _row("A", "rhythm", [1, 1, 0, 0]),
        _row("B", "mean", [1, 1, 1, 1]),
        _row("B", "moments", [1, 0, 0, 0]),
        _row("file", "brought", [0, 0, 0, 0]),
        _row("oracle", "oracle", [1, 1, 1, 1]),
    ]
    tests = {(test.first, test.second): test for test in compared(rows)}
    assert set(tests) == {
        ("A moments", "A mean"),
        ("A order", "A moments"),
        ("B moments", "B mean"),
        ("B moments", "A moments"),
        ("file brought", "A moments"),
        ("file brought", "B moments"),
    }
    first = tests["A moments", "A mean"]
    # Three against one: twice the chance of at most one tail in four throws, (1 + 4) / 16.
    assert (first.only_first, first.only_second) == (3, 1)
    assert first.p_value == pytest.approx(10 / 16)


def test_a_map_has_references_by_category_against_all() -> None:
    asked = _exam(triplets("view", "style", "view"), loose(2))
    similarity = np.arange(3 * 11, dtype=np.float64).reshape(3, 11)
    found = similarity_map(asked, similarity, "M")
    assert found.values.shape == (3, 11)
    assert dict(found.rows_start) == {"view": 0, "style": 2}
    assert found.columns_start["view"] == 0
    assert found.columns_start["style"] == 6
    # Its rows are the queries 0, 2 (view) and 1 (style).
    np.testing.assert_array_equal(found.values.min(axis=1), similarity.min(axis=1)[[0, 2, 1]])


def test_a_map_shows_fifty_of_a_category() -> None:
    asked = _exam(triplets(*["view"] * 60))
    found = similarity_map(asked, np.zeros((60, 180)), "M")
    assert len(found.values) == 50


def test_confusions_are_three_of_a_category_with_what_was_found() -> None:
    asked = _exam(triplets("view", "view", "view", "view", "view", "style", "style"))
    hits = [True, False, False, False, False, False, True]
    found = list(confusions(asked, _similarity(asked, hits), "M"))
    assert [(wrong.category, wrong.query) for wrong in found] == [
        ("view", "1/reference"),
        ("view", "2/reference"),
        ("view", "3/reference"),
        ("style", "5/reference"),
    ]
    assert (found[0].positive, found[0].winner) == ("1/positive", "1/negative")
