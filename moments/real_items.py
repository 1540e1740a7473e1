"""Which clips people are asked about: references, their hard negatives, and candidates to be the positive.

It knows nothing of people or files.  No video stands in two items, neither as reference nor as candidate:
whatever people choose, no two triplets share footage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata

from moments.errors import GalleryError
from moments.hard_negatives import HardNegative
from moments.real_clips import RealClip

CANDIDATES = 5
FUSION_RANKS = 60.0
"""Constant of reciprocal rank fusion (Cormack et al., SIGIR 2009): how little the first ranks stand out."""

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RealItem:
    """One question: ``candidates`` of other videos, most alike in motion first; the ``negative`` is known."""

    reference: str
    negative: str
    candidates: tuple[str, ...]


def choose_items(
    clips: Sequence[RealClip],
    negatives: Sequence[HardNegative],
    groups: Mapping[str, int],
    most: int,
    num_candidates: int = CANDIDATES,
) -> tuple[RealItem, ...]:
    """Up to ``most`` items, by falling score of their negatives; fewer where footage does not suffice.

    References are taken in the order of ``negatives``, one from each group of videos.  Then every item is
    given one further group at a time, so that the sum over items of how much the best clip of its group
    moves like its reference is greatest; the clip with that motion becomes the candidate.

    Raises ``GalleryError`` for fewer than two candidates, which nobody can rank, and when the footage
    gives not even one item.
    """
    if num_candidates < 2 or most < 1:
        raise GalleryError(
            f"{most} items of {num_candidates} candidates: people rank two or more, of one item up"
        )
    number = {clip.clip_id: index for index, clip in enumerate(clips)}
    group_of = np.array([groups[clip.video_id] for clip in clips])
    all_groups = np.unique(group_of)
    firsts: dict[int, HardNegative] = {}
    for pair in negatives:
        firsts.setdefault(int(group_of[number[pair.reference]]), pair)
    chosen = list(firsts.items())[: min(most, len(all_groups) // (1 + num_candidates))]
    if not chosen:
        raise GalleryError(
            f"{len(all_groups)} videos without shared footage, {len(firsts)} of them with a hard negative, "
            f"give no item: one needs a video with a hard negative and {num_candidates} others: "
            "give more footage"
        )
    references = np.array([number[pair.reference] for _, pair in chosen])
    scores = motion_scores(clips, references)
    free = [group for group in all_groups if group not in {group for group, _ in chosen}]
    # The best clip of each free group for each item.
    members = [np.flatnonzero(group_of == group) for group in free]
    best = np.stack([own[np.argmax(scores[:, own], axis=1)] for own in members], axis=1)
    worth = np.take_along_axis(scores, best, axis=1)
    taken: list[list[int]] = [[] for _ in chosen]
    for _ in range(num_candidates):
        for item, column in zip(*linear_sum_assignment(worth, maximize=True), strict=True):
            taken[item].append(int(best[item, column]))
            worth[:, column] = -1.0  # below every score: never again
    items = []
    for item, ((_, pair), own) in enumerate(zip(chosen, taken, strict=True)):
        ranked = sorted(own, key=lambda clip: (-scores[item, clip], clips[clip].clip_id))
        items.append(RealItem(pair.reference, pair.negative, tuple(clips[clip].clip_id for clip in ranked)))
    return tuple(items)


def motion_scores(clips: Sequence[RealClip], references: npt.NDArray[np.int64]) -> Scores:
    """How much every clip promises to move like each reference: (Q, N), above 0, comparable in a row.

    The mean over motion vectors and, where every clip has one, text vectors of 1 / (60 + rank among the
    clips of other videos).
    """
    motion = np.stack([clip.motion for clip in clips])
    texts = [clip.text for clip in clips if clip.text is not None]
    kinds = [motion] if len(texts) < len(clips) else [motion, np.stack(texts)]
    videos = np.array([clip.video_id for clip in clips])
    strangers = videos[references, None] != videos
    fused = np.zeros((len(references), len(clips)))
    for vectors in kinds:
        cosines = np.round((vectors[references] @ vectors.T).astype(np.float64), 6)
        ranks = rankdata(-np.where(strangers, cosines, -2.0), axis=1)
        fused += 1 / (FUSION_RANKS + ranks) / len(kinds)
    return fused
