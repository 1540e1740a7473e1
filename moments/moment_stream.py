"""Mean and central moments of any order over time in one pass, in memory that does not grow with time.

It knows nothing of patches, forms or clips: it takes parts of a sequence of features, in any sizes.

Parts are merged by the update formulas of Pébay (Sandia report SAND2008-6212, eq. 2.1), and everything
is measured from the first frame, so that neither a mean far larger than the spread nor a long clip
costs digits; raw sums of powers would lose all of them in float32.
"""

from __future__ import annotations

from math import comb

import torch
from torch import Tensor

from moments.errors import FeatureError

_PART_FRAMES = 8
"""Frames merged at once: their differences from the mean stay in the cache, and memory stays bounded."""


class MomentStream:
    """Moments 1 … ``orders`` of features (…, t, P, D) that come in parts along t, each (…, P, D).

    float64 features are summed in float64, all others in float32.  A sequence without any change has
    central moments of exactly zero.
    """

    def __init__(self, orders: int = 3) -> None:
        if orders < 1:
            raise FeatureError(f"{orders} orders of moments were asked for; expected 1 or more")
        self.orders = orders
        self.num_frames = 0
        self._origin = torch.empty(0)
        self._shift = torch.empty(0)
        self._sums: list[Tensor] = []  # of the powers 2 … orders of what is left of every frame

    def update(self, features: Tensor) -> None:
        """Take the next t frames, floats (…, t, P, D) with the same other sizes every time.

        Raises ``FeatureError`` for any other shape or type, and for values that are not finite.
        """
        if features.ndim < 3 or not features.is_floating_point():
            raise FeatureError(
                f"features are {features.dtype} {tuple(features.shape)}; expected floats (…, t, P, D)"
            )
        wide = features if features.dtype == torch.float64 else features.float()
        for part in torch.split(wide, _PART_FRAMES, dim=-3):
            if part.numel():
                self._merge(part)

    @property
    def mean(self) -> Tensor:
        """Mean over time, (…, P, D)."""
        self._expect_frames()
        return self._origin + self._shift

    def central(self, order: int) -> Tensor:
        """Central moment of ``order`` 2 or more, (…, P, D): the mean of (x - mean) to that power."""
        self._expect_frames()
        return self._sums[order - 2] / self.num_frames

    def _expect_frames(self) -> None:
        if self.num_frames == 0:
            raise FeatureError("features of no frame came; expected (…, t, P, D) with t ≥ 1")

    def _expect_finite(self, part: Tensor) -> None:
        spoilt = (~part.isfinite()).flatten(-2).any(-1).reshape(-1, part.shape[-3]).any(0)
        if spoilt.any():
            frame = self.num_frames + int(spoilt.nonzero()[0])
            raise FeatureError(f"features of frame {frame} are not finite: the backbone failed on this clip")

    def _merge(self, part: Tensor) -> None:
        if self.num_frames == 0:
            self._origin = part[..., 0, :, :].clone()
        elif part[..., 0, :, :].shape != self._origin.shape:
            raise FeatureError(
                f"features are {tuple(part.shape)} after a part whose frames were {tuple(self._origin.shape)}"
            )
        moved = part - self._origin.unsqueeze(-3)
        new, shift = part.shape[-3], moved.mean(-3)
        # A sum is finite only where all its terms are; to ask every term costs more than all the moments.
        if not shift.sum().isfinite():
            self._expect_finite(part)
        left = moved.sub_(shift.unsqueeze(-3))
        sums, power = [], left
        for order in range(2, self.orders + 1):
            power = left.square() if order == 2 else power.mul_(left)
            sums.append(power.sum(-3))
        if self.num_frames == 0:
            self.num_frames, self._shift, self._sums = new, shift, sums
            return
        old, total = self.num_frames, self.num_frames + new
        apart = shift.sub_(self._shift)
        # In place, the highest power first: each needs the lower ones as they were before.
        for order in range(self.orders, 1, -1):
            _merge_into(order, self._sums, sums, old / total, new / total, apart, total)
        self._shift += apart.mul_(new / total)
        self.num_frames = total


def _merge_into(
    order: int,
    first: list[Tensor],
    second: list[Tensor],
    share: float,
    rest: float,
    apart: Tensor,
    total: int,
) -> None:
    """Make the sum of one power in ``first`` that of both; ``share`` of all ``total`` frames are the first's.

    ``first`` and ``second`` hold the sums of the powers 2, 3, … around each part's own mean, and
    ``apart`` is how far the mean of the second part lies from that of the first.
    """
    # A part's own mean lies at -rest·apart (first) or share·apart (second) from the common mean.
    into = first[order - 2].add_(second[order - 2])
    for k in range(1, order - 1):
        moved = (-rest) ** k * first[order - 2 - k]
        moved += share**k * second[order - 2 - k]
        into += (apart**k).mul_(comb(order, k)).mul_(moved)
    into += (apart**order).mul_(total * (share * (-rest) ** order + rest * share**order))
