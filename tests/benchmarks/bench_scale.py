"""How a build grows: time, memory and Prefect's database by the number of triplets, and looking once more.

Clips are tiny and cost nothing (``scaled_build``), so that all that is measured is ours. The page shows at
most 250 triplets whatever there are, and has a column of its own. ``--full`` adds 10,000 triplets.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

from flows.server import prefect_server

SIZES = (100, 1000)
FULL = 10_000
MAX_GROWTH = 0.10
MAX_DRIFT = 0.10
MAX_RESUME_SECONDS = 10.0


def measured(folder: Path, num_triplets: int) -> dict[str, float]:
    """A build in a process of its own, then the same command again in another."""
    os.environ["PREFECT_HOME"] = str(folder / "prefect")
    command = [sys.executable, "-m", "tests.benchmarks.scaled_build", str(folder / "out"), str(num_triplets)]
    with prefect_server(services=True) as url:  # which writes down every task, as that of a team does
        environment = {**os.environ, "PREFECT_API_URL": url, "OMP_NUM_THREADS": "1"}
        first, again = (
            json.loads(
                subprocess.run(
                    command, env=environment, check=True, stdout=subprocess.PIPE, text=True
                ).stdout.splitlines()[-1]
            )
            for _ in range(2)
        )
    database = sum(path.stat().st_size for path in (folder / "prefect").glob("prefect.db*"))
    assert first["accepted"] == again["accepted"] == num_triplets
    return {**first, "again_seconds": again["seconds"], "database_bytes": database}


def beside_the_page(row: dict[str, float]) -> float:
    return row["seconds"] - row["page_seconds"]


def main(arguments: list[str]) -> int:
    sizes = (*SIZES, *((FULL,) if "--full" in arguments else ()))
    print(
        "triplets   total s   page s   ms each beside the page   processor ms each   around the work"
        "   peak MiB   database kB each   shards kB each   once more s"
    )
    rows = {}
    for size in sizes:
        folder = Path(tempfile.mkdtemp(prefix="simmotion-scale-"))
        try:
            rows[size] = row = measured(folder, size)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        around = 1 - row["worked_seconds"] / 2 / row["seconds"]  # two workers
        print(
            f"{size:8,d} {row['seconds']:9.1f} {row['page_seconds']:8.1f}"
            f" {1000 * beside_the_page(row) / size:25.1f}"
            f" {1000 * row['processor_seconds'] / size:19.1f} {around:17.0%}"
            f" {row['peak_bytes'] / 2**20:10.0f} {row['database_bytes'] / size / 1000:18.1f}"
            f" {row['shard_bytes'] / size / 1000:16.1f} {row['again_seconds']:13.1f}",
            flush=True,
        )
    # Of further triplets, since the start of a run is a third of the smallest size.
    further = [
        (beside_the_page(rows[large]) - beside_the_page(rows[small])) / (large - small)
        for small, large in pairwise(sizes)
    ]
    slowest = max(row["again_seconds"] for row in rows.values())
    growth = rows[sizes[-1]]["peak_bytes"] / rows[sizes[-2]]["peak_bytes"]
    print(
        f"ms for each further triplet beside the page: {', '.join(f'{1000 * each:.1f}' for each in further)};"
        f" largest over smallest {max(further) / min(further):.2f} (goal {1 + MAX_DRIFT:.2f})"
    )
    print(f"peak memory, largest over the one before: {growth:.2f} (goal {1 + MAX_GROWTH:.2f})")
    print(f"a finished build once more: {slowest:.1f} s (goal {MAX_RESUME_SECONDS:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
