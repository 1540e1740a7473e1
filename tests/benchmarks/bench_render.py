"""Frames a second of the renderer at 512 × 512, beside the same work with 1 and with 4 samples a pixel.

``python -m tests.benchmarks.bench_render [FRAMES]``. Two threads draw a clip each, as a build does. The
one-sample way is the same kernels compiled with edge finding switched off; the four-sample way draws
that at twice the size and averages. Both are compiled afresh in a process of their own, into a
temporary cache, which also tells the seconds of a first compilation.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from data.schema import Category, ClipFormat, Factors, Image, Role
from generators.procedural import layers, visibility
from generators.procedural.kernel import kernel
from generators.procedural.render import render, render_frame
from generators.procedural.scene import Scene
from generators.procedural.stage import stage
from tests.generators.plans import plan_of

SIZE_PX = 512
THREADS = 2
FACTORS = Factors("person", "walk", "meadow", "fence", "navy_stripes", "shaded", "three_quarter_left")
STYLES = ("shaded", "toon", "sketch", "painted", "silhouette", "blueprint")
MOVING_CAMERA = "slow_arc"


def scene_of(factors: Factors, frames: int) -> Scene:
    """A five-second scene of the generator, cut to ``frames``."""
    shown = stage(plan_of(Category.VIEW, factors), Role.REFERENCE, ClipFormat(SIZE_PX), seed=1).scene
    moving, camera = shown.moving, shown.camera
    cut = slice(None, frames)
    return replace(
        shown,
        num_frames=frames,
        moving=replace(moving, linear=moving.linear[cut], origin=moving.origin[cut]),
        camera=replace(camera, position=camera.position[cut], target=camera.target[cut]),
    )


def quartered(frames: Image) -> Image:
    """Means of 2 × 2 pixels, (T, H, W, 3) to (T, H / 2, W / 2, 3)."""
    t, h, w, _ = frames.shape
    return np.asarray(frames.reshape(t, h // 2, 2, w // 2, 2, 3).mean((2, 4)) + 0.5, np.uint8)


def pace(shown: Scene, doubled: bool = False) -> float:
    """Frames a second of all threads together."""

    def draw(_: int) -> int:
        frames = render(shown, 2 * SIZE_PX if doubled else SIZE_PX)
        return len(quartered(frames) if doubled else frames)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda _: render_frame(shown, 64, 0), range(THREADS)))
        started = time.perf_counter()
        drawn = sum(pool.map(draw, range(THREADS)))
        return drawn / (time.perf_counter() - started)


@kernel
def never(key: visibility.KeyImage, row: int, column: int, above: int) -> bool:
    """In place of ``visibility.differs``: no pixel shows more than one thing."""
    return False


def without_smoothing(frames: int) -> None:
    """Print, as JSON, seconds to compile and the paces of one and of four samples a pixel."""
    vars(layers)["differs"] = never
    started = time.perf_counter()
    render(scene_of(FACTORS, 1), 64)
    compiled = time.perf_counter() - started
    still, moving = scene_of(FACTORS, frames), scene_of(replace(FACTORS, camera=MOVING_CAMERA), frames)
    print(
        json.dumps([compiled, *(pace(shown, twice) for shown in (still, moving) for twice in (False, True))])
    )


def main(frames: int) -> None:
    """Print one row a way of drawing, then one a style."""
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, "-m", "tests.benchmarks.bench_render", str(frames), "--without-smoothing"]
        child = subprocess.run(
            command,
            env={**os.environ, "NUMBA_CACHE_DIR": cache},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    compiled, *others = json.loads(child.stdout)
    still = scene_of(FACTORS, frames)
    print(f"{SIZE_PX} px, {frames} frames a clip, {THREADS} threads on {os.cpu_count()} cores")
    print(f"{len(still.moving.shape)} moving and {len(still.static.shape)} standing primitives")
    print(f"first compilation {compiled:.0f} s")
    print(f"{'camera':<10} {'way':<20} {'frames/s':>8} {'ratio':>6}")
    for camera, (one, four) in ((FACTORS.camera, others[:2]), (MOVING_CAMERA, others[2:])):
        smooth = pace(scene_of(replace(FACTORS, camera=camera), frames))
        name = "moving" if camera == MOVING_CAMERA else "standing"
        for way, rate in (("edges smoothed (ours)", smooth), ("one sample", one), ("four samples", four)):
            print(f"{name:<10} {way:<20} {rate:8.1f} {rate / smooth:6.2f}")
    print(f"{'style':<10} {'standing':>9} {'moving':>9}   frames/s")
    for style in STYLES:
        rates = [
            pace(scene_of(replace(FACTORS, style=style, camera=camera), frames))
            for camera in (FACTORS.camera, MOVING_CAMERA)
        ]
        print(f"{style:<10} {rates[0]:9.1f} {rates[1]:9.1f}")


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:] if word.isdigit()]
    run = without_smoothing if "--without-smoothing" in sys.argv else main
    run(given[0] if given else 40)
