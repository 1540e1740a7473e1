"""What every body plan hands back, and how standing bodies keep their feet within reach.

Knows no particular body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from data.schema import FloatArray
from generators.procedural.channels import Channels
from generators.procedural.rig import Frame, Sculpture, Triple

Joints = dict[str, FloatArray]  # name -> world positions (T, 3)


@dataclass(frozen=True)
class Mounts:
    """Where clothes sit. ``hat`` is the crown of the head, z up; ``pack`` the middle of the back, z away
    from the body and x towards the head; ``scarf`` the neck, z along it and x forward."""

    hat: Frame
    hat_radius_m: float
    pack: Frame
    pack_half_m: Triple
    scarf: Frame
    scarf_radius_m: float


@dataclass(frozen=True)
class Shaped:
    """A body's true joints in the world, and its mounts if it can wear things."""

    joints: Joints
    mounts: Mounts | None = None


Build = Callable[[Channels, Frame, Sculpture], Shaped]


def drop_within_reach(hips: Iterable[FloatArray], ends: Iterable[FloatArray], reach_m: float) -> FloatArray:
    """How far hips (T, 3) must sink so that every leg of ``reach_m`` gets to its end (T, 3): (T,), metres."""
    needed = [
        hip[:, 2] - end[:, 2] - np.sqrt(np.maximum(reach_m**2 - np.sum((hip - end)[:, :2] ** 2, -1), 0.0))
        for hip, end in zip(hips, ends, strict=True)
    ]
    return np.asarray(np.maximum(np.max(needed, axis=0), 0.0))
