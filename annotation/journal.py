"""A file of JSON lines that only grows, survives crashes at any byte, and is for its owner's eyes.

Knows nothing of what the lines mean.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from data.disk import disk_errors
from data.errors import ConfigError


def append(path: Path, records: Iterable[dict[str, Any]]) -> None:
    """Add one line for each record, on the disk itself. Raises ``ConfigError`` when that refuses."""
    lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    if not lines:
        return
    with disk_errors(path):
        _drop_torn_line(path)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(lines.encode())
            file.flush()
            os.fsync(file.fileno())


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Every whole line; what a crash cut off at the end is passed over. Raises ``ConfigError`` for damage."""
    if not path.exists():
        return
    data = path.read_bytes()
    for number, line in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), 1):
        try:
            record = json.loads(line)
            if not isinstance(record, dict):
                raise ValueError(f"holds {type(record).__name__}, not an object")
        except ValueError as error:
            raise ConfigError(f"{path}, line {number} is damaged ({error}): put back a copy") from error
        yield record


def _drop_torn_line(path: Path) -> None:
    """So that the next line is not glued to what a crash cut off."""
    if path.exists() and path.stat().st_size:
        with path.open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.seek(0)
                file.truncate(file.read().rfind(b"\n") + 1)
