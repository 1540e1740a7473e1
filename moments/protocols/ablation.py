"""The ablations of the paper (arXiv 2602.09146, Tables 4 and 5) from one embedding, and weights held out.

It knows nothing of backbones: the moments of every clip in, an answer of the protocol for every row out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from moments.errors import FeatureError, GalleryError
from moments.protocols.gallery import Gallery
from moments.protocols.retrieval import Retrieval
from moments.protocols.similarity import (
    Float32,
    Float64,
    Vectors,
    moment_cosines,
    recombined,
    summed_cosines,
)
from moments.protocols.statistics import Accuracy, accuracy

Level = Literal["patch", "frame", "patch-difference"]
Fusion = Literal["concat", "sum"]
Weights = tuple[float, ...]
Variant = tuple[Level, int | None]
"""What needs features of its own: the level, and the frames sampled, None for the embedder's number."""

R = TypeVar("R", bound=Retrieval)
Protocol = Callable[[Float32, Gallery], R]
"""``retrieval``, or ``real_retrieval`` with its candidates: similarity (Q, N) and gallery in, answer out."""


@dataclass(frozen=True)
class AblationRow:
    """One row of a table: which moments, and how they are weighted and joined."""

    title: str
    weights: Weights
    level: Level = "patch"
    fusion: Fusion = "concat"
    num_frames: int | None = None

    @property
    def variant(self) -> Variant:
        return self.level, self.num_frames


TABLE_4 = (
    AblationRow("(1, 0, 0)", (1, 0, 0)),
    AblationRow("(0, 1, 0)", (0, 1, 0)),
    AblationRow("(1, 1, 0)", (1, 1, 0)),
    AblationRow("(1, 8, 0)", (1, 8, 0)),
    AblationRow("(1, 1, 1)", (1, 1, 1)),
    AblationRow("(1, 8, 4) patch concat", (1, 8, 4)),
    AblationRow("(1, 8, 4) patch sum", (1, 8, 4), fusion="sum"),
    AblationRow("(1, 8, 4) frame concat", (1, 8, 4), level="frame"),
    AblationRow("(1, 8, 4) patch-difference concat", (1, 8, 4), level="patch-difference"),
)
TABLE_5 = tuple(
    AblationRow(f"{frames} frames", (1, 8, 4), num_frames=frames) for frames in (4, 8, 16, 32, 64)
)

# Every direction that three of these make, once, in its smallest numbers and equal weights first; our own.
WEIGHT_GRID: tuple[Weights, ...] = tuple(
    {
        tuple(weight / max(weights) for weight in weights): weights
        for weights in product((8.0, 4.0, 2.0, 1.0, 0.0), repeat=3)
        if any(weights)
    }.values()
)


def evaluate_rows(
    rows: Sequence[AblationRow],
    vectors: Callable[[Variant], Vectors],
    gallery: Gallery,
    protocol: Protocol[R],
) -> list[R]:
    """The protocol's answer to each row, in order.

    ``vectors`` gives the moments (N, K, D) of a variant and is asked once for each: a mapping's
    ``__getitem__``, or a function that reads a store.  All concatenations of a variant are recombined from
    one set of K cosine matrices.

    Raises ``FeatureError`` for vectors of another shape or weights of another number, and as the protocol.
    """
    answers: dict[AblationRow, R] = {}
    for variant in dict.fromkeys(row.variant for row in rows):
        moments = vectors(variant)
        if moments.ndim != 3 or len(moments) != len(gallery):
            raise FeatureError(f"moments of {variant} are {moments.shape}; expected ({len(gallery)}, K, D)")
        asked = [row for row in rows if row.variant == variant]
        matrices, lengths = moment_cosines(moments, gallery.queries)
        each = lengths[:, gallery.queries], lengths
        for row in asked:
            if row.fusion == "concat":
                similarity = recombined(matrices, row.weights, each)
            else:
                similarity = summed_cosines(moments, gallery.queries, row.weights)
            answers[row] = protocol(similarity, gallery)
    return [answers[row] for row in rows]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Accuracy of queries whose weights were chosen without them, and the choice of each fold."""

    accuracy: Accuracy
    hits: npt.NDArray[np.bool_]
    weights: tuple[Weights, ...]


def held_out_weights(
    cosines: Float32,
    gallery: Gallery,
    grid: Sequence[Weights] = WEIGHT_GRID,
    *,
    protocol: Protocol[R],
    lengths: tuple[Float64, Float64] | None = None,
    folds: int = 5,
) -> HeldOut:
    """Choose weights on all folds but one, count hits on that one, for each: cosines (K, Q, N). Our own.

    The paper chose (1, 8, 4) on the queries that it reports; this is what a choice is worth on others.
    Triplet i is of fold i modulo ``folds``, so that categories in runs are spread evenly.  Of weights with
    equal hits the first of the grid is taken.  ``lengths`` as for ``recombined``.

    Raises ``GalleryError`` unless 2 ≤ folds ≤ queries, ``FeatureError`` for an empty grid, as ``recombined``.
    """
    queries = len(gallery.queries)
    if not 2 <= folds <= queries:
        raise GalleryError(f"{folds} folds of {queries} triplets; expected at least 2, and a triplet in each")
    if not grid:
        raise FeatureError("the grid of weights is empty; give at least one to choose")
    hits = np.stack([protocol(recombined(cosines, weights, lengths), gallery).hits for weights in grid])
    held = np.arange(queries) % folds
    chosen = [int(hits[:, held != fold].sum(axis=1).argmax()) for fold in range(folds)]
    outcome = hits[np.array(chosen)[held], np.arange(queries)]
    return HeldOut(accuracy(outcome), outcome, tuple(grid[choice] for choice in chosen))
