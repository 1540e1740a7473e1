"""The manifest: what a finished data set holds, counted so that it balances. Written last of all.

Knows nothing of how anything was made, and holds no time stamp: the same run writes the same bytes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from data.disk import write_atomically
from data.errors import ConfigError, ContractError
from data.schema import SCHEMA_VERSION

FILENAME = "manifest.json"
MOST_COMPARED = 1_000
"""Triplets that ``retrieval`` speaks of, since it is quadratic in their number; of more, so many at even
distances. ``simmotion evaluate`` asks all."""


@dataclass(frozen=True)
class Counts:
    """Triplets by what became of them; a triplet that used up its attempts counts under its last reason."""

    requested: int
    accepted: int
    rejected: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    pending: int = 0

    def __post_init__(self) -> None:
        numbers = (self.accepted, *self.rejected.values(), *self.failed.values(), self.pending)
        if min(numbers) < 0 or sum(numbers) != self.requested:
            raise ContractError(
                f"counts do not balance: requested {self.requested}, but accepted {self.accepted} + "
                f"rejected {self.rejected} + failed {self.failed} + pending {self.pending} = {sum(numbers)}"
            )

    @property
    def num_rejected(self) -> int:
        return sum(self.rejected.values())

    @property
    def num_failed(self) -> int:
        return sum(self.failed.values())

    @property
    def parts(self) -> dict[str, int]:
        """The four outcomes, which add up to ``requested``."""
        return {
            "accepted": self.accepted,
            "rejected": self.num_rejected,
            "failed": self.num_failed,
            "pending": self.pending,
        }


@dataclass(frozen=True)
class ShardFacts:
    """One Parquet file: ``path`` is relative to the output folder, with forward slashes."""

    path: str
    sha256: str
    rows: int


@dataclass(frozen=True)
class Manifest:
    """Everything about a data set but its rows.

    ``recipe`` is the resolved recipe and ``recipe_fingerprint`` its hash.  ``accepted_by_category``
    sums to ``counts.accepted``.  ``generators`` names model and revision by what they make
    ("prompts", "images", "videos").  ``retrieval`` maps a method to the share of queries (0–1) that
    it answers, per category and as "average".  ``software`` holds the versions that decide bytes.
    ``licence`` is an SPDX identifier.
    """

    recipe_name: str
    recipe_fingerprint: str
    recipe: dict[str, Any]
    counts: Counts
    accepted_by_category: dict[str, int]
    generators: dict[str, str]
    ai_generated: bool
    licence: str
    shards: tuple[ShardFacts, ...]
    num_clips: int
    num_clip_bytes: int
    retrieval: dict[str, dict[str, float]]
    software: dict[str, str]
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        sums = {
            "the shards' rows": sum(shard.rows for shard in self.shards),
            "accepted_by_category": sum(self.accepted_by_category.values()),
            "a third of num_clips": self.num_clips / 3,
        }
        for name, total in sums.items():
            if total != self.counts.accepted:
                raise ContractError(f"{name} must equal the {self.counts.accepted} accepted, got {total:g}")


def write(manifest: Manifest, path: Path) -> None:
    """Write the manifest as sorted JSON, whole or not at all; equal manifests give equal bytes."""
    write_fields(asdict(manifest), path)


def read(path: Path) -> Manifest:
    """The manifest at ``path``; ``ConfigError`` when missing, damaged, or of another version or kind."""
    fields = read_fields(path)
    if "kind" in fields:
        raise ConfigError(f"{path} is of a {fields['kind']} data set; a synthetic one is needed here")
    try:
        fields["counts"] = Counts(**fields["counts"])
        fields["shards"] = tuple(ShardFacts(**shard) for shard in fields["shards"])
        return Manifest(**fields)
    except (KeyError, TypeError, AttributeError, ContractError) as error:
        raise ConfigError(f"{path} is not a whole manifest: {error}") from error


def write_fields(fields: dict[str, Any], path: Path) -> None:
    """Write a manifest of any kind, from its fields."""
    try:
        text = json.dumps(fields, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ContractError(f"the manifest holds something that JSON cannot: {error}") from error
    write_atomically(path, f"{text}\n".encode())


def read_fields(path: Path) -> dict[str, Any]:
    """The fields of a manifest of any kind; that of a synthetic data set has no ``kind``.

    Raises ``ConfigError`` when it is missing, damaged or of another version.
    """
    try:
        fields = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise ConfigError(f"{path} does not exist: {path.parent} holds no finished data set") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as a manifest: {error}") from error
    version = fields.get("schema_version") if isinstance(fields, dict) else None
    if version != SCHEMA_VERSION:
        raise ConfigError(
            f"{path} has schema_version {version}, this program reads {SCHEMA_VERSION}: "
            "use the version of the program that wrote it"
        )
    return dict(fields)
