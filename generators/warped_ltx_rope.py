"""The rotary module of LTX-2 with fractional temporal positions, a set per band.

It knows nothing of steps. LTX-2 computes angles from coordinates in seconds: a position between two latent
frames is a moment between their centres. Positions beyond the clip stay at its ends. The tables between
sound and picture are another module's, and plain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

AXES = 3
"""Time, height and width, whose entries alternate in a row of the tables."""


def ltx_temporal_bands(rope: Any) -> int:
    """Temporal bands of LTX-2's rotary module, the slowest first."""
    return int(rope.dim // (2 * AXES))


class WarpedLtxRope(nn.Module):
    """Runs the plain module and replaces the temporal entries of its tables."""

    def __init__(self, plain: Any, positions: Callable[[], npt.NDArray[np.float64]]) -> None:
        super().__init__()
        self.plain: Any = plain
        self._positions = positions

    def prepare_video_coords(self, *args: Any, **kwargs: Any) -> Tensor:
        """The plain module's: pipelines ask the transformer's rotary module for coordinates."""
        coordinates: Tensor = self.plain.prepare_video_coords(*args, **kwargs)
        return coordinates

    def forward(self, coords: Tensor, device: torch.device | str | None = None) -> tuple[Tensor, Tensor]:
        """Tables of cosines and sines for patches with bounds (B, 3, tokens, 2) in seconds and pixels."""
        cosine, sine = self.plain(coords, device=device)
        first, last = coords[0, 0].unbind(-1)
        angles = self._angles((first + last) / 2).to(cosine.device)
        self._replace(cosine, angles.cos())
        self._replace(sine, angles.sin())
        return cosine, sine

    def _angles(self, seconds: Tensor) -> Tensor:
        """Temporal angles, float32 (tokens, bands), of tokens whose centres are at ``seconds`` (tokens,)."""
        positions, bands = self._positions(), ltx_temporal_bands(self.plain)
        moments, latent_of_token = np.unique(seconds.double().cpu().numpy(), return_inverse=True)
        latents = len(moments)
        if positions.shape != (bands, latents):
            raise ValueError(
                f"positions have shape {positions.shape}; this model and clip need "
                f"{bands} bands x {latents} latent frames"
            )
        warped = np.interp(positions.T, np.arange(latents), moments)
        # float32 from here on, step by step as in the plain module: that is what makes the identity exact.
        fraction = torch.from_numpy(warped).float() / self.plain.base_num_frames
        exact = torch.float64 if self.plain.double_precision else torch.float32
        powers = torch.pow(self.plain.theta, torch.linspace(0.0, 1.0, bands, dtype=exact))
        angles: Tensor = (fraction * 2 - 1) * (powers * torch.pi / 2).float()
        return angles[torch.from_numpy(latent_of_token)]

    def _replace(self, table: Tensor, temporal: Tensor) -> None:
        """Write ``temporal`` (tokens, bands) over the temporal entries of ``table``, in place."""
        tokens, bands = temporal.shape
        temporal = temporal.to(table)
        if self.plain.rope_type == "interleaved":  # (B, tokens, channels), every entry twice, padding first
            start = table.shape[-1] - 2 * AXES * bands
            table[..., start :: 2 * AXES] = temporal
            table[..., start + 1 :: 2 * AXES] = temporal
            return
        # (B, heads, tokens, entries of a head): the axes alternate across the heads side by side.
        rows = table.transpose(1, 2).reshape(len(table), tokens, -1)
        rows[..., rows.shape[-1] - AXES * bands :: AXES] = temporal
        table.copy_(rows.reshape(len(table), tokens, table.shape[1], -1).transpose(1, 2))
