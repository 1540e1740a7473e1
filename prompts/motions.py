"""How things can move: which subjects carry a motion, which motions are akin, and the words for it.

Knows nothing of looks or places.
"""

from __future__ import annotations

from dataclasses import dataclass

_LEGGED = frozenset({"person", "robot", "dog", "horse", "bird"})


@dataclass(frozen=True)
class Motion:
    """One motion. ``moves`` and ``moving`` are one verb phrase in two forms, ``manner`` its tempo.

    Two motions of one ``family`` are too close to be told apart for certain.  ``travels`` means that
    the subject leaves its place for good; ``turns`` that it rotates as a whole; ``shows_in_outline``
    that a silhouette gives it away.  ``{limb}`` and ``{limbs}`` are filled from the subject.
    """

    family: str
    carriers: frozenset[str]
    moves: str
    moving: str
    manner: str
    travels: bool = False
    turns: bool = False
    shows_in_outline: bool = True


MOTIONS = {
    "walk": Motion(
        family="gait",
        carriers=_LEGGED,
        moves="walks forward",
        moving="walking forward",
        manner="at a calm, even pace",
        travels=True,
    ),
    "run": Motion(
        family="gait",
        carriers=_LEGGED,
        moves="runs forward in a wide curve",
        moving="running forward in a wide curve",
        manner="with fast, springy strides",
        travels=True,
    ),
    "jump": Motion(
        family="airborne",
        carriers=_LEGGED | {"ball", "crate"},
        moves="jumps straight up and lands on the same spot",
        moving="jumping straight up and landing on the same spot",
        manner="with a short rest between jumps",
    ),
    "bounce": Motion(
        family="airborne",
        carriers=frozenset({"robot", "ball", "crate", "wheel", "bird"}),
        moves="bounces up and down on the spot",
        moving="bouncing up and down on the spot",
        manner="in a quick, springy rhythm",
    ),
    "hop_sideways": Motion(
        family="airborne",
        carriers=frozenset({"person", "robot", "bird", "ball", "crate", "chest"}),
        moves="hops sideways and back again",
        moving="hopping sideways and back again",
        manner="in short, regular hops",
    ),
    "roll": Motion(
        family="rolling",
        carriers=frozenset({"ball", "wheel", "crate"}),
        moves="rolls along the ground",
        moving="rolling along the ground",
        manner="at a steady speed",
        travels=True,
        turns=True,
    ),
    "spin": Motion(
        family="turning",
        carriers=_LEGGED | {"robot_arm", "ball", "crate", "wheel", "chest"},
        moves="turns around and around on the spot",
        moving="turning around and around on the spot",
        manner="at a steady speed",
        turns=True,
        shows_in_outline=False,
    ),
    "orbit": Motion(
        family="circling",
        carriers=_LEGGED | {"ball", "wheel"},
        moves="goes around in a wide circle",
        moving="going around in a wide circle",
        manner="at a steady speed",
        travels=True,
    ),
    "zigzag": Motion(
        family="weaving",
        carriers=_LEGGED | {"ball", "wheel"},
        moves="moves forward in a zigzag",
        moving="moving forward in a zigzag",
        manner="with smooth turns left and right",
        travels=True,
    ),
    "wave": Motion(
        family="gesture",
        carriers=frozenset({"person", "robot", "dog", "bird", "robot_arm"}),
        moves="raises {limb} and waves with it",
        moving="raising {limb} and waving with it",
        manner="in a lively rhythm",
    ),
    "bow": Motion(
        family="bending",
        carriers=_LEGGED | {"robot_arm"},
        moves="bends forward in a deep bow and straightens up again",
        moving="bending forward in a deep bow and straightening up again",
        manner="slowly and smoothly",
    ),
    "crouch": Motion(
        family="bending",
        carriers=_LEGGED | {"robot_arm"},
        moves="crouches down low and rises again",
        moving="crouching down low and rising again",
        manner="slowly and smoothly",
    ),
    "sway": Motion(
        family="rocking",
        carriers=_LEGGED | {"robot_arm", "crate", "chest", "pendulum"},
        moves="rocks from side to side",
        moving="rocking from side to side",
        manner="in a slow, even rhythm",
    ),
    "nod": Motion(
        family="head gesture",
        carriers=_LEGGED | {"robot_arm"},
        moves="nods up and down",
        moving="nodding up and down",
        manner="at a slow, regular beat",
        shows_in_outline=False,
    ),
    "flap": Motion(
        family="beating",
        carriers=frozenset({"person", "robot", "bird"}),
        moves="flaps {limbs} up and down",
        moving="flapping {limbs} up and down",
        manner="in wide, even beats",
    ),
    "swing": Motion(
        family="oscillation",
        carriers=frozenset({"pendulum", "door", "robot_arm"}),
        moves="swings back and forth",
        moving="swinging back and forth",
        manner="in a slow, even rhythm",
    ),
    "open": Motion(
        family="hinge",
        carriers=frozenset({"door", "chest"}),
        moves="opens wide, half closes and opens again",
        moving="opening wide, half closing and opening again",
        manner="slowly and smoothly",
    ),
    "shake": Motion(
        family="trembling",
        carriers=frozenset({"door", "chest", "pendulum", "crate", "ball", "wheel"}),
        moves="trembles in place",
        moving="trembling in place",
        manner="with quick little shakes",
    ),
    "slide": Motion(
        family="sliding",
        carriers=frozenset({"crate", "chest", "ball", "wheel"}),
        moves="slides back and forth along the ground",
        moving="sliding back and forth along the ground",
        manner="without turning",
    ),
}

# Motions of different families that still look alike on some body: a nod of the whole robot arm is
# a bow, a bird that waves flaps one wing, a pendulum that rocks swings, a door that swings opens.
_LOOKALIKES = frozenset(
    frozenset(pair)
    for pair in (
        ("bow", "nod"),
        ("flap", "wave"),
        ("hop_sideways", "slide"),
        ("open", "swing"),
        ("roll", "slide"),
        ("sway", "swing"),
        ("sway", "wave"),
        ("swing", "wave"),
    )
)


def clearly_different(first: str, second: str) -> bool:
    """Whether two motions (keys of ``MOTIONS``) cannot be taken for each other on any body.

    Two motions that travel differ only in their path, which a sideways or a high camera may hide.
    """
    one, other = MOTIONS[first], MOTIONS[second]
    return (
        one.family != other.family
        and not (one.travels and other.travels)
        and frozenset((first, second)) not in _LOOKALIKES
    )
