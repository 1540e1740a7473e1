"""What re-timing a video did, in figures: for a terminal, as JSON, and as a plot of before and after.

It knows nothing of how it was done.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from data.disk import disk_errors, write_atomically
from data.schema import FloatArray
from flows.pace_report import NOT_SEMANTIC
from moments.fidelity import Fidelity
from moments.progress import SemanticProgress

FIDELITY_WORDS = (
    "smoothness: how well each frame lies between its neighbours in motion; steadiness: how little a frame "
    "differs from the last; both 1 at best, to be compared before and after"
)

_INCHES, _DPI = (9.0, 4.0), 120


@dataclass(frozen=True)
class Pace:
    """One file as measured.  Deviations are those of its progress from the target, not from the line."""

    num_frames: int
    fps: float
    range_radians: float
    rms_deviation: float
    max_deviation: float
    mean_deviation: float
    largest_jump: float
    largest_jump_frame: int
    fidelity: Fidelity
    progress: tuple[float, ...]

    @property
    def seconds(self) -> float:
        return self.num_frames / self.fps


@dataclass(frozen=True)
class RetimeReport:
    """``keyframes`` and ``budgets`` are empty for plain resampling; ``budgets`` count shared keyframes twice.

    ``positions`` are where in the source each frame of the result was taken; ``pass_deviations`` the RMS
    deviations of each pass before encoding; ``target_progress`` what was wanted at each frame of the
    result.  ``semantic`` is false of descriptors without weights.
    """

    source: str
    result: str
    backbone: str
    semantic: bool
    target: str
    resampling: str
    keyframes: tuple[int, ...]
    budgets: tuple[int, ...]
    positions: tuple[float, ...]
    pass_deviations: tuple[float, ...]
    target_progress: tuple[float, ...]
    sound: str
    before: Pace
    after: Pace


def paced(measured: SemanticProgress, wanted: FloatArray, fps: float, fidelity: Fidelity) -> Pace:
    """The figures of a file of T frames; ``wanted`` (T,) is the target's progress at each."""
    deviation = np.abs(measured.progress - wanted)
    return Pace(
        num_frames=len(wanted),
        fps=fps,
        range_radians=measured.range_radians,
        rms_deviation=float(np.sqrt(np.mean(deviation**2))),
        max_deviation=float(deviation.max()),
        mean_deviation=float(deviation.mean()),
        largest_jump=measured.largest_jump,
        largest_jump_frame=measured.largest_jump_frame,
        fidelity=fidelity,
        progress=tuple(measured.progress.tolist()),
    )


def terminal_lines(report: RetimeReport) -> Iterator[str]:
    """One line for each figure, before and after."""
    before, after = report.before, report.after
    eyes = report.backbone if report.semantic else f"{report.backbone} ({NOT_SEMANTIC})"
    how = f"{len(report.budgets)} segments" if report.budgets else "resampled"
    yield f"{report.result}: {how}, {report.resampling}, to {report.target}, as seen by {eyes}"
    yield f"{'':<16}{'before':>10}{'after':>10}"
    for title, one, other, form in (
        ("RMS deviation", before.rms_deviation, after.rms_deviation, ".4f"),
        ("max deviation", before.max_deviation, after.max_deviation, ".4f"),
        ("largest jump", before.largest_jump, after.largest_jump, ".3f"),
        ("range, rad", before.range_radians, after.range_radians, ".3f"),
        ("smoothness", before.fidelity.motion_smoothness, after.fidelity.motion_smoothness, ".4f"),
        ("steadiness", before.fidelity.temporal_steadiness, after.fidelity.temporal_steadiness, ".4f"),
        ("frames", before.num_frames, after.num_frames, "d"),
        ("seconds", before.seconds, after.seconds, ".2f"),
        ("fps", before.fps, after.fps, "g"),
    ):
        yield f"{title:<16}" + "".join("–".rjust(10) if x is None else f"{x:>10{form}}" for x in (one, other))
    yield FIDELITY_WORDS
    yield f"sound: {report.sound}"


def write_json(report: RetimeReport, path: Path) -> None:
    """Every figure and curve. Raises ``ConfigError`` when the disk refuses."""
    write_atomically(path, (json.dumps(asdict(report), indent=1) + "\n").encode())


def write_plot(report: RetimeReport, path: Path) -> None:
    """Write the curves before and after with the target as a PNG.

    Raises ``ConfigError`` when the disk refuses.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(_INCHES, _DPI, layout="constrained")
    FigureCanvasAgg(figure)  # of its own: no state of pyplot is touched
    panels = figure.subplots(1, 2, sharey=True)
    target = report.target_progress
    for panel, title, pace in zip(panels, ("before", "after"), (report.before, report.after), strict=True):
        seconds = np.arange(pace.num_frames) / pace.fps
        panel.plot(np.linspace(0, seconds[-1], len(target)), target, color="0.6", linestyle="--")
        panel.plot(seconds, pace.progress, color="C0")
        panel.set_title(f"{title}: RMS {pace.rms_deviation:.4f}, range {pace.range_radians:.2f} rad")
        panel.set_xlabel("seconds")
    for keyframe in report.keyframes:
        panels[0].axvline(keyframe / report.before.fps, color="C1", linewidth=0.8)
    panels[0].set_ylabel("progress")
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="png")
