"""What does a clip look like after it moved, and what before? Rows that see order, for the moments. Our own.

It knows nothing of where features come from, of other clips, or of the moments they are joined with.

Mean, spread and skewness over time are the same for a clip and for its reversal.  Here two courses of
one clip are compared over a gap of g steps: how much changes, a(t), and the mean over patches of the
features at that moment, c(t), both without their means over time:

    row(g) = mean over t of  a(t) · c(t + g) - a(t + g) · c(t)

It changes sign under reversal, so that a motion and its reversal are each other's opposite.  Amounts
have no sign: what leaves one patch and enters another does not cancel, as odd moments of the single
increments do.  No time is counted from the start of the clip, so that a late start costs little.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from moments.errors import FeatureError

GAPS_STEPS = (1, 2, 4, 8, 16)
EVEN = 1e-3
"""Length of the rows, as a share of mean change times spread of the features, below which it is rounding."""

ORDER_WEIGHT = 1.0
"""Weight of the rows beside (1, 8, 4) of the plain moments: their share of the cosine is then 1.2 %."""


class OrderStream:
    """Takes the features of B clips in chunks; keeps one frame, and of every other its mean over patches."""

    def __init__(self) -> None:
        self._latest: Tensor | None = None
        self._changes: list[Tensor] = []
        self._steps: list[Tensor] = []

    def update(self, features: Tensor) -> None:
        """The next frames, floats (B, t, P, D). Raises ``FeatureError`` for another shape."""
        if features.ndim != 4 or features.numel() == 0 or not features.is_floating_point():
            raise FeatureError(
                f"features are {features.dtype} {tuple(features.shape)}; expected floats (B, t, P, D)"
            )
        parts = [features[:, 1:] - features[:, :-1]]
        if self._latest is not None:
            parts.insert(0, features[:, :1] - self._latest)
        for steps in parts:
            # Sums in float64: where the rows nearly cancel, rounding of float32 sums is all that is left.
            self._changes.append(steps.abs().mean((2, 3), dtype=torch.float64))
            self._steps.append(steps.mean(2, dtype=torch.float64))
        self._latest = features[:, -1:].clone()

    def finish(self) -> Tensor:
        """A row for each gap of 1, 2, 4, 8 and 16 steps: float32 (B, R=5, D), together of length 1 per clip.

        Gaps that a clip has no room for are rows of zeros.  All are for a clip of less than four frames,
        without change, or with change at one rate.  Raises ``FeatureError`` when no frame came or
        features are not finite.
        """
        if self._latest is None:
            raise FeatureError("no frames came: a clip has at least one")
        steps = torch.cat(self._steps, dim=1)
        # From the first frame, since where it began does not matter; half way between the frames, where the
        # change is: anything else would not be odd under reversal.
        state = steps.cumsum(1) - steps / 2
        change = torch.cat(self._changes, dim=1)[:, :, None]
        if not state.isfinite().all():
            clip = int((~state.isfinite()).flatten(1).any(1).nonzero()[0])
            raise FeatureError(f"features of clip {clip} of the batch are not finite: the backbone failed")
        rows = state.new_zeros(len(state), len(GAPS_STEPS), state.shape[2])
        if change.shape[1] > 1:
            rate = change.mean(1, keepdim=True)
            change, state = change - rate, state - state.mean(1, keepdim=True)
            for row, gap in enumerate(gap for gap in GAPS_STEPS if gap < change.shape[1]):
                after = change[:, :-gap] * state[:, gap:]
                before = change[:, gap:] * state[:, :-gap]
                rows[:, row] = (after - before).mean(1)
            length = torch.linalg.vector_norm(rows, dim=(1, 2), keepdim=True)
            spread = torch.linalg.vector_norm(state, dim=(1, 2), keepdim=True) / state.shape[1] ** 0.5
            rows = torch.where(length > EVEN * rate * spread, rows / length, 0)
        return rows.float()


def order_moments(features: Tensor | npt.NDArray[np.floating]) -> Tensor:
    """The rows of one clip: (T, P, D) -> float32 (R=5, D). Raises ``FeatureError`` as the stream does."""
    stream = OrderStream()
    stream.update(torch.as_tensor(features)[None])
    return stream.finish()[0]
