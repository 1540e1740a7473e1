"""The pace of one or several videos as a PNG: curves over seconds, an even pace, jumps, and pictures.

It knows nothing of how a pace is measured.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from data.disk import write_atomically
from data.schema import FloatArray
from flows.filmstrip import Picture
from flows.pace_report import (
    TOO_LITTLE_CHANGE,
    VideoPace,
    backbone_text,
    is_semantic,
    jump_text,
    short_names,
    shortened,
)
from moments.progress import RANGE_FLOOR_RADIANS

PICTURES = 8
"""Pictures along the time axis of a single video."""

_DPI = 140
# Inches.
_WIDTH, _LEFT, _RIGHT = 10.0, 0.75, 0.3
_HEAD, _CURVES, _AXIS, _FOOT, _ENTRY = 0.8, 3.5, 0.6, 0.15, 0.215
_LOWEST_STRIP, _HIGHEST_STRIP = 0.4, 1.6
# Characters that fit.
_TITLE, _LEGEND = 80, 60

# Told apart also by readers who are blind to red and green (Okabe and Ito); then by the line's pattern.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_PATTERNS = ("solid", "dashdot", "dotted")
_EVEN, _FAINT, _JUMP = "0.6", "0.35", "#d55e00"


def write_plot(videos: Sequence[VideoPace], path: Path) -> None:
    """One video with pictures below its curve, or several overlaid with a legend.

    Raises ``ConfigError`` when the disk refuses.
    """
    figure = _single(videos[0]) if len(videos) == 1 else _overlay(videos)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    write_atomically(path, buffer.getvalue())


def _single(video: VideoPace) -> Figure:
    strip_inches = _strip_inches(video.pictures)
    figure, axes = _canvas([video], below=strip_inches)
    measured = video.progress
    facts = f"{video.duration_seconds:.2f} s at {video.fps:.4g} fps · change {measured.range_radians:.3f} rad"
    if measured.interpretable:
        seconds = _seconds(video)
        _even_pace(axes, seconds)
        axes.plot(seconds, measured.progress, color=_COLOURS[0], linewidth=2)
        _jump(axes, video)
        facts += f" · deviation RMS {measured.rms_deviation:.3f}, max {measured.max_deviation:.3f}"
    else:
        _refuse(axes)
    _head(figure, shortened(video.path.name, _TITLE), f"{facts} · {backbone_text(video.backbone)}")
    _strip(figure, axes, video.pictures, strip_inches)
    return figure


def _overlay(videos: Sequence[VideoPace]) -> Figure:
    figure, axes = _canvas(videos, below=_ENTRY * len(videos))
    names = short_names([video.path for video in videos], _LEGEND)
    for index, (video, name) in enumerate(zip(videos, names, strict=True)):
        measured = video.progress
        if not measured.interpretable:
            axes.plot([], [], color="0.85", label=f"{TOO_LITTLE_CHANGE} · {name}")
            continue
        seconds, colour = _seconds(video), _COLOURS[index % len(_COLOURS)]
        pattern = _PATTERNS[index // len(_COLOURS) % len(_PATTERNS)]
        figures = f"RMS {measured.rms_deviation:.3f} · change {measured.range_radians:.2f} rad"
        label = f"{figures} · jump {jump_text(video)} · {name}"
        _even_pace(axes, seconds)
        axes.plot(seconds, measured.progress, color=colour, linestyle=pattern, linewidth=1.8, label=label)
        arrives = measured.progress[measured.largest_jump_frame]
        axes.plot(video.jump_seconds, arrives, "o", color=colour, markeredgecolor="white", markersize=8)
    if not any(video.progress.interpretable for video in videos):
        _refuse(axes)
    explained = f"dashed: an even pace · dots: the largest jump · {backbone_text(videos[0].backbone)}"
    _head(figure, f"Pace of {len(videos)} videos", explained)
    left, bottom, _, _ = _box(figure, bottom=_FOOT, inches=0)
    legend = figure.legend(
        loc="lower left",
        bbox_to_anchor=(left, bottom),
        borderaxespad=0,
        borderpad=0,
        frameon=False,
        fontsize=9,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    return figure


def _canvas(videos: Sequence[VideoPace], below: float) -> tuple[Figure, Axes]:
    """A figure with so many inches below the time axis, and the axes of the curves."""
    height = _HEAD + _CURVES + _AXIS + below + _FOOT
    figure = Figure((_WIDTH, height))
    FigureCanvasAgg(figure)  # of its own: pyplot's state belongs to one thread
    axes = figure.add_axes(_box(figure, bottom=_FOOT + below + _AXIS, inches=_CURVES))
    axes.set_xlim(0, max(max(_seconds(video)[-1], 1 / video.fps) for video in videos))
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("time in seconds")
    what = "semantic progress" if is_semantic(videos[0].backbone) else "progress, not semantic"
    axes.set_ylabel(f"{what} (share of all change)")
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _box(figure: Figure, bottom: float, inches: float) -> tuple[float, float, float, float]:
    """From margin to margin, so high: in shares of the figure."""
    width, height = figure.get_size_inches()
    return _LEFT / width, bottom / height, 1 - (_LEFT + _RIGHT) / width, inches / height


def _seconds(video: VideoPace) -> FloatArray:
    return np.arange(video.num_frames, dtype=np.float64) / video.fps


def _head(figure: Figure, title: str, facts: str) -> None:
    width, height = figure.get_size_inches()
    for text, down, size, colour in ((title, 0.36, 13, "black"), (facts, 0.62, 9.5, _FAINT)):
        # A file's name may hold dollars, which would else begin a formula.
        figure.text(_LEFT / width, 1 - down / height, text, fontsize=size, color=colour, parse_math=False)


def _even_pace(axes: Axes, seconds: FloatArray) -> None:
    axes.plot(seconds[[0, -1]], [0, 1], color=_EVEN, linestyle="dashed", linewidth=1)


def _jump(axes: Axes, video: VideoPace) -> None:
    """A line at the largest jump; its size beside it where there is room in time, away from the curve."""
    frame, at = video.progress.largest_jump_frame, video.jump_seconds
    right = at < axes.get_xlim()[1] / 2
    top = video.progress.progress[frame if right else frame - 1] < 0.5
    axes.axvline(at, color=_JUMP, linewidth=1)
    axes.annotate(
        f"largest jump {jump_text(video)}",
        (at, 1 if top else 0),
        (6 if right else -6, 0),
        textcoords="offset points",
        color=_JUMP,
        ha="left" if right else "right",
        va="top" if top else "bottom",
    )


def _refuse(axes: Axes) -> None:
    text = f"{TOO_LITTLE_CHANGE.capitalize()}\n(at least {RANGE_FLOOR_RADIANS:g} rad are needed)"
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", fontsize=13, color=_FAINT)
    axes.set_yticks([])


def _strip_inches(pictures: Sequence[Picture]) -> float:
    """As high as pictures of full width are, within limits."""
    height, width, _ = pictures[0].pixels.shape
    part = (_WIDTH - _LEFT - _RIGHT) / len(pictures)
    return min(max(part * height / width, _LOWEST_STRIP), _HIGHEST_STRIP)


def _strip(figure: Figure, axes: Axes, pictures: Sequence[Picture], inches: float) -> None:
    """Pictures below the time axis, each in the middle of the part of time it stands for."""
    strip = figure.add_axes(_box(figure, bottom=_FOOT, inches=inches))
    strip.set_axis_off()
    part = (_WIDTH - _LEFT - _RIGHT) / len(pictures)
    for index, picture in enumerate(pictures):
        height, width, _ = picture.pixels.shape
        shown = min(1.0, inches * width / height / part) * 0.97
        middle = index + 0.5
        strip.imshow(picture.pixels, extent=(middle - shown / 2, middle + shown / 2, 0, 1), aspect="auto")
    strip.set_xlim(0, len(pictures))
    strip.set_ylim(0, 1)
