"""What people said of triplets and of pairs of clips, as Parquet beside the shards that they speak of.

Knows nothing of how people were asked and of how answers become an outcome.  The shards stay as they are:
whoever wants an outcome beside a triplet joins on its id and on the sha256 of its clips.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from data.disk import write_atomically
from data.errors import ConfigError

DIRECTORY = "people"  # inside a data set's folder
CHECKS, PREFERENCES = "checks.parquet", "preferences.parquet"

_CHECKS = pa.schema(
    [
        ("triplet_id", pa.string()),
        ("reference_sha256", pa.string()),
        ("positive_sha256", pa.string()),
        ("negative_sha256", pa.string()),
        ("num_accept", pa.int32()),
        ("num_reject", pa.int32()),
        ("num_unsure", pa.int32()),
        ("num_does_not_play", pa.int32()),
        ("accept_share", pa.float64()),
        ("accept_low", pa.float64()),
        ("accept_high", pa.float64()),
        ("outcome", pa.string()),
    ]
)
_PREFERENCES = pa.schema(
    [
        ("pair_id", pa.string()),
        ("triplet_id", pa.string()),
        ("source_sha256", pa.string()),
        ("first_sha256", pa.string()),
        ("second_sha256", pa.string()),
        ("question", pa.string()),
        ("num_first", pa.int32()),
        ("num_second", pa.int32()),
        ("num_no_difference", pa.int32()),
        ("num_does_not_play", pa.int32()),
        ("second_share", pa.float64()),
        ("second_low", pa.float64()),
        ("second_high", pa.float64()),
        ("outcome", pa.string()),
    ]
)


@dataclass(frozen=True)
class TripletCheck:
    """One triplet: how many annotators said what, and what it comes to.

    ``accept_share`` is that of ``num_accept`` in all who judged, with its interval; None where nobody did.
    """

    triplet_id: str
    reference_sha256: str
    positive_sha256: str
    negative_sha256: str
    num_accept: int
    num_reject: int
    num_unsure: int
    num_does_not_play: int
    accept_share: float | None
    accept_low: float | None
    accept_high: float | None
    outcome: Literal["accept", "reject", "unsure"]


@dataclass(frozen=True)
class PairPreference:
    """One pair: how many annotators preferred the clip made the first way, the second way, or neither.

    ``second_share`` is that of ``num_second``, ties counted half, in all who judged, with its interval; None
    where nobody did.  ``triplet_id`` is that of the data set's triplet with one of the clips, None where
    there is none; ``source_sha256`` of the clip that was shown with them, if any.
    """

    pair_id: str
    triplet_id: str | None
    source_sha256: str | None
    first_sha256: str
    second_sha256: str
    question: str
    num_first: int
    num_second: int
    num_no_difference: int
    num_does_not_play: int
    second_share: float | None
    second_low: float | None
    second_high: float | None
    outcome: Literal["first", "second", "no_difference", "unsure"]


def write_checks(rows: Sequence[TripletCheck], out: Path) -> Path:
    """Write ``people/checks.parquet`` of the data set ``out``, whole or not at all; returns its path.

    Raises ``ConfigError`` for a disk that refuses.
    """
    return _write(list(map(asdict, rows)), _CHECKS, out / DIRECTORY / CHECKS)


def read_checks(path: Path) -> list[TripletCheck]:
    """The rows of such a file. Raises ``ConfigError`` for any other."""
    return [TripletCheck(**row) for row in _read(_CHECKS, path)]


def write_preferences(rows: Sequence[PairPreference], out: Path) -> Path:
    """Write ``people/preferences.parquet``, as ``write_checks`` does."""
    return _write(list(map(asdict, rows)), _PREFERENCES, out / DIRECTORY / PREFERENCES)


def read_preferences(path: Path) -> list[PairPreference]:
    """The rows of such a file. Raises ``ConfigError`` for any other."""
    return [PairPreference(**row) for row in _read(_PREFERENCES, path)]


def _write(rows: list[dict[str, Any]], schema: pa.Schema, path: Path) -> Path:
    file = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), file, compression="zstd")
    write_atomically(path, file.getvalue().to_pybytes())
    return path


def _read(schema: pa.Schema, path: Path) -> list[dict[str, Any]]:
    try:
        table = pq.read_table(path, partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise ConfigError(f"cannot read what people said from {path}: {error}") from error
    if not table.schema.equals(schema):
        raise ConfigError(f"{path} holds other columns: `simmotion annotate results` writes these files")
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows
