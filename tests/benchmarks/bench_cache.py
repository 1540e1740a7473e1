"""What WAN's first-block cache saves, and what it costs: the same pairs with and without it.

``python -m tests.benchmarks.bench_cache MODEL [--pairs N] [--thresholds T,T,…]``: MODEL is a hub id or a
folder in the format of diffusers.  First frames and motions are those of rendered triplets; canvas, noise
and prompts are the same in every row.  Printed are seconds a pair, how far its pixels are from those
without a cache, how much it still moves, and the verdict's synchrony.  Weights must be trained ones: random
weights draw noise.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest

import numpy as np
import torch

from data.schema import Category, ClipFormat, Frames, Role
from generators.base import ImageRequest, VideoRequest
from generators.procedural.generator import ProceduralGenerator
from generators.wan import WanVideos
from generators.wan_config import WanConfig
from generators.wan_format import format_of
from moments.gates import judge
from moments.thresholds import Thresholds
from prompts.sampling import draw_drafts, plan_of
from prompts.template import TemplateWriter
from prompts.writer import WriteRequest

PAIR = (Role.REFERENCE, Role.POSITIVE)
SEED = 2026
MAX_PSNR_DB = 100.0  # stands for clips that are equal
LIMITS = Thresholds()


@dataclass(frozen=True)
class Measured:
    """One pair: its clips, and what the verdict measures on them."""

    clips: tuple[Frames, Frames]
    seconds: float
    motion: float
    synchrony: float


def requests(num_pairs: int, clip_format: ClipFormat) -> list[VideoRequest]:
    """Pairs of all categories in turn, with rendered first frames."""
    renderer = ProceduralGenerator()
    drafts = draw_drafts(tuple(Category), -(-num_pairs // len(Category)), SEED)
    by_category = ([draft for draft in drafts if draft.category is category] for category in Category)
    in_turn = (draft for turn in zip_longest(*by_category) for draft in turn)
    made = []
    for draft in islice(in_turn, num_pairs):
        (prompts,) = TemplateWriter().write([WriteRequest(draft)])
        plan = plan_of(draft, prompts)
        asked = [ImageRequest(plan, role, clip_format, draft.seed) for role in PAIR]
        made.append(VideoRequest(plan, PAIR, tuple(renderer.images(asked)), clip_format, draft.seed))
    return made


def measured(config: WanConfig, asked: Sequence[VideoRequest]) -> list[Measured]:
    """The pairs as ``config`` makes them; the first one is made twice, and its first time not counted."""
    backend = WanVideos(config)
    backend.open()
    list(backend.videos(asked[:1]))
    pairs = []
    for request in asked:
        began = time.perf_counter()
        (made,) = backend.videos([request])
        seconds = time.perf_counter() - began
        reference, positive = (clip.frames for clip in made.clips)
        found = judge(reference, positive, reference, request.format.fps, LIMITS).measures
        motion = (found["reference_motion"] + found["positive_motion"]) / 2
        pairs.append(Measured((reference, positive), seconds, motion, found["synchrony"]))
    return pairs


def psnr_db(first: Measured, second: Measured) -> float:
    pairs = zip(first.clips, second.clips, strict=True)
    error = np.mean([np.square(one.astype(np.float64) - other).mean() for one, other in pairs])
    return MAX_PSNR_DB if error == 0 else float(10 * np.log10(255**2 / error))


def row(threshold: float | None, pairs: Sequence[Measured], plain: Sequence[Measured]) -> list[str]:
    """One line of the table; ``plain`` are the same pairs without a cache."""
    seconds, plain_seconds = (np.median([pair.seconds for pair in each]) for each in (pairs, plain))
    psnr = [psnr_db(*each) for each in zip(pairs, plain, strict=True)]
    motion = np.median([pair.motion / other.motion for pair, other in zip(pairs, plain, strict=True)])
    synchrony = np.array([pair.synchrony for pair in pairs])
    return [
        "off" if threshold is None else f"{threshold:g}",
        f"{seconds:.2f}",
        f"{plain_seconds / seconds:.2f}",
        f"{np.median(psnr):.1f} ({min(psnr):.1f})",
        f"{motion:.2f}",
        f"{np.median(synchrony):.3f}",
        f"{np.mean(synchrony >= LIMITS.min_synchrony):.0%}",
    ]


def main() -> None:
    """Print a row without a cache, and one for each threshold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--steps", type=int, default=WanConfig().steps)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--thresholds", default="0.05,0.1,0.2")
    options = parser.parse_args()
    torch.set_num_threads(1)
    config = WanConfig(model=options.model, steps=options.steps)
    clip_format = ClipFormat(options.size, options.seconds, format_of(config).fps)
    asked = requests(options.pairs, clip_format)
    print("| threshold | s/pair | times as fast | PSNR dB, median (least) | motion | synchrony | in sync |")
    print("|---|---|---|---|---|---|---|")
    plain = measured(config, asked)
    for threshold in (None, *map(float, options.thresholds.split(","))):
        cached = config.model_copy(update={"first_block_cache": threshold})
        pairs = plain if threshold is None else measured(cached, asked)
        print("| " + " | ".join(row(threshold, pairs, plain)) + " |", flush=True)


if __name__ == "__main__":
    main()
