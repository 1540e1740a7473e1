"""Frames a second of ViT-B/14 and ViT-L/14 in bfloat16 on a GPU, and the share of the matrix-product ceiling.

``python -m tests.benchmarks.bench_gpu``. The ceiling is a large bfloat16 product of random matrices in the
same run; a forward's operations are counted by torch. Without a GPU it says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from statistics import median

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from moments.backbones.image import FRAMES_PER_FORWARD_ON_GPU
from moments.backbones.preprocessing import RELEASED_PX
from tests.benchmarks.material import vit_b, vit_l

SIDE = 8192
REPEATS = 20


def seconds(work: Callable[[], object]) -> float:
    """The median of ``REPEATS``, after a warm-up."""
    taken = []
    for _ in range(REPEATS + 3):
        torch.cuda.synchronize()
        started = time.perf_counter()
        work()
        torch.cuda.synchronize()
        taken.append(time.perf_counter() - started)
    return median(taken[3:])


@torch.inference_mode()
def main() -> None:
    """Print the ceiling, and a row for each model and batch."""
    if not torch.cuda.is_available():
        print("no GPU is at hand: frames a second on a GPU are not measured")
        return
    from transformers import Dinov2Model

    device = torch.device("cuda")
    first, second = torch.randn(2, SIDE, SIDE, device=device, dtype=torch.bfloat16)
    ceiling = 2 * SIDE**3 / seconds(lambda: first @ second)
    print(f"{torch.cuda.get_device_name()}: bf16 product of {SIDE} x {SIDE} at {ceiling / 1e12:.0f} TFLOP/s")
    print(f"{'model':<10} {'batch':>6} {'frames/s':>9} {'TFLOP/s':>8} {'share':>6}")
    for name, config in (("ViT-B/14", vit_b()), ("ViT-L/14", vit_l())):
        model: nn.Module = Dinov2Model(config)
        model = nn.Module.to(model, device, torch.bfloat16).eval()
        for batch in (FRAMES_PER_FORWARD_ON_GPU // 4, FRAMES_PER_FORWARD_ON_GPU):
            frames = torch.randn(batch, 3, RELEASED_PX, RELEASED_PX, device=device, dtype=torch.bfloat16)
            with FlopCounterMode(display=False) as counter:
                model(frames)
            taken = seconds(partial(model, frames))
            rate = counter.get_total_flops() / taken
            print(f"{name:<10} {batch:>6} {batch / taken:>9.0f} {rate / 1e12:>8.0f} {rate / ceiling:>6.0%}")


if __name__ == "__main__":
    main()
