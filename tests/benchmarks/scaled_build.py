"""``simmotion build`` with clips that cost next to nothing: what is left is the machinery around them.

Clips are noise of the size asked for, and one verdict stands for all. Prints one line of JSON.
"""

from __future__ import annotations

import functools
import json
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from data.schema import Clip, Image
from generators.base import BackendFacts, ImageRequest, OnStep, VideoRequest, VideoResult, ignored
from moments import gates


class Noise:
    """Pictures and clips of noise, each its own."""

    facts = BackendFacts("noise", "1", needs_gpu=False, ai_generated=False)

    def open(self) -> None:
        pass

    def images(self, requests: Sequence[ImageRequest]) -> Iterator[Image]:
        for request in requests:
            side = request.format.size_px
            yield _noise(request.seed, 0, (side, side, 3))

    def videos(self, requests: Sequence[VideoRequest], on_step: OnStep = ignored) -> Iterator[VideoResult]:
        for request in requests:
            side, length = request.format.size_px, request.format.num_frames
            shape = (length, side, side, 3)
            clips = [
                Clip(_noise(request.seed, len(role), shape), request.format.fps) for role in request.roles
            ]
            yield VideoResult(tuple(clips), None)


def _noise(seed: int, stream: int, shape: tuple[int, ...]) -> Image:
    coarse = np.random.default_rng([seed, stream]).integers(0, 256, (*shape[:-3], 2, 2, 3), np.uint8)
    return coarse.repeat(shape[-3] // 2, axis=-3).repeat(shape[-2] // 2, axis=-2)


def main(out: str, num_triplets: int) -> None:
    """Build, or look once more at what was built."""
    truly = gates.judge

    @functools.cache
    def one_verdict(shape: tuple[int, ...], fps: float) -> gates.Judgement:
        clip = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        return replace(truly(clip, clip, clip, fps, gates.Thresholds()), reasons=())

    def judged(reference: Image, positive: Image, negative: Image, fps: float, _: object) -> gates.Judgement:
        return one_verdict(reference.shape, fps)

    from flows.report import write_report
    from flows.runners import Crew

    num_tasks, submit = 0, Crew.submit
    page_seconds = 0.0

    def counted(self: Crew, *arguments: Any, **more: Any) -> Any:
        nonlocal num_tasks
        num_tasks += 1
        return submit(self, *arguments, **more)

    def timed(*arguments: Any, **more: Any) -> Path:
        nonlocal page_seconds
        started = time.monotonic()
        page = write_report(*arguments, **more)
        page_seconds = time.monotonic() - started
        return page

    with (
        patch.object(Crew, "submit", counted),
        patch("flows.publish.write_report", timed),
        patch("flows.backends.build_image_generator", lambda *_: Noise()),
        patch("flows.backends.build_video_generator", lambda *_: Noise()),
        patch.object(gates, "judge", judged),
    ):
        from flows.terminal import prepare_environment

        prepare_environment()
        from flows.api import api
        from flows.build_synthetic import build_synthetic

        with api():
            started, worked = time.monotonic(), time.process_time()
            summary = build_synthetic(
                out=out,
                per_category=num_triplets // 5,
                size_px=16,
                duration_seconds=1.0,
                fps=8,
            )
            seconds, processor_seconds = time.monotonic() - started, time.process_time() - worked
    shards = sum(path.stat().st_size for path in (Path(out) / "data").glob("*.parquet"))
    print(
        json.dumps(
            {
                "accepted": summary.counts.accepted,
                "seconds": seconds,
                "page_seconds": page_seconds,
                "processor_seconds": processor_seconds,
                "worked_seconds": summary.seconds,
                "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                "shard_bytes": shards,
                "tasks": num_tasks,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
