"""Whole builds of growing size: seconds a triplet, peak memory, and what the orchestration costs.

``python -m tests.benchmarks.bench_build [--full-size] [TRIPLETS …]`` (multiples of 5). Each size is built
twice into a fresh folder's place: once from nothing, once with everything finished. Clips are small, unless
those of the recipe are asked for. Beside the work of the stages is what the wall time of the workers has
beyond the seconds in the ledger: start and end of the process, Prefect, shards, page, and idle workers.
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from flows import ledger

SMALL = ("--size", "128", "--seconds", "2", "--fps", "8")
DEFAULT_SIZES = (10, 40, 160)
WORKERS = 2


@dataclass(frozen=True)
class Measured:
    """One build as a whole process: wall seconds and the peak resident memory of its largest process."""

    seconds: float
    peak_mib: float


def build(out: Path, triplets: int, home: Path, clip: tuple[str, ...]) -> Measured:
    """Run the command to its end, or stop with its output."""
    command = [sys.executable, "-m", "flows.cli", "build", "--out", str(out)]
    started = time.monotonic()
    child = subprocess.Popen(
        [*command, "--per-category", str(triplets // 5), "--workers", str(WORKERS), *clip],
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


def main(sizes: tuple[int, ...], clip: tuple[str, ...]) -> None:
    """Print one row a size."""
    shape = " ".join(clip) or "of the recipe's size"
    print(f"clips {shape}, {WORKERS} workers, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    titles = ("triplets", "build s", "s/triplet", "peak MiB", "again s", "stage work s", "beside it")
    print(("{:>8} {:>8} {:>9} {:>8} {:>8} {:>12} {:>9}").format(*titles))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        build(root / "warm", 5, root / "prefect", SMALL)  # compiles kernels and migrates the database
        for size in sizes:
            fresh = build(root / str(size), size, root / "prefect", clip)
            again = build(root / str(size), size, root / "prefect", clip)
            work = sum(entry.seconds for entry in ledger.read(root / str(size) / "ledger.jsonl"))
            print(
                f"{size:>8} {fresh.seconds:>8.1f} {fresh.seconds / size:>9.2f} {fresh.peak_mib:>8.0f} "
                f"{again.seconds:>8.1f} {work:>12.1f} {1 - work / WORKERS / fresh.seconds:>9.1%}",
                flush=True,
            )


if __name__ == "__main__":
    numbers = tuple(int(argument) for argument in sys.argv[1:] if argument.isdigit())
    main(numbers or DEFAULT_SIZES, () if "--full-size" in sys.argv else SMALL)
