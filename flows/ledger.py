"""The ledger: one line for every piece of work that was really done, and what it took.

A piece that is taken from the store adds no line, so that equal lines would mean work done twice.  The
flow's own process writes it, whoever did the work.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from data.disk import disk_errors


@dataclass(frozen=True)
class Entry:
    """Work done once, in ``seconds`` of wall time. What was paid for it is in ``flows.calls``."""

    stage: str
    key: str
    triplet_id: str
    seconds: float


@dataclass(frozen=True)
class Totals:
    """Sum of the entries of one stage."""

    count: int
    seconds: float


def append(path: Path, entry: Entry) -> None:
    """Add one line. A single write to a file opened for appending is not torn by other threads.

    It begins with a line break too, so that a line cut by a power failure cannot swallow the next.
    Raises ``ConfigError`` when the disk refuses.
    """
    line = "\n" + json.dumps(asdict(entry), sort_keys=True) + "\n"
    with disk_errors(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


def read(path: Path) -> Iterator[Entry]:
    """Every entry, one after the other. A line that a power failure cut short is passed over."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            try:
                yield Entry(**json.loads(line))
            except (ValueError, TypeError):
                continue


def totals(entries: Iterable[Entry]) -> dict[str, Totals]:
    """Count and seconds by stage."""
    found: dict[str, Totals] = {}
    for entry in entries:
        before = found.get(entry.stage, Totals(0, 0.0))
        found[entry.stage] = Totals(before.count + 1, before.seconds + entry.seconds)
    return found
