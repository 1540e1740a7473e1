"""How it looks: appearances of the subject, styles of the picture and cameras, with their words.

Knows nothing of motions or places.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from prompts.subjects import BodyPlan, Subject


def with_article(phrase: str) -> str:
    """``phrase`` behind "a" or "an". Goes by the first letter, which holds for this vocabulary."""
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


@dataclass(frozen=True)
class Appearance:
    """What the subject is covered with, or what it wears over its natural surface.

    ``finish`` stands before the name of the surface, ``accessory`` names what is worn, unless
    ``accessory_of`` has another word for a body plan: one of the two is given.
    ``hue`` and ``pattern`` sort appearances: two that share neither are clearly different.
    """

    hue: str
    pattern: str
    finish: str | None = None
    accessory: str | None = None
    accessory_of: dict[BodyPlan, str] = field(default_factory=dict)
    on_the_back: bool = False

    @property
    def shows_turning(self) -> bool:
        """Whether it shows that a ball or a box turns."""
        return self.pattern in {"stripes", "checks", "dots", "patches"}

    def phrase(self, subject: Subject) -> str:
        """A noun phrase with its article, such as "a plain crimson coat"."""
        surface = with_article(f"{self.finish or subject.natural} {subject.surface}")
        accessory = self.accessory_of.get(subject.plan, self.accessory)
        return f"{surface} and {with_article(accessory)}" if accessory else surface


@dataclass(frozen=True)
class Style:
    """A way of drawing. ``textured`` means that colours and patterns of the subject stay visible."""

    phrase: str
    textured: bool


@dataclass(frozen=True)
class Camera:
    """A viewpoint that stays still. ``phrase`` follows "seen".

    None moves: the negative would share the camera's movement, and that drowns what its subject does.

    The angles are nominal, seen from the subject: azimuth 0 is straight ahead of it and positive to
    the right of the picture, elevation is above the ground.  They only serve to tell viewpoints apart.
    """

    phrase: str
    azimuth_degrees: float
    elevation_degrees: float


APPEARANCES = {
    "crimson_plain": Appearance("red", "plain", "plain crimson"),
    "navy_stripes": Appearance("navy", "stripes", "navy-and-white striped"),
    "green_checks": Appearance("green", "checks", "green-and-cream checked"),
    "yellow_dots": Appearance("yellow", "dots", "yellow-and-black dotted"),
    "cow_patches": Appearance("black", "patches", "black-and-white patched"),
    "carved_wood": Appearance("brown", "wood", "carved wooden"),
    "polished_gold": Appearance("yellow", "metal", "polished gold"),
    "teal_hat": Appearance("teal", "accessory", accessory="teal hat"),
    "orange_backpack": Appearance(
        "orange",
        "accessory",
        accessory="orange backpack",
        accessory_of={BodyPlan.QUADRUPED: "orange saddle pack"},
        on_the_back=True,
    ),
    "violet_scarf": Appearance("violet", "accessory", accessory="violet scarf"),
    "pink_checks": Appearance("pink", "checks", "pink-and-white checked"),
    "mint_stripes": Appearance("green", "stripes", "mint-and-teal striped"),
}

STYLES = {
    "shaded": Style("a realistic 3D render with soft shading", textured=True),
    "toon": Style("a flat-coloured cartoon with bold outlines", textured=True),
    "sketch": Style("a pencil sketch on white paper", textured=False),
    "painted": Style("an oil painting with visible brush strokes", textured=True),
    "silhouette": Style("dark silhouettes against a bright background", textured=False),
    "blueprint": Style("a technical blueprint with white lines on blue paper", textured=False),
}

CAMERAS = {
    "front": Camera("straight from the front", 0, 10),
    "three_quarter_left": Camera("from the front left", -45, 12),
    "three_quarter_right": Camera("from the front right", 45, 12),
    "side": Camera("from the side", 90, 10),
    "high": Camera("from a high viewpoint", 30, 50),
    "low": Camera("from a low viewpoint near the ground", 30, 3),
}

# From the front to a three-quarter view is still too little to be seen at once.
CLEAR_ANGLE_DEGREES = 45.0


def angle_between_degrees(first: Camera, second: Camera) -> float:
    """Angle between two viewing directions, 0 to 180."""
    a, b = math.radians(first.elevation_degrees), math.radians(second.elevation_degrees)
    turn = math.radians(first.azimuth_degrees - second.azimuth_degrees)
    cosine = math.sin(a) * math.sin(b) + math.cos(a) * math.cos(b) * math.cos(turn)
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))
