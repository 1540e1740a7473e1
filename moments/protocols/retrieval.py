"""The retrieval protocol of SimMotion-Synthetic (arXiv 2602.09146): does a clip find its own positive?

It knows nothing of features or files: similarities and who is who in, accuracies out.

Queries are the references; the gallery of a query is every other clip of every category; a query is
a hit when its own positive is strictly more similar than all others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import numpy.typing as npt

from moments.errors import FeatureError
from moments.protocols.gallery import Gallery, Indices, check_triplets
from moments.protocols.statistics import Accuracy, accuracy

Similarity = npt.NDArray[np.floating]

BLOCK_ROWS = 256


@dataclass(frozen=True, eq=False)
class Retrieval:
    """What every query found, and how often that was right.

    ``hits`` bool (Q,); ``winners`` (Q,) is the clip most similar to each query, its index in the gallery;
    ``categories`` in order of first appearance, empty where clips have none; ``mean`` is the unweighted mean
    over categories, and the overall accuracy where there are none.
    """

    hits: npt.NDArray[np.bool_]
    winners: Indices
    categories: dict[str, Accuracy]
    overall: Accuracy
    mean: float


def retrieval(similarity: Similarity, gallery: Gallery) -> Retrieval:
    """Top-1 retrieval of every positive among all other clips, distractors included.

    ``similarity`` (Q, N) has a row for each of ``gallery.queries``, a column for each clip.  A tie with
    another clip is a miss, so that a descriptor which tells nothing apart scores zero.

    Raises ``GalleryError`` as ``check_triplets``, ``FeatureError`` for another shape and for NaN.
    """
    return retrieval_among(similarity, gallery, np.arange(len(gallery)))


def retrieval_among(similarity: Similarity, gallery: Gallery, candidates: Indices) -> Retrieval:
    """``retrieval`` among some clips only: ``candidates`` are their indices, every positive among them."""
    check_triplets(gallery)
    queries = gallery.queries
    if similarity.shape != (len(queries), len(gallery)):
        raise FeatureError(
            f"similarity is {similarity.shape}; expected ({len(queries)}, {len(gallery)}): "
            "a row for each reference, a column for each clip"
        )
    starts = range(0, len(queries), BLOCK_ROWS)
    blocks = ((slice(start, start + BLOCK_ROWS), similarity[start : start + BLOCK_ROWS]) for start in starts)
    return retrieval_by_blocks(blocks, gallery, candidates)


def retrieval_by_blocks(
    blocks: Iterable[tuple[slice, Similarity]], gallery: Gallery, candidates: Indices | None = None
) -> Retrieval:
    """``retrieval_among`` whose similarities come a few rows at a time: (which queries, (b, N)).

    Of a large gallery no whole matrix is ever in memory.  Raises ``FeatureError`` for NaN.
    """
    check_triplets(gallery)
    queries, positives = gallery.queries, gallery.positives
    candidates = np.arange(len(gallery)) if candidates is None else candidates
    hits = np.empty(len(queries), dtype=bool)
    winners = np.empty(len(queries), dtype=np.int64)
    for rows, values in blocks:
        block = values.copy()
        _check_numbers(block, gallery, queries[rows])
        each = np.arange(len(block))
        own = block[each, positives[rows]]
        block[each, queries[rows]] = -np.inf
        winners[rows] = candidates[block[:, candidates].argmax(axis=1)]
        block[each, positives[rows]] = -np.inf
        hits[rows] = own > block[:, candidates].max(axis=1)
    return _summary(hits, winners, gallery)


def _check_numbers(block: Similarity, gallery: Gallery, queries: Indices) -> None:
    missing = np.argwhere(np.isnan(block))
    if len(missing):
        row, column = missing[0]
        raise FeatureError(
            f"similarity of {gallery.clips[queries[row]].clip_id} to {gallery.clips[column].clip_id} is NaN; "
            "a vector of one of the two is not finite"
        )


def _summary(hits: npt.NDArray[np.bool_], winners: Indices, gallery: Gallery) -> Retrieval:
    members: dict[str, list[int]] = {}
    for row, query in enumerate(gallery.queries):
        category = gallery.clips[query].category
        if category is not None:
            members.setdefault(category, []).append(row)
    categories = {category: accuracy(hits[rows]) for category, rows in members.items()}
    overall = accuracy(hits)
    mean = fmean(found.value for found in categories.values()) if categories else overall.value
    return Retrieval(hits, winners, categories, overall, mean)
