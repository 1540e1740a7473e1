"""Cosines of many vectors by blocks of matrix products, their recombination, and nearest neighbours.

It knows nothing of clips, roles or labels.

Q queries, N gallery vectors, d channels, K moments.  Products are taken in float64 and kept in float32:
what a block's place adds in rounding is cut off, so that equal vectors tie and blocks of any size agree.
A zero vector has cosine 0 to everything.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from moments.errors import FeatureError, GalleryError

Vectors = npt.NDArray[np.floating]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Index = Literal["blocks", "faiss"]

BLOCK_ROWS = 1024


def unit(vectors: Vectors) -> Float64:
    """Rows of length 1, zero rows kept zero: (N, d) -> float64 (N, d).

    Raises ``FeatureError`` with the row when a value is not finite.
    """
    wide = np.asarray(vectors, dtype=np.float64)
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    if not np.isfinite(length).all():
        raise FeatureError(
            f"vector {int(np.flatnonzero(~np.isfinite(length))[0])} of {len(wide)} is not finite; "
            "embed its clip again, or leave it out"
        )
    row: Float64 = np.divide(wide, length, out=np.zeros_like(wide), where=length > 0)
    return row


def cosine_blocks(
    queries: Vectors, gallery: Vectors, block_rows: int = BLOCK_ROWS
) -> Iterator[tuple[slice, Float32]]:
    """Cosines (Q, d) × (N, d), ``block_rows`` queries at a time: (which queries, float32 (b, N)).

    Beside the inputs, memory holds one block of either side in float64 and the block of cosines.

    Raises ``FeatureError`` when the two are not matrices with the same d, or hold values not finite.
    """
    if queries.ndim != 2 or gallery.ndim != 2 or queries.shape[1] != gallery.shape[1]:
        raise FeatureError(
            f"queries are {queries.shape} and the gallery is {gallery.shape}; expected (Q, d) and (N, d)"
        )
    for rows in _blocks(len(queries), block_rows):
        asked = unit(queries[rows])
        cosine = np.empty((len(asked), len(gallery)), dtype=np.float32)
        for columns in _blocks(len(gallery), block_rows):
            cosine[:, columns] = asked @ unit(gallery[columns]).T
        yield rows, cosine


def cosines(queries: Vectors, gallery: Vectors, block_rows: int = BLOCK_ROWS) -> Float32:
    """Cosine of every query with every gallery vector: (Q, d) × (N, d) -> float32 (Q, N)."""
    found = np.empty((len(queries), len(gallery)), dtype=np.float32)
    for rows, block in cosine_blocks(queries, gallery, block_rows):
        found[rows] = block
    return found


def moment_cosines(
    vectors: Vectors, queries: Indices, block_rows: int = BLOCK_ROWS
) -> tuple[Float32, Float64]:
    """Cosines of each moment apart, and the moments' lengths: (N, K, D) -> (K, Q, N), (K, N).

    ``queries`` (Q,) are the clips that ask.  With both, ``recombined`` gives any weighting.
    """
    if vectors.ndim != 3:
        raise FeatureError(f"moments are {vectors.shape}; expected (N, K, D): clips, moments, channels")
    found = np.empty((vectors.shape[1], len(queries), len(vectors)), dtype=np.float32)
    for moment, cosine in enumerate(found):
        cosine[:] = cosines(vectors[queries, moment], vectors[:, moment], block_rows)
    squares = np.einsum("nkd,nkd->kn", vectors, vectors, dtype=np.float64)
    return found, np.sqrt(squares)


def recombined(
    cosines: Float32,
    weights: Sequence[float],
    lengths: tuple[Float64, Float64] | None = None,
    block_rows: int = BLOCK_ROWS,
) -> Float32:
    """Cosine of weighted, concatenated moments from those of each moment: (K, Q, N) -> float32 (Q, N).

    For moments of length 1 this is sum(w² cos) / sum(w²).  Moments of other lengths need ``lengths``,
    those of the queries (K, Q) and of the gallery (K, N): also those of length zero (the spread of a clip at
    rest), which add neither to the product nor to the length of the whole.

    Raises ``FeatureError`` when there are not K weights, when one is not finite, or all are zero.
    """
    moments, queries, clips = cosines.shape
    weight = _checked(weights, moments)
    asked, kept = lengths or (np.ones((moments, queries)), np.ones((moments, clips)))
    if asked.shape != (moments, queries) or kept.shape != (moments, clips):
        raise FeatureError(
            f"lengths are {asked.shape} and {kept.shape} of {moments} moments; expected those of "
            f"{queries} queries and {clips} clips, (K, Q) and (K, N)"
        )
    # A moment's share of the whole vector: its column has length 1, or 0 where the whole vector is zero.
    asked, kept = unit((weight[:, None] * asked).T), unit((weight[:, None] * kept).T)
    found = np.empty((queries, clips), dtype=np.float32)
    for rows in _blocks(queries, block_rows):
        total = np.zeros(found[rows].shape)
        for moment, cosine in enumerate(cosines):
            total += cosine[rows] * asked[rows, moment, None] * kept[:, moment]
        found[rows] = total
    return found


def summed_cosines(vectors: Vectors, queries: Indices, weights: Sequence[float]) -> Float32:
    """Cosine of the weighted sums of moments: (N, K, D), (Q,) -> float32 (Q, N).

    A sum mixes the moments, so that it cannot be had from the cosines of each.

    Raises ``FeatureError`` as ``recombined``.
    """
    total: Float64 = np.einsum("nkd,k->nd", vectors, _checked(weights, vectors.shape[1]), dtype=np.float64)
    return cosines(total[queries], total)


def topk(
    queries: Vectors,
    gallery: Vectors,
    k: int,
    *,
    exclude: Indices | None = None,
    index: Index = "blocks",
    block_rows: int = BLOCK_ROWS,
) -> tuple[Indices, Float32]:
    """The k most similar of each query, best first: (Q, d) × (N, d) -> indices (Q, k), cosines (Q, k).

    Of equal cosines the lower index comes first.  ``exclude`` (Q,) names for each query the gallery vector
    that is itself.  ``index="faiss"`` asks an exact faiss index, whose cosines are float32 throughout, so
    that it may split ties of the last digit.

    Raises ``GalleryError`` unless 1 ≤ k < vectors that a query may find; ``FeatureError`` as ``cosines``,
    and for an index whose library is not installed.
    """
    candidates = len(gallery) - (exclude is not None)
    if not 1 <= k < candidates:
        raise GalleryError(
            f"k is {k} for a gallery of {candidates} candidates; expected 1 ≤ k < candidates: "
            "ask for fewer neighbours or give a larger gallery"
        )
    if exclude is not None and exclude.shape != (len(queries),):
        raise FeatureError(
            f"exclude is {exclude.shape}; expected one index for each of {len(queries)} queries"
        )
    if index == "faiss":
        if importlib.util.find_spec("faiss") is None:
            raise FeatureError("faiss is not installed: add it (the extra `faiss`), or search by blocks")
        return _faiss_topk(queries, gallery, k, exclude, block_rows)

    indices = np.empty((len(queries), k), dtype=np.int64)
    similarities = np.empty((len(queries), k), dtype=np.float32)
    for rows, block in cosine_blocks(queries, gallery, block_rows):
        if exclude is not None:
            block[np.arange(len(block)), exclude[rows]] = -np.inf
        least = np.partition(block, -k, axis=1)[:, -k]
        for row, cosine, at_least in zip(range(rows.start, rows.stop), block, least, strict=True):
            # More than k where the k-th ties; the stable sort then leaves the lower indices.
            chosen = np.flatnonzero(cosine >= at_least)
            indices[row] = chosen[np.argsort(-cosine[chosen], kind="stable")[:k]]
            similarities[row] = cosine[indices[row]]
    return indices, similarities


def _faiss_topk(
    queries: Vectors, gallery: Vectors, k: int, exclude: Indices | None, block_rows: int
) -> tuple[Indices, Float32]:
    import faiss

    store = faiss.IndexFlatIP(gallery.shape[1])
    for columns in _blocks(len(gallery), block_rows):
        store.add(unit(gallery[columns]).astype(np.float32))
    indices = np.empty((len(queries), k), dtype=np.int64)
    similarities = np.empty((len(queries), k), dtype=np.float32)
    for rows in _blocks(len(queries), block_rows):
        cosine, found = store.search(unit(queries[rows]).astype(np.float32), k + (exclude is not None))
        if exclude is not None:
            cosine[found == exclude[rows, None]] = -np.inf
        order = np.lexsort((found, -cosine))[:, :k]
        indices[rows] = np.take_along_axis(found, order, axis=1)
        similarities[rows] = np.take_along_axis(cosine, order, axis=1)
    return indices, similarities


def _checked(weights: Sequence[float], moments: int) -> Float64:
    weight = np.asarray(weights, dtype=np.float64)
    if weight.shape != (moments,) or not np.isfinite(weight).all() or not weight.any():
        raise FeatureError(
            f"weights are {tuple(weights)} for {moments} moments; "
            "expected a finite number for each, not all zero"
        )
    return weight


def _blocks(length: int, block_rows: int) -> Iterator[slice]:
    for start in range(0, length, block_rows):
        yield slice(start, min(start + block_rows, length))
