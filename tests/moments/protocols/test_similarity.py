"""Cosines, recombinations and nearest neighbours against the plain formula on small matrices."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moments.errors import FeatureError, GalleryError
from moments.protocols.similarity import (
    Index,
    cosine_blocks,
    cosines,
    moment_cosines,
    recombined,
    summed_cosines,
    topk,
    unit,
)

seeds = st.integers(0, 10_000)
INDICES: tuple[Index, ...] = ("blocks", "faiss")


def plain_cosines(queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    found = np.zeros((len(queries), len(gallery)))
    for i, asked in enumerate(queries.astype(np.float64)):
        for j, kept in enumerate(gallery.astype(np.float64)):
            size = np.sqrt((asked**2).sum() * (kept**2).sum())
            found[i, j] = (asked * kept).sum() / size if size > 0 else 0
    return found


def moments_with_zeros(seed: int, clips: int = 9, moments: int = 3, channels: int = 4) -> np.ndarray:
    """Moments of any length; about a third of the rows is zero, and the last clip altogether."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(clips, moments, channels)) * rng.uniform(0.1, 10, (clips, moments, 1))
    vectors[rng.random((clips, moments)) < 0.3] = 0
    vectors[-1] = 0
    return vectors


def test_unit_rows_have_length_one_and_zero_rows_stay() -> None:
    np.testing.assert_allclose(unit(np.array([[3.0, 4.0], [0, 0]])), [[0.6, 0.8], [0, 0]])


@given(seeds, st.integers(1, 8), st.integers(1, 9))
def test_cosines_are_the_formulas_whatever_the_blocks(seed: int, queries: int, block_rows: int) -> None:
    rng = np.random.default_rng(seed)
    asked, kept = rng.normal(size=(queries, 5)), rng.normal(size=(7, 5)).astype(np.float32)
    kept[2] = 0
    found = cosines(asked, kept, block_rows)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, plain_cosines(asked, kept), atol=1e-6)
    np.testing.assert_array_equal(found, cosines(asked, kept))


def test_equal_vectors_are_equally_similar_wherever_they_stand() -> None:
    rng = np.random.default_rng(0)
    asked, kept = rng.normal(size=(40, 301)), np.repeat(rng.normal(size=(1, 301)), 101, axis=0)
    found = cosines(asked, kept, block_rows=33)
    np.testing.assert_array_equal(found, np.repeat(found[:, :1], 101, axis=1))


def test_blocks_come_in_order_and_cover_every_query() -> None:
    vectors = np.eye(5)
    blocks = list(cosine_blocks(vectors, vectors, block_rows=2))
    assert [rows for rows, _ in blocks] == [slice(0, 2), slice(2, 4), slice(4, 5)]
    np.testing.assert_array_equal(np.concatenate([block for _, block in blocks]), np.eye(5))


def test_memory_is_bounded_by_the_block() -> None:
    vectors = np.random.default_rng(0).normal(size=(3000, 32)).astype(np.float32)
    tracemalloc.start()
    for _ in cosine_blocks(vectors, vectors, block_rows=100):
        pass
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 3 * 100 * 3000 * 4  # all pairs would take 36 MB


def test_a_vector_that_is_not_finite_is_named() -> None:
    vectors = np.ones((4, 2))
    vectors[2, 1] = np.nan
    with pytest.raises(FeatureError, match="vector 2 of 4 is not finite"):
        unit(vectors)
    with pytest.raises(FeatureError, match="is not finite"):
        cosines(np.ones((1, 2)), vectors)


@pytest.mark.parametrize("shape", [(3, 4), (3,)])
def test_vectors_of_another_size_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(FeatureError, match="expected"):
        cosines(np.ones((2, 5)), np.ones(shape))


weightings = st.tuples(*[st.sampled_from([0.0, 1.0, 4.0, 8.0, -2.0])] * 3).filter(any)


@given(seeds, weightings, st.integers(1, 9))
def test_recombined_cosines_are_those_of_the_concatenation(
    seed: int, weights: tuple[float, ...], block_rows: int
) -> None:
    vectors = moments_with_zeros(seed)
    queries = np.array([0, 4, 8])
    matrices, lengths = moment_cosines(vectors, queries)
    found = recombined(matrices, weights, (lengths[:, queries], lengths), block_rows)
    whole = (vectors * np.array(weights)[:, None]).reshape(len(vectors), -1)
    np.testing.assert_allclose(found, plain_cosines(whole[queries], whole), atol=1e-6)


def test_moments_of_length_one_are_weighted_by_the_squares() -> None:
    matrices = np.zeros((3, 1, 3), dtype=np.float32)
    matrices[[0, 1, 2], 0, [0, 1, 2]] = 1
    np.testing.assert_allclose(recombined(matrices, (1, 8, 4))[0], [1 / 81, 64 / 81, 16 / 81], rtol=1e-6)


@given(seeds, weightings)
def test_cosines_of_sums_are_those_of_the_summed_moments(seed: int, weights: tuple[float, ...]) -> None:
    vectors = moments_with_zeros(seed)
    queries = np.array([1, 8])
    whole = sum(weight * vectors[:, k] for k, weight in enumerate(weights))
    assert isinstance(whole, np.ndarray)
    found = summed_cosines(vectors, queries, weights)
    np.testing.assert_allclose(found, plain_cosines(whole[queries], whole), atol=1e-6)


@pytest.mark.parametrize("weights", [(1, 8), (1, 8, 4, 2), (0, 0, 0), (1, np.nan, 1)])
def test_weights_of_another_number_or_none_at_all_are_refused(weights: tuple[float, ...]) -> None:
    with pytest.raises(FeatureError, match="for 3 moments"):
        recombined(np.zeros((3, 2, 2), dtype=np.float32), weights)
    with pytest.raises(FeatureError, match="for 3 moments"):
        summed_cosines(np.ones((2, 3, 2)), np.array([0]), weights)


def test_lengths_of_other_clips_are_refused() -> None:
    with pytest.raises(FeatureError, match=r"lengths are \(3, 2\) and \(3, 4\)"):
        recombined(np.zeros((3, 2, 5), dtype=np.float32), (1, 8, 4), (np.ones((3, 2)), np.ones((3, 4))))


def test_moments_that_are_not_kept_apart_are_refused() -> None:
    with pytest.raises(FeatureError, match="expected \\(N, K, D\\)"):
        moment_cosines(np.ones((4, 6)), np.array([0]))


def sorted_neighbours(similarity: np.ndarray, k: int, exclude: np.ndarray | None) -> list[list[int]]:
    found = []
    for i, row in enumerate(similarity):
        others = [j for j in range(len(row)) if exclude is None or j != exclude[i]]
        found.append(sorted(others, key=lambda j, row=row: (-row[j], j))[:k])
    return found


@pytest.mark.parametrize("index", INDICES)
@given(seed=seeds, k=st.integers(1, 6), leave=st.booleans(), block_rows=st.integers(1, 12))
def test_neighbours_are_the_first_of_the_whole_order(
    index: Index, seed: int, k: int, leave: bool, block_rows: int
) -> None:
    vectors = np.random.default_rng(seed).normal(size=(9, 6))
    exclude = np.arange(9)[::-1].copy() if leave else None
    indices, similarities = topk(vectors, vectors, k, exclude=exclude, index=index, block_rows=block_rows)
    assert indices.tolist() == sorted_neighbours(plain_cosines(vectors, vectors), k, exclude)
    expected = np.take_along_axis(plain_cosines(vectors, vectors), indices, axis=1)
    np.testing.assert_allclose(similarities, expected, atol=1e-6)


@given(seeds, st.integers(1, 9))
def test_of_equal_neighbours_the_lower_index_comes_first(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = np.eye(3)[rng.integers(0, 3, 12)]
    indices, _ = topk(vectors, vectors, k, exclude=np.arange(12), block_rows=5)
    assert indices.tolist() == sorted_neighbours(vectors @ vectors.T, k, np.arange(12))


@pytest.mark.parametrize(("k", "leave"), [(0, False), (5, False), (6, False), (4, True)])
def test_as_many_neighbours_as_the_gallery_has_are_refused(k: int, leave: bool) -> None:
    vectors = np.eye(5)
    with pytest.raises(GalleryError, match=f"k is {k} for a gallery of {5 - leave} candidates"):
        topk(vectors, vectors, k, exclude=np.arange(5) if leave else None)


def test_exclusions_of_other_queries_are_refused() -> None:
    with pytest.raises(FeatureError, match="expected one index for each of 5 queries"):
        topk(np.eye(5), np.eye(5), 1, exclude=np.arange(4))


def test_faiss_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FeatureError, match="faiss is not installed"):
        topk(np.eye(3), np.eye(3), 1, index="faiss")
