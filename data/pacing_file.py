"""Reads a pacing curve that somebody wrote: one number a line, CSV with time and progress, or a JSON list.

It knows nothing of videos, or of what a curve is used for.
"""

from __future__ import annotations

import csv
import json
import math
from itertools import pairwise
from pathlib import Path

from data.errors import ConfigError

COLUMNS = ("time", "progress")


def read(path: Path) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Times and progress of a curve, as many of the one as of the other.

    The ending decides: ``.csv`` has a header with the columns ``time`` (any unit, rising) and
    ``progress``; ``.json`` a list of numbers; any other file a number a line, blank lines aside.  Where
    no times are given they are 0, 1, 2, ….  Progress runs from 0 to 1 and never falls.

    Raises ``ConfigError`` for anything else, with the line (in JSON: the item).
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the pacing file {path}: {error}") from error
    reader = {".csv": _from_csv, ".json": _from_json}.get(path.suffix.lower(), _from_lines)
    return _checked(path, reader(path, text))


Point = tuple[str, float, float]
"""Where in the file, time, progress."""


def _from_lines(path: Path, text: str) -> list[Point]:
    filled = [(f"line {number}", line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    return [(where, float(index), _number(path, where, line)) for index, (where, line) in enumerate(filled)]


def _from_csv(path: Path, text: str) -> list[Point]:
    rows = csv.DictReader(text.splitlines(), skipinitialspace=True)
    if not set(COLUMNS) <= set(rows.fieldnames or ()):
        raise ConfigError(
            f"{path}, line 1: the columns are {', '.join(rows.fieldnames or ()) or 'none'}; "
            f"expected {' and '.join(COLUMNS)}"
        )
    points = []
    for row in rows:
        where = f"line {rows.line_num}"
        time, progress = (_number(path, where, row[column]) for column in COLUMNS)
        points.append((where, time, progress))
    return points


def _from_json(path: Path, text: str) -> list[Point]:
    try:
        numbers = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}, line {error.lineno}: not JSON ({error.msg})") from error
    if not isinstance(numbers, list):
        raise ConfigError(
            f"{path}, line 1: JSON of type {type(numbers).__name__}; expected a list of numbers"
        )
    items = [(f"item {number}", value) for number, value in enumerate(numbers, 1)]
    return [(where, float(index), _number(path, where, value)) for index, (where, value) in enumerate(items)]


def _number(path: Path, where: str, value: object) -> float:
    try:
        number = float(value) if isinstance(value, str | float | int) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise ConfigError(f"{path}, {where}: {value!r} is not a number")
    return number


def _checked(path: Path, points: list[Point]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if len(points) < 2:
        raise ConfigError(f"{path}: {len(points)} points; a pacing curve needs at least two")
    for (_, time, progress), (where, next_time, next_progress) in pairwise(points):
        if next_progress < progress:
            raise ConfigError(
                f"{path}, {where}: progress falls from {progress:g} to {next_progress:g}; "
                "a pacing curve never falls"
            )
        if next_time <= time:
            raise ConfigError(f"{path}, {where}: time {next_time:g} follows {time:g}; times must rise")
    for (where, _, progress), wanted in ((points[0], 0), (points[-1], 1)):
        if progress != wanted:
            raise ConfigError(
                f"{path}, {where}: progress is {progress:g}; a pacing curve runs from 0 to 1, so that "
                f"{wanted} is expected here"
            )
    _, times, shares = zip(*points, strict=True)
    return times, shares
