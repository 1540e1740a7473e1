"""Colours, patterns and clothes: the surfaces of a subject, and what it may wear.

Knows no motion and no light. Colours are written as people read them and turned into linear RGB.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from generators.procedural.body import Mounts
from generators.procedural.choice import choose
from generators.procedural.rig import Sculpture, Slot
from generators.procedural.scene import Material, Pattern

Accessory = Literal["hat", "backpack", "scarf"]


def linear_rgb(color: str) -> tuple[float, float, float]:
    """Linear RGB in [0, 1] of an sRGB colour written ``rrggbb``."""

    def channel(start: int) -> float:
        value = int(color[start : start + 2], 16) / 255.0
        return float(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)

    return channel(0), channel(2), channel(4)


@dataclass(frozen=True)
class Appearance:
    """A look: a material for the main surfaces, one for the second, or an accessory over natural ones."""

    main: Material | None = None
    second: Material | None = None
    worn: Accessory | None = None
    worn_color: str = "f2c230"


def _pattern(color: str, accent: str, pattern: Pattern, scale_m: float, gloss: float = 0.15) -> Material:
    return Material(linear_rgb(color), linear_rgb(accent), pattern, scale_m, gloss)


def _plain(color: str, gloss: float = 0.15) -> Material:
    return Material(linear_rgb(color), gloss=gloss)


APPEARANCES: dict[str, Appearance] = {
    "crimson_plain": Appearance(_plain("c2142d", 0.3), _plain("6b1420")),
    "navy_stripes": Appearance(_pattern("1b2c63", "e9ecf2", Pattern.STRIPES, 0.13), _plain("131c3d")),
    "green_checks": Appearance(_pattern("1f7a3d", "d9ecb8", Pattern.CHECKS, 0.15), _plain("17472a")),
    "yellow_dots": Appearance(_pattern("f4c21a", "2b2b33", Pattern.DOTS, 0.12), _plain("b9801a")),
    "cow_patches": Appearance(_pattern("f1ece2", "241f1d", Pattern.PATCHES, 0.34), _plain("d9cdbb")),
    "carved_wood": Appearance(
        _pattern("a8703a", "5f3716", Pattern.WOOD, 0.12), _pattern("74471f", "472810", Pattern.WOOD, 0.1)
    ),
    "polished_gold": Appearance(_plain("d9a423", 0.95), _plain("94691a", 0.9)),
    "pink_checks": Appearance(_pattern("ef5f98", "fbe4ee", Pattern.CHECKS, 0.15), _plain("a8335f")),
    "mint_stripes": Appearance(_pattern("7fdcb8", "1f6f63", Pattern.STRIPES, 0.13), _plain("2d8577")),
    "teal_hat": Appearance(worn="hat", worn_color="0f9b98"),
    "orange_backpack": Appearance(worn="backpack", worn_color="f0761a"),
    "violet_scarf": Appearance(worn="scarf", worn_color="8a35c9"),
}

# Natural surfaces of each subject: main, second, skin, dark, light, metal, trim.
_NATURAL: dict[str, tuple[str, str, str, str, str, str, str]] = {
    "person": ("3f78b5", "39404f", "d9a07a", "2c1d16", "f4f4f0", "9aa3ad", "f2c230"),
    "robot": ("b9c2cc", "4f5b69", "8d98a4", "20252b", "7fe3f2", "7b8792", "e8452f"),
    "dog": ("b9793f", "e6cfa8", "d9a07a", "2a1a12", "f4f4f0", "9aa3ad", "c43d2f"),
    "horse": ("7d4a26", "b98a5c", "d9a07a", "21150e", "f4f4f0", "9aa3ad", "c43d2f"),
    "bird": ("9db4c9", "eef1f2", "e58a2c", "2d3a4b", "f4f4f0", "9aa3ad", "c43d2f"),
    "robot_arm": ("ee8a1d", "55606c", "8d98a4", "23282e", "f4f4f0", "aab4be", "e6e9ec"),
    "ball": ("d8402f", "f6f0e2", "d9a07a", "24324a", "f6f0e2", "9aa3ad", "f2c230"),
    "crate": ("c99a5b", "8a5f2e", "d9a07a", "2b2118", "f2ead8", "9aa3ad", "c43d2f"),
    "wheel": ("c9ccd1", "6d757f", "d9a07a", "26282b", "f6f0e2", "8f98a2", "d8402f"),
    "pendulum": ("c8452f", "7a5230", "d9a07a", "2b2118", "f6f0e2", "a9b1ba", "f2c230"),
    "door": ("3e7f86", "efe7d6", "d9a07a", "4a4038", "f6f0e2", "c9a24a", "c43d2f"),
    "chest": ("8c5628", "5f3a1a", "d9a07a", "241a12", "f6f0e2", "b88a35", "f4cf45"),
}


def surfaces(subject: str, appearance: str) -> tuple[Material, ...]:
    """A material for each ``Slot`` of the subject in this appearance.

    Raises ``ConfigError`` for an unknown subject or appearance.
    """
    colors = choose("subject", subject, _NATURAL)
    look = choose("appearance", appearance, APPEARANCES)
    materials = [_plain(color) for color in colors]
    materials[Slot.METAL] = _plain(colors[Slot.METAL], gloss=0.7)
    if subject == "wheel":  # a tread that shows it rolling from every side
        materials[Slot.DARK] = _pattern(colors[Slot.DARK], "63676d", Pattern.SPOKES, 0.2)
    materials[Slot.MAIN] = look.main or materials[Slot.MAIN]
    materials[Slot.SECOND] = look.second or materials[Slot.SECOND]
    if look.worn:
        materials[Slot.WEAR] = _plain(look.worn_color, gloss=0.2)
    return tuple(materials)


def accessory_of(appearance: str) -> Accessory | None:
    """What an appearance adds to the body, if anything. Raises ``ConfigError`` for an unknown one."""
    return choose("appearance", appearance, APPEARANCES).worn


def wear(worn: Accessory, mounts: Mounts, out: Sculpture) -> None:
    """Adds the primitives of an accessory where the body carries it."""
    match worn:
        case "hat":
            radius = mounts.hat_radius_m
            out.cylinder(mounts.hat, 1.75 * radius, 0.014, Slot.WEAR)
            out.cylinder(mounts.hat, 1.02 * radius, 0.5 * radius, Slot.WEAR, at=(0.0, 0.0, 0.5 * radius))
            out.ellipsoid(
                mounts.hat, (1.02 * radius, 1.02 * radius, 0.35 * radius), Slot.WEAR, at=(0.0, 0.0, radius)
            )
            out.cylinder(mounts.hat, 1.06 * radius, 0.17 * radius, Slot.DARK, at=(0.0, 0.0, 0.2 * radius))
        case "backpack":
            x, y, z = mounts.pack_half_m
            out.ellipsoid(mounts.pack, (1.08 * x, 1.06 * y, 1.25 * z), Slot.WEAR, at=(0.0, 0.0, 0.7 * z))
            out.box(mounts.pack, (0.8 * x, 0.86 * y, z), Slot.WEAR, at=(-0.06 * x, 0.0, 0.75 * z))
            out.box(mounts.pack, (0.4 * x, 0.6 * y, 0.35 * z), Slot.DARK, at=(-0.36 * x, 0.0, 1.75 * z))
            out.ellipsoid(mounts.pack, (0.16 * x, 0.2 * y, 0.3 * z), Slot.METAL, at=(0.5 * x, 0.0, 1.8 * z))
            # A rolled blanket, wide and high enough to be seen from the front.
            out.cylinder(mounts.pack, 0.9 * z, 1.55 * y, Slot.WEAR, at=(1.1 * x, 0.0, 0.9 * z), axis="y")
            out.cylinder(mounts.pack, 0.94 * z, 0.12 * y, Slot.DARK, at=(1.1 * x, 0.0, 0.9 * z), axis="y")
        case "scarf":
            radius = mounts.scarf_radius_m
            out.ellipsoid(mounts.scarf, (1.5 * radius, 1.5 * radius, 0.62 * radius), Slot.WEAR)
            out.ellipsoid(
                mounts.scarf,
                (1.35 * radius, 1.35 * radius, 0.5 * radius),
                Slot.WEAR,
                at=(0.0, 0.0, 0.5 * radius),
            )
            tail = mounts.scarf.moved(1.25 * radius, 0.55 * radius, -0.3 * radius).turned("y", -0.25)
            out.box(tail, (0.018, 0.55 * radius, 1.5 * radius), Slot.WEAR, at=(0.0, 0.0, -1.4 * radius))
