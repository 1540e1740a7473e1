"""The rhythm of a clip as one vector: its rise and fall of motion, for galleries. Our own.

It knows nothing of what moves, of other clips or of where features come from.

The dot product of two clips of one length is ``synchrony(first, second).score``, their agreement at
lag 0, so that a gallery takes one matrix product instead of a comparison for each pair.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from moments.errors import FeatureError
from moments.synchrony import GAPS_FRAMES, HALF_CHANGE, MIN_FRAMES, STEADY


class RhythmStream:
    """Takes the features of B clips in chunks; keeps the last 16 frames and a number per gap and frame."""

    def __init__(self) -> None:
        self._frames = 0
        # A ring that is written over: copies made and dropped one by one would leave holes in the heap.
        self._recent: list[Tensor] = []
        self._bands: dict[int, list[Tensor]] = {gap: [] for gap in GAPS_FRAMES}

    def update(self, features: Tensor) -> None:
        """The next frames, floats (B, t, P, D). Raises ``FeatureError`` for another shape."""
        if features.ndim != 4 or features.numel() == 0 or not features.is_floating_point():
            raise FeatureError(
                f"features are {features.dtype} {tuple(features.shape)}; expected floats (B, t, P, D)"
            )
        for frame in features.unbind(1):
            early = [self._recent[(self._frames - gap) % max(GAPS_FRAMES)] for gap in self._gaps_so_far()]
            if early:
                change = torch.stack([torch.linalg.vector_norm(frame - one, dim=2) for one in early])
                values = (change / (change + HALF_CHANGE)).double().mean(2, keepdim=True).sqrt()
                for band, value in zip(self._bands.values(), values, strict=False):
                    band.append(value)
            if len(self._recent) < max(GAPS_FRAMES):
                self._recent.append(frame.clone())
            else:
                self._recent[self._frames % max(GAPS_FRAMES)].copy_(frame)
            self._frames += 1

    def finish(self) -> Tensor:
        """Vectors of length 1, float32 (B, 1, L); L depends on T alone.

        Zeros, which are at 0 to everything, for a clip that has less than 8 frames (then L = T) or
        a gap without any change.  Raises ``FeatureError`` when no frame came or features are not finite.
        """
        if self._frames == 0:
            raise FeatureError("no frames came: a clip has at least one")
        latest = self._recent[0]
        if self._frames < MIN_FRAMES:
            return latest.new_zeros(len(latest), 1, self._frames, dtype=torch.float32)
        parts = []
        silent = torch.zeros(len(latest), 1, dtype=torch.bool, device=latest.device)
        for gap in (gap for gap in GAPS_FRAMES if 3 * gap <= self._frames):
            band = torch.cat(self._bands[gap], dim=1)
            if not band.isfinite().all():
                clip = int((~band.isfinite()).any(1).nonzero()[0])
                raise FeatureError(
                    f"features of clip {clip} of the batch are not finite: the backbone failed"
                )
            mean = band.mean(1, keepdim=True)
            silent |= mean == 0
            # Roots of what synchrony adds up: the mean over the band, and one term for being steady.
            rise = (band / mean - 1) / np.sqrt(band.shape[1])
            parts += [rise, torch.full_like(mean, STEADY)]
        vectors = torch.cat(parts, dim=1).masked_fill(silent, 0)
        return functional.normalize(vectors, dim=1).float()[:, None]

    def _gaps_so_far(self) -> list[int]:
        return [gap for gap in GAPS_FRAMES if gap <= self._frames]


def rhythm(features: Tensor | npt.NDArray[np.floating]) -> Tensor:
    """The rhythm of one clip: (T, P, D) -> float32 (L,). Raises ``FeatureError`` as the stream does."""
    stream = RhythmStream()
    stream.update(torch.as_tensor(features)[None])
    return stream.finish()[0, 0]
