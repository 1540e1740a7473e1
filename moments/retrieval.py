"""The retrieval protocol of SimMotion-Synthetic (arXiv 2602.09146) and the oracle that knows the true motion.

It knows nothing of features or files: similarities, roles and labels in, accuracies out.

Queries are the references; the gallery of a query is every other clip of every category; a query is
a hit when its own positive is more similar than all others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist, fmean

import numpy as np
import numpy.typing as npt

from moments.errors import FeatureError

FloatArray = npt.NDArray[np.float64]

REFERENCE, POSITIVE = "reference", "positive"


@dataclass(frozen=True)
class Accuracy:
    """Share of queries that hit, with its Wilson 95 % interval (``low``, ``high``)."""

    hits: int
    queries: int
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class Retrieval:
    """Accuracy of each category, in order of first appearance, and their unweighted mean."""

    categories: dict[str, Accuracy]
    mean: float


def retrieval(
    similarity: npt.NDArray[np.floating],
    *,
    roles: Sequence[str],
    groups: Sequence[str],
    categories: Sequence[str],
) -> Retrieval:
    """Top-1 accuracy from an (N, N) similarity of N clips; row i is what clip i says of the others.

    ``roles``, ``groups`` (the triplet's id) and ``categories`` give the label of each clip.  A tie with
    another candidate is a miss, so that a descriptor which tells nothing apart scores zero.

    Raises ``FeatureError`` when lengths disagree, a similarity is NaN, there is no reference, or a
    reference has not exactly one positive.
    """
    similarity = np.asarray(similarity)
    clips = len(roles)
    if similarity.shape != (clips, clips) or len(groups) != clips or len(categories) != clips:
        raise FeatureError(
            f"similarity is {similarity.shape} for {clips} roles, {len(groups)} groups and "
            f"{len(categories)} categories; expected (N, N) and N labels of each"
        )
    if np.isnan(similarity).any():
        raise FeatureError(f"similarity row {int(np.argwhere(np.isnan(similarity))[0, 0])} holds NaN")

    hits: dict[str, list[bool]] = {}
    for query in (index for index in range(clips) if roles[index] == REFERENCE):
        own = [i for i in range(clips) if roles[i] == POSITIVE and groups[i] == groups[query]]
        if len(own) != 1:
            raise FeatureError(f"reference of {groups[query]} has {len(own)} positives; expected one")
        others = np.delete(similarity[query], [query, own[0]])
        hits.setdefault(categories[query], []).append(bool((similarity[query, own[0]] > others).all()))
    if not hits:
        raise FeatureError(f"no clip of {clips} has the role {REFERENCE!r}: there is nothing to ask")

    found = {category: _accuracy(sum(outcome), len(outcome)) for category, outcome in hits.items()}
    return Retrieval(found, fmean(accuracy.accuracy for accuracy in found.values()))


def cosine_similarity(vectors: npt.NDArray[np.floating]) -> FloatArray:
    """Cosine of every pair: (N, d) -> float64 (N, N). A zero vector is at cosine 0 to every clip."""
    wide = np.asarray(vectors, dtype=np.float64)
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    unit = np.divide(wide, length, out=np.zeros_like(wide), where=length > 0)
    cosine: FloatArray = unit @ unit.T
    return cosine


def moment_similarity(vectors: npt.NDArray[np.floating], weights: Sequence[float] = (1, 8, 4)) -> FloatArray:
    """SemanticMoments cosine of every pair from the kept moments: (N, 3, D) -> float64 (N, N)."""
    wide = np.asarray(vectors, dtype=np.float64) * np.asarray(weights)[:, None]
    return cosine_similarity(wide.reshape(len(wide), -1))


def trajectory_similarity(first: npt.NDArray[np.floating], second: npt.NDArray[np.floating]) -> float:
    """Agreement in [0, 1] of two true motions, (T, C) channels each; 1 only where they are equal. Our own.

    One minus the time-aligned distance over the largest one that signals of these sizes can have,
    ‖a - b‖ / (‖a‖ + ‖b‖).  It is neither invariant to order nor to a shift.  Motions of another
    length or with other channels agree by 0.
    """
    if first.shape != second.shape:
        return 0.0
    size = float(np.linalg.norm(first) + np.linalg.norm(second))
    return 1.0 - float(np.linalg.norm(first - second)) / size if size > 0 else 1.0


def trajectory_similarities(motions: Sequence[npt.NDArray[np.floating]]) -> FloatArray:
    """``trajectory_similarity`` of every pair of N motions: float64 (N, N)."""
    similarity = np.eye(len(motions))
    for i, j in combinations(range(len(motions)), 2):
        similarity[i, j] = similarity[j, i] = trajectory_similarity(motions[i], motions[j])
    return similarity


def _accuracy(hits: int, queries: int) -> Accuracy:
    z = NormalDist().inv_cdf(0.975)
    share, shrink = hits / queries, 1 + z * z / queries
    middle = (share + z * z / (2 * queries)) / shrink
    half = z / shrink * math.sqrt(share * (1 - share) / queries + z * z / (4 * queries * queries))
    return Accuracy(hits, queries, share, max(0.0, middle - half), min(1.0, middle + half))
