"""The oracle that knows the true motion: agreement of trajectories, for sets whose motion is on record.

It knows nothing of features or files: motions in, similarities out. Our own, a ceiling for descriptors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from moments.errors import FeatureError

Motion = npt.NDArray[np.floating]
Float64 = npt.NDArray[np.float64]

# ‖a‖² + ‖b‖² - 2ab keeps about 1e-15 of ‖a‖² + ‖b‖²; nearer than this the difference itself is taken.
NEAR = 1e-8
PAIRS_AT_ONCE = 4096


def trajectory_similarity(first: Motion, second: Motion) -> float:
    """Agreement in [0, 1] of two true motions, (T, C) channels each; 1 only where they are equal. Our own.

    One minus the time-aligned distance over the largest one that signals of these sizes can have,
    ‖a - b‖ / (‖a‖ + ‖b‖).  It is neither invariant to order nor to a shift.  Motions of another
    length or with other channels agree by 0.

    Raises ``FeatureError`` for values that are not finite.
    """
    return float(trajectory_similarities([first], [second])[0, 0])


def trajectory_similarities(queries: Sequence[Motion], gallery: Sequence[Motion]) -> Float64:
    """``trajectory_similarity`` of every query with every gallery motion: float64 (Q, N).

    One matrix product for all motions of a shape.  Raises ``FeatureError`` with the motion not finite.
    """
    similarity = np.zeros((len(queries), len(gallery)))
    asked, kept = _by_shape("query", queries), _by_shape("gallery", gallery)
    for shape in asked.keys() & kept.keys():
        rows, first = asked[shape]
        columns, second = kept[shape]
        similarity[np.ix_(rows, columns)] = _agreement(first, second)
    return similarity


def _by_shape(side: str, motions: Sequence[Motion]) -> dict[tuple[int, ...], tuple[list[int], Float64]]:
    members: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for index, motion in enumerate(motions):
        if not np.isfinite(motion).all():
            raise FeatureError(f"{side} motion {index} of {len(motions)} holds values that are not finite")
        members[motion.shape].append(index)
    return {
        shape: (indices, np.stack([motions[index].ravel() for index in indices]).astype(np.float64))
        for shape, indices in members.items()
    }


def _agreement(first: Float64, second: Float64) -> Float64:
    """One minus distance over sum of sizes, of rows: (Q, d) × (N, d) -> (Q, N)."""
    first_size, second_size = np.linalg.norm(first, axis=1)[:, None], np.linalg.norm(second, axis=1)
    squares = first_size**2 + second_size**2
    squared = squares - 2 * (first @ second.T)
    near = np.argwhere(squared <= NEAR * squares)
    distance = np.sqrt(np.maximum(squared, 0))
    for start in range(0, len(near), PAIRS_AT_ONCE):
        rows, columns = near[start : start + PAIRS_AT_ONCE].T
        distance[rows, columns] = np.linalg.norm(first[rows] - second[columns], axis=1)
    sizes = first_size + second_size
    # Two motions at rest have no size to compare by; they are equal.
    agreement: Float64 = 1 - np.divide(
        np.minimum(distance, sizes), sizes, out=np.zeros_like(sizes), where=sizes > 0
    )
    return agreement
