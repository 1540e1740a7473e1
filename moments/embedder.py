"""The contract between a backbone and everything that uses features: clips in, patch features out.

It knows nothing of files, of moments, or of any single backbone.

Letters: B clips, T frames of a clip, t frames of one chunk, P patches, D feature channels.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor

Precision = Literal["fp32", "bf16"]

Part = Callable[[], Tensor]
"""A part of the work on stacked clips: called once, it gives the features of its frames."""


@dataclass(frozen=True)
class EmbedderFacts:
    """All that decides a clip's features besides the clip; equal facts mean equal features.

    ``name`` is short and fit for a file name (``dinov2-with-registers-large``), ``title`` is what tables
    print.  ``weights`` says which: ``<hub id>@<commit>``, ``sha256:<hex>`` of a local folder's weights, or
    nothing for a descriptor without weights.  ``num_frames`` are sampled from every clip, None takes all.
    ``preprocessing`` and ``revision`` (of our code for this embedder) are text to compare, not to parse.
    ``frame_wise`` says that a frame's features depend on that frame alone, but for rounding, so that a part
    of the frames needs no pass of its own.
    """

    name: str
    title: str
    weights: str
    num_frames: int | None
    preprocessing: str
    precision: Precision
    revision: int = 1
    frame_wise: bool = True

    @property
    def identity(self) -> str:
        """Everything as canonical JSON: what vectors are kept under."""
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def key(self) -> str:
        """Sixteen hex digits of the identity."""
        return hashlib.sha256(self.identity.encode()).hexdigest()[:16]


class Embedder(Protocol):
    """A backbone, or a descriptor without weights. Constructing is cheap; ``open`` loads, once."""

    @property
    def facts(self) -> EmbedderFacts: ...

    def open(self) -> None:
        """Load the weights; nothing happens when they are loaded. Raises ``BackboneError``."""

    def prepare(self, frames: npt.NDArray[np.uint8]) -> Tensor:
        """One clip's sampled frames, uint8 (T, H, W, 3) RGB, as the backbone wants them: (T, …).

        Called from several threads at a time, without weights.  All clips give one shape for one T, so
        that clips can be stacked.  Raises ``FeatureError`` for any other type or shape.
        """

    def parts(self, clips: Tensor) -> Sequence[Part]:
        """The patch features of stacked clips (B, T, …), as calls that each compute a chunk in time.

        Every chunk is float32 (B, t, P, D) on the backbone's device.  The sum of all t may differ from T:
        video backbones join frames.  The calls are made from several threads at a time, and follow each
        other in the order of time.  Needs ``open``.  This and the calls raise ``FeatureError`` and
        ``BackboneError``.
        """


def feature_chunks(embedder: Embedder, clips: Tensor) -> Generator[Tensor]:
    """All chunks of stacked clips in the order of time, one after the other; see ``Embedder.parts``."""
    for part in embedder.parts(clips):
        yield part()


def frame_indices(clip_frames: int, num_frames: int | None) -> npt.NDArray[np.int64]:
    """Which frames of a clip are sampled: round(linspace(0, n-1, N)), as the authors' loader does.

    A clip that is shorter than N repeats frames; the authors' loader drops the repetitions, and leaves
    one frame of twelve.  None takes every frame once.
    """
    if num_frames is None:
        return np.arange(clip_frames)
    indices: npt.NDArray[np.int64] = np.rint(np.linspace(0, clip_frames - 1, num_frames)).astype(np.int64)
    return indices
