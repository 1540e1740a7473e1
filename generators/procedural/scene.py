"""The hand-over between kinematics and rendering: primitives that move, materials, light, camera.

World coordinates are right-handed metres with z up and the ground at z = 0.  A primitive is a
canonical shape in its own coordinates carried into the world by one affine map per frame:
``world = linear @ local + origin``.  Textures live in local coordinates, so that a pattern moves
with the body that wears it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from data.errors import ContractError
from data.schema import FloatArray


class Shape(IntEnum):
    """Canonical shapes and the meaning of their row in ``Primitives.size`` (metres, local units)."""

    ELLIPSOID = 0  # (rx, ry, rz, -) around the local origin
    ROUND_CONE = 1  # (r_start, r_end, length, -): spheres at z = 0 and z = length and their hull
    BOX = 2  # (half_x, half_y, half_z, -) around the local origin
    CYLINDER = 3  # (radius, half_height, -, -) around local z, flat caps


class Pattern(IntEnum):
    """How ``Material.color`` and ``Material.accent`` share a surface (local coordinates)."""

    PLAIN = 0
    STRIPES = 1
    CHECKS = 2
    DOTS = 3
    PATCHES = 4
    WOOD = 5
    SPOKES = 6  # sectors around local z: makes rolling visible


@dataclass(frozen=True)
class Material:
    """A surface. Colours are linear RGB in [0, 1]; ``scale_m`` is the period of the pattern."""

    color: tuple[float, float, float]
    accent: tuple[float, float, float] = (1.0, 1.0, 1.0)
    pattern: Pattern = Pattern.PLAIN
    scale_m: float = 0.2
    gloss: float = 0.2


@dataclass(frozen=True)
class Primitives:
    """N shapes over T frames. A thing that stands still has T = 1 (``linear.shape[0] == 1``)."""

    shape: npt.NDArray[np.int64]  # (N,) Shape
    size: FloatArray  # (N, 4)
    linear: FloatArray  # (T or 1, N, 3, 3)
    origin: FloatArray  # (T or 1, N, 3)
    material: npt.NDArray[np.int64]  # (N,) index into Scene.materials

    def __post_init__(self) -> None:
        n, frames = len(self.shape), len(self.linear)
        expected = {
            "shape": (n,),
            "size": (n, 4),
            "linear": (frames, n, 3, 3),
            "origin": (frames, n, 3),
            "material": (n,),
        }
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ContractError(f"primitives.{name} must be {shape}, got {getattr(self, name).shape}")


@dataclass(frozen=True)
class Camera:
    """A pinhole camera over T frames (or 1, when it does not move)."""

    position: FloatArray  # (T or 1, 3) metres
    target: FloatArray  # (T or 1, 3) metres, the point in the middle of the picture
    vertical_fov_degrees: float


@dataclass(frozen=True)
class Light:
    """A sun with a sky. ``direction`` points from the scene to the sun."""

    direction: tuple[float, float, float]
    sun: tuple[float, float, float]  # linear RGB radiance
    ambient: tuple[float, float, float]  # linear RGB radiance of the sky


@dataclass(frozen=True)
class Environment:
    """Ground and background of a setting; the renderer knows each ``kind`` by name.

    ``kind`` is the setting's key ("meadow", "street", …); ``seed`` varies clouds, tufts and tiles.
    """

    kind: str
    light: Light
    seed: int


@dataclass(frozen=True)
class Scene:
    """All that a renderer needs. ``style`` is the style's key ("shaded", "toon", …)."""

    environment: Environment
    static: Primitives  # scenery: one frame
    moving: Primitives  # the subject: T frames
    materials: tuple[Material, ...]
    camera: Camera
    style: str
    num_frames: int
