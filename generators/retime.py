"""Makes a clip again and again until its meaning changes at an even pace.

It knows no model, no measure of pacing and no warp: it calls what makes, what measures and what refines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt

ClipT = TypeVar("ClipT")

PASSES = 3
"""Regenerations in the authors' workflow."""


class Warp(Protocol):
    """How time is bent for one generation."""

    def refined(self, tau_frames: npt.NDArray[np.float64]) -> Self: ...


WarpT = TypeVar("WarpT", bound=Warp)


@dataclass(frozen=True, eq=False)
class Pace:
    """What was measured of one clip of F frames.

    ``deviation`` is how far its progress is from the wanted pacing, any unit, lower is better;
    ``tau_frames`` (F,) is the frame at which the clip has come as far as it should at each frame.
    """

    deviation: float
    tau_frames: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Retimed(Generic[ClipT, WarpT]):
    """The clip of the lowest deviation, and what every pass measured.

    ``deviations`` begins with the plain clip; ``best`` is the index of ``clip`` in it, 0 where no pass was
    better. ``warp`` made ``clip``, None for the plain one. ``stopped_early`` is true when a pass did not
    lower the deviation and no further one was made.
    """

    clip: ClipT
    warp: WarpT | None
    deviations: tuple[float, ...]
    best: int
    stopped_early: bool


def retime(
    generate: Callable[[WarpT | None], ClipT],
    measure: Callable[[ClipT], Pace],
    start: WarpT,
    passes: int = PASSES,
) -> Retimed[ClipT, WarpT]:
    """Generate plainly, then up to ``passes`` times with the warp that the last clip's pace asks for.

    ``generate`` makes the clip with a warp, or plainly for None; it must use the same seed, prompt and end
    frames each time. ``start`` is a warp without corrections, refined before each pass. A pass whose
    deviation is not below the one before ends the work. A clip already even (deviation 0) is left alone.
    """
    if passes < 0:
        raise ValueError(f"{passes} passes: expected 0 (plain) or more")
    clip = generate(None)
    pace = measure(clip)
    deviations = [pace.deviation]
    best, best_warp, warp = clip, None, start
    for _ in range(passes):
        if pace.deviation == 0:
            break
        warp = warp.refined(pace.tau_frames)
        clip = generate(warp)
        pace = measure(clip)
        deviations.append(pace.deviation)
        if not deviations[-1] < deviations[-2]:
            return Retimed(best, best_warp, tuple(deviations), len(deviations) - 2, stopped_early=True)
        best, best_warp = clip, warp
    return Retimed(best, best_warp, tuple(deviations), len(deviations) - 1, stopped_early=False)
