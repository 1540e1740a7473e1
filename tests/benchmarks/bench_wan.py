"""WAN 2.2 A14B at its real shape with random weights: our way against stock diffusers, and each placement.

``python -m tests.benchmarks.bench_wan``. Both ways run the same weights, noise and prompts in one process;
text encoding is left out. Without a GPU it says so; ``--tiny`` runs the same on a CPU with a tiny model, to
show that the measurement works.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

import torch
from diffusers import (
    AutoencoderKLWan,
    UniPCMultistepScheduler,
    WanImageToVideoPipeline,
    WanTransformer3DModel,
)
from PIL import Image
from torch import Tensor

from generators.checkpoint import quiet_loading
from generators.wan_memory import PLACEMENTS, Placement, published
from generators.wan_pipeline import experts_of, put
from generators.wan_shot import ClipShape
from generators.wan_speed import Run, Way, device_seconds, fastest_way, one_block
from tests.generators.tiny_wan import BOUNDARY, tiny_wan

STEPS = 4
GUIDANCE = 3.5
STOCK = Way("native")
A14B = {"in_channels": 36, "out_channels": 16, "cross_attn_norm": True}


@dataclass(frozen=True)
class Case:
    """What is run: a pipeline to be built on a device, and the clip that it makes."""

    device: torch.device
    build: Callable[[torch.device], Any]
    height: int
    width: int
    num_frames: int

    @property
    def latents(self) -> tuple[int, int, int]:
        return (self.num_frames - 1) // 4 + 1, self.height // 8, self.width // 8


@dataclass(frozen=True)
class Clip:
    """One clip: its last latents, the seconds of a step after the first, of the whole, and the peak."""

    latents: Tensor
    step_seconds: float
    seconds: float
    peak_gb: float


def main() -> None:
    """Print the two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="a tiny model on the CPU")
    if parser.parse_args().tiny:
        case = Case(torch.device("cpu"), lambda _device: tiny_wan(), 64, 128, 9)
        print("tiny model on a CPU: shows that the measurement works; its times say nothing of a GPU")
    elif torch.cuda.is_available():
        case = Case(torch.device("cuda"), large_wan, 512, 1024, 81)
        print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, {STEPS} steps with guidance")
    else:
        print("no GPU is at hand: WAN is not measured (--tiny shows the measurement on a CPU)")
        return
    print_ways(case)
    print_placements(case)


def print_ways(case: Case) -> None:
    """Stock, then the fastest attention, then compiled blocks, all on the same weights."""
    pipeline = case.build(case.device)
    put(pipeline, "resident", case.device)
    run(case, pipeline, steps=2)  # libraries choose and load their kernels
    print(f"{'way':<28} {'s/step':>8} {'s/clip':>8} {'ratio':>6} {'peak GB':>8} {'difference':>11}")
    stock: Clip | None = None
    for way in ways(case, pipeline.transformer):
        for expert in experts_of(pipeline):
            way.take(expert)
        made = run(case, pipeline)
        stock = stock or made
        name = "stock" if made is stock else f"{way.attention}{', compiled' if way.compiled else ''}"
        error = (made.latents - stock.latents).abs().max() / stock.latents.abs().max()
        ratio = stock.step_seconds / made.step_seconds
        print(
            f"{name:<28} {made.step_seconds:>8.2f} {made.seconds:>8.2f} {ratio:>5.2f}x {made.peak_gb:>8.1f} "
            f"{error:>11.1e}"
        )


def ways(case: Case, transformer: Any) -> list[Way]:
    """Stock, what the probe takes without a compiler, and the same compiled."""
    trial = one_block(transformer, case.device)
    chosen = fastest_way(trial, case.latents, clock(case.device), may_compile=False)
    compiled = [Way(chosen.attention, compiled=True)] if case.device.type == "cuda" else []
    return [STOCK, chosen, *compiled]


def print_placements(case: Case) -> None:
    """Each placement that this device can do, uncompiled."""
    print(f"{'placement':<28} {'s/step':>8} {'s/clip':>8} {'peak GB':>8} {'expected':>9}")
    needs = published("A14B", "bf16", ClipShape(case.num_frames, case.height, case.width))
    for placement in PLACEMENTS:
        expected = needs.peak_bytes(placement) / 1e9 if case.device.type == "cuda" else 0.0
        try:
            made = placed(case, placement)
        except (torch.OutOfMemoryError, RuntimeError) as error:
            print(f"{placement:<28} not here: {str(error).splitlines()[0][:70]}")
            continue
        print(
            f"{placement:<28} {made.step_seconds:>8.2f} {made.seconds:>8.2f} {made.peak_gb:>8.1f} "
            f"{expected:>9.1f}"
        )


def placed(case: Case, placement: Placement) -> Clip:
    """A clip of a pipeline whose weights were in main memory before."""
    gc.collect()
    if case.device.type == "cuda":
        torch.compiler.reset()  # its caches hold what was compiled before
        torch.cuda.empty_cache()
    pipeline = case.build(torch.device("cpu"))
    put(pipeline, placement, case.device)
    return run(case, pipeline)


def run(case: Case, pipeline: Any, steps: int = STEPS) -> Clip:
    """One clip with fixed noise, picture and prompts."""
    draw = torch.Generator().manual_seed(0)
    channels = pipeline.transformer.config.text_dim
    dtype = pipeline.transformer.dtype
    prompt, negative = (torch.randn(1, 512, channels, generator=draw).to(case.device, dtype) for _ in "ab")
    last: list[Tensor] = []
    times = [time.perf_counter()]

    def note(_pipeline: Any, _index: int, _timestep: Any, tensors: dict[str, Tensor]) -> dict[str, Any]:
        wait(case.device)
        times.append(time.perf_counter())
        last[:] = [tensors["latents"].float().cpu()]
        return {}

    if case.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    with quiet_loading():
        pipeline(
            image=Image.new("RGB", (case.width, case.height), (90, 120, 60)),
            prompt_embeds=prompt,
            negative_prompt_embeds=negative,
            height=case.height,
            width=case.width,
            num_frames=case.num_frames,
            num_inference_steps=steps,
            guidance_scale=GUIDANCE,
            generator=draw,
            output_type="pt",
            callback_on_step_end=note,
        )
    wait(case.device)
    taken = [after - before for before, after in pairwise(times[1:])]
    peak = torch.cuda.max_memory_allocated() / 1e9 if case.device.type == "cuda" else 0.0
    return Clip(last[0], median(taken), time.perf_counter() - times[0], peak)


def clock(device: torch.device) -> Callable[[Run], float]:
    """Seconds of a run by the device's own clock, or on a CPU by the wall's."""
    if device.type == "cuda":
        return lambda work: device_seconds(work, device)

    def wall(work: Run) -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    return wall


def wait(device: torch.device) -> None:
    """Until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def large_wan(device: torch.device) -> Any:
    """The pipeline of A14B with random weights, of the types that ``from_pretrained`` gives them."""
    with torch.device("cuda"):
        experts = [large_expert().to(device) for _ in range(2)]
        vae = AutoencoderKLWan().eval().to(device)
    pipeline = WanImageToVideoPipeline(
        tokenizer=None,
        text_encoder=None,
        vae=vae,
        transformer=experts[0],
        transformer_2=experts[1],
        scheduler=UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0
        ),
        boundary_ratio=BOUNDARY,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def large_expert() -> WanTransformer3DModel:
    """One of 14.3 B weights, made in bf16: in fp32 two would not fit."""
    torch.set_default_dtype(torch.bfloat16)
    try:
        expert = WanTransformer3DModel(**A14B).eval().requires_grad_(False)
    finally:
        torch.set_default_dtype(torch.float32)
    for name, weight in expert.named_parameters():
        if any(part in WanTransformer3DModel._keep_in_fp32_modules for part in name.split(".")):
            weight.data = weight.data.float()
    return expert


if __name__ == "__main__":
    main()
