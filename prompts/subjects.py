"""Who or what can move: the body of each subject and the words for it.

Knows nothing of motions; a motion lists the subjects that carry it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class BodyPlan(StrEnum):
    """Bodies that differ so much that one cannot be taken for the other."""

    BIPED = "biped"
    QUADRUPED = "quadruped"
    BIRD = "bird"
    ARM = "arm"
    BALL = "ball"
    BOX = "box"
    WHEEL = "wheel"
    PENDULUM = "pendulum"
    DOOR = "door"


@dataclass(frozen=True)
class Subject:
    """One subject. ``noun`` carries no article, all other words stand in a sentence as they are.

    ``rest`` says in the third person how it waits in the first frame.  ``surface`` is the part that
    an appearance covers, and ``covered`` joins the two: "a dog *with* a coat".  ``natural`` stands
    before ``surface`` where an appearance only adds an accessory.  ``limb`` is what it waves,
    ``limbs`` what it flaps.
    """

    noun: str
    plan: BodyPlan
    rest: str
    surface: str
    covered: str = "with"
    natural: str = "plain"
    limb: str = "one limb"
    limbs: str = "both limbs"

    @property
    def wears_accessories(self) -> bool:
        return self.plan in {BodyPlan.BIPED, BodyPlan.QUADRUPED, BodyPlan.BIRD}

    @property
    def needs_pattern_to_turn(self) -> bool:
        """Whether its outline stays nearly the same while it turns, as that of a ball or a box."""
        return self.plan in {BodyPlan.BALL, BodyPlan.BOX, BodyPlan.WHEEL}


SUBJECTS = {
    "person": Subject(
        noun="person",
        plan=BodyPlan.BIPED,
        rest="stands upright and still, both arms hanging down",
        surface="outfit",
        covered="wearing",
        natural="plain blue",
        limb="one arm",
        limbs="both arms",
    ),
    "robot": Subject(
        noun="humanoid robot",
        plan=BodyPlan.BIPED,
        rest="stands upright and still, both arms hanging down",
        surface="shell",
        natural="plain grey",
        limb="one arm",
        limbs="both arms",
    ),
    "dog": Subject(
        noun="dog",
        plan=BodyPlan.QUADRUPED,
        rest="stands still on all four legs",
        surface="coat",
        natural="plain brown",
        limb="one front paw",
    ),
    "horse": Subject(
        noun="horse",
        plan=BodyPlan.QUADRUPED,
        rest="stands still on all four legs",
        surface="coat",
        natural="plain brown",
    ),
    "bird": Subject(
        noun="long-legged bird",
        plan=BodyPlan.BIRD,
        rest="stands still, both wings folded",
        surface="coat of feathers",
        natural="grey-blue",
        limb="one wing",
        limbs="both wings",
    ),
    "robot_arm": Subject(
        noun="robot arm",
        plan=BodyPlan.ARM,
        rest="stands idle on its pedestal",
        surface="casing",
        limb="its gripper",
    ),
    "ball": Subject(
        noun="large ball",
        plan=BodyPlan.BALL,
        rest="lies still on the ground",
        surface="surface",
    ),
    "crate": Subject(
        noun="crate",
        plan=BodyPlan.BOX,
        rest="stands still on the ground",
        surface="finish",
    ),
    "wheel": Subject(
        noun="wheel",
        plan=BodyPlan.WHEEL,
        rest="stands upright and still on the ground",
        surface="finish",
    ),
    "pendulum": Subject(
        noun="pendulum",
        plan=BodyPlan.PENDULUM,
        rest="hangs straight down from its stand",
        surface="bob",
    ),
    "door": Subject(
        noun="door",
        plan=BodyPlan.DOOR,
        rest="stands closed in its free-standing frame",
        surface="panel",
    ),
    "chest": Subject(
        noun="lidded chest",
        plan=BodyPlan.BOX,
        rest="stands still with its lid closed",
        surface="finish",
    ),
}
