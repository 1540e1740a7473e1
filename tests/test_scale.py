"""What grows with a data set grows no faster than it: the reduced form of ``make bench-scale``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.flows.conftest import Prefect

SMALL, LARGE = 20, 60


def built(folder: Path, num_triplets: int, prefect: Prefect) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.scaled_build", str(folder), str(num_triplets)]
    run = subprocess.run(command, env=prefect.environment, capture_output=True, text=True, timeout=240)
    assert run.returncode == 0, run.stderr
    found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    assert found["accepted"] == num_triplets
    return found


@pytest.mark.timeout(600)
def test_shards_and_tasks_grow_with_the_triplets_and_a_second_look_adds_nothing(
    prefect: Prefect, tmp_path: Path
) -> None:
    small = built(tmp_path / "small", SMALL, prefect)
    large = built(tmp_path / "large", LARGE, prefect)
    each = small["shard_bytes"] / SMALL, large["shard_bytes"] / LARGE
    assert each[1] < 1.1 * each[0]
    assert large["tasks"] < 2 * LARGE, "cheap work must share Prefect's tasks"
    rows = sum(pq.read_metadata(path).num_rows for path in (tmp_path / "large" / "data").glob("*.parquet"))
    assert rows == LARGE

    ledger = (tmp_path / "large" / "ledger.jsonl").read_bytes()
    again = built(tmp_path / "large", LARGE, prefect)
    assert again["tasks"] == 0
    assert (tmp_path / "large" / "ledger.jsonl").read_bytes() == ledger
