"""Seconds of all ablation rows of Tables 4 and 5 over those of one evaluation, with the same backbone pass.

``python -m tests.benchmarks.bench_ablation [ROUNDS]``. One clip is embedded for the grid (64 frames, every
variant), for one row (64 frames, the standard variant) and for one row of the paper's 32 frames, one after
another in every round, on one thread, with order and rhythm. What a data set of 750 clips costs is 750 of
these and the comparison of its vectors.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import Tensor

from data.video import decode
from moments.backbones.catalogue import build_embedder
from moments.descriptors import STANDARD, Accumulator, Variant, ablation_variants, describe
from moments.embedder import feature_chunks, frame_indices
from moments.order import OrderStream
from moments.protocols.ablation import TABLE_4, TABLE_5, AblationRow, evaluate_rows
from moments.protocols.gallery import NEGATIVE, POSITIVE, REFERENCE, Gallery, GalleryClip
from moments.protocols.retrieval import retrieval
from moments.rhythm import RhythmStream
from tests.benchmarks.material import checkpoint, videos, vit_b

ROUNDS, TRIPLETS = 4, 250


def gallery_of(triplets: int) -> Gallery:
    """As large as SimMotion-Synthetic."""
    return Gallery(
        tuple(
            GalleryClip(f"{group}/{role}", f"{group}/{role}", role, str(group), str(group % 5))
            for group in range(triplets)
            for role in (REFERENCE, POSITIVE, NEGATIVE)
        )
    )


def compared(rows: Sequence[AblationRow], gallery: Gallery) -> float:
    """Seconds to answer ``rows`` from kept vectors; the median of three."""
    vectors = np.random.default_rng(0).normal(size=(len(gallery), 3, 768)).astype(np.float32)
    return median(
        seconds(lambda: evaluate_rows(rows, lambda _: vectors, gallery, retrieval)) for _ in range(3)
    )


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main(rounds: int) -> None:
    """Print seconds a clip and a data set of each way, and their ratio to the grid."""
    torch.set_num_threads(1)  # threads that wait for one another measure what else the machine does
    gallery = gallery_of(TRIPLETS)
    with tempfile.TemporaryDirectory() as temporary:
        folder = checkpoint(Path(temporary) / "vit-b", vit_b())
        frames = decode(videos(Path(temporary), 1)[0]).frames
        embedder = build_embedder("dinov2-base", checkpoint=str(folder), num_frames=64, precision="bf16")
        embedder.open()

        def prepared(number: int) -> Tensor:
            return embedder.prepare(frames[frame_indices(len(frames), number)])[None]

        def embedded(clip: Tensor, variants: Sequence[Variant]) -> None:
            further: dict[str, Accumulator] = {"order": OrderStream(), "rhythm": RhythmStream()}
            describe(feature_chunks(embedder, clip), variants, num_frames=clip.shape[1], further=further)

        many, few = prepared(64), prepared(32)
        embedded(few, STANDARD)
        one = (AblationRow("(1, 8, 4)", (1, 8, 4)),)
        ways = {
            "grid, 64 frames": (many, ablation_variants(64), (*TABLE_4, *TABLE_5)),
            "one row, 64 frames": (many, STANDARD, one),
            "one row, 32 frames": (few, STANDARD, one),
        }
        taken: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way, (clip, variants, _rows) in ways.items():
                taken[way].append(seconds(partial(embedded, clip, variants)))
        print(f"ViT-B/14, bf16, {len(gallery)} clips, one thread, medians of {rounds} rounds")
        print(
            f"{'way':<20} {'s/clip':>7} {'compare s':>10} {'all s':>7} {'grid / it':>10}   of single rounds"
        )
        comparing = {way: compared(rows, gallery) for way, (_, _, rows) in ways.items()}
        sums = {way: [len(gallery) * each + comparing[way] for each in taken[way]] for way in ways}
        for way, own in sums.items():
            ratios = sorted(grid / it for grid, it in zip(next(iter(sums.values())), own, strict=True))
            print(
                f"{way:<20} {median(taken[way]):7.2f} {comparing[way]:10.2f} {median(own):7.0f} "
                f"{median(ratios):10.3f}   {' '.join(f'{ratio:.3f}' for ratio in ratios)}"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
