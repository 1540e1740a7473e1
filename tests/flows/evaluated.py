"""What tests read of an evaluation: its JSON, its rows, its vector files, and what was said."""

import json
import subprocess
from pathlib import Path
from typing import Any


def evaluation_of(file: Path) -> Any:
    return json.loads(file.read_text())


def rows_of(evaluation: Any) -> dict[str, Any]:
    return {row["method"]: row for row in evaluation["rows"]}


def parts_of(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (root / "vectors").rglob("*.parquet")}


def lines_of(run: subprocess.CompletedProcess[str]) -> list[str]:
    """What was said on the way out, without the bars of progress."""
    return [line for line in run.stderr.splitlines() if line and "━" not in line]
