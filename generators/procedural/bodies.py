"""Puts a subject on the stage: which body plan it has, which motions it can carry, what it wears.

Knows no scenery, light or camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.errors import ConfigError
from data.schema import FloatArray
from generators.procedural.appearances import Accessory, wear
from generators.procedural.biped import person, robot
from generators.procedural.bird import bird
from generators.procedural.body import Build
from generators.procedural.channels import columns_of
from generators.procedural.choice import choose
from generators.procedural.machines import door, pendulum, robot_arm
from generators.procedural.quadruped import dog, horse
from generators.procedural.rig import Frame, Sculpture, rotation
from generators.procedural.scene import Primitives
from generators.procedural.things import ball, chest, crate, wheel

_WALKERS = ("walk", "run", "jump", "spin", "orbit", "zigzag", "bow", "crouch", "sway", "nod")
_THROWN = ("jump", "bounce", "hop_sideways", "roll", "spin")

SUBJECTS: dict[str, tuple[Build, frozenset[str]]] = {
    "person": (person, frozenset({*_WALKERS, "hop_sideways", "wave", "flap"})),
    "robot": (robot, frozenset({*_WALKERS, "bounce", "hop_sideways", "wave", "flap"})),
    "dog": (dog, frozenset({*_WALKERS, "wave"})),
    "horse": (horse, frozenset(_WALKERS)),
    "bird": (bird, frozenset({*_WALKERS, "bounce", "hop_sideways", "wave", "flap"})),
    "robot_arm": (robot_arm, frozenset({"spin", "wave", "bow", "crouch", "sway", "nod", "swing"})),
    "ball": (ball, frozenset({*_THROWN, "orbit", "zigzag", "shake", "slide"})),
    "crate": (crate, frozenset({*_THROWN, "sway", "shake", "slide"})),
    "wheel": (wheel, frozenset({"bounce", "roll", "spin", "orbit", "zigzag", "shake", "slide"})),
    "pendulum": (pendulum, frozenset({"sway", "swing", "shake"})),
    "door": (door, frozenset({"swing", "open", "shake"})),
    "chest": (chest, frozenset({"hop_sideways", "spin", "sway", "open", "shake", "slide"})),
}


@dataclass(frozen=True)
class Place:
    """Where a body rests in the first frame: metres on the ground, heading from the x axis."""

    x_m: float
    y_m: float
    heading_rad: float


@dataclass(frozen=True)
class Body:
    """A subject in motion: what is drawn, and its true joints (T, J, 3) in world metres."""

    primitives: Primitives
    joints: FloatArray
    joint_names: tuple[str, ...]


def build_body(subject: str, motion: str, channels: FloatArray, place: Place, worn: Accessory | None) -> Body:
    """The subject carrying the channels (T, C) of ``motion`` from its place.

    Raises ``ConfigError`` for an unknown subject and for a motion that the subject cannot carry.
    """
    build, carried = choose("subject", subject, SUBJECTS)
    if motion not in carried:
        raise ConfigError(
            f"a {subject} cannot carry the motion {motion!r}; it can {', '.join(sorted(carried))}. "
            "Change the plan's subject or its motion"
        )
    start = Frame(rotation("z", place.heading_rad), np.array([[place.x_m, place.y_m, 0.0]]))
    sculpture = Sculpture(len(channels))
    shaped = build(columns_of(channels), start, sculpture)
    if worn is not None:
        if shaped.mounts is None:
            raise ConfigError(
                f"a {subject} cannot wear a {worn}; choose an appearance of the surface instead"
            )
        wear(worn, shaped.mounts, sculpture)
    names = tuple(shaped.joints)
    joints = np.stack([np.broadcast_to(shaped.joints[name], (len(channels), 3)) for name in names], 1)
    return Body(sculpture.primitives(), joints, names)
