"""Checks a finished data set against its own manifest, and names every difference.

Knows nothing of how the data set was made; changes nothing.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data import manifest, rejects, scores, shards, store, vectors
from data.disk import TEMPORARY_SUFFIX, file_sha256, inside
from data.errors import ConfigError, VideoError
from data.manifest import Manifest
from data.schema import Role
from data.video import probe

_FACTS = ("num_frames", "fps", "width_px", "height_px")
_COLUMNS = ("triplet_id", "category", *Role, *(f"{role}_sha256" for role in Role), *_FACTS)


@dataclass(frozen=True)
class Finding:
    """One difference: ``what`` is a stable word, ``where`` a path or a path and a triplet."""

    what: str
    where: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}: expected {self.expected}, got {self.got}"


def verify(out: Path, decode: bool = True) -> Iterator[Finding]:
    """Every difference between the folder ``out`` and its manifest; nothing when all is well.

    Hashes every shard, every clip in it and every blob of the store, counts rows, categories and
    rejects, and looks for vectors and scores of other clips and for temporary and unknown files.
    With ``decode`` every clip is also decoded and compared with the size, length and frame rate that
    its row states (about 50 ms a clip).
    """
    try:
        facts = manifest.read(out / manifest.FILENAME)
    except ConfigError as error:
        yield Finding("manifest", manifest.FILENAME, "a whole manifest", str(error))
        return
    accepted: set[str] = set()
    clips: set[str] = set()
    categories: Counter[str] = Counter()
    for shard in facts.shards:
        rows = 0
        try:
            path = inside(out, shard.path)
            yield from _differ("shard_sha256", shard.path, shard.sha256, file_sha256(path))
            for row in shards.read_rows([path], _COLUMNS):
                where = f"{shard.path}, triplet {row['triplet_id']}"
                if row["triplet_id"] in accepted:
                    yield Finding("triplet_id", where, "an id of its own", "an id seen before")
                yield from _clips(row, where, decode)
                accepted.add(row["triplet_id"])
                clips.update(row[f"{role}_sha256"] for role in Role)
                categories[row["category"]] += 1
                rows += 1
        except (OSError, ConfigError) as error:
            yield Finding("shard_unreadable", shard.path, "a readable Parquet file", str(error))
        yield from _differ("shard_rows", shard.path, shard.rows, rows)
    stated = {category: number for category, number in facts.accepted_by_category.items() if number}
    yield from _differ("accepted_by_category", manifest.FILENAME, stated, dict(categories))
    yield from _rejects(out, facts, accepted)
    # A shard that lacks rows is named above; that its clips are unknown then says nothing of their vectors.
    known = clips if len(accepted) == facts.counts.accepted else None
    yield from _vectors(out)
    yield from _scores(out, known)
    yield from _files(out, facts)


def _differ(what: str, where: str, expected: object, got: object) -> Iterator[Finding]:
    if expected != got:
        yield Finding(what, where, str(expected), str(got))


def _clips(row: dict[str, Any], where: str, decode: bool) -> Iterator[Finding]:
    for role in Role:
        data = (row[role] or {}).get("bytes") or b""
        place = f"{where}, {role}"
        yield from _differ("clip_sha256", place, row[f"{role}_sha256"], hashlib.sha256(data).hexdigest())
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
    for name in _FACTS:
        yield from _differ(f"clip_{name}", where, row[name], getattr(facts, name))
    yield from _differ("clip_constant_frame_rate", where, True, facts.constant_frame_rate)


def _rejects(out: Path, facts: Manifest, accepted: set[str]) -> Iterator[Finding]:
    try:
        rejected, failed = rejects.final_reasons(rejects.read(out / rejects.FILENAME), accepted)
    except ConfigError as error:
        yield Finding("rejects_unreadable", rejects.FILENAME, "a row per rejected attempt", str(error))
        return
    if facts.counts.pending:
        return  # attempts of a triplet that is still pending cannot be told from those of a lost one
    yield from _differ("rejected", rejects.FILENAME, facts.counts.rejected, rejected)
    yield from _differ("failed", rejects.FILENAME, facts.counts.failed, failed)


def _vectors(out: Path) -> Iterator[Finding]:
    """Parts that cannot be read. Vectors of other clips are distractors', and no fault."""
    for path in sorted((out / vectors.DIRECTORY).glob(f"*/{vectors.PARTS}")):
        try:
            vectors.clips_of_part(path)
        except ConfigError as error:
            where = path.relative_to(out).as_posix()
            yield Finding("vectors_unreadable", where, "vectors of the folder's embedder", str(error))


def _scores(out: Path, known: set[str] | None) -> Iterator[Finding]:
    for path in sorted((out / scores.DIRECTORY).glob("*.parquet")):
        where = path.relative_to(out).as_posix()
        try:
            rows, _ = scores.read_scores(path)
        except ConfigError as error:
            yield Finding("scores_unreadable", where, "scores of one embedder", str(error))
            continue
        number = len({row.clip_sha256 for row in rows} - known) if known is not None else 0
        if number:
            got = f"scores of {number} other clips: run `simmotion score` again"
            yield Finding("stale_scores", where, "scores of this data set's clips", got)


def _files(out: Path, facts: Manifest) -> Iterator[Finding]:
    """Blobs whose content is not what their name says, leftovers, and shards that nobody lists."""
    listed = {shard.path for shard in facts.shards}
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        where = path.relative_to(out).as_posix()
        if (
            path.name.endswith(TEMPORARY_SUFFIX)
            or where.startswith(f"{store.DIRECTORY}/tmp/")
            or path.match("report/media/*.part.*")
        ):
            yield Finding("leftover", where, "no temporary file", f"{path.stat().st_size} bytes")
        elif where.startswith(f"{store.DIRECTORY}/blobs/"):
            yield from _differ("blob_sha256", where, path.name.partition(".")[0], file_sha256(path))
        elif where.startswith(f"{shards.DIRECTORY}/") and where not in listed:
            yield Finding("unknown_file", where, "only the shards that the manifest lists", "another file")
