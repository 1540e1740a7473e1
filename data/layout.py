"""Finished data sets in the shapes that others read: the published folder tree, or a Hub repository.

Knows nothing of runs or stores: it reads shards and manifest, and writes a folder that appears whole.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data import card, finished, manifest, real_card, real_manifest, rejects
from data.disk import disk_errors, inside
from data.errors import ConfigError
from data.manifest import Manifest
from data.real_manifest import RealManifest
from data.schema import Category, Role
from data.shards import read_rows

INDEX = "index.csv"
REAL_CATEGORY = "examples"
"""The one category folder of the published set of real clips, by which it is known."""
# File names of the published data set, whose evaluator looks for exactly these.
_FILES = {Role.REFERENCE: "ref.mp4", Role.POSITIVE: "positive.mp4", Role.NEGATIVE: "negative.mp4"}
# That evaluator sorts by the integer after the first underscore, so there must be one underscore only.
_FOLDER = re.compile(r"[^_]+_(\d+)")


@dataclass(frozen=True)
class FolderTriplet:
    """One triplet of a folder tree: the name of its category folder, its number and its three files."""

    category: str
    number: int
    clips: dict[Role, Path]


def export_folders(out: Path, destination: Path) -> int:
    """Write ``<destination>/<category>/triplet_<n>/{ref,positive,negative}.mp4`` and ``index.csv``.

    ``n`` runs from 0 in each category, in the order of the shards; the index leads from a folder to its
    triplet id and hashes.  Real clips are all of the category ``REAL_CATEGORY``.  Returns the number of
    triplets.  Raises ``ConfigError`` when ``out`` holds no finished data set, a damaged one, or references
    only, or when ``destination`` is not empty.
    """
    facts = finished.read(out)
    real = isinstance(facts, RealManifest)
    if isinstance(facts, RealManifest) and facts.export != "full":
        raise ConfigError(
            f"{out} holds references and no clips: export its tables (--layout parquet), or build it with "
            "`export: full`, which needs clips that may be passed on"
        )
    header = ["folder", "triplet_id", *(f"{role}_sha256" for role in Role)]
    numbers: Counter[str] = Counter()
    with _appearing(destination) as root, (root / INDEX).open("w", newline="", encoding="utf-8") as file:
        index = csv.writer(file, lineterminator="\n")
        index.writerow(header)
        columns = [*([] if real else ["category"]), *header[1:], *Role]
        for row in read_rows(finished.triplet_shards(out, facts), columns):
            category = REAL_CATEGORY if real else _category(row)
            folder = f"{category}/triplet_{numbers[category]}"
            numbers[category] += 1
            (root / folder).mkdir(parents=True)
            for role, name in _FILES.items():
                (root / folder / name).write_bytes(_checked_bytes(row, role))
            index.writerow([folder, *(row[column] for column in header[1:])])
    return numbers.total()


def export_parquet(out: Path, destination: Path) -> None:
    """Copy a data set's tables and manifest to ``destination`` and write its card: a repository for the Hub.

    Raises ``ConfigError`` when ``out`` holds no finished data set, a file outside, or lacks one, or when
    ``destination`` is not empty.
    """
    facts = finished.read(out)
    with _appearing(destination) as root:
        _copy(out, facts, root)
        if isinstance(facts, RealManifest):
            real_card.write(facts, root / card.FILENAME)
        else:
            card.write(facts, root / card.FILENAME)


def export_both(synthetic: Path, real: Path, destination: Path) -> None:
    """One repository of two data sets, whose configurations are ``synthetic``, ``real`` and ``annotations``.

    Each lies whole, with its own manifest, in the folder of its name; there is one card.
    Raises ``ConfigError`` as ``export_parquet`` does, and when one of the two is of the other kind.
    """
    made = manifest.read(synthetic / manifest.FILENAME)
    filmed = real_manifest.read(real / manifest.FILENAME)
    with _appearing(destination) as root:
        _copy(synthetic, made, root / finished.SYNTHETIC)
        _copy(real, filmed, root / finished.REAL)
        (root / card.FILENAME).write_text(real_card.render_both(made, filmed), encoding="utf-8")


def _copy(out: Path, facts: Manifest | RealManifest, root: Path) -> None:
    listed = facts.files if isinstance(facts, RealManifest) else facts.shards
    beside = (name for name in (rejects.FILENAME, manifest.FILENAME) if (out / name).exists())
    for name in (*(file.path for file in listed), *beside):
        source, target = inside(out, name), inside(root, name)
        if not source.is_file():
            raise ConfigError(f"{source} is missing: `simmotion verify` lists all that is wrong")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def read_folders(root: Path) -> Iterator[FolderTriplet]:
    """The triplets of a published folder tree, by category and then by number.

    Raises ``ConfigError`` for a folder that lacks a clip or has no number in its name, which the published
    evaluator skips in silence, and for a link that leads out of ``root``.
    """
    if not root.is_dir():
        raise ConfigError(f"{root} is not a folder of <category>/<name>_<number> folders")
    for category in sorted(path for path in root.iterdir() if path.is_dir()):
        triplets = [_folder_triplet(root, path) for path in category.iterdir() if path.is_dir()]
        yield from sorted(triplets, key=lambda triplet: triplet.number)


def _folder_triplet(root: Path, folder: Path) -> FolderTriplet:
    match = _FOLDER.fullmatch(folder.name)
    if match is None:
        raise ConfigError(f"{folder}: expected a name like triplet_12, one underscore and then the number")
    clips = {role: inside(root, str((folder / name).relative_to(root))) for role, name in _FILES.items()}
    absent = [path.name for path in clips.values() if not path.is_file()]
    if absent:
        raise ConfigError(f"{folder} is incomplete: {' and '.join(absent)} missing")
    return FolderTriplet(folder.parent.name, int(match[1]), clips)


def _category(row: dict[str, Any]) -> Category:
    try:
        return Category(row["category"])
    except ValueError as error:
        known = ", ".join(Category)
        raise ConfigError(
            f"triplet {row['triplet_id']} has the category {row['category']!r}, known are {known}"
        ) from error


def _checked_bytes(row: dict[str, Any], role: Role) -> bytes:
    data: bytes = row[role]["bytes"]
    if hashlib.sha256(data).hexdigest() != row[f"{role}_sha256"]:
        raise ConfigError(
            f"the {role} clip of triplet {row['triplet_id']} is damaged: `simmotion verify` lists all that is"
        )
    return data


@contextmanager
def _appearing(destination: Path) -> Iterator[Path]:
    """A temporary folder beside ``destination`` that takes its name when the block ends well."""
    with disk_errors(destination):
        if destination.is_dir() and any(destination.iterdir()):
            raise ConfigError(f"{destination} is not empty: name a new folder")
        staging = destination.parent / f".{destination.name}.partial"
        if staging.exists():
            shutil.rmtree(staging)  # of an export that was killed
        staging.mkdir(parents=True)
        try:
            yield staging
            os.rename(staging, destination)  # noqa: PTH104  (the one call that replaces an empty folder only)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
