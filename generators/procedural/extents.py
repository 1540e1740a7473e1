"""How far primitives reach in a direction, exactly; what framing and standing on the ground rest on.

Knows shapes only, neither bodies nor cameras.
"""

from __future__ import annotations

import numpy as np

from data.schema import FloatArray
from generators.procedural.scene import Primitives, Shape


def reach(primitives: Primitives, direction: FloatArray) -> FloatArray:
    """Largest ``direction · point`` over the surface of each primitive: (T or 1, N).

    ``direction`` is any vector (3,); of a unit vector the result is in metres. Exact for every shape under
    every affine map.
    """
    local = np.einsum("tnij,i->tnj", primitives.linear, direction)  # the direction as each shape sees it
    size = primitives.size
    across = np.hypot(local[..., 0], local[..., 1])
    norm = np.linalg.norm(local, axis=-1)
    own = np.select(
        [primitives.shape == shape for shape in Shape],
        [
            np.linalg.norm(local * size[:, :3], axis=-1),
            np.maximum(size[:, 0] * norm, local[..., 2] * size[:, 2] + size[:, 1] * norm),
            np.sum(np.abs(local) * size[:, :3], axis=-1),
            across * size[:, 0] + np.abs(local[..., 2]) * size[:, 1],
        ],
    )
    return np.asarray(primitives.origin @ direction + own)


def lowest_m(primitives: Primitives) -> FloatArray:
    """Height of the lowest point of all primitives over the ground: (T or 1,), metres."""
    return np.asarray(-reach(primitives, np.array([0.0, 0.0, -1.0])).max(axis=1))


def spheres(primitives: Primitives) -> FloatArray:
    """Spheres (M, 4) of centre and radius in metres around every primitive in every fourth frame."""
    linear, origin = primitives.linear[::4], primitives.origin[::4]
    size = primitives.size
    is_bone = primitives.shape == Shape.ROUND_CONE
    half_length = np.where(is_bone, 0.5 * size[:, 2], 0.0)
    radius = np.select(
        [primitives.shape == shape for shape in Shape],
        [
            size[:, :3].max(axis=1),
            half_length + size[:, :2].max(axis=1),
            np.linalg.norm(size[:, :3], axis=1),
            np.hypot(size[:, 0], size[:, 1]),
        ],
    )
    centre = origin + linear[..., 2] * half_length[:, None]
    growth = np.linalg.norm(linear, axis=-2).max(axis=-1)
    return np.asarray(np.concatenate([centre, (growth * radius)[..., None]], -1).reshape(-1, 4))
