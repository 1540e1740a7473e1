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


@dataclass(frozen=True)
class SemanticProgress:
    """Progress of one clip of T frames.

    ``raw`` (T,) is the least-squares S, of mean zero, in radians when ``power`` is 1; ``progress``
    (T,) runs from 0 to 1 without falling, or is all zeros where S never rises.  Deviations are those
    of ``progress`` from the straight line.  ``largest_jump`` is the largest share of the total rise
    of S made between two neighbouring frames, and ``largest_jump_frame`` the frame it arrives at
    (ours: it reads S itself, because the published smoothing spreads a jump over two intervals).
    ``interpretable`` says whether ``range_radians`` reaches ``RANGE_FLOOR_RADIANS``.
    """

    raw: FloatArray
    progress: FloatArray
    range_radians: float
    rms_deviation: float
    max_deviation: float
    mean_deviation: float
    largest_jump: float
    largest_jump_frame: int
    interpretable: bool


def semantic_progress(
    embeddings: npt.NDArray[np.floating],
    *,
    window: int = 30,
    sigma: float = 20.0,
    ridge: float = 1e-5,
    power: float = 1.0,
) -> SemanticProgress:
    """Progress of a clip from its frame embeddings (T, d) of any length; defaults are the authors'.

    Pairs of frames at most ``window`` apart count with weight exp(-gap² / (2·sigma²)); ``ridge`` fixes
    the free constant; angles are raised to ``power`` first.  A zero embedding counts as at a right
    angle to every other one.

    Raises ``FeatureError`` when the embeddings are not (T, d) with T ≥ 1, or are not finite.
    """
    embeddings = np.asarray(embeddings)
    if embeddings.ndim != 2 or embeddings.size == 0:
        raise FeatureError(f"embeddings have shape {embeddings.shape}; expected (T, d) with T ≥ 1")
    if not np.isfinite(embeddings).all():
        frame = int(np.flatnonzero(~np.isfinite(embeddings).all(axis=1))[0])
        raise FeatureError(f"embedding of frame {frame} is not finite: the backbone failed on this clip")
    if window < 1 or not sigma > 0 or not ridge > 0:
        raise FeatureError(f"window {window}, sigma {sigma} and ridge {ridge} must all be positive")

    raw = _least_squares(_unit(embeddings), window, sigma, ridge, power)
    progress = _monotone(raw)
    deviation = np.abs(progress - np.linspace(0, 1, len(progress)))
    rise = np.diff(raw, prepend=raw[0]).clip(min=0)
    total_rise = float(rise.sum())
    range_radians = float(np.ptp(raw))
    return SemanticProgress(
        raw=raw,
        progress=progress,
        range_radians=range_radians,
        rms_deviation=float(np.sqrt(np.mean(deviation**2))),
        max_deviation=float(deviation.max()),
        mean_deviation=float(deviation.mean()),
        largest_jump=float(rise.max()) / total_rise if total_rise > 0 else 0.0,
        largest_jump_frame=int(rise.argmax()),
        interpretable=range_radians >= RANGE_FLOOR_RADIANS,
    )


def _unit(embeddings: npt.NDArray[np.floating]) -> FloatArray:
    wide = embeddings.astype(np.float64)
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    unit: FloatArray = np.divide(wide, length, out=np.zeros_like(wide), where=length > 0)
    return unit


def _angles(unit: FloatArray, gap: int) -> FloatArray:
    """Angle of every pair of frames ``gap`` apart, (T - gap,), exact also where the angle is tiny.

    The arccosine of a dot product near 1 would lose half of the digits.
    """
    early, late = unit[:-gap], unit[gap:]
    angle: FloatArray = 2 * np.arctan2(
        np.linalg.norm(late - early, axis=1), np.linalg.norm(late + early, axis=1)
    )
    return angle


def _least_squares(unit: FloatArray, window: int, sigma: float, ridge: float, power: float) -> FloatArray:
    """Solve (AᵀWA + ridge·I) S = AᵀWb with the band of the left side summed up gap by gap."""
    frames = len(unit)
    band = np.zeros((min(window, frames - 1) + 1, frames))  # band[gap, i] is entry (i + gap, i)
    band[0] = ridge
    right = np.zeros(frames)
    for gap in range(1, len(band)):
        weight = np.exp(-(gap**2) / (2 * sigma**2))
        band[gap, :-gap] = -weight
        band[0, :-gap] += weight
        band[0, gap:] += weight
        pull = weight * _angles(unit, gap) ** power
        right[gap:] += pull
        right[:-gap] -= pull
    solution: FloatArray = solveh_banded(band, right, lower=True)
    return solution


def _monotone(raw: FloatArray) -> FloatArray:
    """The published post-processing: rises only, by central differences, scaled to [0, 1]."""
    if len(raw) < 2:
        return np.zeros_like(raw)
    climbed = np.cumsum(np.gradient(raw).clip(min=0))
    climbed -= climbed[0]
    if climbed[-1] > 0:
        climbed /= climbed[-1]
    return climbed
