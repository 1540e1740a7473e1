"""Classification by the nearest neighbours, as on Jester (arXiv 2602.09146): what label do the likest bear?

It knows nothing of clips, triplets or files: vectors and labels in, accuracies out.

The paper gives K = 20, a majority and a similarity-weighted vote, Acc@1 of both and Acc@5 of the second.
It does not say which gallery, which form of weight and which rule for ties; all three are options.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from moments.errors import FeatureError, GalleryError
from moments.protocols.similarity import Index, Vectors, topk
from moments.protocols.statistics import Accuracy, accuracy

Weight = Literal["cosine", "exponential"]
Tie = Literal["similarity", "label"]
Bools = npt.NDArray[np.bool_]

TOP = 5


@dataclass(frozen=True, eq=False)
class KnnResult:
    """Accuracies of the votes, and for each the queries it got right: bool (Q,)."""

    majority: Accuracy
    weighted: Accuracy
    top5: Accuracy
    majority_hits: Bools
    weighted_hits: Bools
    top5_hits: Bools


def classify(
    query_vectors: Vectors,
    query_labels: Sequence[str],
    gallery_vectors: Vectors,
    gallery_labels: Sequence[str],
    *,
    leave_one_out: bool,
    k: int = 20,
    weight: Weight = "cosine",
    temperature: float = 0.07,
    tie: Tie = "similarity",
    index: Index = "blocks",
) -> KnnResult:
    """Votes of the k nearest gallery vectors (N, d) on the label of each query (Q, d), by cosine.

    ``leave_one_out``: the gallery is the queries themselves, in the same order, and no query finds itself.
    ``weight``: a neighbour votes with its cosine, or with exp(cosine / ``temperature``) as in DINO's kNN.
    ``tie``: of labels with equal votes wins the one whose best neighbour is more similar, or the one that
    sorts first.  A query whose label the gallery lacks is a miss.

    Raises ``GalleryError`` when k is not below the number of candidates, or the gallery is not the queries
    although one is to be left out; ``FeatureError`` for labels of another number, no query, or a temperature
    that is not positive.
    """
    for side, vectors, labels in (
        ("query", query_vectors, query_labels),
        ("gallery", gallery_vectors, gallery_labels),
    ):
        if len(vectors) != len(labels):
            raise FeatureError(
                f"{len(labels)} {side} labels for {len(vectors)} vectors; expected one for each"
            )
    if leave_one_out and list(query_labels) != list(gallery_labels):
        raise GalleryError(
            f"leaving one out needs the queries as gallery; {len(query_labels)} queries and "
            f"{len(gallery_labels)} gallery clips do not bear the same labels"
        )
    if not temperature > 0:
        raise FeatureError(f"temperature is {temperature}; expected above 0")

    exclude = np.arange(len(query_labels)) if leave_one_out else None
    neighbours, similarity = topk(query_vectors, gallery_vectors, k, exclude=exclude, index=index)
    _, codes = np.unique([*gallery_labels, *query_labels], return_inverse=True)
    voters, truth = codes[neighbours], codes[len(gallery_labels) :]

    ballots = similarity.astype(np.float64)
    if weight == "exponential":
        # Less the best: the same ranking, and no overflow however small the temperature.
        ballots = np.exp((ballots - ballots[:, :1]) / temperature)
    majority_hits = _ranked(voters, np.ones_like(ballots), tie)[:, 0] == truth
    ranked = _ranked(voters, ballots, tie)
    weighted_hits = ranked[:, 0] == truth
    top5_hits = (ranked[:, :TOP] == truth[:, None]).any(axis=1)
    return KnnResult(
        accuracy(majority_hits),
        accuracy(weighted_hits),
        accuracy(top5_hits),
        majority_hits,
        weighted_hits,
        top5_hits,
    )


def _ranked(
    voters: npt.NDArray[np.int64], ballots: npt.NDArray[np.float64], tie: Tie
) -> npt.NDArray[np.int64]:
    """Labels of the neighbours by votes, most first, each once and then repeated: (Q, k) -> (Q, k)."""
    same = voters[:, :, None] == voters[:, None, :]
    votes = (same * ballots[:, None, :]).sum(axis=2)
    # The first neighbour of each label stands for it; neighbours come in order of similarity.
    first = same.argmax(axis=2) == np.arange(voters.shape[1])
    votes[~first] = -np.inf
    order = np.lexsort((voters, -votes)) if tie == "label" else np.argsort(-votes, axis=1, kind="stable")
    ranked: npt.NDArray[np.int64] = np.take_along_axis(voters, order, axis=1)
    return ranked
