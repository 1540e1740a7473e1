"""How a data set differs from its manifest, and the checks that every kind of data set shares.

Knows nothing of manifests; changes nothing.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data import store
from data.disk import TEMPORARY_SUFFIX, file_sha256, inside
from data.errors import ConfigError, VideoError
from data.manifest import ShardFacts
from data.schema import Role
from data.shards import read_rows
from data.video import probe

CLIP_COLUMNS = ("num_frames", "fps", "width_px", "height_px")
"""What a row says of its clips that their decoding tells as well."""

# Of the data set itself, or of what it fetched from a store elsewhere, whose folder is named by a hash.
_IN_STORE = re.compile(rf"{store.DIRECTORY}/([0-9a-f]{{16}}/)?(?P<part>tmp|blobs)/")


@dataclass(frozen=True)
class Finding:
    """One difference: ``what`` is a stable word, ``where`` a path or a path and a triplet."""

    what: str
    where: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}: expected {self.expected}, got {self.got}"


def differ(what: str, where: str, expected: object, got: object) -> Iterator[Finding]:
    """A finding when the two are not equal."""
    if expected != got:
        yield Finding(what, where, str(expected), str(got))


def clips(row: dict[str, Any], where: str, decode: bool) -> Iterator[Finding]:
    """Clips of a row that have other hashes, and when decoded other sizes, than the row says."""
    for role in Role:
        data = (row[role] or {}).get("bytes") or b""
        place = f"{where}, {role}"
        yield from differ("clip_sha256", place, row[f"{role}_sha256"], hashlib.sha256(data).hexdigest())
        if decode:
            yield from _decoded(data, row, place)


def _decoded(data: bytes, row: dict[str, Any], where: str) -> Iterator[Finding]:
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        file.write(data)
        file.flush()
        try:
            facts = probe(Path(file.name))
        except VideoError as error:
            yield Finding("clip_unreadable", where, "a video", error.reason)
            return
    for name in CLIP_COLUMNS:
        yield from differ(f"clip_{name}", where, row[name], getattr(facts, name))
    yield from differ("clip_constant_frame_rate", where, True, facts.constant_frame_rate)


def shard(
    out: Path,
    facts: ShardFacts,
    columns: tuple[str, ...],
    check: Callable[[dict[str, Any], str], Iterator[Finding]],
) -> Iterator[Finding]:
    """Hash, readability and number of rows of one shard, and what ``check(row, where)`` finds in each."""
    rows = 0
    try:
        path = inside(out, facts.path)
        yield from differ("shard_sha256", facts.path, facts.sha256, file_sha256(path))
        for row in read_rows([path], columns):
            yield from check(row, f"{facts.path}, {columns[0].removesuffix('_id')} {row[columns[0]]}")
            rows += 1
    except (OSError, ConfigError) as error:
        yield Finding("shard_unreadable", facts.path, "a readable Parquet file", str(error))
    yield from differ("shard_rows", facts.path, facts.rows, rows)


def files(out: Path, listed: Collection[str], directories: tuple[str, ...]) -> Iterator[Finding]:
    """Blobs whose content is not what their name says, leftovers, and shards that are not ``listed``."""
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        where = path.relative_to(out).as_posix()
        stored = _IN_STORE.match(where)
        part = stored["part"] if stored else ""
        if path.name.endswith(TEMPORARY_SUFFIX) or part == "tmp" or path.match("report/media/*.part.*"):
            yield Finding("leftover", where, "no temporary file", f"{path.stat().st_size} bytes")
        elif part == "blobs":
            yield from differ("blob_sha256", where, path.name.partition(".")[0], file_sha256(path))
        elif where.split("/", 1)[0] in directories and where not in listed:
            yield Finding("unknown_file", where, "only the shards that the manifest lists", "another file")
