"""Scores of clips as one Parquet file per embedder, beside the shards that it speaks of.

Knows nothing of how a score is computed.  The shards stay as they are: whoever wants a score beside a
clip joins on its sha256, and a second embedder adds a file, not a column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from data.disk import write_atomically
from data.errors import ConfigError

DIRECTORY = "scores"  # inside a data set's folder
IDENTITY = b"simmotion.embedder"  # key of the embedder's identity in the file's metadata

_SCHEMA = pa.schema(
    [
        ("clip_sha256", pa.string()),
        ("clip_id", pa.string()),
        ("triplet_id", pa.string()),
        ("category", pa.string()),
        ("role", pa.string()),
        ("label", pa.string()),
        ("spf_range_radians", pa.float64()),
        ("spf_rms_deviation", pa.float64()),
        ("spf_max_deviation", pa.float64()),
        ("spf_largest_jump", pa.float64()),
        ("spf_interpretable", pa.bool_()),
        ("spf", pa.list_(pa.float32())),
        ("mean_to_reference", pa.float64()),
        ("sm_to_reference", pa.float64()),
        ("order_to_reference", pa.float64()),
        ("rhythm_to_reference", pa.float64()),
    ]
)


@dataclass(frozen=True)
class ClipScore:
    """One row. ``spf`` is the normalised semantic progress at every embedded frame, in [0, 1].

    The four ``*_to_reference`` are cosines with the reference of the clip's own triplet: 1 for the
    reference itself (0 where it has no direction), None for a clip outside a triplet.  The texts but
    ``clip_id`` are None where unknown.
    """

    clip_sha256: str
    clip_id: str
    triplet_id: str | None
    category: str | None
    role: str | None
    label: str | None
    spf_range_radians: float
    spf_rms_deviation: float
    spf_max_deviation: float
    spf_largest_jump: float
    spf_interpretable: bool
    spf: tuple[float, ...]
    mean_to_reference: float | None
    sm_to_reference: float | None
    order_to_reference: float | None
    rhythm_to_reference: float | None


def write_scores(scores: Sequence[ClipScore], path: Path, identity: str) -> None:
    """Write ``path`` whole or not at all; ``identity`` of the embedder goes into its metadata.

    Raises ``ConfigError`` for a disk that refuses.
    """
    schema = _SCHEMA.with_metadata({IDENTITY: identity.encode()})
    table = pa.Table.from_pylist([asdict(score) for score in scores], schema=schema)
    file = pa.BufferOutputStream()
    pq.write_table(table, file, compression="zstd")
    write_atomically(path, file.getvalue().to_pybytes())


def read_scores(path: Path) -> tuple[list[ClipScore], str]:
    """The rows of a file and the identity of their embedder. Raises ``ConfigError`` for any other file."""
    try:
        table = pq.read_table(path, partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise ConfigError(f"cannot read the scores {path}: {error}") from error
    identity = (table.schema.metadata or {}).get(IDENTITY)
    if identity is None or not table.schema.equals(_SCHEMA):
        raise ConfigError(f"{path} holds no scores: `simmotion score` writes them")
    rows = [ClipScore(**{**row, "spf": tuple(row["spf"])}) for row in table.to_pylist()]
    return rows, identity.decode()
