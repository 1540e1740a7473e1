"""Things that stand still around the stage: how each is built, out of primitives of one frame.

Knows neither the subject nor the camera; where things stand is decided in ``layout``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from generators.procedural.appearances import linear_rgb
from generators.procedural.rig import Frame, Sculpture
from generators.procedural.scene import Material, Pattern


class Paints:
    """The materials of a scene, appended to those that are there already; equal ones are shared."""

    def __init__(self, materials: tuple[Material, ...]) -> None:
        self.materials = list(materials)

    def __call__(
        self,
        color: str,
        accent: str = "ffffff",
        pattern: Pattern = Pattern.PLAIN,
        scale_m: float = 0.2,
        gloss: float = 0.1,
    ) -> int:
        """Index of the material with these sRGB colours."""
        wanted = Material(linear_rgb(color), linear_rgb(accent), pattern, scale_m, gloss)
        if wanted not in self.materials:
            self.materials.append(wanted)
        return self.materials.index(wanted)


Draw = Callable[[Frame, Sculpture, Paints, np.random.Generator], None]


@dataclass(frozen=True)
class Prop:
    """One kind of thing: how it is drawn, the radius of ground that it takes, how many stand around."""

    draw: Draw
    radius_m: float
    count: int


def _tree(at: Frame, out: Sculpture, paint: Paints, rng: np.random.Generator) -> None:
    height = rng.uniform(1.1, 1.6)
    bark = paint("6b4a2f", "4a3220", Pattern.WOOD, 0.2)
    leaves = (paint("3f7d35"), paint("559a43"), paint("2f6a38"))
    out.bone(at, at.at(z=height + 0.5), at.at(z=-0.05), 0.1, 0.17, bark)
    for _ in range(4):
        x, y = rng.uniform(-0.42, 0.42, 2)
        z, size = rng.uniform(0.3, 1.25), rng.uniform(0.5, 0.72)
        out.ellipsoid(at, (size, size, 0.82 * size), leaves[rng.integers(3)], at=(x, y, height + z))


def _rock(at: Frame, out: Sculpture, paint: Paints, rng: np.random.Generator) -> None:
    stones = (paint("8b8780"), paint("75716c"), paint("9c968a"))
    for _ in range(3):
        x, y = rng.uniform(-0.22, 0.22, 2)
        size = rng.uniform(0.24, 0.46)
        lump = at.moved(x, y, 0.25 * size).turned("z", rng.uniform(0, 3)).turned("y", rng.uniform(-0.3, 0.3))
        out.ellipsoid(lump, (1.15 * size, 0.85 * size, 0.8 * size), stones[rng.integers(3)])


def _bench(at: Frame, out: Sculpture, paint: Paints, _: np.random.Generator) -> None:
    wood, iron = paint("a8683a", "7b4824", Pattern.WOOD, 0.12), paint("2f3338", gloss=0.4)
    for x in (0.16, 0.0, -0.16):
        out.box(at, (0.065, 0.75, 0.02), wood, at=(x, 0.0, 0.46))
    for z in (0.64, 0.8):
        out.box(at.turned("y", -0.18), (0.02, 0.75, 0.06), wood, at=(-0.1, 0.0, z))
    for way in (1.0, -1.0):
        out.box(at, (0.22, 0.03, 0.22), iron, at=(0.0, way * 0.6, 0.22))
        out.box(at.turned("y", -0.18), (0.02, 0.03, 0.25), iron, at=(-0.13, way * 0.6, 0.62))


def _cone(at: Frame, out: Sculpture, paint: Paints, _: np.random.Generator) -> None:
    orange, white = paint("f26a1b", gloss=0.3), paint("f4f1ea", gloss=0.3)
    out.box(at, (0.25, 0.25, 0.025), orange, at=(0.0, 0.0, 0.025))
    out.bone(at, at.at(z=0.78), at.at(z=0.12), 0.045, 0.175, orange)
    out.bone(at, at.at(z=0.56), at.at(z=0.38), 0.107, 0.147, white)


def _boxes(at: Frame, out: Sculpture, paint: Paints, rng: np.random.Generator) -> None:
    card, tape = (paint("b98b55"), paint("a37744"), paint("c9a06a")), paint("e3d2ab")
    base = 0.0
    for half in (0.42, 0.34, 0.26)[: int(rng.integers(2, 4))]:
        x, y = rng.uniform(-0.06, 0.06, 2)
        box = at.moved(x, y, base + 0.85 * half).turned("z", rng.uniform(-0.35, 0.35))
        out.box(box, (half, half, 0.85 * half), card[rng.integers(3)])
        out.box(box, (half + 0.003, 0.05, 0.85 * half + 0.003), tape)
        base += 1.7 * half


def _lamp(at: Frame, out: Sculpture, paint: Paints, _: np.random.Generator) -> None:
    iron, glass = paint("2c3b3a", gloss=0.4), paint("fff0c4", gloss=0.6)
    out.cylinder(at, 0.16, 0.14, iron, at=(0.0, 0.0, 0.14))
    out.bone(at, at.at(z=2.45), at.at(z=0.2), 0.04, 0.06, iron)
    out.cylinder(at, 0.1, 0.03, iron, at=(0.0, 0.0, 2.5))
    out.ellipsoid(at, (0.17, 0.17, 0.22), glass, at=(0.0, 0.0, 2.7))
    out.bone(at, at.at(z=3.02), at.at(z=2.9), 0.02, 0.15, iron)


def _plant(at: Frame, out: Sculpture, paint: Paints, rng: np.random.Generator) -> None:
    clay, soil = paint("b85f3a"), paint("4b3524")
    leaves = (paint("2f7a46"), paint("4a9a55"))
    out.bone(at, at.at(z=0.36), at.at(z=0.19), 0.25, 0.19, clay)
    out.cylinder(at, 0.28, 0.045, clay, at=(0.0, 0.0, 0.5))
    out.cylinder(at, 0.24, 0.02, soil, at=(0.0, 0.0, 0.54))
    for leaf in range(6):
        blade = at.moved(z=0.5).turned("z", np.pi * (leaf / 3.0 + rng.uniform(-0.1, 0.1)))
        blade = blade.turned("y", rng.uniform(0.25, 0.75))
        length = rng.uniform(0.3, 0.42)
        out.ellipsoid(blade, (0.05, 0.11, length), leaves[leaf % 2], at=(0.0, 0.0, length))


def _fence(at: Frame, out: Sculpture, paint: Paints, _: np.random.Generator) -> None:
    wood = paint("d9cdb8", "c2b298", Pattern.WOOD, 0.15)
    for z in (0.35, 0.75):
        out.box(at, (0.025, 0.88, 0.05), wood, at=(0.0, 0.0, z))
    for y in np.linspace(-0.74, 0.74, 5):
        out.box(at, (0.02, 0.08, 0.52), wood, at=(0.03, float(y), 0.52))


def _column(at: Frame, out: Sculpture, paint: Paints, _: np.random.Generator) -> None:
    stone, shade = paint("ded7c8", gloss=0.25), paint("c4bba9", gloss=0.25)
    out.box(at, (0.34, 0.34, 0.1), shade, at=(0.0, 0.0, 0.1))
    out.cylinder(at, 0.29, 0.06, stone, at=(0.0, 0.0, 0.26))
    out.cylinder(at, 0.23, 1.1, stone, at=(0.0, 0.0, 1.4))
    out.cylinder(at, 0.29, 0.06, stone, at=(0.0, 0.0, 2.54))
    out.box(at, (0.34, 0.34, 0.08), shade, at=(0.0, 0.0, 2.68))


def _barrel(at: Frame, out: Sculpture, paint: Paints, rng: np.random.Generator) -> None:
    wood = paint(("9a6434", "86552b", "356a8a")[rng.integers(3)], "5f3b1c", Pattern.STRIPES, 0.13)
    hoop = paint("4b4f55", gloss=0.5)
    out.cylinder(at, 0.28, 0.46, wood, at=(0.0, 0.0, 0.46))
    out.cylinder(at, 0.305, 0.3, wood, at=(0.0, 0.0, 0.46))
    for z in (0.14, 0.78):
        out.cylinder(at, 0.312, 0.035, hoop, at=(0.0, 0.0, z))
    out.cylinder(at, 0.25, 0.01, hoop, at=(0.0, 0.0, 0.925))


SCENERY: dict[str, Prop | None] = {
    "empty": None,
    "trees": Prop(_tree, 0.75, 5),
    "rocks": Prop(_rock, 0.55, 6),
    "benches": Prop(_bench, 0.8, 4),
    "cones": Prop(_cone, 0.3, 8),
    "stacked_boxes": Prop(_boxes, 0.55, 5),
    "lamp_posts": Prop(_lamp, 0.3, 5),
    "potted_plants": Prop(_plant, 0.5, 6),
    "fence": Prop(_fence, 0.85, 5),
    "columns": Prop(_column, 0.45, 6),
    "barrels": Prop(_barrel, 0.36, 6),
}
