"""The Arrow schemas of a set of real clips, and how triplets and annotations become rows of them.

Knows nothing of files.  Where a clip was cut and by what right stands in its row, as in
``references.csv``; the clip itself only when it is passed on.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

import pyarrow as pa

from data.columns import VIDEO, VIDEO_COLUMNS, hub_schema, per_role
from data.provenance import digital_source_type
from data.real import RawAnnotation, RealTriplet
from data.references import reference_of
from data.schema import SCHEMA_VERSION, Role
from data.store import Store

Export = Literal["references", "full"]
"""Whether a data set tells where its clips can be cut anew, or passes the clips themselves on as well."""

TRIPLETS_DIRECTORY, ANNOTATIONS_DIRECTORY = "real", "annotations"
"""The folders of the two tables inside an output folder."""

_PLACE = {
    "address": pa.string(),  # the URL of the video, or its name where it has none
    "source_sha256": pa.string(),
    "start_seconds": pa.float64(),
    "end_seconds": pa.float64(),
    "start_timecode": pa.string(),
    "end_timecode": pa.string(),
    "first_frame": pa.int64(),
    "author": pa.string(),
    "licence": pa.string(),
    "licence_evidence": pa.string(),
    "licence_checked_at": pa.string(),
}
_PEOPLE = {
    "num_ranked": pa.int64(),
    "num_cannot_judge": pa.int64(),
    "num_does_not_play": pa.int64(),
    "lead": pa.float64(),
    "lead_low": pa.float64(),
    "lead_high": pa.float64(),
    "level": pa.float64(),
    "kendalls_w": pa.float64(),
    "tau": pa.float64(),
    "median_seconds": pa.float64(),
}
_CANDIDATES = pa.list_(
    pa.struct(
        [
            ("sha256", pa.string()),
            ("strength", pa.float64()),
            ("low", pa.float64()),
            ("high", pa.float64()),
        ]
    )
)

TRIPLETS = hub_schema(
    [
        pa.field("triplet_id", pa.string()),
        pa.field("schema_version", pa.int64()),
        *(pa.field(name, VIDEO) for name in VIDEO_COLUMNS),
        pa.field("num_frames", pa.int64()),
        pa.field("fps", pa.int64()),
        pa.field("width_px", pa.int64()),
        pa.field("height_px", pa.int64()),
        *per_role("sha256", pa.string()),
        *(field for name, kind in _PLACE.items() for field in per_role(name, kind)),
        pa.field("looks_alike", pa.float64()),
        pa.field("moves_alike", pa.float64()),
        pa.field("candidates", _CANDIDATES),
        *(pa.field(f"people_{name}", kind) for name, kind in _PEOPLE.items()),
        pa.field("digital_source_type", pa.string()),  # null: only who filmed can say
    ]
)
"""Every column of the triplets' shards, in order. The three videos are null in a set of references."""

ANNOTATIONS = hub_schema(
    [
        pa.field("annotation_id", pa.string()),
        pa.field("item_id", pa.string()),
        pa.field("annotator", pa.string()),
        pa.field("reference_sha256", pa.string()),
        pa.field("shown", pa.list_(pa.string())),
        pa.field("verdict", pa.string()),
        pa.field("order", pa.list_(pa.list_(pa.string()))),
        pa.field("known_order", pa.list_(pa.string())),
        pa.field("is_repeat", pa.bool_()),
        pa.field("seconds", pa.float64()),
        pa.field("day", pa.string()),
        pa.field("uncounted", pa.string()),
    ]
)
"""Every column of the annotations' shards: the fields of ``RawAnnotation``."""


def triplet_row(triplet: RealTriplet, store: Store, export: Export) -> dict[str, Any]:
    """The triplet as a row of ``TRIPLETS``, with the bytes of its clips from ``store`` in a full export.

    Raises ``ContractError`` for a clip that was cut from another video, ``ConfigError`` when a blob was
    lost or changed.
    """
    values: dict[str, Any] = {
        "triplet_id": triplet.triplet_id,
        "schema_version": SCHEMA_VERSION,
        "num_frames": triplet.format.num_frames,
        "fps": triplet.format.fps,
        "width_px": triplet.format.size_px,
        "height_px": triplet.format.size_px,
        "looks_alike": triplet.looks_alike,
        "moves_alike": triplet.moves_alike,
        "candidates": [asdict(candidate) for candidate in triplet.candidates],
        "digital_source_type": digital_source_type("footage"),
    }
    values |= {f"people_{name}": value for name, value in asdict(triplet.people).items()}
    for role in Role:
        clip, video = triplet.clips[role].clip, triplet.clips[role].video
        place = asdict(reference_of(triplet.triplet_id, role, clip, video, triplet.format))
        place |= {"start_seconds": clip.start_seconds, "end_seconds": clip.end_seconds}
        values |= {f"{role}_{name}": place[name] for name in ("sha256", *_PLACE)}
        values[str(role)] = (
            {"bytes": store.read(clip.blob), "path": f"{triplet.triplet_id}_{role}{clip.blob.suffix}"}
            if export == "full"
            else None
        )
    return values


def annotation_row(annotation: RawAnnotation) -> dict[str, Any]:
    """The annotation as a row of ``ANNOTATIONS``."""
    return asdict(annotation)
