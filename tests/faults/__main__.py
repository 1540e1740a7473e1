"""``python -m tests.faults``: lets every cell of the matrix happen and prints what came of it."""

import os
import sys
import tempfile
from collections.abc import Sequence, Set
from pathlib import Path

from tests.faults.injections import STAGES
from tests.faults.judging import judged
from tests.faults.matrix import TABLE
from tests.faults.world import Worlds, can_mount, worlds

WIDEST = max(map(len, TABLE)) + 2
WIDTH = 18


def main(wanted: Sequence[str]) -> int:
    """Every cell, or those whose "fault, stage" holds one of ``wanted``; 1 when one is not as stated."""
    chosen = {
        name: {stage for stage in STAGES if not wanted or any(part in f"{name}, {stage}" for part in wanted)}
        for name in TABLE
    }
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"PREFECT_HOME": f"{home}/prefect", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"}
        os.environ |= {"PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
        from flows.server import prefect_server

        Path(home).chmod(0o755)  # a process that lost its rights still finds its way
        _say(" " * WIDEST + "".join(f"{stage:<{WIDTH}}" for stage in STAGES))
        with prefect_server() as url, worlds(Path(home), url) as made:
            num_wrong = sum(_row(made, name, stages) for name, stages in chosen.items() if stages)
    _say(f"{num_wrong} cells are not as stated" if num_wrong else "every cell that is tested is as stated")
    return 1 if num_wrong else 0


def _row(made: Worlds, name: str, stages: Set[str]) -> int:
    """Print a row of the table and what is wrong in it; returns the number of cells that are wrong."""
    cells: list[str] = []
    told: list[str] = []
    num_wrong = 0
    for stage in STAGES:
        cell = TABLE[name].get(stage, "")
        if stage not in stages:
            cells.append("not run")
            continue
        if isinstance(cell, str) or (cell.small_disk and not can_mount()):
            cells.append("–" if cell else "not tested")
            continue
        verdict = judged(made, cell, f"{name} {stage}".replace(" ", "-"))
        num_wrong += bool(verdict.wrong)
        cells.append(f"{'✗' if verdict.wrong else '✓'} {cell.outcome} {verdict.seconds:.0f} s")
        told += [f"    {stage}: {wrong}" for wrong in verdict.wrong]
    _say("\n".join([f"{name:<{WIDEST}}" + "".join(f"{text:<{WIDTH}}" for text in cells), *told]))
    return num_wrong


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
