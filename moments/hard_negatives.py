"""Hard negatives of footage: clips of the same video that look alike and move otherwise. Our own score.

It knows nothing of files or backbones.  How alike two clips are means little by itself: with one backbone
strangers have a cosine of 0.95, with another of 0.3.  So every cosine is told as its standing, the share of
the pairs of clips from *different* videos that are less alike, which needs no tuning to a backbone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moments.errors import GalleryError
from moments.real_clips import RealClip, require_clips

MIN_LOOKS_ALIKE = 0.9
MAX_MOVES_ALIKE = 0.8
"""Measured on 8 rendered videos of 3 shots by histograms of gradients: 4 % of the pairs within a shot, which
move alike, pass both limits, and 31 % of the pairs of shots, which look alike and move otherwise."""

Standing = npt.NDArray[np.float32]


@dataclass(frozen=True)
class HardNegative:
    """The best negative of one reference. ``looks_alike`` and ``moves_alike`` are standings, 0–1."""

    reference: str
    negative: str
    looks_alike: float
    moves_alike: float

    @property
    def score(self) -> float:
        """How much more alike they look than they move, -1 to 1."""
        return self.looks_alike - self.moves_alike


def hard_negatives(
    clips: Sequence[RealClip],
    *,
    min_looks_alike: float = MIN_LOOKS_ALIKE,
    max_moves_alike: float = MAX_MOVES_ALIKE,
) -> tuple[HardNegative, ...]:
    """The hardest negative of every clip that has one, by falling score and then by reference.

    A negative comes from the reference's own video, looks more alike than ``min_looks_alike`` of the pairs
    of strangers and moves less alike than ``max_moves_alike`` of the pairs do; of several the one with
    the highest score, then the smallest id.

    Raises ``GalleryError`` when all clips are of one video, for then nobody is a stranger;
    ``FeatureError`` as ``require_clips``.
    """
    require_clips(clips)
    videos = np.array([clip.video_id for clip in clips])
    looks = standing(np.stack([clip.appearance for clip in clips]), videos)
    moves = standing(np.stack([clip.motion for clip in clips]), videos)
    score = looks - moves
    fit = (videos[:, None] == videos) & (looks >= min_looks_alike) & (moves <= max_moves_alike)
    np.fill_diagonal(fit, False)
    by_id = np.argsort([clip.clip_id for clip in clips])
    found = []
    for reference in np.flatnonzero(fit.any(axis=1)):
        negatives = by_id[fit[reference, by_id]]
        negative = negatives[np.argmax(score[reference, negatives])]
        found.append(
            HardNegative(
                clips[reference].clip_id,
                clips[negative].clip_id,
                float(looks[reference, negative]),
                float(moves[reference, negative]),
            )
        )
    return tuple(sorted(found, key=lambda pair: (-pair.score, pair.reference)))


def standing(vectors: npt.NDArray[np.float32], videos: npt.NDArray[np.str_]) -> Standing:
    """How alike every two clips are among strangers: vectors (N, D) of length 1 -> float32 (N, N), 0–1.

    The share of the pairs of clips of different videos with a smaller cosine, in ten-thousandths.
    Raises ``GalleryError`` when all clips are of one video.
    """
    cosines = vectors @ vectors.T
    strangers = cosines[np.triu(videos[:, None] != videos)]
    if not strangers.size:
        raise GalleryError(
            f"all {len(vectors)} clips are of one video: how alike two clips are is told by comparison with "
            "clips of other videos; give two videos or more"
        )
    strangers.sort()
    below = np.searchsorted(strangers, cosines) / len(strangers)
    # The last bit of a matrix product depends on the machine, and with it which of two equals is ahead.
    return np.round(np.maximum(below, below.T), 4).astype(np.float32)
