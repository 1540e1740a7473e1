"""The Semantic Progress Function (arXiv 2604.22554): how far a clip's meaning has come at every frame.

It knows nothing of images: it takes one embedding a frame, whatever made them.

Angles between near frames ask for differences of one scalar S per frame; S is their weighted
least-squares answer.  Weights fall off with temporal distance and end at ``window``, so that the
normal equations are banded: T·window² operations and T·window numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import solveh_banded

from moments.errors import FeatureError

FloatArray = npt.NDArray[np.float64]

RANGE_FLOOR_RADIANS = 0.05
"""Total change below which the pace of a clip is noise: identical frames would look perfectly paced."""

_BLOCK_FRAMES = 128
"""Frames whose angles are taken at a time: they stay in the cache, and a long clip is never copied whole."""
_ROUNDED = 1e-6
"""Squared chord below which a cosine in float64 gives less than twelve digits of an angle."""


@dataclass(frozen=True)
class SemanticProgress:
    """Progress of one clip of T frames.

    ``raw`` (T,) is the least-squares S, of mean zero, in radians when ``power`` is 1; ``progress``
    (T,) runs from 0 to 1 without falling, or is all zeros where S never rises.  Deviations are those
    of ``progress`` from the straight line.

    The published smoothing in ``progress`` spreads a jump over two intervals, so that we add what reads
    S itself: ``unsmoothed`` (T,) is the share of all rises of S made up to each frame, to be inverted
    where a jump must be met at its frame; ``largest_jump`` is the largest of these shares between two
    neighbouring frames, and ``largest_jump_frame`` the frame it arrives at.

    ``interpretable`` says whether ``range_radians`` reaches ``RANGE_FLOOR_RADIANS``; where it does not,
    the curves and deviations describe noise.  ``noise_radians`` is the angle that was taken out of all
    pairs as jitter, 0 unless that was asked for.
    """

    raw: FloatArray
    progress: FloatArray
    unsmoothed: FloatArray
    range_radians: float
    rms_deviation: float
    max_deviation: float
    mean_deviation: float
    largest_jump: float
    largest_jump_frame: int
    interpretable: bool
    noise_radians: float


def semantic_progress(
    embeddings: npt.NDArray[np.floating],
    *,
    window: int = 30,
    sigma: float = 20.0,
    ridge: float = 1e-5,
    power: float = 1.0,
    correct_noise: bool = False,
) -> SemanticProgress:
    """Progress of a clip from its frame embeddings (T, d) of any length; defaults are the authors'.

    Pairs of frames at most ``window`` apart count with weight exp(-gap² / (2·sigma²)); ``ridge`` fixes
    the free constant; angles are raised to ``power`` first.  A zero embedding counts as at a right
    angle to every other one.

    ``correct_noise`` (our own) takes out what independent jitter of the embeddings adds to every angle
    and what would pull the curve towards a straight line.  The jitter is estimated from the clip, as
    that part of the change over one frame that does not grow over two; a path that truly turns at
    random from frame to frame looks the same and loses some of its range.

    Raises ``FeatureError`` when the embeddings are not (T, d) with T ≥ 1, or are not finite, or when a
    setting is not positive.
    """
    embeddings = np.asarray(embeddings)
    if embeddings.ndim != 2 or embeddings.size == 0:
        raise FeatureError(f"embeddings have shape {embeddings.shape}; expected (T, d) with T ≥ 1")
    if not np.isfinite(embeddings).all():
        frame = int(np.flatnonzero(~np.isfinite(embeddings).all(axis=1))[0])
        raise FeatureError(f"embedding of frame {frame} is not finite: the backbone failed on this clip")
    if window < 1 or not sigma > 0 or not ridge > 0 or not power > 0:
        raise FeatureError(f"{window=}, {sigma=}, {ridge=} and {power=} must all be positive")

    angles = _angles(embeddings, min(window, len(embeddings) - 1))
    noise_radians = _noise(angles) if correct_noise else 0.0
    if noise_radians > 0:
        angles = _without_noise(angles, noise_radians)
    raw = _least_squares(angles**power, sigma, ridge)
    progress = _monotone(raw)
    deviation = np.abs(progress - np.linspace(0, 1, len(progress)))
    rise = np.diff(raw, prepend=raw[0]).clip(min=0)
    total_rise = float(rise.sum())
    range_radians = float(np.ptp(raw))
    return SemanticProgress(
        raw=raw,
        progress=progress,
        unsmoothed=_climb(rise),
        range_radians=range_radians,
        rms_deviation=float(np.sqrt(np.mean(deviation**2))),
        max_deviation=float(deviation.max()),
        mean_deviation=float(deviation.mean()),
        largest_jump=float(rise.max()) / total_rise if total_rise > 0 else 0.0,
        largest_jump_frame=int(rise.argmax()),
        interpretable=range_radians >= RANGE_FLOOR_RADIANS,
        noise_radians=noise_radians,
    )


def _unit(embeddings: npt.NDArray[np.floating]) -> FloatArray:
    """Vectors of length 1 in float64; those of length 0 stay as they are."""
    unit = embeddings.astype(np.float64)
    length = np.sqrt(np.vecdot(unit, unit))
    length[length == 0] = 1
    unit /= length[:, None]
    return unit


def _angles(embeddings: npt.NDArray[np.floating], window: int) -> FloatArray:
    """Angles (window, T): entry (gap - 1, i) is that of frames i and i + gap, 0 beyond the end.

    Frame by frame and not by a product of matrices, whose sums depend on the number of threads.
    """
    frames = len(embeddings)
    angles = np.zeros((window, frames))
    for start in range(0, frames, _BLOCK_FRAMES):
        unit = _unit(embeddings[start : start + _BLOCK_FRAMES + window])
        cosines = np.ones((window, min(len(unit), _BLOCK_FRAMES)))  # beyond the end no angle
        for gap in range(1, min(window + 1, len(unit))):
            count = min(len(unit) - gap, _BLOCK_FRAMES)
            np.vecdot(unit[gap : gap + count], unit[:count], out=cosines[gap - 1, :count])
        half = np.arctan2(*_chords(unit, cosines))
        angles[:, start : start + _BLOCK_FRAMES] = 2 * half
    return angles


def _chords(unit: FloatArray, cosines: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lengths of difference and sum of all pairs, laid out as ``cosines`` (window, t).

    Taken from the cosine, but from the vectors where little of it is left after rounding: at angles near 0
    and π, and at frames of length 0, which are at no angle to each other and at a right one to all else.
    """
    apart, along = 2 - 2 * cosines, 2 + 2 * cosines
    window, count = cosines.shape
    there = np.arange(1, window + 1)[:, None] + np.arange(count) < len(unit)
    doubtful = there & ((np.minimum(apart, along) < _ROUNDED) | (cosines == 0))
    for row in np.flatnonzero(doubtful.any(axis=1)):
        early = np.flatnonzero(doubtful[row])
        late = early + row + 1
        difference, total = unit[late] - unit[early], unit[late] + unit[early]
        apart[row, early] = np.vecdot(difference, difference)
        along[row, early] = np.vecdot(total, total)
    return np.sqrt(apart), np.sqrt(along)


def _noise(angles: FloatArray) -> float:
    """Angle between two noisy views of one and the same frame, from frames one and two apart.

    Squared chords of steady change grow fourfold from one frame to two and those of jitter stay, so
    that (4·c₁² - c₂²) / 3 is what remains at a distance of none; the median over time ignores jumps.
    """
    window, frames = angles.shape
    if window < 2 or frames < 3:
        return 0.0
    one, two = (4 * np.sin(angles[gap - 1, : frames - gap] / 2) ** 2 for gap in (1, 2))
    chord = float(np.median((2 * (one[:-1] + one[1:]) - two) / 3))
    return 2 * float(np.arcsin(np.sqrt(min(max(chord, 0.0), 2.0)) / 2))


def _without_noise(angles: FloatArray, noise_radians: float) -> FloatArray:
    """True angles, from cos(seen) = cos(true)·cos(noise): jitter is at right angles to all else."""
    excess = np.sin(angles / 2) ** 2 - np.sin(noise_radians / 2) ** 2
    half = np.arcsin(np.sqrt((excess / max(np.cos(noise_radians), 1e-9)).clip(0, 1)))
    return np.asarray(2 * half)


def _least_squares(pulls: FloatArray, sigma: float, ridge: float) -> FloatArray:
    """Solve (AᵀWA + ridge·I) S = AᵀWb from its band; ``pulls`` (window, T) are laid out like angles."""
    window, frames = pulls.shape
    if frames == 1:
        return np.zeros(1)
    weight = np.exp(-(np.arange(1, window + 1) ** 2) / (2 * sigma**2))
    inside = np.arange(frames)
    reach = np.concatenate([[0.0], weight.cumsum()])
    band = np.zeros((window + 1, frames))  # band[gap, i] is entry (i + gap, i)
    band[0] = ridge + reach[np.minimum(inside, window)] + reach[np.minimum(inside[::-1], window)]
    band[1:] = -weight[:, None]
    # Pairs pull their later frame up and their earlier one down.  Row gap - 1 is read from `gap` entries
    # further left: rows that are one shorter than they were written.
    early = np.zeros((window, window + frames))
    early[:, window:] = weight[:, None] * pulls
    late = early.ravel()[window - 1 : -1].reshape(window, window + frames - 1)[:, :frames]
    right = late.sum(axis=0) - early[:, window:].sum(axis=0)
    return np.asarray(solveh_banded(band, right, lower=True, check_finite=False))


def _monotone(raw: FloatArray) -> FloatArray:
    """The published post-processing: rises only, by central differences, scaled to [0, 1]."""
    return _climb(np.gradient(raw)) if len(raw) > 1 else np.zeros_like(raw)


def _climb(changes: FloatArray) -> FloatArray:
    climbed = np.cumsum(changes.clip(min=0))
    climbed -= climbed[0]
    if climbed[-1] > 0:
        climbed /= climbed[-1]
    return climbed
