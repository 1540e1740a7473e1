"""Pacing on sequences whose true course is known, after the paper's synthetic tests: found, and mended.

``python -m tests.benchmarks.bench_pacing [NAME[=WEIGHTS] …]``. For every embedder (hog unless others are
named), over three kinds of content and four courses of it, plain and with distracting pixel motion:

1. the largest and the RMS distance of the progress found from the one rendered. The range says how much there
   was to see: below its floor a pace is not interpreted;
2. the RMS distance from an even pace before, and after each way to mend it, on the same frames: as the
   embedder sees it, and in truth, which is the rendered course where the frames were taken. Beside it what
   each way makes of the picture (``moments.fidelity``) and its seconds a sequence.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import get_args

import numpy as np
import torch

from data.schema import FloatArray, Frames
from flows.backbones import Options, embedder, parse_backbone
from flows.retiming import retime, rms
from generators.inbetween import Resampling, SourceFrames
from generators.procedural.paced import PROFILES, Kind, paced_sequence
from moments.embedder import Embedder
from moments.fidelity import fidelity
from moments.frame_embeddings import frame_embeddings
from moments.pacing import PACINGS
from moments.progress import SemanticProgress, semantic_progress
from moments.segments import Segment, segments_by_count, segments_by_penalty

NUM_FRAMES, SIZE_PX = 41, 128
PENALTY, COUNT = 0.02, 4
EVEN: FloatArray = np.linspace(0.0, 1.0, NUM_FRAMES, dtype=np.float64)


@dataclass(frozen=True)
class Method:
    """A way to mend a pace; without segments every frame goes where it is due."""

    title: str
    resampling: Resampling = "motion"
    passes: int = 3
    penalty: float | None = None
    count: int | None = None

    def segments(self, pace: SemanticProgress) -> tuple[Segment, ...]:
        if self.penalty is not None:
            return segments_by_penalty(pace.unsmoothed, self.penalty)
        return segments_by_count(pace.unsmoothed, self.count) if self.count is not None else ()


METHODS = (
    Method("nearest", "nearest"),
    Method("blend", "blend"),
    Method("motion, 1 pass", passes=1),
    Method("motion, 3 passes"),
    Method(f"segments, penalty {PENALTY}", penalty=PENALTY),
    Method(f"segments, {COUNT}", count=COUNT),
)


@dataclass(frozen=True, eq=False)
class Sequence:
    """Rendered frames whose content is as far as ``truth`` (T,) says."""

    kind: Kind
    course: str
    pixels: str
    truth: FloatArray
    frames: Frames


@dataclass(frozen=True)
class Outcome:
    """One sequence as it is, or mended in one way."""

    pixels: str
    course: str
    seen: float
    true: float
    smoothness: float
    steadiness: float
    seconds: float


def sequences() -> Iterator[Sequence]:
    """All contents, courses and distractions."""
    for kind, course, pixels in product(get_args(Kind), PROFILES, ("plain", "distracted")):
        truth = PROFILES[course](EVEN)
        frames = paced_sequence(kind, truth, SIZE_PX, distracted=pixels == "distracted")
        yield Sequence(kind, course, pixels, truth, frames)


def measured(frames: Frames, eyes: Embedder) -> SemanticProgress:
    """The pace of frames as the embedder sees them."""
    return semantic_progress(frame_embeddings([frames], eyes))


def recovery(rendered: list[Sequence], eyes: Embedder) -> None:
    """Print how far the progress found is from the one rendered."""
    print(f"{'content':<10} {'course':<10} {'pixels':<11} {'max':>6} {'rms':>6} {'range, rad':>11}")
    errors: dict[str, list[tuple[float, float]]] = {}
    for own in rendered:
        found = measured(own.frames, eyes)
        error = found.progress - own.truth
        errors.setdefault(own.pixels, []).append((float(np.abs(error).max()), rms(error)))
        most, root = errors[own.pixels][-1]
        print(
            f"{own.kind:<10} {own.course:<10} {own.pixels:<11} {most:6.3f} {root:6.3f} "
            f"{found.range_radians:11.2f}{'' if found.interpretable else '  not interpretable'}"
        )
    for pixels, pairs in errors.items():
        most, root = np.mean(pairs, axis=0)
        print(f"{'mean':<10} {'':<10} {pixels:<11} {most:6.3f} {root:6.3f}")


def mended(own: Sequence, pace: SemanticProgress, method: Method, eyes: Embedder) -> Outcome:
    """A sequence of this measured pace played evenly, as long as before."""
    started = time.perf_counter()
    made = retime(
        own.frames,
        pace,
        PACINGS["linear"],
        NUM_FRAMES,
        method.segments(pace),
        SourceFrames(method.resampling),
        lambda frames: measured(frames, eyes),
        method.passes,
    )
    seconds = time.perf_counter() - started
    positions = np.ceil(made.positions - 0.5) if method.resampling == "nearest" else made.positions
    truth: FloatArray = np.interp(positions, np.arange(NUM_FRAMES), own.truth)
    return _outcome(own, made.frames, made.pace, truth, seconds)


def _outcome(
    own: Sequence, frames: Frames, pace: SemanticProgress, truth: FloatArray, seconds: float
) -> Outcome:
    look = fidelity(frames)
    assert look.motion_smoothness is not None
    return Outcome(
        own.pixels,
        own.course,
        rms(pace.progress - EVEN),
        rms(truth - EVEN),
        look.motion_smoothness,
        look.temporal_steadiness,
        seconds,
    )


def linearity(rendered: list[Sequence], eyes: Embedder) -> None:
    """Print the distance from an even pace before and after each method, means over the contents."""
    print(f"{'RMS distance from even':<34} {'seen':>7} {'true':>7}   of it, by course", end="")
    print(f"{'smooth':>35} {'steady':>7} {'s':>6}\n{'':<50}" + "".join(f"{own:>10}" for own in PROFILES))
    paces = [measured(own.frames, eyes) for own in rendered]
    pairs = list(zip(rendered, paces, strict=True))
    _rows("before", [_outcome(own, own.frames, pace, own.truth, 0.0) for own, pace in pairs])
    for method in METHODS:
        _rows(method.title, [mended(own, pace, method, eyes) for own, pace in pairs])


def _rows(title: str, outcomes: list[Outcome]) -> None:
    for pixels in ("plain", "distracted"):
        mine = [one for one in outcomes if one.pixels == pixels]
        courses = [np.mean([one.true for one in mine if one.course == course]) for course in PROFILES]
        seen, true, smooth, steady, seconds = np.mean(
            [(one.seen, one.true, one.smoothness, one.steadiness, one.seconds) for one in mine], axis=0
        )
        print(
            f"{title:<23} {pixels:<10} {seen:7.4f} {true:7.4f} "
            + "".join(f"{course:10.4f}" for course in courses)
            + f"  {smooth:7.4f} {steady:7.4f} {seconds:6.2f}",
            flush=True,
        )


def main(names: list[str]) -> None:
    """Print both tables for every embedder."""
    torch.set_num_threads(1)
    rendered = list(sequences())
    for name in names:
        eyes = embedder(parse_backbone(name), Options())
        print(f"{eyes.facts.title}, {NUM_FRAMES} frames of {SIZE_PX} px")
        recovery(rendered, eyes)
        print()
        linearity(rendered, eyes)


if __name__ == "__main__":
    main(sys.argv[1:] or ["hog"])
