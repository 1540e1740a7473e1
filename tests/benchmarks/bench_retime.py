"""What a denoising step with warped positions costs over a plain one: WAN, random weights, one CPU thread.

``python -m tests.benchmarks.bench_retime``. Plain and warped forwards take turns in one run. A ratio is the
median over the turns; plain over plain, measured the same way, says how far noise alone goes.
"""

from __future__ import annotations

import gc
import time
from contextlib import nullcontext

import numpy as np
import numpy.typing as npt
import torch
from diffusers import WanTransformer3DModel
from torch import Tensor

from generators.warped_rope import temporal_bands, warped
from moments.retime import TimeWarp
from tests.generators.tiny_wan import tiny_transformer

# Name, heads, channels of a head, layers, frames, latent height and width, turns. The last clip is as long as
# real ones; real models have ten times its layers and heads, and the same warp.
CONFIGS = (
    ("tiny", 2, 24, 2, 9, 8, 8, 200),
    ("small", 4, 128, 4, 17, 16, 16, 30),
    ("long", 4, 128, 4, 81, 16, 16, 20),
)
PLAIN, AGAIN, WARPED = range(3)


def main() -> None:
    """Print a row for each config: milliseconds of a step, what the warp adds, and both ratios."""
    torch.set_num_threads(1)
    print(
        f"{'model':<6} {'tokens':>6} {'plain ms':>9} {'added ms':>9} {'warped/plain':>13} {'plain/plain':>12}"
    )
    for name, heads, channels, layers, frames, height, width, turns in CONFIGS:
        transformer = tiny_transformer(
            0,
            num_attention_heads=heads,
            attention_head_dim=channels,
            num_layers=layers,
            ffn_dim=2 * heads * channels,
        )
        latents = torch.randn(1, 36, (frames - 1) // 4 + 1, height, width)
        tau = (frames - 1) * np.linspace(0, 1, frames) ** 2
        warp = TimeWarp(np.zeros(frames), bands=temporal_bands(transformer)).refined(tau)
        taken = seconds_in_turns(transformer, latents, warp, turns)
        added = np.median(taken[WARPED] - taken[PLAIN])
        ratio, noise = (float(np.median(taken[which] / taken[PLAIN])) for which in (WARPED, AGAIN))
        print(
            f"{name:<6} {latents[0, 0].numel() // 4:>6} {1e3 * np.median(taken[PLAIN]):>9.2f} "
            f"{1e3 * added:>9.2f} {ratio:>13.3f} {noise:>12.3f}"
        )


@torch.inference_mode()
def seconds_in_turns(
    transformer: WanTransformer3DModel, latents: Tensor, warp: TimeWarp, turns: int
) -> npt.NDArray[np.float64]:
    """Processor seconds of a plain, a plain and a warped forward, (3, turns); who begins changes by turn."""
    taken = np.zeros((3, turns))
    text, timestep = torch.randn(1, 16, 32), torch.tensor([900.0])
    gc.disable()
    for turn in range(-3, turns):
        for place in range(3):
            which = (turn + place) % 3
            with warped(transformer, warp.positions) if which == WARPED else nullcontext():
                started = time.process_time()
                transformer(hidden_states=latents, timestep=timestep, encoder_hidden_states=text)
                if turn >= 0:  # the first three warm up
                    taken[which, turn] = time.process_time() - started
    gc.enable()
    return taken


if __name__ == "__main__":
    main()
