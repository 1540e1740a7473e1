"""The retrieval protocol of SimMotion-Real (arXiv 2602.09146), with or without distractors.

It knows nothing of features or files: similarities and who is who in, accuracies out.

The authors' released code asks among the other benchmark clips, 119 for 40 triplets; the paper's tables
among 1,000.  How the 1,000 are made up is not published: here they are the other benchmark clips
and as many distractors as are wanting, in the order given, and the result names them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from moments.errors import GalleryError
from moments.protocols.gallery import NEGATIVE, Gallery
from moments.protocols.retrieval import Retrieval, Similarity, retrieval_among


@dataclass(frozen=True, eq=False)
class RealRetrieval(Retrieval):
    """A retrieval, the number of clips each query was asked among, and which of them were distractors."""

    candidates: int
    distractors: tuple[str, ...]


def real_retrieval(similarity: Similarity, gallery: Gallery, candidates: int | None = None) -> RealRetrieval:
    """Top-1 retrieval among the other benchmark clips, filled up with distractors to ``candidates`` clips.

    ``similarity`` is (Q, N) as for ``retrieval``.  None asks without distractors, which is easier than the
    paper's tables; the paper's 1K is ``candidates=1000``.  A query is a hit when its positive is strictly
    more similar than its negative and than every other candidate.

    Raises ``GalleryError`` as ``check_triplets``, for a triplet without exactly one negative, and when
    clips and distractors do not make up ``candidates``; ``FeatureError`` as ``retrieval``.
    """
    distractor = np.array([clip.distractor for clip in gallery.clips], dtype=bool)
    benchmark, available = np.flatnonzero(~distractor), np.flatnonzero(distractor)
    others = len(benchmark) - 1
    wanted = 0 if candidates is None else candidates - others
    if not 0 <= wanted <= len(available):
        raise GalleryError(
            f"{candidates} candidates need {wanted} distractors beside {others} benchmark clips, and "
            f"{len(available)} are given; give more, or ask among {others} to {others + len(available)}"
        )
    # Negatives are candidates and need no comparison of their own, but they must be there.
    gallery.partners(NEGATIVE)
    chosen = available[:wanted]
    found = retrieval_among(similarity, gallery, np.concatenate([benchmark, chosen]))
    return RealRetrieval(
        **vars(found),
        candidates=others + wanted,
        distractors=tuple(gallery.clips[index].clip_id for index in chosen),
    )
