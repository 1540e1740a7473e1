"""Do two clips move as one? Evidence of features and of optical flow in one score. Our own.

It knows nothing of roles, generators or limits: two clips' movements in, their agreement out.

Three kinds of evidence, none of which asks where in the picture something moves or in which direction,
for camera and body may differ:
features    how much of the picture changes over each gap, as in ``moments.synchrony``;
energy      how much of the picture flows from each frame to the next;
recurrence  how like the flow field is to that of the same clip some frames later, from -1 (the opposite)
            to 1 (the same).  A movement that turns back or repeats itself does so in every view: the
            idea of self-similarity matrices (Junejo et al., PAMI 2011).
Each gives a correlation, and the score is the mean of the three.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moments.errors import FeatureError
from moments.hog import CELL_PX, LUMA_SIZE_PX
from moments.synchrony import (
    Bands,
    FloatArray,
    Synchrony,
    activity,
    agreement_by_frame,
    at_best_lag,
    centred,
    furthest_lag,
    lag_profile,
    relative,
)

HALF_SPEED_PX = 0.5
"""Speed in pixels of a 128 × 128 picture a frame that counts as half moved."""
NOISE_PX = 0.01
"""Root mean square of the cells' flow, in those pixels, whose direction says little."""
GAPS_FRAMES = (1, 2, 3, 4, 6, 8, 12, 16, 20, 24)
RESTS, MOVES = 0.1, 0.3
"""Shares of a clip's own high energy below which it rests and above which it moves."""
HIGH_QUANTILE = 0.9


@dataclass(frozen=True)
class Movement:
    """What of one clip of T frames is compared.

    ``features`` and ``recurrence`` hold one series per gap; ``energy`` (T - 1,) is in [0, 1].
    """

    num_frames: int
    features: Bands
    energy: FloatArray
    recurrence: Bands


@dataclass(frozen=True)
class PairSynchrony:
    """How two clips agree: ``whole`` from all evidence, and what features and flow say alone at lag 0.

    ``by_frame`` (T,) is the agreement around each frame of the shorter clip: where it falls the two part.
    """

    whole: Synchrony
    features_score: float
    flow_score: float
    by_frame: FloatArray


def movement(features: npt.NDArray[np.floating], flow: npt.NDArray[np.floating]) -> Movement:
    """The movement of a clip of T frames from its patch features and its flow.

    Features are (T, P, D); flow is (T - 1, 128, 128, 2) in pixels per frame as of ``hof.flow_of_luma``.
    Raises ``FeatureError`` when features are not (T, P, D) with T ≥ 8, or are not finite, or when the
    flow is of another clip.
    """
    bands = activity(features)
    if flow.shape != (len(features) - 1, LUMA_SIZE_PX, LUMA_SIZE_PX, 2):
        raise FeatureError(
            f"flow has shape {flow.shape} beside features of {len(features)} frames; expected "
            f"({len(features) - 1}, {LUMA_SIZE_PX}, {LUMA_SIZE_PX}, 2): both must come from one clip"
        )
    speed = np.hypot(flow[..., 0], flow[..., 1])
    return Movement(
        num_frames=len(features),
        features=bands,
        energy=(speed / (speed + HALF_SPEED_PX)).mean(axis=(1, 2), dtype=np.float64),
        recurrence=_recurrence(flow),
    )


def pair_synchrony(first: Movement, second: Movement, *, max_lag_frames: int = 8) -> PairSynchrony:
    """Agreement of two clips; lags up to ``max_lag_frames`` are tried, positive when the second is late.

    The clips may differ in T.  A clip without any motion agrees with nothing.
    """
    furthest = furthest_lag(max_lag_frames, first.num_frames, second.num_frames)
    num_frames = min(first.num_frames, second.num_frames)
    evidence = (
        (first.features, second.features, relative),
        ((np.sqrt(first.energy),), (np.sqrt(second.energy),), relative),
        (first.recurrence, second.recurrence, centred),
    )
    profiles = np.stack([lag_profile(a, b, furthest, deviation) for a, b, deviation in evidence])
    by_frame = np.mean(
        [agreement_by_frame(a, b, num_frames, deviation) for a, b, deviation in evidence], axis=0
    )
    features_score, *flow_scores = profiles[:, furthest]
    return PairSynchrony(
        at_best_lag(profiles.mean(axis=0)), float(features_score), float(np.mean(flow_scores)), by_frame
    )


def motion_ratio(first: Movement, second: Movement) -> float:
    """How many times as much the second clip flows as the first, at most 100 and at least 1/100."""
    amounts = float(first.energy.mean()), float(second.energy.mean())
    if max(amounts) == 0:
        return 1.0
    return float(np.clip(amounts[1] / max(amounts[0], amounts[1] / 100), 1 / 100, 100))


def still_alone_frames(first: Movement, second: Movement) -> int:
    """The most frames in which one clip moves during one rest of the other, by their own standards.

    Pauses of the one that moves do not end the other's rest, so that a half that freezes is found
    beside one that goes on in short strokes.  A clip that is late by k frames gives k at most.
    """
    length = min(len(first.energy), len(second.energy))
    shares = [clip.energy[:length] / _high(clip.energy) for clip in (first, second)]
    return max(_most_during(one < RESTS, other > MOVES) for one, other in (shares, shares[::-1]))


def _recurrence(flow: npt.NDArray[np.floating]) -> Bands:
    """Cosines of the flow fields of cells with those some frames later: (T - 1, 128, 128, 2) -> per gap."""
    cells = LUMA_SIZE_PX // CELL_PX
    grid = flow.reshape(len(flow), cells, CELL_PX, cells, CELL_PX, 2)
    fields = grid.mean(axis=(2, 4), dtype=np.float64).reshape(len(flow), -1)
    lengths = np.sqrt(np.square(fields).sum(axis=1))
    floor = NOISE_PX**2 * fields.shape[1]
    return tuple(
        (fields[gap:] * fields[:-gap]).sum(axis=1) / (lengths[gap:] * lengths[:-gap] + floor)
        for gap in GAPS_FRAMES
        if 3 * gap <= len(fields)
    )


def _high(energy: FloatArray) -> float:
    return float(max(np.quantile(energy, HIGH_QUANTILE), np.finfo(np.float64).tiny))


def _most_during(spell: npt.NDArray[np.bool_], event: npt.NDArray[np.bool_]) -> int:
    """How often the event holds in that unbroken spell in which it does most often."""
    edges = np.flatnonzero(np.diff(np.r_[False, spell, False].astype(np.int8)))
    return max((int(event[start:end].sum()) for start, end in edges.reshape(-1, 2)), default=0)
