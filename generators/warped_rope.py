"""Lets a video transformer of diffusers take fractional temporal positions, a set per band and step.

It knows nothing of why time is warped, of prompts or of clips, and changes no library code: inside the
``with`` block the transformer's rotary module is wrapped, after it the old one is back. Of the rotary
tables only the temporal entries differ; positions 0, 1, 2, … give the plain tables bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.func import functional_call

from generators.base import Positions
from generators.warped_ltx_rope import WarpedLtxRope, ltx_temporal_bands

ROTARY_BASE = 10_000.0
TRAINING_STEPS = 1000
"""Timesteps run from 1000, all noise, to 0."""


@contextmanager
def warped(transformer: Any, positions: Positions) -> Iterator[None]:
    """Within it, ``transformer`` places latent frames by ``positions``.

    The transformer is a ``WanTransformer3DModel`` or an ``LTX2VideoTransformer3DModel``. Every forward
    reads its own timestep, so that the forwards with and without prompt of a step share their positions.
    Enter it before the model is split over devices. A forward raises ``ValueError`` when the positions do
    not fit the model's bands and the clip's latent frames.
    """
    noise_level = 1.0

    def note_timestep(_module: nn.Module, _args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        nonlocal noise_level
        # The largest, because image-to-video models may give the tokens of a given frame timestep 0.
        noise_level = float(kwargs["timestep"].max()) / TRAINING_STEPS

    plain = transformer.rope
    wrapper = WarpedLtxRope if _is_ltx(transformer) else WarpedWanRope
    hook = transformer.register_forward_pre_hook(note_timestep, with_kwargs=True)
    transformer.rope = wrapper(plain, lambda: positions(noise_level))
    try:
        yield
    finally:
        transformer.rope = plain
        hook.remove()


@contextmanager
def warped_pipeline(pipeline: Any, positions: Positions) -> Iterator[None]:
    """``warped`` for the transformer of a pipeline, or for both experts where it has two."""
    with ExitStack() as stack:
        for transformer in (pipeline.transformer, getattr(pipeline, "transformer_2", None)):
            if transformer is not None:
                stack.enter_context(warped(transformer, positions))
        yield


def temporal_bands(transformer: Any) -> int:
    """Temporal bands of a transformer that is not warped: 22 for WAN's heads of 128 channels.

    WAN lists them from the fastest, LTX-2 from the slowest.
    """
    return ltx_temporal_bands(transformer.rope) if _is_ltx(transformer) else transformer.rope.t_dim // 2


def _is_ltx(transformer: Any) -> bool:
    return hasattr(transformer.rope, "prepare_video_coords")


class WarpedWanRope(nn.Module):
    """WAN's rotary module with its temporal tables computed for given positions.

    The plain module keeps a row per position, temporal columns first. It is run as it is, on copies of its
    tables whose rows 0, 1, … hold the temporal columns of the positions that latent frames 0, 1, … take.
    """

    def __init__(self, plain: Any, positions: Callable[[], npt.NDArray[np.float64]]) -> None:
        super().__init__()
        self.plain: Any = plain
        self._positions = positions
        channels = plain.t_dim
        self._frequencies = 1.0 / ROTARY_BASE ** (np.arange(0, channels, 2, dtype=np.float64) / channels)

    def forward(self, hidden_states: Tensor) -> tuple[Tensor, Tensor]:
        """Tables (1, tokens, 1, head channels) of cosines and sines for latents (B, C, F, H, W)."""
        latents = hidden_states.shape[2] // self.plain.patch_size[0]
        positions = self._positions()
        if positions.shape != (len(self._frequencies), latents):
            raise ValueError(
                f"positions have shape {positions.shape}; this model and clip need "
                f"{len(self._frequencies)} bands x {latents} latent frames"
            )
        # float64 until the tables are done, as in the plain module: that is what makes the identity exact.
        angles = torch.from_numpy(positions.T * self._frequencies)
        rows = max(hidden_states.shape[2:])
        tables = {
            "freqs_cos": _with_temporal(self.plain.freqs_cos[:rows], angles.cos()),
            "freqs_sin": _with_temporal(self.plain.freqs_sin[:rows], angles.sin()),
        }
        warped_tables: tuple[Tensor, Tensor] = functional_call(self.plain, tables, (hidden_states,))
        return warped_tables


def _with_temporal(table: Tensor, temporal: Tensor) -> Tensor:
    """A copy of ``table`` (rows, head channels) with ``temporal`` (latents, bands) in its first rows."""
    columns = temporal.repeat_interleave(2, dim=1).float().to(table)
    copy = table.clone()
    copy[: columns.shape[0], : columns.shape[1]] = columns
    return copy
