"""``rejects.jsonl``: one line for every attempt that did not pass, with its reason and its numbers.

Knows nothing of gates or retries.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, fields
from pathlib import Path

from data.disk import write_atomically
from data.errors import ConfigError
from data.schema import Category, Reject

FILENAME = "rejects.jsonl"
_FIELDS = frozenset(field.name for field in fields(Reject))


def write(rejects: Iterable[Reject], path: Path) -> None:
    """Write all rows by triplet and attempt, whole or not at all; numbers that are not finite become null."""
    ordered = sorted(rejects, key=lambda reject: (reject.triplet_id, reject.attempt))
    write_atomically(path, "".join(f"{_to_line(reject)}\n" for reject in ordered).encode())


def read(path: Path) -> Iterator[Reject]:
    """Every row of the file, null numbers as NaN; ``ConfigError`` names the line that cannot be read."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                try:
                    yield _from_line(line)
                except (ValueError, TypeError, AttributeError) as error:
                    raise ConfigError(f"{path}, line {number}: not a row of rejects ({error})") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error


def final_reasons(
    rejects: Iterable[Reject], settled: Collection[str]
) -> tuple[dict[str, int], dict[str, int]]:
    """Triplets lost for good, as (rejected, failed) counts by the reason of their last attempt.

    ``settled`` are the ids that ended otherwise (accepted, or still pending) and do not count.
    """
    last: dict[str, Reject] = {}
    for reject in rejects:
        known = last.get(reject.triplet_id)
        if reject.triplet_id not in settled and (known is None or known.attempt < reject.attempt):
            last[reject.triplet_id] = reject
    counts = {
        kind: Counter(reject.reason for reject in last.values() if reject.kind == kind)
        for kind in ("rejected", "failed")
    }
    return dict(sorted(counts["rejected"].items())), dict(sorted(counts["failed"].items()))


def _to_line(reject: Reject) -> str:
    row = asdict(reject)
    row["measures"] = {
        name: number if math.isfinite(number) else None for name, number in reject.measures.items()
    }
    return json.dumps(row, ensure_ascii=False, allow_nan=False)


def _from_line(line: str) -> Reject:
    row = json.loads(line)
    if not isinstance(row, dict) or row.keys() != _FIELDS:
        raise ValueError(f"expected an object with the keys {', '.join(sorted(_FIELDS))}")
    row["category"] = Category(row["category"])
    row["measures"] = {
        name: math.nan if number is None else number for name, number in row["measures"].items()
    }
    return Reject(**row)
