"""Small scenes for the renderer's tests: nothing in them is symmetric, so a swapped axis shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.schema import FloatArray
from generators.procedural.scene import (
    Camera,
    Environment,
    Light,
    Material,
    Pattern,
    Primitives,
    Scene,
    Shape,
)

LIGHT = Light(direction=(-0.5, -0.45, 0.8), sun=(2.6, 2.4, 2.1), ambient=(0.55, 0.65, 0.8))
MATERIALS = (
    Material((0.6, 0.1, 0.1), (0.9, 0.9, 0.9), Pattern.STRIPES, 0.12, 0.3),
    Material((0.1, 0.2, 0.6), (0.8, 0.7, 0.1), Pattern.DOTS, 0.18, 0.5),
    Material((0.4, 0.25, 0.1), (0.2, 0.1, 0.05), Pattern.WOOD, 0.2, 0.1),
    Material((0.7, 0.5, 0.1), (0.05, 0.05, 0.05), Pattern.SPOKES, 0.2, 0.9),
    Material((0.2, 0.4, 0.15), (0.1, 0.2, 0.05), Pattern.PATCHES, 0.25, 0.0),
    Material((0.8, 0.8, 0.8), (0.1, 0.1, 0.1), Pattern.CHECKS, 0.25, 0.2),
)


@dataclass(frozen=True)
class Thing:
    """One primitive at one frame."""

    shape: Shape
    size: tuple[float, float, float]
    origin: tuple[float, float, float]
    linear: FloatArray | None = None
    material: int = 0


def primitives(frames: Sequence[Sequence[Thing]]) -> Primitives:
    """Things of every frame as arrays; an empty frame makes no primitives."""
    first = frames[0]
    n = len(first)
    linear = [[np.eye(3) if t.linear is None else t.linear for t in frame] for frame in frames]
    return Primitives(
        np.array([int(t.shape) for t in first], np.int64),
        np.array([(*t.size, 0.0) for t in first], np.float64).reshape(n, 4),
        np.array(linear, np.float64).reshape(len(frames), n, 3, 3),
        np.array([[t.origin for t in frame] for frame in frames], np.float64).reshape(len(frames), n, 3),
        np.array([t.material for t in first], np.int64),
    )


def turned(axis: int, radians: float) -> FloatArray:
    """Rotation about a coordinate axis."""
    c, s = np.cos(radians), np.sin(radians)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    out = np.eye(3)
    out[i, i], out[i, j], out[j, i], out[j, j] = c, -s, s, c
    return out


def subject(frame: int) -> list[Thing]:
    """A leaning figure that walks to +x while one arm swings."""
    x = -0.6 + 0.08 * frame
    swing = turned(1, 2.4 + 0.5 * np.sin(0.7 * frame))
    stride = 0.5 * np.sin(0.6 * frame)
    return [
        Thing(Shape.ROUND_CONE, (0.2, 0.13, 0.55), (x, 0.0, 0.85), turned(1, 0.12), 0),
        Thing(Shape.ELLIPSOID, (0.14, 0.12, 0.17), (x + 0.1, 0.0, 1.72), None, 1),
        Thing(Shape.ROUND_CONE, (0.09, 0.06, 0.8), (x, 0.1, 0.9), turned(1, np.pi - stride), 2),
        Thing(Shape.ROUND_CONE, (0.09, 0.06, 0.8), (x, -0.1, 0.9), turned(1, np.pi + stride), 2),
        Thing(Shape.ROUND_CONE, (0.07, 0.05, 0.5), (x + 0.05, -0.25, 1.4), swing, 3),
        Thing(Shape.BOX, (0.12, 0.2, 0.25), (x - 0.25, 0.0, 1.2), turned(2, 0.3), 5),
    ]


SCENERY = [
    Thing(Shape.CYLINDER, (0.15, 0.8, 0.0), (1.6, 1.4, 0.8), None, 2),
    Thing(Shape.ELLIPSOID, (0.7, 0.6, 0.5), (1.6, 1.4, 1.9), None, 4),
    Thing(Shape.BOX, (0.35, 0.25, 0.3), (-1.5, 0.9, 0.3), turned(2, 0.5), 5),
]


def scene(
    style: str = "shaded",
    kind: str = "meadow",
    num_frames: int = 4,
    moving: Primitives | None = None,
    static: Primitives | None = None,
    camera: Camera | None = None,
    light: Light = LIGHT,
    materials: tuple[Material, ...] = MATERIALS,
) -> Scene:
    """A figure walking past scenery, seen by a standing camera, with any part replaced."""
    return Scene(
        environment=Environment(kind, light, seed=5),
        static=primitives([SCENERY]) if static is None else static,
        moving=primitives([subject(i) for i in range(num_frames)]) if moving is None else moving,
        materials=materials,
        camera=standing_camera() if camera is None else camera,
        style=style,
        num_frames=num_frames,
    )


def standing_camera() -> Camera:
    """Looks along +y and a little down, from the left of the middle."""
    return Camera(np.array([[-0.7, -5.5, 1.7]]), np.array([[0.1, 0.0, 0.9]]), 36.0)


def arcing_camera(num_frames: int) -> Camera:
    """Swings around the figure."""
    angle = np.linspace(-1.7, -1.4, num_frames)
    position = np.stack([5.5 * np.cos(angle), 5.5 * np.sin(angle), np.full(num_frames, 1.7)], 1)
    return Camera(position, np.array([[0.1, 0.0, 0.9]]), 36.0)


NOTHING = primitives([[]])
