"""New timing for given frames: from a measured pace to positions, to frames, and measured again.

It knows nothing of files or of Prefect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from data.schema import FloatArray, Frames
from generators.inbetween import InBetweener
from moments.pacing import Pacing, inverse, retimed_positions
from moments.progress import SemanticProgress
from moments.segments import Segment, frame_budgets

Measure = Callable[[Frames], SemanticProgress]
Part = TypeVar("Part", Frames, FloatArray)


@dataclass(frozen=True, eq=False)
class Retimed:
    """``frames`` uint8 (N, H, W, 3), from ``positions`` (N,) of the source, and their measured ``pace``.

    ``budgets`` are the frames of each segment, shared keyframes in both.  ``deviations`` are the RMS
    deviations from the target after each pass; the rest is of the best one.
    """

    frames: Frames
    positions: FloatArray
    pace: SemanticProgress
    budgets: tuple[int, ...]
    deviations: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Timeline:
    """What is known of a video's pace: the ``pace`` of frames that lie at ``positions`` of the source."""

    positions: FloatArray
    pace: SemanticProgress

    def resampled(self, target: Pacing, num_frames: int) -> FloatArray:
        """Positions (num_frames,) in the source that show its change at the target's pace."""
        frames = np.arange(len(self.positions))
        positions: FloatArray = np.interp(
            retimed_positions(self.pace, target, num_frames), frames, self.positions
        )
        return positions

    def durations(self, segments: Sequence[Segment], target: Pacing, num_frames: int) -> list[Segment]:
        """The segments with, in place of their rise, the share of the new duration that each is due.

        For a linear target that is their rise as known here.
        """
        keyframes = [segments[0].start, *(segment.end for segment in segments)]
        shares = np.interp(keyframes, self.positions, self.pace.unsmoothed)
        arrivals = inverse(target(np.linspace(0, 1, num_frames, dtype=np.float64)), shares)
        return [
            replace(segment, rise=float(share))
            for segment, share in zip(segments, np.diff(arrivals), strict=True)
        ]


def retime(
    source: Frames,
    pace: SemanticProgress,
    target: Pacing,
    num_frames: int,
    segments: Sequence[Segment],
    in_betweener: InBetweener,
    measure: Measure,
    passes: int,
) -> Retimed:
    """Play ``source`` (T, H, W, 3), whose ``pace`` is given, at the target's pace in ``num_frames`` frames.

    Without ``segments`` every frame goes where the inverse of the progress puts it: plain resampling.
    With them each is played at one speed, for as long as the target grants its share of the progress;
    neighbours share their keyframe, which is shown once.

    One pass does not suffice, because progress is no length: what lies between two frames is nearer to
    both than its share.  So every pass measures the result and corrects the positions by it, until
    ``passes`` (at least 1) are done or the deviation no longer falls; the best pass is kept.

    Raises ``FeatureError`` where ``num_frames`` are too few for the segments, or not of the number that the
    in-betweener makes.
    """
    timeline = Timeline(np.arange(len(source), dtype=np.float64), pace)
    wanted = target(np.linspace(0, 1, num_frames, dtype=np.float64))
    best: Retimed | None = None
    deviations: list[float] = []
    for _ in range(passes):
        if segments:
            due = timeline.durations(segments, target, num_frames)
            budgets = frame_budgets(due, num_frames, multiple=in_betweener.frame_step)
            parts = [
                np.linspace(segment.start, segment.end, budget, dtype=np.float64)
                for segment, budget in zip(segments, budgets, strict=True)
            ]
        else:
            parts = [timeline.resampled(target, num_frames)]
            budgets = (num_frames,)
        frames = joined([_made(source, part, in_betweener) for part in parts])
        timeline = Timeline(joined(parts), measure(frames))
        deviations.append(rms(timeline.pace.progress - wanted))
        if best is not None and deviations[-1] >= min(deviations[:-1]):
            break
        best = Retimed(frames, timeline.positions, timeline.pace, budgets, ())
    assert best is not None, "at least one pass"
    return replace(best, deviations=tuple(deviations))


def joined(parts: Sequence[Part]) -> Part:
    """Parts one after the other; each but the first without its first item, the last of its neighbour."""
    joint: Part = np.concatenate([parts[0], *(part[1:] for part in parts[1:])])
    return joint


def rms(deviation: FloatArray) -> float:
    return float(np.sqrt(np.mean(np.square(deviation))))


def _made(source: Frames, positions: FloatArray, in_betweener: InBetweener) -> Frames:
    first, last = int(positions[0]), int(np.ceil(positions[-1]))
    return in_betweener.between(source[first : last + 1], positions - first)
