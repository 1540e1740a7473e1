"""The verdict on a triplet: numbers measured on its three clips, and the reasons that speak against it.

It knows nothing of prompts, generators or files: three clips in memory in, one judgement out.

The same clips give the same numbers, whatever the number of threads: sums run in float64 and in a
fixed order, and measures are rounded to six significant digits so that the last bits, in which
processors differ, reach no file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from moments.bleeding import SEAMS, bleeding
from moments.flow_synchrony import (
    Movement,
    PairSynchrony,
    motion_ratio,
    movement,
    pair_synchrony,
    still_alone_frames,
)
from moments.hof import flow_of_luma
from moments.hog import hog_of_luma, luma
from moments.progress import SemanticProgress, semantic_progress
from moments.semantic_moments import combine, moment_vectors
from moments.thresholds import Thresholds

FloatArray = npt.NDArray[np.float64]
Frames = npt.NDArray[np.uint8]
FloatFrames = npt.NDArray[np.float32]

REVISION = 2  # to be raised with every change that alters a measure, a curve or a vector

ROLES = ("reference", "positive", "negative")
CLIP_MEASURES = ("motion", "largest_cut", "darkest_luma", "spf_range_radians", "spf_rms_deviation")
TRIPLET_MEASURES = (
    "synchrony",
    "synchrony_features",
    "synchrony_flow",
    "synchrony_lag_frames",
    "weakest_synchrony",
    "weakest_synchrony_frame",
    "positive_to_reference_motion",
    "still_alone_frames",
    "bleeding",
    "negative_synchrony",
    "motion_difference",
    "first_frame_psnr_db",
    "sm_positive",
    "sm_negative",
    "sm_margin",
    "mean_positive",
    "mean_negative",
    "mean_margin",
)
MEASURES = (*(f"{role}_{name}" for role in ROLES for name in CLIP_MEASURES), *TRIPLET_MEASURES)
"""Names and order of the measures; what each one means is said where the data set declares them."""

TYPICAL_CHANGE_FLOOR = 0.01
"""Change a frame below which a clip has no typical change: one nod in a still clip is not a cut."""
IDENTICAL_PSNR_DB = 100.0
"""Stands for infinity, which JSON cannot say."""


@dataclass(frozen=True)
class Judgement:
    """Numbers, reasons and curves of one triplet; without reasons it is accepted.

    ``measures`` has the keys ``MEASURES`` in that order (empty when nothing could be measured);
    ``progress`` is the normalised semantic progress of each role's clip, T values in [0, 1];
    ``vectors`` its three normalised moments, float64 (3, D).  ``agreement`` is that of reference and
    positive around each frame, T values in [-1, 1]: where it falls the two part.
    """

    measures: dict[str, float]
    reasons: tuple[str, ...]
    progress: dict[str, tuple[float, ...]]
    vectors: dict[str, FloatArray]
    agreement: tuple[float, ...] = ()


@dataclass(frozen=True)
class _Clip:
    """What is measured on one clip by itself."""

    pictures: FloatFrames
    movement: Movement
    vectors: Tensor
    progress: SemanticProgress
    measures: dict[str, float]


def judge(
    reference: Frames, positive: Frames, negative: Frames, fps: float, thresholds: Thresholds
) -> Judgement:
    """Measure a triplet, uint8 (T, H, W, 3) RGB each, T ≥ 8, and say what is wrong with it.

    Reasons, in this order: ``black_frames``, ``static``, ``one_half_static``, ``hard_cut``, ``pacing``,
    ``out_of_sync``, ``bleeding``, ``negative_moves_alike``, ``first_frame_differs``.
    Frames that came as floats and are not finite give ``not_finite`` alone and no measures.

    Raises ``FeatureError`` for clips of another type or shape.
    """
    frames = dict(zip(ROLES, (reference, positive, negative), strict=True))
    if not all(np.isfinite(clip).all() for clip in frames.values() if clip.dtype != np.uint8):
        return Judgement({}, ("not_finite",), {}, {})

    clips = {role: _measured(clip, fps) for role, clip in frames.items()}
    exact = {f"{role}_{name}": value for role in ROLES for name, value in clips[role].measures.items()}
    reference_clip, positive_clip, negative_clip = clips.values()
    alike, apart = (
        pair_synchrony(reference_clip.movement, other.movement, max_lag_frames=thresholds.search_lag_frames)
        for other in (positive_clip, negative_clip)
    )
    exact |= _similarities(clips) | _agreements(alike, apart) | _halves(reference_clip, positive_clip)
    exact["first_frame_psnr_db"] = _psnr_db(reference[0], negative[0])
    measures = {name: _six_digits(exact[name]) for name in MEASURES}
    return Judgement(
        measures=measures,
        reasons=_reasons(measures, clips, thresholds),
        progress={role: tuple(map(_six_digits, clip.progress.progress)) for role, clip in clips.items()},
        vectors={role: clip.vectors.numpy() for role, clip in clips.items()},
        agreement=tuple(map(_six_digits, alike.by_frame)),
    )


def _measured(frames: Frames, fps: float) -> _Clip:
    pictures = luma(frames)
    features = hog_of_luma(pictures).double()
    wide = features.numpy()
    change = np.linalg.norm(np.diff(wide, axis=0), axis=2).mean(axis=1)
    progress = semantic_progress(wide.reshape(len(wide), -1))
    measures = {
        "motion": float(change.mean()) * fps,
        "largest_cut": float(change.max() / max(np.median(change), TYPICAL_CHANGE_FLOOR)),
        "darkest_luma": float(pictures.numpy().mean(axis=(1, 2), dtype=np.float64).min()),
        "spf_range_radians": progress.range_radians,
        "spf_rms_deviation": progress.rms_deviation,
    }
    flow = flow_of_luma(pictures.round().to(torch.uint8).numpy())
    return _Clip(pictures.numpy(), movement(wide, flow), moment_vectors(features), progress, measures)


def _similarities(clips: dict[str, _Clip]) -> dict[str, float]:
    moments = [combine(clips[role].vectors).numpy() for role in ROLES]
    means = [clips[role].vectors[0].numpy() for role in ROLES]
    similarity: dict[str, float] = {}
    for name, (anchor, near, far) in {"sm": moments, "mean": means}.items():
        to_near, to_far = float(np.sum(anchor * near)), float(np.sum(anchor * far))
        similarity |= {
            f"{name}_positive": to_near,
            f"{name}_negative": to_far,
            f"{name}_margin": to_near - to_far,
        }
    return similarity


def _agreements(alike: PairSynchrony, apart: PairSynchrony) -> dict[str, float]:
    return {
        "synchrony": alike.whole.score,
        "synchrony_features": alike.features_score,
        "synchrony_flow": alike.flow_score,
        "synchrony_lag_frames": float(alike.whole.best_lag_frames),
        "weakest_synchrony": float(alike.by_frame.min()),
        "weakest_synchrony_frame": float(alike.by_frame.argmin()),
        "negative_synchrony": apart.whole.score,
        "motion_difference": 1 - apart.whole.best_score,
    }


def _halves(reference: _Clip, positive: _Clip) -> dict[str, float]:
    # Which canvas the two shared is not known here, nor whether they shared one: either seam counts.
    leaks = [bleeding(reference.pictures, positive.pictures, seam) for seam in SEAMS]
    return {
        "positive_to_reference_motion": motion_ratio(reference.movement, positive.movement),
        "still_alone_frames": float(still_alone_frames(reference.movement, positive.movement)),
        "bleeding": max(leaks),
    }


def _reasons(measures: dict[str, float], clips: dict[str, _Clip], limits: Thresholds) -> tuple[str, ...]:
    def of_any_clip(name: str) -> list[float]:
        return [measures[f"{role}_{name}"] for role in ROLES]

    jumps = [
        clip.progress.largest_jump
        for clip in clips.values()
        if clip.progress.interpretable and clip.measures["largest_cut"] <= limits.max_cut
    ]
    ratio = measures["positive_to_reference_motion"]
    uneven = not 1 / limits.max_motion_ratio <= ratio <= limits.max_motion_ratio
    still_alone = measures["still_alone_frames"] > limits.max_still_alone_frames
    late = abs(measures["synchrony_lag_frames"]) > limits.max_lag_frames
    speaks_against = {
        "black_frames": min(of_any_clip("darkest_luma")) < limits.min_luma,
        "static": min(of_any_clip("motion")) < limits.min_motion,
        "one_half_static": uneven or still_alone,
        "hard_cut": max(of_any_clip("largest_cut")) > limits.max_cut,
        "pacing": max(jumps, default=0.0) > limits.max_spf_jump,
        "out_of_sync": late or measures["synchrony"] < limits.min_synchrony,
        "bleeding": measures["bleeding"] > limits.max_bleeding,
        "negative_moves_alike": measures["motion_difference"] < limits.min_motion_difference,
        "first_frame_differs": measures["first_frame_psnr_db"] < limits.min_first_frame_psnr_db,
    }
    return tuple(reason for reason, holds in speaks_against.items() if holds)


def _psnr_db(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> float:
    if first.shape != second.shape:
        return 0.0
    error = float(np.mean(np.square(first.astype(np.float64) - second)))
    return min(10 * math.log10(255**2 / error), IDENTICAL_PSNR_DB) if error > 0 else IDENTICAL_PSNR_DB


def _six_digits(value: float) -> float:
    return float(f"{value:.6g}")
