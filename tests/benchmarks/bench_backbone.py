"""Clips a second from MP4 to descriptor with ViT-B/14, beside the bare forward and beside the naive way.

``python -m tests.benchmarks.bench_backbone [ROUNDS]``. Every round takes each way once, so that whatever
else the machine does falls on all alike; medians over rounds are printed, and the ratios of each.

The bare forward gets tensors that are ready, in our precision and in batches of its own; once more with every
frame by itself, as autocast has it, which is quicker and rounds more. The naive way
decodes all frames, stacks them in float32, sends the sampled ones through the model one by one, keeps all
features and goes over them twice; whether it stacks frames as they are in the file or at the model's size
decides how much memory it takes, so both are measured. Peak memory is taken in a process of its own for
each way: how far the resident set grows while three clips are described, over what it was after one, with
all that is free given back: weights and libraries are loaded then. It varies with the timing of threads:
ours is the largest of three processes.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from data.video import decode, decode_each
from moments.backbones.catalogue import build_embedder
from moments.backbones.image import DINOV2
from moments.backbones.preprocessing import RELEASED_PX, Preprocessing, normalised, prepared
from moments.backbones.reference import Reference, against, with_references
from moments.batches import described, frame_by_frame
from moments.descriptors import STANDARD, Variant
from moments.embedder import Precision, frame_indices
from moments.order import OrderStream
from moments.rhythm import RhythmStream
from moments.semantic_moments import combine
from tests.benchmarks.material import CLIP_FRAMES, SIDE_PX, checkpoint, panned, rendered, videos, vit_b

CLIPS, ROUNDS, FRAMES = 6, 3, 32
BARE_FRAMES = (
    4  # at a time in the bare forward; fewer, as ours takes for the sake of memory, would flatter us
)
CORES = os.cpu_count() or 1
PIXELS = Preprocessing(RELEASED_PX, RELEASED_PX, RELEASED_PX, "bicubic", DINOV2.mean, DINOV2.std)

Way = Callable[[Sequence[Path]], list[Tensor]]
"""Files in, a descriptor (3·D,) each out."""


def model_of(folder: Path) -> Any:
    """The bare model, without anything of ours around it."""
    from transformers import Dinov2Model

    model: Any = Dinov2Model.from_pretrained(folder, dtype=torch.float32)  # which is in evaluation mode
    return model


def ours(folder: Path, precision: Precision) -> Way:
    """As ``simmotion evaluate`` does it on a CPU, with order and rhythm."""
    embedder = build_embedder("dinov2-base", checkpoint=str(folder), precision=precision)
    embedder.open()

    def sample(frames: int) -> Sequence[int]:
        return list(map(int, frame_indices(frames, FRAMES)))

    def run(paths: Sequence[Path]) -> list[Tensor]:
        found = described(
            [(path.name, frame_by_frame(partial(decode_each, path, sample), embedder)) for path in paths],
            embedder,
            STANDARD,
            further=lambda: {"order": OrderStream(), "rhythm": RhythmStream()},
            decode_threads=1,
            forward_threads=CORES,
        )
        return [combine(rows[str(Variant())].double()) for _, rows in found]

    return run


def naive(folder: Path, *, resized_first: bool) -> Way:
    """All frames stacked, one forward a frame, all features kept, two passes over them, all in float32."""
    model = model_of(folder)

    def stacked(path: Path) -> Tensor:
        if resized_first:
            return normalised(prepared(decode(path).frames, PIXELS), PIXELS)
        return torch.from_numpy(decode(path).frames).float()

    def forward(frame: Tensor) -> Tensor:
        pixels = frame[None]
        if not resized_first:
            pixels = normalised(prepared(pixels.byte().numpy(), PIXELS), PIXELS)
        tokens: Tensor = model(pixels).last_hidden_state
        return tokens[:, 1:]

    @torch.inference_mode()
    def one(path: Path) -> Tensor:
        stack = stacked(path)
        features = torch.cat([forward(stack[index]) for index in frame_indices(len(stack), FRAMES)])
        mean, spread = features.mean(0), features.std(0)
        skewness = ((features - mean) ** 3).mean(0) / (spread**3 + 1e-6)
        rows = [
            weight * normalize(moment.mean(0), dim=0)
            for weight, moment in zip((1, 8, 4), (mean, spread, skewness), strict=True)
        ]
        return normalize(torch.cat(rows).double(), dim=0)

    return lambda paths: [one(path) for path in paths]


def bare(folder: Path, threads: int, *, referenced: bool = True) -> Callable[[int], None]:
    """Only the forward, bf16, of so many clips on tensors that are ready, ``threads`` clips at a time."""
    model = model_of(folder)
    with_references(model)
    clip = torch.randn(FRAMES, 3, RELEASED_PX, RELEASED_PX)

    @torch.inference_mode()
    def forward(_: int) -> None:
        reference: Reference = {}
        rounding = against(reference) if referenced else torch.autocast("cpu", torch.bfloat16)
        with rounding:
            for frames in (clip[:1], *torch.split(clip[1:], BARE_FRAMES)):
                model(frames)

    def run(clips: int) -> None:
        all_threads = torch.get_num_threads()
        share = max(1, all_threads // threads)
        with ThreadPoolExecutor(threads, "bare", torch.set_num_threads, (share,)) as pool:
            list(pool.map(forward, range(clips)))
        torch.set_num_threads(all_threads)

    return run


def memory(way: str, folder: Path, paths: Sequence[Path]) -> None:
    """Print, as JSON, MiB: by how much the process grew at most while it described, and all that it held."""
    run = WAYS[way](folder)
    # Weights are mapped from the file and read when they are first used; libraries are loaded then, too.
    run(paths[:1])
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to what is resident now
    before = _status("VmRSS")
    run(paths)
    print(json.dumps([_status("VmHWM") - before, _status("VmHWM")]))


def _status(entry: str) -> float:
    found = re.search(rf"{entry}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


WAYS: dict[str, Callable[[Path], Way]] = {
    "ours, bf16": partial(ours, precision="bf16"),
    "ours, fp32": partial(ours, precision="fp32"),
    "naive, frames stacked as decoded": partial(naive, resized_first=False),
    "naive, frames stacked resized": partial(naive, resized_first=True),
}


def print_memory(folder: Path, paths: Sequence[Path]) -> None:
    """A row a way, and what share of each naive way's growth it is."""
    peaks = {
        way: max(in_a_child(way, folder, paths) for _ in range(3 if way.startswith("ours") else 1))
        for way in WAYS
    }
    naive_ways = [way for way in WAYS if way.startswith("naive")]
    print(f"{'peak MiB':<40} {'growth':>8} {'process':>8}   growth over that of naive as decoded, resized")
    for way, (growth, process) in peaks.items():
        shares = " ".join(f"{growth / peaks[other][0]:.2f}" for other in naive_ways)
        print(f"{way:<40} {growth:8.0f} {process:8.0f}   {shares}")


def in_a_child(way: str, folder: Path, paths: Sequence[Path]) -> tuple[float, float]:
    """Growth and all of the memory of a way, in MiB, from a process that does nothing else."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_backbone", "--memory", way, folder, *paths]
    child = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True, check=True)
    growth, process = json.loads(child.stdout)
    return growth, process


def _distances(path: Path, exact: Way, others: Sequence[Way]) -> list[float]:
    expected = exact([path])[0]
    return [1 - float(way([path])[0] @ expected) for way in others]


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main(rounds: int) -> None:
    """Print a row a way, the ratios asked for, and the peak memory of two."""
    print(
        f"ViT-B/14, {FRAMES} of {CLIP_FRAMES} frames, {SIDE_PX} px, {CORES} cores, medians of {rounds} rounds"
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder, root = checkpoint(Path(temporary) / "vit-b", vit_b()), Path(temporary)
        paths = videos(root, CLIPS)
        ready, exact, slow = ours(folder, "bf16"), ours(folder, "fp32"), naive(folder, resized_first=True)
        together, single = bare(folder, CORES), bare(folder, 1)
        rounded = bare(folder, CORES, referenced=False)
        seen = {
            "a square moves": paths[0],
            "the camera pans": panned(root / "panned.mp4"),
            "a rendered body waves": rendered(root / "rendered.mp4"),
        }
        distances = {
            what: _distances(path, slow, (ready, exact)) for what, path in seen.items()
        }  # all is warm now
        ways: dict[str, Callable[[], object]] = {
            "MP4 to descriptor, bf16 (ours)": lambda: ready(paths),
            f"bare forward, bf16, {CORES} clips at a time": lambda: together(CLIPS),
            "bare forward, bf16, one at a time": lambda: single(2),
            f"the same, {CORES} clips, frames by themselves": lambda: rounded(CLIPS),
            "MP4 to descriptor, fp32 (ours)": lambda: exact(paths[:2]),
            "naive, fp32": lambda: slow(paths[:1]),
        }
        clips = dict(zip(ways, (CLIPS, CLIPS, 2, CLIPS, 2, 1), strict=True))
        taken: dict[str, list[float]] = {way: [] for way in ways}  # seconds a clip
        for _ in range(rounds):
            for way, work in ways.items():
                taken[way].append(seconds(work) / clips[way])
        print(f"{'way':<40} {'clips/s':>8} {'ours / it':>9}   of single rounds")
        for way, other in taken.items():
            ratios = [theirs / own for own, theirs in zip(next(iter(taken.values())), other, strict=True)]
            spread = " ".join(f"{ratio:.2f}" for ratio in sorted(ratios))
            print(f"{way:<40} {1 / median(other):8.3f} {median(ratios):9.2f}   {spread}")
        for what, (bf16, fp32) in distances.items():
            print(f"1 - cos to naive where {what}: ours in bf16 {bf16:.1e}, ours in fp32 {fp32:.1e}")
        print_memory(folder, paths[:3])


if __name__ == "__main__":
    if "--memory" in sys.argv:
        way, folder, *paths = sys.argv[2:]
        memory(way, Path(folder), list(map(Path, paths)))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
