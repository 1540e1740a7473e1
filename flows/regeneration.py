"""Footage made anew by WAN at another pace: whole, with its time bent, or segment by segment.

Whole, its first and last frame and a prompt are all that is kept of it (ReTime while generating). In
segments, so are the keyframes between them. It knows nothing of files or of Prefect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.schema import Frames
from flows.pacing import paced
from flows.retiming import Measure, Retimed, retime
from generators.base import OnStep, Positions, ignored
from generators.wan import WanVideos
from generators.wan_config import PacingConfig, WanConfig
from generators.wan_model import WanModel
from generators.wan_segments import WanSegments, fitted
from generators.wan_shot import FRAME_STEP, Shot
from moments.embedder import Embedder
from moments.pacing import Pacing
from moments.progress import SemanticProgress
from moments.segments import Segment, nearest_total


@dataclass(frozen=True)
class Regeneration:
    """A WAN checkpoint (hub id or folder), and what the footage shows, in words."""

    model: str
    prompt: str
    seed: int = 0
    steps: int = 40


def regenerate(
    source: Frames,
    pace: SemanticProgress,
    target: Pacing,
    num_frames: int,
    segments: Sequence[Segment],
    asked: Regeneration,
    eyes: Embedder,
    measure: Measure,
    passes: int,
    on_step: OnStep = ignored,
) -> Retimed:
    """``source`` (T, H, W, 3) anew at the target's pace, in the nearest number of frames to ``num_frames``.

    Sides and length are the nearest that the model makes. ``positions`` of the result are empty for footage
    made anew as a whole, of which no frame is the source's.  Raises ``ConfigError`` for a checkpoint that
    cannot be had, ``SampleRejected`` for a clip that failed.
    """
    model = opened(asked)
    frames = fitted(source, model.size_multiple_px)
    if segments:
        total = nearest_total(num_frames, len(segments), multiple=FRAME_STEP)
        maker = WanSegments(model, asked.prompt, asked.seed, on_step)
        return retime(frames, pace, target, total, segments, maker, measure, passes)
    total = nearest_total(num_frames, 1, multiple=FRAME_STEP)

    def generate(positions: Positions | None) -> Frames:
        last = frames[-1] if model.takes_last_frame else None
        return model.frames(Shot(frames[0], asked.prompt, total, asked.seed, last, positions), on_step)

    made = paced(
        generate,
        lambda clip: [clip],
        PacingConfig(passes=passes),
        target=target,
        eyes=eyes,
        bands=model.temporal_bands,
        num_generated=total,
    )
    return Retimed(made.clip, np.empty(0), measure(made.clip), (total,), made.deviations)


def opened(asked: Regeneration) -> WanModel:
    """The model of the checkpoint that was asked for."""
    videos = WanVideos(WanConfig(model=asked.model, steps=asked.steps))
    videos.open()
    return videos.model
