"""The grids of Tables 4 and 5 against vectors joined the plain way; weights chosen on other triplets."""

from __future__ import annotations

from functools import partial
from itertools import combinations

import numpy as np
import pytest

from moments.errors import FeatureError, GalleryError
from moments.protocols.ablation import (
    TABLE_4,
    TABLE_5,
    WEIGHT_GRID,
    AblationRow,
    Variant,
    evaluate_rows,
    held_out_weights,
)
from moments.protocols.real import real_retrieval
from moments.protocols.retrieval import retrieval
from moments.protocols.similarity import cosines, moment_cosines
from tests.moments.protocols.galleries import triplets

GALLERY = triplets(20, ("a", "b"), distractors=10)


def moments(seed: int) -> np.ndarray:
    """Moments of length one; positives are like their references, every fifth clip has no spread."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(len(GALLERY), 3, 6))
    vectors[GALLERY.positives] = vectors[GALLERY.queries] + rng.normal(size=(20, 3, 6)) * [
        [0.3],
        [0.6],
        [0.9],
    ]
    vectors[::5, 1] = 0
    length = np.linalg.norm(vectors, axis=2, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0).astype(np.float32)


VECTORS: dict[Variant, np.ndarray] = {
    row.variant: moments(seed) for seed, row in enumerate((*TABLE_4, *TABLE_5))
}


def joined(row: AblationRow) -> np.ndarray:
    weighted = VECTORS[row.variant].astype(np.float64) * np.array(row.weights)[:, None]
    return weighted.sum(axis=1) if row.fusion == "sum" else weighted.reshape(len(weighted), -1)


def test_every_row_answers_as_its_joined_vectors_do() -> None:
    rows = (*TABLE_4, *TABLE_5)
    found = evaluate_rows(rows, VECTORS.__getitem__, GALLERY, retrieval)
    for row, answer in zip(rows, found, strict=True):
        whole = joined(row)
        expected = retrieval(cosines(whole[GALLERY.queries], whole), GALLERY)
        assert answer.hits.tolist() == expected.hits.tolist(), row.title
        assert answer.winners.tolist() == expected.winners.tolist(), row.title
    assert len({answer.overall.hits for answer in found}) > 3


def test_vectors_of_a_variant_are_asked_for_once() -> None:
    asked: list[Variant] = []

    def vectors(variant: Variant) -> np.ndarray:
        asked.append(variant)
        return VECTORS[variant]

    evaluate_rows(TABLE_4, vectors, GALLERY, retrieval)
    assert asked == [("patch", None), ("frame", None), ("patch-difference", None)]


def test_the_protocol_is_the_callers() -> None:
    found = evaluate_rows(TABLE_4[:2], VECTORS.__getitem__, GALLERY, partial(real_retrieval, candidates=65))
    assert [answer.candidates for answer in found] == [65, 65]
    assert found[0].distractors == tuple(f"d{i}" for i in range(6))


def test_tables_have_the_papers_rows() -> None:
    assert [row.weights for row in TABLE_4[:6]] == [
        (1, 0, 0),
        (0, 1, 0),
        (1, 1, 0),
        (1, 8, 0),
        (1, 1, 1),
        (1, 8, 4),
    ]
    assert [(row.level, row.fusion) for row in TABLE_4[5:]] == [
        ("patch", "concat"),
        ("patch", "sum"),
        ("frame", "concat"),
        ("patch-difference", "concat"),
    ]
    assert [row.num_frames for row in TABLE_5] == [4, 8, 16, 32, 64]
    assert len({row.title for row in (*TABLE_4, *TABLE_5)}) == 14


def test_weights_of_another_number_are_refused() -> None:
    with pytest.raises(FeatureError, match="for 3 moments"):
        evaluate_rows([AblationRow("two", (1, 8))], VECTORS.__getitem__, GALLERY, retrieval)


@pytest.mark.parametrize("shape", [(69, 3, 6), (70, 18)])
def test_vectors_of_other_clips_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(FeatureError, match=r"expected \(70, K, D\)"):
        evaluate_rows(TABLE_4, lambda _: np.ones(shape), GALLERY, retrieval)


def test_the_grid_holds_every_direction_once() -> None:
    assert all(any(weights) for weights in WEIGHT_GRID)
    for first, second in combinations(WEIGHT_GRID, 2):
        assert np.linalg.norm(np.cross(first, second)) > 1e-9
    assert WEIGHT_GRID[0] == (1, 1, 1)
    directions = {tuple(np.array(weights) / max(weights)) for weights in WEIGHT_GRID}
    assert {(1, 0, 0), (0, 1, 0), (0.125, 1, 0), (1, 1, 1), (0.125, 1, 0.5)} <= directions


def test_weights_are_chosen_on_the_other_folds() -> None:
    vectors = moments(99)
    matrices, lengths = moment_cosines(vectors, GALLERY.queries)
    each = lengths[:, GALLERY.queries], lengths
    grid = [(1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0), (1.0, 8.0, 4.0)]
    found = held_out_weights(matrices, GALLERY, grid, protocol=retrieval, lengths=each, folds=4)

    hits = []
    for weights in grid:
        whole = (vectors * np.array(weights)[:, None]).reshape(len(vectors), -1)
        hits.append(retrieval(cosines(whole[GALLERY.queries], whole), GALLERY).hits.tolist())
    for fold, chosen in enumerate(found.weights):
        others = [sum(hit for i, hit in enumerate(row) if i % 4 != fold) for row in hits]
        assert chosen == grid[others.index(max(others))]
    expected = [hits[grid.index(found.weights[i % 4])][i] for i in range(20)]
    assert found.hits.tolist() == expected
    assert (found.accuracy.hits, found.accuracy.queries) == (sum(expected), 20)


def test_what_helps_one_fold_only_is_not_chosen_for_it() -> None:
    gallery = triplets(4)
    matrices = np.zeros((2, 4, 12), dtype=np.float32)
    matrices[0, [0, 2], gallery.positives[[0, 2]]] = 1
    matrices[1, [1, 3], gallery.positives[[1, 3]]] = 1
    found = held_out_weights(matrices, gallery, [(1, 0), (0, 1)], protocol=retrieval, folds=2)
    assert found.weights == ((0, 1), (1, 0))
    assert found.accuracy.hits == 0


@pytest.mark.parametrize("folds", [1, 0, 21])
def test_folds_without_triplets_are_refused(folds: int) -> None:
    with pytest.raises(GalleryError, match=f"{folds} folds of 20 triplets"):
        held_out_weights(np.ones((3, 20, 70), dtype=np.float32), GALLERY, protocol=retrieval, folds=folds)


def test_a_choice_among_nothing_is_refused() -> None:
    with pytest.raises(FeatureError, match="the grid of weights is empty"):
        held_out_weights(np.ones((3, 20, 70), dtype=np.float32), GALLERY, [], protocol=retrieval)
