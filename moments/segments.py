"""Segments of near-constant pace in a progress curve, and how many frames each of them is due.

It knows nothing of pictures and of models; a model is known by the frame counts that it accepts.

Segmented least squares after arXiv 2604.22554: a line is fitted to every segment, and dynamic
programming finds the cuts.  Ours are that neighbours share the frame between them, so that no step of
the clip falls out, and that an exact number of segments is exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from moments.errors import FeatureError

FloatArray = npt.NDArray[np.float64]

PENALTY = 0.02
"""Squared error that one more segment must save; the authors' value, for progress in 0 … 1."""


@dataclass(frozen=True)
class Segment:
    """Frames ``start`` … ``end``, both of them keyframes and ``end`` the next segment's ``start``.

    ``rise`` is the progress made between the two; ``squared_error`` that of the best line.
    """

    start: int
    end: int
    rise: float
    squared_error: float


def segments_by_penalty(progress: npt.NDArray[np.floating], penalty: float = PENALTY) -> tuple[Segment, ...]:
    """The segments of a curve (T,) with the least sum of squared errors + ``penalty`` for each.

    T² operations, T numbers kept.  Raises ``FeatureError`` for fewer than two frames, values that are not
    finite, or a penalty that is not positive.
    """
    points = _curve(progress)
    if not penalty > 0:
        raise FeatureError(f"penalty is {penalty}; expected a positive number")
    best = np.zeros(len(points))
    start = np.zeros(len(points), dtype=np.int64)
    for end, errors in _errors_by_end(points):
        sums = best[:end] + errors + penalty
        start[end] = sums.argmin()
        best[end] = sums[start[end]]
    cuts = [len(points) - 1]
    while cuts[-1] > 0:
        cuts.append(int(start[cuts[-1]]))
    return _between(points, cuts[::-1])


def segments_by_count(progress: npt.NDArray[np.floating], count: int) -> tuple[Segment, ...]:
    """Exactly ``count`` segments of a curve (T,) with the least sum of squared errors.

    count·T² operations, count·T numbers kept.  Raises ``FeatureError`` for fewer than two frames, values
    that are not finite, or a count that is not 1 … T-1.
    """
    points = _curve(progress)
    if not 1 <= count < len(points):
        raise FeatureError(
            f"{count} segments are asked for; {len(points)} frames have 1 to {len(points) - 1}"
        )
    best = np.full((count + 1, len(points)), np.inf)  # best[k, end] of k segments that end there
    best[0, 0] = 0
    start = np.zeros((count + 1, len(points)), dtype=np.int64)
    for end, errors in _errors_by_end(points):
        sums = best[:-1, :end] + errors
        start[1:, end] = sums.argmin(axis=1)
        best[1:, end] = sums.min(axis=1)
    cuts = [len(points) - 1]
    for number in range(count, 0, -1):
        cuts.append(int(start[number, cuts[-1]]))
    return _between(points, cuts[::-1])


def frame_budgets(
    segments: Sequence[Segment], total_frames: int, *, multiple: int = 1, plus: int = 1, minimum: int = 2
) -> tuple[int, ...]:
    """Frames of each segment, its two keyframes among them, in proportion to its rise.

    Every number is ``multiple``·m + ``plus`` for a whole m and at least ``minimum``.  Joined with every
    shared keyframe once, the segments have ``total_frames``.  Of all such numbers these have the least
    sum of squared distances to the exact shares, so that a pause, which rises by nothing, gets the
    minimum, as does a fall.  Where none of them rises they share by their own durations.

    Raises ``FeatureError`` when the total cannot be met (see ``nearest_total``), or when it is too small to
    give every segment its minimum.
    """
    fewest = _fewest(multiple, plus, minimum)
    spare, rest = divmod(total_frames - 1 - len(segments) * (plus - 1), multiple)
    if not segments or rest:
        nearest = nearest_total(total_frames, len(segments), multiple=multiple, plus=plus, minimum=minimum)
        raise FeatureError(
            f"{len(segments)} segments of {multiple}·m + {plus} frames never make {total_frames}; "
            f"the nearest total is {nearest}"
        )
    if spare < fewest * len(segments):
        raise FeatureError(
            f"{total_frames} frames leave a segment shorter than the minimum: {len(segments)} segments of "
            f"at least {multiple * fewest + plus} need "
            f"{nearest_total(0, len(segments), multiple=multiple, plus=plus, minimum=minimum)}; "
            "take fewer segments or more frames"
        )
    shares = np.array([segment.rise for segment in segments]).clip(min=0)
    if not shares.sum() > 0:
        shares = np.array([segment.end - segment.start for segment in segments], dtype=np.float64)
    due = shares / shares.sum() * (total_frames - 1) / multiple  # less what `plus` gives to all alike
    units = np.full(len(segments), fewest)
    for _ in range(spare - int(units.sum())):
        units[np.argmax(due - units)] += 1
    return tuple(int(multiple * number + plus) for number in units)


def nearest_total(
    total_frames: int, num_segments: int, *, multiple: int = 1, plus: int = 1, minimum: int = 2
) -> int:
    """The frame count nearest to ``total_frames`` that ``frame_budgets`` can meet; of two, the smaller."""
    if num_segments < 1:
        raise FeatureError(f"{num_segments} segments came; expected at least 1")
    joined = 1 + num_segments * (plus - 1)
    units = -((joined + multiple / 2 - total_frames) // multiple)
    return joined + multiple * max(int(units), num_segments * _fewest(multiple, plus, minimum))


def _fewest(multiple: int, plus: int, minimum: int) -> int:
    """The smallest m with multiple·m + plus ≥ minimum, and ≥ 2: a segment has two keyframes."""
    if multiple < 1 or plus < 0:
        raise FeatureError(f"a model of {multiple}·m + {plus} frames; expected multiple ≥ 1 and plus ≥ 0")
    return max(-((plus - max(minimum, 2)) // multiple), 0)


def _curve(progress: npt.NDArray[np.floating]) -> FloatArray:
    points = np.asarray(progress, dtype=np.float64)
    if points.ndim != 1 or len(points) < 2:
        raise FeatureError(f"progress has shape {points.shape}; expected (T,) with T ≥ 2")
    if not np.isfinite(points).all():
        raise FeatureError(f"progress of frame {int(np.argmin(np.isfinite(points)))} is not finite")
    return points


def _errors_by_end(points: FloatArray) -> Iterator[tuple[int, FloatArray]]:
    """For every end, the squared errors (end,) of the best lines through start … end, by start.

    Sums run backwards from the end and are measured from it, so that short segments at the far end of
    a long clip lose no digits.
    """
    steps = np.arange(len(points), dtype=np.float64)
    number = steps + 1
    spread = number * (number**2 - 1) / 12  # of 0 … steps around their mean
    for end in range(1, len(points)):
        height = points[end::-1] - points[end]
        count, back = number[1 : end + 1], steps[: end + 1]
        total = np.cumsum(height)[1:]
        square = np.cumsum(height**2)[1:] - total**2 / count
        slant = np.cumsum(back * height)[1:] - total * (count - 1) / 2
        errors = (square - slant**2 / spread[1 : end + 1]).clip(min=0)
        yield end, errors[::-1]


def _between(points: FloatArray, cuts: Sequence[int]) -> tuple[Segment, ...]:
    return tuple(
        Segment(start, end, float(points[end] - points[start]), _line_error(points[start : end + 1]))
        for start, end in pairwise(cuts)
    )


def _line_error(points: FloatArray) -> float:
    steps = np.arange(len(points)) - (len(points) - 1) / 2
    height = points - points.mean()
    return float(np.sum((height - steps * (steps @ height) / (steps @ steps)) ** 2))
