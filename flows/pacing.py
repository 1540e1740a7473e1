"""Clips made again until their meaning changes at the wanted pace: ReTime while generating.

It knows no model: whatever makes clips with bent time goes in, its best ones come out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from data.schema import FloatArray, Frames
from generators.base import Positions
from generators.retime import Pace, Retimed, retime
from generators.wan_config import PacingConfig
from moments.embedder import Embedder
from moments.frame_embeddings import frame_embeddings
from moments.pacing import Pacing, retimed_positions
from moments.progress import SemanticProgress, semantic_progress
from moments.retime import BandStrength, TimeWarp

ClipsT = TypeVar("ClipsT")


def paced(
    generate: Callable[[Positions | None], ClipsT],
    frames_of: Callable[[ClipsT], Sequence[Frames]],
    config: PacingConfig,
    *,
    target: Pacing,
    eyes: Embedder,
    bands: int,
    num_generated: int,
) -> Retimed[ClipsT, TimeWarp]:
    """What ``generate`` makes at the pace nearest to the target, and the deviations of all passes.

    ``generate`` is given temporal positions in ``bands`` for ``num_generated`` frames, or None for a plain
    pass. Clips that are made together share one pace: it is measured on all of ``frames_of`` together, as
    ``eyes`` see them, opened.
    """
    start = TimeWarp(
        correction_frames=np.zeros(num_generated),
        bands=bands,
        strength=BandStrength(config.low, config.high),
        factor=config.factor,
        mapping=config.mapping,
    )
    return retime(
        lambda warp: generate(None if warp is None else warp.positions),
        lambda clips: pace_towards(joint_progress(frames_of(clips), eyes), target, num_generated),
        start,
        config.passes,
    )


def joint_progress(clips: Sequence[Frames], eyes: Embedder) -> SemanticProgress:
    """The progress of clips that belong together: of their frames' vectors side by side."""
    vectors = [frame_embeddings([frames], eyes) for frames in clips]
    units = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in vectors]
    return semantic_progress(np.concatenate(units, axis=1))


def pace_towards(progress: SemanticProgress, target: Pacing, num_generated: int) -> Pace:
    """How far a clip is from ``target``, and where it has come as far as it should, for all frames made.

    Frames that were made and not kept count as in time. A clip whose change cannot be interpreted has no
    pace to mend: its deviation is 0.
    """
    num_frames = len(progress.raw)
    wanted = target(np.linspace(0, 1, num_frames, dtype=np.float64))
    tau: FloatArray = np.arange(num_generated, dtype=np.float64)
    tau[:num_frames] = retimed_positions(progress, target, num_frames)
    deviation = progress.progress - wanted
    rms = float(np.sqrt(np.mean(deviation**2))) if progress.interpretable else 0.0
    return Pace(rms, tau)
