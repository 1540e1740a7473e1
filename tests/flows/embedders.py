"""An embedder that computes next to nothing and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from moments.embedder import EmbedderFacts, Part
from moments.errors import BackboneError, FeatureError

FACTS = EmbedderFacts("quarters", "Quarters", "", None, "mean colour of each quarter", "fp32")


@dataclass
class Quarters:
    """The mean colour of each quarter of a picture: P = 4, D = 3.

    ``breaks_at`` is the clip at which the device fails, counted from 0; clips of ``bad_frames`` frames give
    features that are not finite.
    """

    facts: EmbedderFacts = FACTS
    breaks_at: int | None = None
    bad_frames: int | None = None
    opened: int = 0
    forwards: int = 0
    lengths: list[int] = field(default_factory=list)

    def open(self) -> None:
        self.opened += 1

    def prepare(self, frames: npt.NDArray[np.uint8]) -> Tensor:
        return torch.from_numpy(frames.copy())

    def parts(self, clips: Tensor) -> Sequence[Part]:
        return [partial(self._features, clips)]

    def _features(self, clips: Tensor) -> Tensor:
        if self.forwards == self.breaks_at:
            raise BackboneError("the device fell off the bus")
        self.forwards += 1
        self.lengths.append(clips.shape[1])
        if clips.shape[1] == self.bad_frames:
            raise FeatureError("features are not finite")
        batch, frames, height, width, channels = clips.shape
        quarters = clips.float().reshape(batch, frames, 2, height // 2, 2, width // 2, channels)
        return quarters.mean((3, 5)).reshape(batch, frames, 4, channels)


class Tally:
    """A progress that adds up."""

    def __init__(self) -> None:
        self.expected: dict[str, int] = {}
        self.done: dict[str, int] = {}

    def expect(self, stage: str, pieces: int) -> None:
        self.expected[stage] = self.expected.get(stage, 0) + pieces

    def advance(self, stage: str) -> None:
        self.done[stage] = self.done.get(stage, 0) + 1
