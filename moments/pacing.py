"""Target pacings and the inverse of a progress curve: which moment of a clip to show at every frame.

It knows nothing of pictures and of models: it answers with fractional frame numbers.

A pacing says how much of a clip's change lies behind at every share of its duration: both run from
0 to 1 and neither falls.  Shapes and their constant are those of the authors' code (arXiv 2604.22554).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from moments.errors import FeatureError
from moments.progress import SemanticProgress

FloatArray = npt.NDArray[np.float64]
Pacing = Callable[[FloatArray], FloatArray]
"""Shares of the duration, 0 … 1, to shares of the change, 0 … 1; arrays of one shape."""

STEEPNESS = 3.0
"""Exponent of the exponential pacings: the fast end is e³ ≈ 20 times as fast as the slow one."""

_ROUNDING = 1e-9
"""A formula may miss 0, 1 or its last value by this much and is put right."""
_SLOPE = 1e-9
"""Share of the straight line in a curve before it is inverted; far above what rounding can tilt."""


def linear(time: FloatArray) -> FloatArray:
    """The same change in every frame."""
    return np.asarray(time, dtype=np.float64)


def exp_up(time: FloatArray) -> FloatArray:
    """Slow at first, ever faster."""
    return np.asarray(np.expm1(STEEPNESS * time) / np.expm1(STEEPNESS))


def exp_down(time: FloatArray) -> FloatArray:
    """Fast at first, ever slower: ``exp_up`` backwards."""
    return 1 - exp_up(1 - time)


def sinusoidal(time: FloatArray) -> FloatArray:
    """Fast at both ends, at rest in the middle."""
    return np.asarray(time + np.sin(2 * np.pi * time) / (2 * np.pi))


PACINGS: dict[str, Pacing] = {
    "linear": linear,
    "exp_up": exp_up,
    "exp_down": exp_down,
    "sinusoidal": sinusoidal,
}
"""The pacings that have names."""


def curve(progress: Sequence[float], times: Sequence[float] | None = None) -> Pacing:
    """The pacing through these points, straight between them.

    ``progress`` runs from 0 to 1 and never falls; ``times``, in any unit, rise from point to point and
    are scaled to 0 … 1.  Without them the points lie at equal distances.  Raises ``FeatureError`` for
    anything else, with the point.
    """
    shares = _points("progress", progress)
    moments = _points("times", range(len(shares)) if times is None else times)
    if len(moments) != len(shares):
        raise FeatureError(f"{len(moments)} times came with {len(shares)} values of progress")
    _demand("progress falls", np.diff(shares, prepend=0) >= 0, shares)
    _demand("times do not rise", np.diff(moments, prepend=-np.inf) > 0, moments)
    if shares[0] != 0 or shares[-1] != 1:
        raise FeatureError(f"progress runs from {shares[0]:g} to {shares[-1]:g}; expected from 0 to 1")
    moments = (moments - moments[0]) / (moments[-1] - moments[0])

    def through_points(time: FloatArray) -> FloatArray:
        return np.asarray(np.interp(time, moments, shares))

    return through_points


def retimed_positions(progress: SemanticProgress, target: Pacing, num_frames: int) -> FloatArray:
    """Which fractional frames (num_frames,) of the clip, 0 … T-1, show its change at the target's pace.

    A clip whose range cannot be interpreted keeps its own time: equal steps from 0 to T-1, whatever
    the target.  The curve that is inverted is ``unsmoothed``; the authors invert ``progress``, which
    starts a jump one frame early (``inverse`` does that as well).

    Raises ``FeatureError`` when ``num_frames`` is below 1, or when the target leaves 0 … 1 or falls.
    """
    if num_frames < 1:
        raise FeatureError(f"{num_frames} frames are asked for; expected at least 1")
    time = np.linspace(0, 1, num_frames, dtype=np.float64)
    if not progress.interpretable:
        return np.asarray(time * (len(progress.raw) - 1))
    return inverse(progress.unsmoothed, target(time))


def inverse(progress: npt.NDArray[np.floating], shares: npt.NDArray[np.floating]) -> FloatArray:
    """Fractional frames, 0 … T-1, at which a curve (T,) that runs from 0 to 1 reaches these shares.

    Where the curve is flat, a whole stretch of frames has the share.  A billionth of the straight line
    is added, so that the answer is that frame of the stretch which is nearest to the share of the
    duration: what time would show if nothing were re-timed.  So 0 is always the first frame and 1 the
    last, no answer lies before an earlier one, and a clip backwards is answered backwards.

    Raises ``FeatureError`` when the curve does not run from 0 to 1 or falls, and when the shares leave
    0 … 1 or fall.
    """
    levels = _points("progress", progress)
    _demand("progress falls", np.diff(levels, prepend=0) >= -_ROUNDING, levels)
    if abs(levels[0]) > _ROUNDING or abs(levels[-1] - 1) > _ROUNDING:
        raise FeatureError(f"progress runs from {levels[0]:g} to {levels[-1]:g}; expected from 0 to 1")
    wanted: FloatArray = np.asarray(shares, dtype=np.float64)
    _demand("the target leaves 0 … 1", np.abs(wanted - 0.5) <= 0.5 + _ROUNDING, wanted)
    _demand("the target falls", np.diff(wanted, prepend=0) >= -_ROUNDING, wanted)

    reached = np.maximum.accumulate(wanted.clip(0, 1))
    levels = np.maximum.accumulate(levels.clip(0, 1))
    sloped = (1 - _SLOPE) * levels + _SLOPE * np.linspace(0, 1, len(levels))
    return np.asarray(np.interp(reached, sloped, np.arange(len(levels))))


def _points(name: str, values: Sequence[float] | npt.NDArray[np.floating]) -> FloatArray:
    points = np.asarray(values, dtype=np.float64)
    if points.ndim != 1 or len(points) < 2:
        raise FeatureError(f"{name} has shape {points.shape}; expected at least two numbers in a row")
    _demand(f"{name} is not finite", np.isfinite(points), points)
    return points


def _demand(complaint: str, holds: npt.NDArray[np.bool_], points: FloatArray) -> None:
    if not holds.all():
        index = int(np.argmin(holds))
        raise FeatureError(f"{complaint} at point {index + 1} of {len(points)}, which is {points[index]:g}")
