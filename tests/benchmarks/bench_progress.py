"""Seconds of the Semantic Progress by its band against the dense equations, and of ever longer clips.

``python -m tests.benchmarks.bench_progress [LONGEST_DENSE]``, on one thread; clips longer than
LONGEST_DENSE (3000 unless given: 4.5 GB, two minutes) are not solved densely.  The dense way holds the
matrix A of all pairs, as the formula is written, and multiplies out AᵀWA; it is assembled without a loop.
Three ratios: of the least squares alone, from angles that lie ready; of all from the embeddings on, with
dense angles as exact as ours, of every frame to all others by the lengths of differences and sums; and the
same with arccosines of one product of matrices, in which small angles are lost.
"""

from __future__ import annotations

import os

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # read when numpy is imported

import sys
import time
import tracemalloc
from collections.abc import Callable
from statistics import median

import numpy as np
import numpy.typing as npt

from moments import progress

FloatArray = npt.NDArray[np.float64]

WINDOW, SIGMA, RIDGE, CHANNELS = 30, 20.0, 1e-5, 768
COMPARED = (81, 300, 1000, 3000)
LONG = (1_000, 3_000, 10_000, 30_000, 100_000)


def embeddings(frames: int) -> npt.NDArray[np.float32]:
    """A path that keeps turning, float32 (frames, 768) as a backbone gives it."""
    path = np.random.default_rng(0).normal(size=(frames, CHANNELS)).astype(np.float32)
    path[:, 0] += 20
    return path


def exact_angles(path: npt.NDArray[np.float32]) -> FloatArray:
    """Angles of all pairs, (T, T), each to the last digits."""
    unit = _unit(path)
    norm = np.linalg.norm
    return np.stack([2 * np.arctan2(norm(unit - own, axis=1), norm(unit + own, axis=1)) for own in unit])


def rounded_angles(path: npt.NDArray[np.float32]) -> FloatArray:
    """Angles of all pairs, (T, T), those near 0 as the release clips them."""
    unit = _unit(path)
    return np.asarray(np.arccos((unit @ unit.T).clip(-1 + 1e-7, 1 - 1e-7)))


def _unit(path: npt.NDArray[np.float32]) -> FloatArray:
    wide = path.astype(np.float64)
    return np.asarray(wide / np.linalg.norm(wide, axis=1, keepdims=True))


def dense_least_squares(angles: FloatArray) -> FloatArray:
    """S (T,) from the matrix A of all pairs, most of which is zeros."""
    frames = len(angles)
    early, late = np.triu_indices(frames, 1)
    near = late - early <= WINDOW
    early, late = early[near], late[near]
    pairs = np.arange(len(early))
    rows = np.zeros((len(early), frames))
    rows[pairs, early], rows[pairs, late] = -1, 1
    weighted = rows.T * np.exp(-((late - early) ** 2) / (2 * SIGMA**2))
    return np.linalg.solve(weighted @ rows + RIDGE * np.eye(frames), weighted @ angles[early, late])


def timed(work: Callable[[], FloatArray], times: int) -> tuple[float, FloatArray]:
    """Median seconds over ``times`` runs, and the answer."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        answer = work()
        taken.append(time.perf_counter() - started)
    return median(taken), answer


def compare(frames: int) -> None:
    """Print one row: the same clip both ways."""
    path = embeddings(frames)
    times, dense_times = (31, 11) if frames < 300 else (31, 3) if frames < 1000 else (11, 1)
    angles = progress._angles(path, WINDOW)
    band, _ = timed(lambda: progress._least_squares(angles, SIGMA, RIDGE), times)
    whole, ours = timed(lambda: progress.semantic_progress(path).raw, times)
    exact, table = timed(lambda: exact_angles(path), dense_times)
    rounded, _ = timed(lambda: rounded_angles(path), dense_times)
    dense, theirs = timed(lambda: dense_least_squares(table), dense_times)
    print(
        f"{frames:>7} {1e3 * band:>9.3f} {1e3 * dense:>10.1f} {dense / band:>8.0f}x"
        f" {1e3 * whole:>9.2f} {1e3 * (exact + dense):>10.1f} {(exact + dense) / whole:>8.0f}x"
        f" {1e3 * (rounded + dense):>10.1f} {(rounded + dense) / whole:>8.1f}x"
        f" {np.abs(ours - theirs).max():>9.0e}"
    )


def lengthen(frames: int) -> None:
    """Print one row: seconds and memory of a long clip."""
    path = embeddings(frames)
    whole, _ = timed(lambda: progress.semantic_progress(path).raw, 3)
    tracemalloc.start()
    progress.semantic_progress(path)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    angles = progress._angles(path, WINDOW)
    solved, _ = timed(lambda: progress._least_squares(angles, SIGMA, RIDGE), 3)
    print(
        f"{frames:>7} {whole:>8.2f} {1e6 * whole / frames:>9.1f} {1e6 * solved / frames:>20.2f}"
        f" {path.nbytes / 2**20:>10.0f} {peak_bytes / 2**20:>14.0f}"
    )


def main(longest_dense: int) -> None:
    """Print both tables."""
    print(f"{CHANNELS} channels, float32 embeddings, one thread, medians")
    print(
        f"{'T':>7} {'all s':>8} {'us/frame':>9} {'of it least squares':>20} "
        f"{'input MiB':>10} {'MiB beyond it':>14}"
    )
    for frames in LONG:
        lengthen(frames)
    print(f"\n{'milliseconds:':>7} {'least squares alone':>23} {'with exact angles':>30}", end="")
    print(f" {'rounded angles':>20} {'largest':>9}")
    print(
        f"{'T':>7} {'band':>9} {'dense':>10} {'ratio':>9} {'ours':>9} {'dense':>10} {'ratio':>9}"
        f" {'dense':>10} {'ratio':>9} {'differ.':>9}"
    )
    for frames in COMPARED:
        if frames <= longest_dense:
            compare(frames)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else max(COMPARED))
