"""Collections of clips in memory, of which nothing is ever decoded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from data.collection import ClipCollection, CollectedClip
from data.schema import Role

ROOT = Path("somewhere")


def _nothing(*_: object) -> None:
    raise AssertionError("no clip was to be decoded")


def _collection(kind: str, clips: Sequence[CollectedClip]) -> ClipCollection:
    return ClipCollection(ROOT, kind, tuple(clips), _nothing)  # type: ignore[arg-type]


def triplets(*categories: str) -> ClipCollection:
    """A triplet of each category named: reference, positive, negative."""
    clips = [
        CollectedClip(f"{number}/{role}", f"sha of {number}/{role}", role, f"{number}", category)
        for number, category in enumerate(categories)
        for role in Role
    ]
    return _collection("folders", clips)


def loose(count: int, kind: str = "loose") -> ClipCollection:
    clips = [
        CollectedClip(f"{kind} {number}", f"sha of {kind} {number}", distractor=True)
        for number in range(count)
    ]
    return _collection(kind, clips)


def labelled(*rows: str) -> ClipCollection:
    """A clip for each ``label``, ``label gallery`` or ``label query``."""
    clips = []
    for number, row in enumerate(rows):
        label, _, split = row.partition(" ")
        clips.append(CollectedClip(f"{number}.mp4", f"sha of {number}", label=label, split=split or None))
    return _collection("labels", clips)
