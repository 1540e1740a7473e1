"""The manifest of a set of real clips: what was asked, what came of it, and which files hold it.

Knows nothing of how people were asked, and holds no time stamp: the same answers write the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from data import manifest
from data.errors import ConfigError, ContractError
from data.manifest import Counts, ShardFacts
from data.real_columns import Export
from data.references import Reference
from data.schema import SCHEMA_VERSION

KIND: Literal["real"] = "real"
ACCEPTED, UNDECIDED, GOLD = "accepted", "undecided", "gold"
"""What became of an item, beside the reason for which it was rejected. Gold ones have known answers."""


@dataclass(frozen=True)
class RealManifest:
    """Everything about a set of real clips but its rows.

    ``items`` says of every item that people were asked about what became of it: ``ACCEPTED`` (then a
    triplet has its id), ``UNDECIDED``, ``GOLD``, or the reason why it was rejected.  ``counts`` leaves the
    gold ones out; undecided items are pending.  ``references`` is ``references.csv``.
    ``videos_by_licence`` counts the videos that clips were cut from.  ``num_clip_bytes`` is what the
    shards hold of clips, nothing where ``export`` is "references".
    """

    recipe_name: str
    recipe_fingerprint: str
    recipe: dict[str, Any]
    export: Export
    items: dict[str, str]
    counts: Counts
    shards: tuple[ShardFacts, ...]
    annotations: tuple[ShardFacts, ...]
    references: ShardFacts
    num_annotators: int
    num_clip_bytes: int
    videos_by_licence: dict[str, int]
    software: dict[str, str]
    kind: Literal["real"] = KIND
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        if self.counts != counted(self.items):
            raise ContractError(f"the items come to {counted(self.items)}, the counts are {self.counts}")
        sums = {
            "the shards' rows": sum(shard.rows for shard in self.shards),
            "a third of the references' rows": self.references.rows / 3,
        }
        for name, total in sums.items():
            if total != self.counts.accepted:
                raise ContractError(f"{name} must equal the {self.counts.accepted} accepted, got {total:g}")

    @property
    def files(self) -> tuple[ShardFacts, ...]:
        """Every file that the manifest names."""
        return (*self.shards, *self.annotations, self.references)

    @property
    def num_annotations(self) -> int:
        return sum(shard.rows for shard in self.annotations)


def counted(items: Mapping[str, str]) -> Counts:
    """How often each thing became of an item, without the gold ones."""
    asked = Counter(outcome for outcome in items.values() if outcome != GOLD)
    rejected = {reason: asked[reason] for reason in sorted(asked.keys() - {ACCEPTED, UNDECIDED})}
    return Counts(asked.total(), asked[ACCEPTED], rejected, {}, asked[UNDECIDED])


def videos_by_licence(clips: Iterable[Reference]) -> dict[str, int]:
    """How many videos the clips were cut from under each licence; "" where none is given."""
    videos = {(clip.address, clip.source_sha256, clip.licence) for clip in clips}
    return dict(Counter(licence for _, _, licence in videos))


def is_real(path: Path) -> bool:
    """Whether the manifest at ``path`` is of this kind. Raises as ``data.manifest.read`` does."""
    return manifest.read_fields(path).get("kind") == KIND


def write(facts: RealManifest, path: Path) -> None:
    """Write the manifest, as ``data.manifest.write`` does."""
    manifest.write_fields(asdict(facts), path)


def read(path: Path) -> RealManifest:
    """The manifest at ``path``; ``ConfigError`` when missing, damaged, or of another version or kind."""
    fields = manifest.read_fields(path)
    if fields.get("kind") != KIND:
        raise ConfigError(f"{path} is of a synthetic data set; one of real clips is needed here")
    try:
        fields["counts"] = Counts(**fields["counts"])
        fields["references"] = ShardFacts(**fields["references"])
        for name in ("shards", "annotations"):
            fields[name] = tuple(ShardFacts(**shard) for shard in fields[name])
        return RealManifest(**fields)
    except (KeyError, TypeError, AttributeError, ContractError) as error:
        raise ConfigError(f"{path} is not a whole manifest: {error}") from error
