"""Checks the rows of a set of real clips against its manifest, its references and its annotations.

Knows nothing of how clips were found or people asked; changes nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from data import difference, references
from data.difference import CLIP_COLUMNS, Finding, differ
from data.disk import file_sha256, inside
from data.errors import ConfigError
from data.footage import RIGHTS, Rights
from data.manifest import FILENAME
from data.real_columns import ANNOTATIONS_DIRECTORY, TRIPLETS_DIRECTORY, Export
from data.real_manifest import ACCEPTED, RealManifest, videos_by_licence
from data.references import Reference
from data.schema import Role

DIRECTORIES = (TRIPLETS_DIRECTORY, ANNOTATIONS_DIRECTORY)
"""The folders of the two tables, in which no file lies that the manifest does not name."""

_PLACE = (
    "sha256",
    "address",
    "source_sha256",
    "start_timecode",
    "end_timecode",
    "first_frame",
    *RIGHTS,
)
_COLUMNS = (
    "triplet_id",
    *Role,
    *(f"{role}_{name}" for role in Role for name in _PLACE),
    *CLIP_COLUMNS,
    "candidates",
)
_ANSWER_COLUMNS = ("annotation_id", "item_id", "annotator", "reference_sha256", "shown")


def rows(
    out: Path, facts: RealManifest, decode: bool
) -> Generator[Finding, None, dict[str, tuple[str, ...]]]:
    """What is wrong with triplets, references and annotations; returns the hashes of each triplet's clips."""
    triplets: dict[str, dict[str, Any]] = {}

    def check(row: dict[str, Any], where: str) -> Iterator[Finding]:
        if row["triplet_id"] in triplets:
            yield Finding("triplet_id", where, "an id of its own", "an id seen before")
        yield from _clips(row, where, facts.export, decode)
        ranked = [candidate["sha256"] for candidate in row["candidates"] or ()]
        yield from differ("winner", where, row["positive_sha256"], ranked[0] if ranked else None)
        triplets[row["triplet_id"]] = {name: row[name] for name in _COLUMNS if name not in tuple(Role)}

    for shard in facts.shards:
        yield from difference.shard(out, shard, _COLUMNS, check)
    accepted = {item_id for item_id, outcome in facts.items.items() if outcome == ACCEPTED}
    for item_id in sorted(accepted ^ triplets.keys()):
        expected, got = ("a triplet", "none") if item_id in accepted else ("no triplet", "one")
        yield Finding("accepted_item", f"{FILENAME}, item {item_id}", expected, got)
    yield from _references(out, facts, triplets)
    yield from _annotations(out, facts, triplets)
    return {triplet_id: tuple(row[f"{role}_sha256"] for role in Role) for triplet_id, row in triplets.items()}


def _clips(row: dict[str, Any], where: str, export: Export, decode: bool) -> Iterator[Finding]:
    if export == "full":
        yield from difference.clips(row, where, decode)
    for role in Role:
        place = f"{where}, {role}"
        if export == "references" and row[role] is not None:
            yield Finding("clip_passed_on", place, "no clip in a set of references", "one")
        rights = Rights(*(row[f"{role}_{name}"] for name in RIGHTS))
        if export == "full" and rights.obstacle:
            yield Finding("rights", place, "a clip that may be passed on", rights.obstacle)


def _references(
    out: Path, facts: RealManifest, triplets: Mapping[str, Mapping[str, Any]]
) -> Iterator[Finding]:
    """The file of references says of every clip what the rows say, and nothing of others."""
    name = facts.references.path
    try:
        path = inside(out, name)
        yield from differ("references_sha256", name, facts.references.sha256, file_sha256(path))
        listed = references.read(path)
    except (OSError, ConfigError) as error:
        yield Finding("references_unreadable", name, "a table of references", str(error))
        return
    yield from differ("references_rows", name, facts.references.rows, len(listed))
    yield from differ("videos_by_licence", FILENAME, facts.videos_by_licence, videos_by_licence(listed))
    expected = {(triplet_id, str(role)): row for triplet_id, row in triplets.items() for role in Role}
    for reference in listed:
        where = f"{name}, {reference.triplet_id}, {reference.role}"
        row = expected.pop((reference.triplet_id, reference.role), None)
        if row is None:
            yield Finding("reference", where, "a clip of a triplet, once", "another")
        else:
            yield from differ("reference", where, _told_by_row(row, reference.role), _told(reference))
    for triplet_id, role in expected:
        yield Finding("reference", f"{name}, {triplet_id}, {role}", "a line for the clip", "none")


def _told(reference: Reference) -> dict[str, Any]:
    told = {name: asdict(reference)[name] for name in (*_PLACE, "num_frames", "fps")}
    return told | {"width_px": reference.size_px, "height_px": reference.size_px}


def _told_by_row(row: Mapping[str, Any], role: str) -> dict[str, Any]:
    told = {name: row[f"{role}_{name}"] for name in _PLACE}
    return told | {name: row[name] for name in CLIP_COLUMNS}


def _annotations(
    out: Path, facts: RealManifest, triplets: Mapping[str, Mapping[str, Any]]
) -> Iterator[Finding]:
    """Answers about items that nobody was asked about, or about other clips than the item's triplet has."""
    seen: set[str] = set()
    annotators: set[str] = set()

    def check(row: dict[str, Any], where: str) -> Iterator[Finding]:
        if row["annotation_id"] in seen:
            yield Finding("annotation_id", where, "an id of its own", "an id seen before")
        seen.add(row["annotation_id"])
        annotators.add(row["annotator"])
        if row["item_id"] not in facts.items:
            yield Finding("annotation_item", where, "an item of the manifest", row["item_id"])
        if triplet := triplets.get(row["item_id"]):
            expected, got = triplet["reference_sha256"], row["reference_sha256"]
            yield from differ("annotation_reference", where, expected, got)
            others = set(row["shown"]) - {candidate["sha256"] for candidate in triplet["candidates"]}
            if others:
                got = ", ".join(sorted(others))
                yield Finding("annotation_candidates", where, "the candidates of the triplet", got)

    for shard in facts.annotations:
        yield from difference.shard(out, shard, _ANSWER_COLUMNS, check)
    yield from differ("num_annotators", FILENAME, facts.num_annotators, len(annotators))
