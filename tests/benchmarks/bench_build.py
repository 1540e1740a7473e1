"""Whole builds of growing size: seconds a triplet, peak memory, and what the orchestration costs.

``python -m tests.benchmarks.bench_build [--full-size] [TRIPLETS …]`` (multiples of 5). Each size is built
twice into a fresh folder's place: once from nothing, once with everything finished. Clips are small, unless
those of the recipe are asked for. The work of the stages is the seconds in the ledger, for which each worker
has its share of the wall time, and after it retrieval, shards, manifest and report, as the command tells them
in whole seconds. Beside it is the rest: start and end of the process, Prefect, and idle workers.
"""

import os
import re
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
    """A build as a whole process: wall seconds, those of its last steps, and the peak memory of a process."""

    seconds: float
    last_steps_seconds: int
    peak_mib: float


def build(out: Path, triplets: int, home: Path, clip: tuple[str, ...]) -> Measured:
    """Run the command to its end, or stop with its output."""
    command = [sys.executable, "-m", "flows.cli", "build", "--out", str(out)]
    started = time.monotonic()
    child = subprocess.Popen(
        [*command, "--per-category", str(triplets // 5), "--workers", str(WORKERS), *clip],
        env={**os.environ, "PREFECT_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert child.stdout is not None
    told = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - started
    if status:
        raise SystemExit(told)
    steps = re.findall(r"^(?:retrieval|shards|manifest|report) .* (\d+):(\d+):(\d+) left", told, re.MULTILINE)
    return Measured(
        seconds, sum(3600 * int(h) + 60 * int(m) + int(s) for h, m, s in steps), usage.ru_maxrss / 1024
    )


def main(sizes: tuple[int, ...], clip: tuple[str, ...]) -> None:
    """Print one row a size."""
    shape = " ".join(clip) or "of the recipe's size"
    print(f"clips {shape}, {WORKERS} workers, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    titles = ("triplets", "build s", "s/triplet", "peak MiB", "again s", "ledger s", "last steps s", "beside")
    print("{:>8} {:>8} {:>9} {:>8} {:>8} {:>9} {:>12} {:>7}".format(*titles))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        build(root / "warm", 5, root / "prefect", SMALL)  # compiles kernels and migrates the database
        for size in sizes:
            fresh = build(root / str(size), size, root / "prefect", clip)
            again = build(root / str(size), size, root / "prefect", clip)
            work = sum(entry.seconds for entry in ledger.read(root / str(size) / "ledger.jsonl"))
            stages = work / WORKERS + fresh.last_steps_seconds
            print(
                f"{size:>8} {fresh.seconds:>8.1f} {fresh.seconds / size:>9.2f} {fresh.peak_mib:>8.0f} "
                f"{again.seconds:>8.1f} {work:>9.1f} {fresh.last_steps_seconds:>12} "
                f"{1 - stages / fresh.seconds:>7.1%}",
                flush=True,
            )


if __name__ == "__main__":
    numbers = tuple(int(argument) for argument in sys.argv[1:] if argument.isdigit())
    main(numbers or DEFAULT_SIZES, () if "--full-size" in sys.argv else SMALL)
