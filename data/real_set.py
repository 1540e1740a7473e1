"""Writes a set of real clips: triplets, annotations, references, the card, and last of all the manifest.

Knows nothing of how the clips were found or people asked. Equal inputs, in any order, give equal bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from data import real_card, real_manifest, references
from data.disk import file_sha256
from data.errors import ContractError
from data.footage import require_full_export
from data.manifest import FILENAME, ShardFacts
from data.real import RawAnnotation, RealTriplet
from data.real_columns import (
    ANNOTATIONS,
    ANNOTATIONS_DIRECTORY,
    TRIPLETS,
    TRIPLETS_DIRECTORY,
    Export,
    annotation_row,
    triplet_row,
)
from data.real_manifest import ACCEPTED, RealManifest, counted, videos_by_licence
from data.schema import Role
from data.shards import Table, write_table
from data.store import Store
from data.video import ENCODER

_ANNOTATIONS_PER_GROUP = 10_000


def write_real(
    triplets: Iterable[RealTriplet],
    annotations: Iterable[RawAnnotation],
    store: Store,
    out: Path,
    *,
    items: Mapping[str, str],
    recipe_name: str,
    recipe_fingerprint: str,
    recipe: Mapping[str, Any],
    export: Export = "references",
) -> RealManifest:
    """Write ``real/train-*.parquet``, ``annotations/train-*.parquet``, ``references.csv``, card, manifest.

    ``items`` says of every item that people were asked about what became of it, as in ``RealManifest``;
    the accepted ones are those of ``triplets``.  A full export passes the clips on; one of references
    holds no byte of them.  A manifest of an earlier run goes first: it must never stand beside data that
    it does not describe.

    Raises ``ConfigError`` for a full export of clips that must not be passed on (nothing is touched then),
    for a disk that refuses and for lost blobs; ``ContractError`` when triplets, annotations and items do
    not fit together.
    """
    chosen = sorted(triplets, key=lambda triplet: triplet.triplet_id)
    answers = sorted(annotations, key=lambda answer: (answer.item_id, answer.annotation_id))
    _require_consistent(chosen, answers, items)
    videos = {filmed.video.video_id: filmed.video for triplet in chosen for filmed in triplet.clips.values()}
    if export == "full":
        require_full_export(videos.values())
    (out / FILENAME).unlink(missing_ok=True)
    full = export == "full"
    shards = write_table(
        Table(TRIPLETS, lambda each: triplet_row(each, store, export), _clip_bytes if full else _nothing),
        chosen,
        store,
        out / TRIPLETS_DIRECTORY,
    )
    raw = write_table(
        Table(ANNOTATIONS, annotation_row, _nothing),
        answers,
        store,
        out / ANNOTATIONS_DIRECTORY,
        rows_per_group=_ANNOTATIONS_PER_GROUP,
    )
    clips = [
        references.reference_of(triplet.triplet_id, role, filmed.clip, filmed.video, triplet.format)
        for triplet in chosen
        for role, filmed in triplet.clips.items()
    ]
    references.write(clips, out / references.FILENAME)
    facts = RealManifest(
        recipe_name=recipe_name,
        recipe_fingerprint=recipe_fingerprint,
        recipe=dict(recipe),
        export=export,
        items=dict(items),
        counts=counted(items),
        shards=tuple(shards),
        annotations=tuple(raw),
        references=ShardFacts(references.FILENAME, file_sha256(out / references.FILENAME), len(clips)),
        num_annotators=len({answer.annotator for answer in answers}),
        num_clip_bytes=sum(map(_clip_bytes, chosen)) if full else 0,
        videos_by_licence=videos_by_licence(clips),
        software={"encoder": ENCODER},
    )
    real_card.write(facts, out / real_card.FILENAME)
    real_manifest.write(facts, out / FILENAME)
    return facts


def _require_consistent(
    triplets: list[RealTriplet], annotations: list[RawAnnotation], items: Mapping[str, str]
) -> None:
    ids = [triplet.triplet_id for triplet in triplets]
    accepted = sorted(item_id for item_id, outcome in items.items() if outcome == ACCEPTED)
    if ids != accepted:
        different = sorted({*ids} ^ {*accepted}) or [each for each, n in Counter(ids).items() if n > 1]
        raise ContractError(f"triplets and accepted items differ in {', '.join(different)}")
    for triplet in triplets:
        if triplet.clips.keys() != set(Role):
            raise ContractError(f"{triplet.triplet_id} has the clips {', '.join(triplet.clips)}")
        positive = triplet.clips[Role.POSITIVE].clip.blob.sha256
        if [candidate.sha256 for candidate in triplet.candidates[:1]] != [positive]:
            raise ContractError(f"{triplet.triplet_id}: the positive is not the first of the candidates")
    if unknown := sorted({answer.item_id for answer in annotations} - items.keys()):
        raise ContractError(f"annotations of unknown items: {', '.join(unknown)}")
    times = Counter(answer.annotation_id for answer in annotations)
    if twice := sorted(annotation_id for annotation_id, number in times.items() if number > 1):
        raise ContractError(f"annotations come twice: {', '.join(twice)}")


def _clip_bytes(triplet: RealTriplet) -> int:
    return sum(filmed.clip.blob.num_bytes for filmed in triplet.clips.values())


def _nothing(_: object) -> int:
    return 0
