"""Which way of running the transformers is fastest on this machine at the shapes at hand: measured, not guessed.

It knows nothing of clips. A way that fails here, or differs from the plain one by more than bf16 rounding
explains, is not taken.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from generators.wan_text import MAX_TOKENS

PLAIN = "native"
ATTENTION_BACKENDS = ("_native_cudnn", "_native_flash", "flash", "_flash_3")
"""Exact ones, by diffusers' names. The quantised (sage) are left out: they change the clip."""
BF16_TOLERANCE = 2e-2
"""Largest difference from the plain way, as a share of its largest value."""
REPEATS = 3

NOT_TO_BE_HAD = (RuntimeError, ValueError, ImportError, AssertionError, OSError)
"""What libraries raise for a kernel that this GPU lacks, or a compiler that is not installed."""

Run = Callable[[], Tensor]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Way:
    """An attention backend by diffusers' name, and whether blocks are compiled."""

    attention: str
    compiled: bool

    def take(self, transformer: Any) -> None:
        """Let a transformer of diffusers run this way from now on."""
        transformer.set_attention_backend(self.attention)
        if self.compiled:
            # One graph for each of the few canvas shapes of a run: faster than one for any shape.
            transformer.compile_repeated_blocks(fullgraph=True, dynamic=False)


def fastest_way(
    transformer: Any,
    latents: tuple[int, int, int],
    device: torch.device,
    seconds: Callable[[Run], float] | None = None,
) -> Way:
    """The fastest way for a ``WanTransformer3DModel``, measured on one block of its kind with random weights.

    ``latents`` are the frames, rows and columns of the clip's latents; ``seconds`` is the clock.
    """
    clock = seconds or (lambda run: device_seconds(run, device))

    def run_of(way: Way) -> Run:
        model = _one_block(transformer, device)

        def run() -> Tensor:
            with torch.no_grad():
                return model(**inputs, return_dict=False)[0]  # type: ignore[no-any-return]

        way.take(model)
        return run

    inputs = _inputs(transformer.config, latents, device)
    plain = Way(PLAIN, compiled=False)
    eager = [Way(name, compiled=False) for name in ATTENTION_BACKENDS]
    best = fastest(plain, {way: lambda way=way: run_of(way) for way in eager}, run_of(plain), clock)
    ...
