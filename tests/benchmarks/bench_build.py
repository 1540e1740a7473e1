"""Whole builds of growing size: seconds a triplet, peak memory, and what the orchestration costs.

``python -m tests.benchmarks.bench_build [TRIPLETS …]`` (multiples of 5). Each size is built twice into a
fresh folder's place: once from nothing, once with everything finished.
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from flows import ledger

CLIP = ("--size", "128", "--seconds", "2", "--fps", "8")
DEFAULT_SIZES = (10, 40, 160)


@dataclass(frozen=True)
class Measured:
    """One build as a whole process: wall seconds and the peak resident memory of its largest process."""

    seconds: float
    peak_mib: float


def build(out: Path, triplets: int, home: Path) -> Measured:
    """Run the command to its end, or stop with its output."""
    command = [sys.executable, "-m", "flows.cli", "build", "--out", str(out)]
    started = time.monotonic()
    child = subprocess.Popen(
        [*command, "--per-category", str(triplets // 5), *CLIP],
        env={**os.environ, "PREFECT_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert child.stderr is not None
    errors = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(errors.decode())
    return Measured(time.monotonic() - started, usage.ru_maxrss / 1024)


def main(sizes: tuple[int, ...]) -> None:
    """Print one row a size."""
    print(f"clips {' '.join(CLIP)}, {os.cpu_count()} cores")
    print(
        f"{'triplets':>8} {'build s':>8} {'s/triplet':>9} {'peak MiB':>8} {'again s':>8} {'stage work s':>12}"
    )
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        build(root / "warm", 5, root / "prefect")  # compiles kernels and migrates the database
        for size in sizes:
            fresh = build(root / str(size), size, root / "prefect")
            again = build(root / str(size), size, root / "prefect")
            work = sum(entry.seconds for entry in ledger.read(root / str(size) / "ledger.jsonl"))
            print(
                f"{size:>8} {fresh.seconds:>8.1f} {fresh.seconds / size:>9.2f} {fresh.peak_mib:>8.0f} "
                f"{again.seconds:>8.1f} {work:>12.1f}"
            )


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or DEFAULT_SIZES)
