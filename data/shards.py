"""Rows as Parquet shards, written in row groups so that memory never holds more than one group.

Knows nothing of how a triplet was made or judged.  The bytes are a pure function of the rows: no time
stamps, fixed order, fixed limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Generic, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from data.columns import SCHEMA, VIDEO, row
from data.disk import disk_errors, file_sha256, sync_file, sync_folder
from data.errors import ConfigError, ContractError
from data.manifest import ShardFacts
from data.schema import Triplet
from data.store import Store

DIRECTORY = "data"  # inside an output folder; the name that the Hub looks for
MAX_SHARD_BYTES = 500_000_000  # of clips; the size that the Hub advises
MAX_SHARD_ROWS = 1_000  # a writer keeps about 14 kB for each row until its file is closed

T = TypeVar("T")


@dataclass(frozen=True)
class Table(Generic[T]):
    """How things become rows: their columns, the first of which is an id, and the bytes of their clips."""

    schema: pa.Schema
    row: Callable[[T], dict[str, Any]]
    num_clip_bytes: Callable[[T], int]


def write_shards(
    triplets: Iterable[Triplet],
    store: Store,
    directory: Path,
    rows_per_group: int = 16,
    max_shard_bytes: int = MAX_SHARD_BYTES,
) -> list[ShardFacts]:
    """Write the triplets as ``write_table`` does, as rows of ``data.columns.SCHEMA``."""
    table = Table[Triplet](SCHEMA, lambda triplet: row(triplet, store), _clip_bytes)
    return write_table(table, triplets, store, directory, rows_per_group, max_shard_bytes)


def write_table(
    table: Table[T],
    items: Iterable[T],
    store: Store,
    directory: Path,
    rows_per_group: int = 16,
    max_shard_bytes: int = MAX_SHARD_BYTES,
) -> list[ShardFacts]:
    """Write ``train-00000-of-000NN.parquet`` … into ``directory`` and remove shards of an earlier run.

    A new shard begins with the first item after ``max_shard_bytes`` of clips or ``MAX_SHARD_ROWS`` rows.
    Shards come into being in the store's ``tmp`` and are renamed at the end, when their number is known;
    one that is already there with the same bytes is kept.  The facts' paths are relative to
    ``directory.parent``.
    Raises ``ConfigError`` for a disk that refuses and for lost blobs, ``ContractError`` for bad rows.
    """
    with ExitStack() as stack:
        written: list[tuple[Path, int]] = []
        for _, shard in _by_shard(table, items, max_shard_bytes):
            path = stack.enter_context(store.temporary(".parquet"))
            written.append((path, _write_one(table, shard, path, rows_per_group)))
        with disk_errors(directory):
            return _publish(written, directory)


def read_rows(paths: Iterable[Path], columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Every row as a dict, shard by shard, with all columns or those named; few rows are in memory at a time.

    ``column.field`` reads one field of a struct column alone, as a dict of that field.
    Raises ``ConfigError`` for a file that is missing, damaged, or lacks a column.
    """
    for path in paths:
        try:
            with pq.ParquetFile(path) as file:
                absent = {name.partition(".")[0] for name in columns or ()} - set(file.schema_arrow.names)
                if absent:
                    raise ConfigError(f"{path} has no column {', '.join(sorted(absent))}")
                for batch in file.iter_batches(batch_size=4, columns=columns):
                    yield from batch.to_pylist()
        except (OSError, pa.ArrowException) as error:
            raise ConfigError(f"cannot read the shard {path}: {error}") from error


def _clip_bytes(triplet: Triplet) -> int:
    return sum(clip.num_bytes for clip in triplet.clips.values())


def _by_shard(table: Table[T], items: Iterable[T], max_shard_bytes: int) -> Iterator[tuple[int, Iterator[T]]]:
    number = num_rows = num_bytes = 0

    def shard_of(item: T) -> int:
        nonlocal number, num_rows, num_bytes
        if num_rows == MAX_SHARD_ROWS or num_bytes >= max_shard_bytes:
            number, num_rows, num_bytes = number + 1, 0, 0
        num_rows, num_bytes = num_rows + 1, num_bytes + table.num_clip_bytes(item)
        return number

    return groupby(items, key=shard_of)


def _write_one(table: Table[T], items: Iterator[T], path: Path, rows_per_group: int) -> int:
    """Write one file and return its number of rows."""
    num_rows = 0
    # Around all of it: the last bytes go out when the writer is closed.
    with disk_errors(path):
        with _writer(path, table.schema) as writer:
            while group := [table.row(item) for item in islice(items, rows_per_group)]:
                try:
                    rows = pa.Table.from_pylist(group, schema=table.schema)
                except (OverflowError, pa.ArrowException) as error:
                    first, last = (group[place][table.schema.names[0]] for place in (0, -1))
                    raise ContractError(f"rows {first} to {last} do not fit the schema: {error}") from error
                writer.write_table(rows, row_group_size=rows_per_group)
                num_rows += len(group)
        sync_file(path)
    return num_rows


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Media plain and uncompressed, as the Hub writes it: clips are compressed, and readers seek in them."""
    media = {f"{field.name}.bytes" for field in schema if field.type == VIDEO}
    leaves = {name: kind for field in schema for name, kind in _leaves(field.name, field.type)}
    return pq.ParquetWriter(
        path,
        schema,
        compression={name: "none" if name in media else "zstd" for name in leaves},
        use_dictionary=[name for name, kind in leaves.items() if pa.types.is_string(kind)],
        write_statistics=[name for name in leaves if name not in media],
        write_page_index=True,
        use_content_defined_chunking={
            "min_chunk_size": 256 * 1024,
            "max_chunk_size": 1024 * 1024,
            "norm_level": 0,
        },
    )


def _leaves(path: str, kind: pa.DataType) -> Iterator[tuple[str, pa.DataType]]:
    """The Parquet names of the columns under a field, which is how the writer's options are addressed."""
    if pa.types.is_struct(kind):
        for child in kind:
            yield from _leaves(f"{path}.{child.name}", child.type)
    elif pa.types.is_list(kind):
        yield from _leaves(f"{path}.list.element", kind.value_type)
    else:
        yield path, kind


def _publish(written: Sequence[tuple[Path, int]], directory: Path) -> list[ShardFacts]:
    directory.mkdir(parents=True, exist_ok=True)
    facts = []
    for number, (temporary, num_rows) in enumerate(written):
        path = directory / f"train-{number:05d}-of-{len(written):05d}.parquet"
        sha256 = file_sha256(temporary)
        if not path.exists() or file_sha256(path) != sha256:
            temporary.replace(path)
        facts.append(ShardFacts(f"{directory.name}/{path.name}", sha256, num_rows))
    current = {Path(shard.path).name for shard in facts}
    for stale in directory.glob("train-*-of-*.parquet"):
        if stale.name not in current:
            stale.unlink()
    sync_folder(directory)
    return facts
