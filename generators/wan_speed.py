"""Which way of running WAN's transformers is fastest on this machine at the shapes at hand: measured.

It knows nothing of clips. A way that fails here, or differs from the plain one by more than bf16 rounding
explains, is not taken.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from generators.checkpoint import quiet_loading
from generators.wan_text import MAX_TOKENS

ATTENTION_BACKENDS = ("native", "_native_cudnn", "_native_flash", "flash", "_flash_3")
"""Exact ones, by diffusers' names, plain first. The quantised (sage) are left out: they change the clip."""
BF16_TOLERANCE = 2e-2
"""Largest difference from the plain way, as a share of its largest value."""
REPEATS = 3

Run = Callable[[], Tensor]
Seconds = Callable[[Run], float]
W = TypeVar("W")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Way:
    """An attention backend by diffusers' name, and whether the blocks are compiled."""

    attention: str
    compiled: bool = False

    def take(self, transformer: Any) -> None:
        """Let a transformer of diffusers run this way from now on. A compiled one stays compiled."""
        with quiet_loading():
            transformer.set_attention_backend(self.attention)
        if self.compiled:
            # A graph for each of a run's few canvas shapes is faster than one graph for any shape.
            transformer.compile_repeated_blocks(fullgraph=True, dynamic=False)


def fastest_way(transformer: Any, latents: tuple[int, int, int], seconds: Seconds, may_compile: bool) -> Way:
    """The fastest way for transformers like this ``WanTransformer3DModel`` of one block, by ``seconds``.

    ``latents`` are frames, rows and columns of the clip's latents.
    """
    inputs = _inputs(transformer, latents)

    def prepared(way: Way) -> Run:
        way.take(transformer)
        return lambda: _forward(transformer, inputs)

    eager = fastest([Way(name) for name in ATTENTION_BACKENDS], prepared, seconds)
    if not may_compile:
        return eager
    return fastest([eager, Way(eager.attention, compiled=True)], prepared, seconds)


def fastest(ways: Sequence[W], prepared: Callable[[W], Run], seconds: Seconds) -> W:
    """The way that takes least time by ``seconds`` and gives what the first one gives.

    The first is the plain one: it must work. Others may raise, and are then passed over.
    """
    plain, *others = ways
    run = prepared(plain)
    expected = run()
    best, best_seconds = plain, seconds(run)
    for way in others:
        try:
            run = prepared(way)
            found = run()
            taken = seconds(run)
        # What libraries raise for a kernel that this accelerator lacks, or a compiler that is not installed.
        except (RuntimeError, ValueError, ImportError, AssertionError, OSError) as error:
            _log.debug("%s is not to be had here: %s", way, error)
            continue
        if taken < best_seconds and _close(found, expected):
            best, best_seconds = way, taken
    return best


def one_block(transformer: Any, device: torch.device) -> Any:
    """A transformer of the same config with one block of random weights, in bf16 on ``device``."""
    with device, quiet_loading():
        model = type(transformer).from_config({**transformer.config, "num_layers": 1})
        return model.to(torch.bfloat16).eval()


def device_seconds(run: Run, device: torch.device) -> float:
    """Least time of ``REPEATS`` runs after one to warm up, by the clock of an accelerator."""
    run()
    times = []
    for _ in range(REPEATS):
        start, end = (torch.Event(device, enable_timing=True) for _ in range(2))
        start.record()
        run()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end) / 1000)
    return min(times)


def _inputs(transformer: Any, latents: tuple[int, int, int]) -> dict[str, Tensor]:
    config, device = transformer.config, transformer.device
    draw = torch.Generator(device).manual_seed(0)

    def noise(*shape: int) -> Tensor:
        return torch.randn(shape, generator=draw, device=device, dtype=transformer.dtype)

    return {
        "hidden_states": noise(1, config.in_channels, *latents),
        "timestep": torch.full((1,), 500.0, device=device),
        "encoder_hidden_states": noise(1, MAX_TOKENS, config.text_dim),
    }


@torch.no_grad()
def _forward(transformer: Any, inputs: dict[str, Tensor]) -> Tensor:
    output: Tensor = transformer(**inputs, return_dict=False)[0]
    return output


def _close(found: Tensor, expected: Tensor) -> bool:
    error = (found.float() - expected.float()).abs().max()
    return bool(error <= BF16_TOLERANCE * expected.float().abs().max())
