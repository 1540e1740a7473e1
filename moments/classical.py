"""Descriptors that need no weights, as embedders: HOG, HOF and colour histograms run anywhere.

It knows nothing of files or of moments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from moments.colour import colour_histogram
from moments.embedder import EmbedderFacts, Part
from moments.errors import BackboneError, FeatureError
from moments.hog import hog_of_luma, luma

CLASSICAL = ("hog", "hof", "colour")
CHUNK_FRAMES = 8


@dataclass(frozen=True)
class ClassicalEmbedder:
    """An ``Embedder`` of two functions: ``prepared`` wants frames, ``described`` a chunk of their results.

    ``described`` maps (t, …) to (t, P, D) frame by frame: what joins frames belongs into ``prepared``.
    """

    facts: EmbedderFacts
    prepared: Callable[[npt.NDArray[np.uint8]], Tensor]
    described: Callable[[Tensor], Tensor]

    def open(self) -> None:
        """Nothing: there are no weights."""

    def prepare(self, frames: npt.NDArray[np.uint8]) -> Tensor:
        """One clip's frames, uint8 (T, H, W, 3) RGB -> float32 (T, …). Raises ``FeatureError``."""
        return self.prepared(frames)

    def parts(self, clips: Tensor) -> Sequence[Part]:
        """Patch features of prepared clips (B, T, …), in chunks float32 (B, t ≤ 8, P, D) in order of time."""
        if clips.ndim < 3 or clips.numel() == 0:
            raise FeatureError(
                f"prepared clips are {tuple(clips.shape)}; expected (B, T, …): stack results of prepare()"
            )
        return [partial(self._features, chunk) for chunk in torch.split(clips, CHUNK_FRAMES, dim=1)]

    def _features(self, chunk: Tensor) -> Tensor:
        described = self.described(chunk.flatten(0, 1))
        return described.reshape(*chunk.shape[:2], *described.shape[1:])


def build_classical(name: str, num_frames: int | None = None) -> ClassicalEmbedder:
    """The embedder of one of ``CLASSICAL``; it takes every frame unless ``num_frames`` says how many.

    Flow lies between frames, so that ``hof`` gives one row less than it gets frames.  Raises
    ``BackboneError`` for another name.
    """

    def facts(title: str, preprocessing: str) -> EmbedderFacts:
        return EmbedderFacts(name, title, "", num_frames, preprocessing, "fp32", frame_wise=name != "hof")

    match name:
        case "hog":
            return ClassicalEmbedder(facts("HOG", "area-averaged luma 128×128"), luma, hog_of_luma)
        case "hof":
            from moments.hof import hof  # brings OpenCV

            preprocessing = "area-averaged luma 128×128, DIS flow preset medium"
            return ClassicalEmbedder(facts("HOF (DIS flow)", preprocessing), hof, torch.clone)
        case "colour":
            preprocessing = "RGB in 4×4×4 levels"
            return ClassicalEmbedder(facts("Colour histogram", preprocessing), colour_histogram, torch.clone)
        case _:
            raise BackboneError(f"there is no classical descriptor {name!r}: use {', '.join(CLASSICAL)}")
