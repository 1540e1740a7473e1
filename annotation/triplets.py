"""Triplets of a finished data set as items of a check, and as gold where their truth is known.

Knows no server and no answers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from annotation.items import RankingItem
from data import manifest
from data.disk import disk_errors
from data.errors import ConfigError
from data.schema import Role
from data.shards import read_rows

_GOLD = "gold/"  # before the triplet's id, so that a triplet may be gold in one place and asked in another
_SHA256 = tuple(f"{role}_sha256" for role in Role)


def read_triplets(out: Path, clips_to: Path) -> tuple[list[RankingItem], dict[str, Path]]:
    """An item for every triplet of the data set ``out``, and its clips, written into the folder ``clips_to``.

    The item is called like the triplet.  Raises ``ConfigError`` for a folder that is no finished data set.
    """
    items, clips = [], dict[str, Path]()
    for row in read_rows(_shards(out), ("triplet_id", *Role, *_SHA256)):
        items.append(_item(row))
        for role in Role:
            sha256 = row[f"{role}_sha256"]
            clips[sha256] = clips_to / f"{sha256}.mp4"
            with disk_errors(clips_to):
                clips[sha256].write_bytes(row[role]["bytes"])
    return items, clips


def read_gold(out: Path, clips_to: Path, number: int) -> tuple[list[RankingItem], dict[str, Path]]:
    """``number`` triplets of a data set of the procedural generator, whose motions are known to be right.

    The same ones every time.  Raises ``ConfigError`` for a data set of another generator, of which nobody
    knows that the positive moves like the reference, and for one with fewer triplets.
    """
    made_by = manifest.read(out / manifest.FILENAME).generators.get("videos", "nobody knows whom")
    if made_by.partition("@")[0] != "procedural":
        raise ConfigError(
            f"the clips of {out} are by {made_by}: gold needs known motions, which the procedural generator "
            "alone has"
        )
    items, clips = read_triplets(out, clips_to)
    if len(items) < number:
        raise ConfigError(f"{out} has {len(items)} triplets, {number} were asked for as gold")
    chosen = random.Random(0).sample(sorted(items, key=lambda item: item.item_id), number)
    gold = [replace(item, item_id=_GOLD + item.item_id, known_order=item.candidates) for item in chosen]
    return gold, clips


def clips_of(out: Path) -> Iterator[tuple[str, dict[Role, str]]]:
    """Id and clips, by their sha256, of every triplet of a finished data set. Raises ``ConfigError``."""
    for row in read_rows(_shards(out), ("triplet_id", *_SHA256)):
        yield row["triplet_id"], {role: row[f"{role}_sha256"] for role in Role}


def _shards(out: Path) -> list[Path]:
    return [out / shard.path for shard in manifest.read(out / manifest.FILENAME).shards]


def _item(row: dict[str, str]) -> RankingItem:
    reference, positive, negative = (row[name] for name in _SHA256)
    return RankingItem(row["triplet_id"], reference, (positive, negative))
