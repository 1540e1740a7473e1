"""The ways to compare clips by one backbone: mean, SemanticMoments, with order, by rhythm alone.

It knows nothing of backbones, files or protocols: kept vectors in, vectors whose cosine compares out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from moments.order import ORDER_WEIGHT
from moments.protocols.similarity import Vectors
from moments.semantic_moments import WEIGHTS

Method = Literal["mean", "moments", "order", "rhythm"]

TITLES: dict[Method, str] = {
    "mean": "mean-pooled",
    "moments": "SemanticMoments",
    "order": "SemanticMoments + order",
    "rhythm": "rhythm",
}
"""What tables call the methods. The last two are our own."""


@dataclass(frozen=True, eq=False)
class ClipVectors:
    """What is kept of N clips: ``moments`` (N, 3, D), ``order`` (N, R, D), ``rhythm`` (N, 1, L)."""

    moments: Vectors
    order: Vectors
    rhythm: Vectors


def joined(vectors: ClipVectors, method: Method) -> Vectors:
    """One vector a clip, float32 (N, d), for a cosine, with ``WEIGHTS`` and ``ORDER_WEIGHT``."""
    clips = len(vectors.moments)
    match method:
        case "mean":
            return vectors.moments[:, 0]
        case "moments":
            return _moments(vectors).reshape(clips, -1)
        case "order":
            # The rows of order have length 1 together: they are one more moment.
            order = np.float32(ORDER_WEIGHT) * vectors.order
            return np.concatenate([_moments(vectors).reshape(clips, -1), order.reshape(clips, -1)], axis=1)
        case "rhythm":
            return vectors.rhythm.reshape(clips, -1)


def _moments(vectors: ClipVectors) -> Vectors:
    weighted: Vectors = vectors.moments * np.asarray(WEIGHTS, np.float32)[:, None]
    return weighted
