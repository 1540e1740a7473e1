"""The one Arrow schema of a shard, and how a triplet becomes a row of it.

Knows nothing of files.  Factors are one struct column per role (``positive_factors.subject`` in
DuckDB): flat names would clash with measures such as ``reference_motion`` and triple the width.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import pyarrow as pa

from data import trajectory
from data.errors import ContractError
from data.provenance import digital_source_type, origin_of
from data.schema import MEASURES, SCHEMA_VERSION, Factors, Role, Trajectory, Triplet
from data.store import Store

VIDEO_COLUMNS: tuple[str, ...] = tuple(Role)
_PROMPTS = ("prompt_base", "prompt_modification", "prompt_motion", "prompt_negative_motion")
VIDEO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_FACTORS = pa.struct([(factor.name, pa.string()) for factor in fields(Factors)])
_TRAJECTORY = pa.struct(
    [
        ("channel_names", pa.list_(pa.string())),
        ("channels", pa.list_(pa.list_(pa.float64()))),  # (T, C)
        ("joint_names", pa.list_(pa.string())),
        ("joints", pa.list_(pa.list_(pa.list_(pa.float64())))),  # (T, J, 3) metres
        ("joints_px", pa.list_(pa.list_(pa.list_(pa.float64())))),  # (T, J, 2)
    ]
)


def per_role(name: str, kind: pa.DataType) -> list[pa.Field]:
    """The column of each role, ``reference_<name>`` and so on."""
    return [pa.field(f"{role}_{name}", kind) for role in Role]


_FIELDS = [
    pa.field("triplet_id", pa.string()),
    pa.field("schema_version", pa.int64()),
    pa.field("category", pa.string()),
    *(pa.field(name, VIDEO) for name in VIDEO_COLUMNS),
    *(pa.field(name, pa.string()) for name in _PROMPTS),
    *per_role("factors", _FACTORS),
    pa.field("seed", pa.int64()),
    pa.field("attempt", pa.int64()),
    pa.field("num_frames", pa.int64()),
    pa.field("fps", pa.int64()),
    pa.field("width_px", pa.int64()),
    pa.field("height_px", pa.int64()),
    pa.field("prompt_writer", pa.string()),
    pa.field("image_generator", pa.string()),
    pa.field("image_revision", pa.string()),
    *per_role("generator", pa.string()),
    *per_role("revision", pa.string()),
    *per_role("sha256", pa.string()),
    *(pa.field(name, pa.float64()) for name in MEASURES),
    *per_role("spf", pa.list_(pa.float32())),
    *per_role("trajectory", _TRAJECTORY),  # null where the generator does not know the motion
    pa.field("licence", pa.string()),
    pa.field("ai_generated", pa.bool_()),
    pa.field("digital_source_type", pa.string()),
]


def hub_feature(kind: pa.DataType) -> dict[str, Any]:
    """The type as the ``datasets`` library writes it; it then needs neither a script nor a card."""
    if kind == VIDEO:
        return {"_type": "Video"}
    if pa.types.is_struct(kind):
        return {field.name: hub_feature(field.type) for field in kind}
    if pa.types.is_list(kind):
        return {"feature": hub_feature(kind.value_type), "_type": "List"}
    return {"dtype": {"double": "float64", "float": "float32"}.get(str(kind), str(kind)), "_type": "Value"}


def hub_schema(columns: Sequence[pa.Field]) -> pa.Schema:
    """A schema with the metadata from which ``datasets`` takes the features."""
    features = {field.name: hub_feature(field.type) for field in columns}
    return pa.schema(columns, metadata={"huggingface": json.dumps({"info": {"features": features}})})


SCHEMA = hub_schema(_FIELDS)
"""Every column of a shard, in order, with the metadata by which ``datasets`` sees three video columns."""


def row(triplet: Triplet, store: Store) -> dict[str, Any]:
    """The triplet as a row of ``SCHEMA``, with the bytes of its clips and its true motion from ``store``.

    Raises ``ContractError`` when measures are missing or unknown, ``ConfigError`` when a blob was
    lost or changed.
    """
    plan = triplet.plan
    if triplet.measures.keys() != set(MEASURES):
        different = sorted(triplet.measures.keys() ^ set(MEASURES))
        raise ContractError(f"{plan.triplet_id}: measures missing or unknown: {', '.join(different)}")
    values: dict[str, Any] = {
        "triplet_id": plan.triplet_id,
        "schema_version": SCHEMA_VERSION,
        "category": str(plan.category),
        "prompt_base": plan.prompts.base,
        "prompt_modification": plan.prompts.modification,
        "prompt_motion": plan.prompts.motion,
        "prompt_negative_motion": plan.prompts.negative_motion,
        "seed": triplet.seed,
        "attempt": triplet.attempt,
        "num_frames": triplet.format.num_frames,
        "fps": triplet.format.fps,
        "width_px": triplet.format.size_px,
        "height_px": triplet.format.size_px,
        "prompt_writer": triplet.prompt_writer,
        "image_generator": triplet.image_generator,
        "image_revision": triplet.image_revision,
        "licence": triplet.licence,
        "ai_generated": triplet.ai_generated,
        "digital_source_type": digital_source_type(origin_of(triplet.ai_generated)),
        **triplet.measures,
    }
    for role in Role:
        clip = triplet.clips[role]
        known = triplet.trajectories[role] if triplet.trajectories else None
        values |= {
            str(role): {"bytes": store.read(clip), "path": f"{plan.triplet_id}_{role}{clip.suffix}"},
            f"{role}_factors": asdict(plan.factors_of(role)),
            f"{role}_generator": triplet.video_generator,
            f"{role}_revision": triplet.video_revision,
            f"{role}_sha256": clip.sha256,
            f"{role}_spf": triplet.spf[role],
            f"{role}_trajectory": _motion(trajectory.from_bytes(store.read(known))) if known else None,
        }
    return values


def _motion(known: Trajectory) -> dict[str, Any]:
    return {
        "channel_names": known.channel_names,
        "channels": known.channels.tolist(),
        "joint_names": known.joint_names,
        "joints": known.joints.tolist(),
        "joints_px": known.joints_px.tolist(),
    }
