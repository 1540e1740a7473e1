"""Checks a finished data set against its own manifest, and names every difference.

Knows nothing of how the data set was made; changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from data import difference, finished, people, real_verify, rejects, scores, shards, vectors
from data.difference import CLIP_COLUMNS, Finding, differ
from data.errors import ConfigError
from data.manifest import FILENAME, Manifest
from data.real_manifest import RealManifest
from data.schema import Role

_COLUMNS = ("triplet_id", "category", *Role, *(f"{role}_sha256" for role in Role), *CLIP_COLUMNS)


def verify(out: Path, decode: bool = True) -> Iterator[Finding]:
    """Every difference between the folder ``out`` and its manifest; nothing when all is well.

    Hashes every shard, every clip in it and every blob of the store, counts rows, categories and
    rejects, or items, annotations and references, and looks for vectors, scores and checks of other clips
    and for temporary and unknown files.  With ``decode`` every clip is also decoded and compared with the
    size, length and frame rate that its row states (about 50 ms a clip).  Of a folder of two data sets
    both are checked.
    """
    if parts := finished.parts(out):
        for part in parts:
            for finding in verify(part, decode):
                yield replace(finding, where=f"{part.name}/{finding.where}")
        return
    try:
        facts = finished.read(out)
    except ConfigError as error:
        yield Finding("manifest", FILENAME, "a whole manifest", str(error))
        return
    if isinstance(facts, RealManifest):
        known = yield from real_verify.rows(out, facts, decode)
        listed = {file.path for file in facts.files}
    else:
        known = yield from _rows(out, facts, decode)
        listed = {file.path for file in facts.shards}
    # A shard that lacks rows is named above; that its clips are unknown then says nothing of their vectors.
    complete = known if len(known) == facts.counts.accepted else None
    clips = {sha256 for own in complete.values() for sha256 in own} if complete is not None else None
    yield from _vectors(out)
    yield from _scores(out, clips)
    yield from _people(out, clips)
    yield from difference.files(out, listed, (shards.DIRECTORY, *real_verify.DIRECTORIES))


def _rows(out: Path, facts: Manifest, decode: bool) -> Generator[Finding, None, dict[str, tuple[str, ...]]]:
    """What is wrong with rows and their counts; returns the hashes of each triplet's clips."""
    known: dict[str, tuple[str, ...]] = {}
    categories: Counter[str] = Counter()

    def check(row: dict[str, Any], where: str) -> Iterator[Finding]:
        if row["triplet_id"] in known:
            yield Finding("triplet_id", where, "an id of its own", "an id seen before")
        yield from difference.clips(row, where, decode)
        known[row["triplet_id"]] = tuple(row[f"{role}_sha256"] for role in Role)
        categories[row["category"]] += 1

    for shard in facts.shards:
        yield from difference.shard(out, shard, _COLUMNS, check)
    stated = {category: number for category, number in facts.accepted_by_category.items() if number}
    yield from differ("accepted_by_category", FILENAME, stated, dict(categories))
    yield from _rejects(out, facts, known.keys())
    return known


def _rejects(out: Path, facts: Manifest, accepted: Collection[str]) -> Iterator[Finding]:
    try:
        rejected, failed = rejects.final_reasons(rejects.read(out / rejects.FILENAME), accepted)
    except ConfigError as error:
        yield Finding("rejects_unreadable", rejects.FILENAME, "a row per rejected attempt", str(error))
        return
    if facts.counts.pending:
        return  # attempts of a triplet that is still pending cannot be told from those of a lost one
    yield from differ("rejected", rejects.FILENAME, facts.counts.rejected, rejected)
    yield from differ("failed", rejects.FILENAME, facts.counts.failed, failed)


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


def _people(out: Path, known: set[str] | None) -> Iterator[Finding]:
    """Answers that cannot be read, and checks of other clips. Pairs may be of clips from anywhere."""
    for path in sorted((out / people.DIRECTORY).glob("*.parquet")):
        where = path.relative_to(out).as_posix()
        checks: list[people.TripletCheck] = []
        try:
            if path.name == people.PREFERENCES:
                people.read_preferences(path)
            else:
                checks = people.read_checks(path)
        except ConfigError as error:
            yield Finding("people_unreadable", where, "what people said", str(error))
        shown = {
            sha for row in checks for sha in (row.reference_sha256, row.positive_sha256, row.negative_sha256)
        }
        number = len(shown - known) if known is not None else 0
        if number:
            got = f"answers about {number} other clips: run `simmotion annotate results` again"
            yield Finding("stale_checks", where, "checks of this data set's clips", got)
