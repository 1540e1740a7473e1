"""Moving coordinate frames, limbs between them, and the primitives that hang on them.

Knows no body and no motion. Every quantity runs over the T frames of a clip at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np

from data.schema import FloatArray
from generators.procedural.scene import Primitives, Shape

Number = FloatArray | float
Axis = Literal["x", "y", "z"]
Triple = tuple[float, float, float]


def rotation(axis: Axis, angle: Number) -> FloatArray:
    """Right-handed rotations about a coordinate axis: angle (T,) or a number -> (T or 1, 3, 3)."""
    a = np.atleast_1d(np.asarray(angle, dtype=np.float64))
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    turn = np.tile(np.eye(3), (len(a), 1, 1))
    turn[:, i, i] = turn[:, j, j] = np.cos(a)
    turn[:, j, i] = np.sin(a)
    turn[:, i, j] = -turn[:, j, i]
    return turn


def vector(x: Number, y: Number, z: Number) -> FloatArray:
    """Points or directions (T or 1, 3) from coordinates that each run over time or stand still."""
    return np.stack(
        np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (x, y, z))), -1
    )


@dataclass(frozen=True)
class Frame:
    """A coordinate frame that moves: ``rotation`` (T, 3, 3) and ``origin`` (T, 3) in the world."""

    rotation: FloatArray
    origin: FloatArray

    def at(self, x: Number = 0.0, y: Number = 0.0, z: Number = 0.0) -> FloatArray:
        """World position (T, 3) of a point given in this frame."""
        return np.asarray(self.origin + (self.rotation @ vector(x, y, z)[..., None])[..., 0])

    def moved(self, x: Number = 0.0, y: Number = 0.0, z: Number = 0.0) -> Frame:
        return Frame(self.rotation, self.at(x, y, z))

    def placed(self, origin: FloatArray) -> Frame:
        """The same orientation around another point (T, 3)."""
        return Frame(self.rotation, origin)

    def turned(self, axis: Axis, angle: Number) -> Frame:
        """Turned about one of its own axes."""
        return Frame(self.rotation @ rotation(axis, angle), self.origin)

    def stretched(self, x: Number, y: Number, z: Number) -> Frame:
        """Scaled along its own axes."""
        return Frame(self.rotation * vector(x, y, z)[:, None, :], self.origin)

    def hanging(self, start: FloatArray, end: FloatArray) -> Frame:
        """Around ``start``, its -z swung the shortest way to point at ``end``.

        Points that lie along +z of the frame have no shortest way: hand them over the other way round.
        """
        direction = (end - start) / np.linalg.norm(end - start, axis=-1, keepdims=True)
        down = -self.rotation[..., 2]
        cross = np.cross(down, direction)
        skew = np.cross(np.eye(3), cross[:, None, :])  # row i is e_i x v: the matrix of v x
        swing = np.eye(3) + skew + skew @ skew / (1.0 + np.sum(down * direction, -1))[:, None, None]
        return Frame(swing @ self.rotation, start)


def two_bone(
    start: FloatArray, end: FloatArray, upper_m: float, lower_m: float, pole: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Middle joint and reached end (T, 3) of a limb of two bones that bends towards ``pole`` (T, 3).

    An end that is too far or too near is moved along the line to the nearest one in reach.
    """
    line = end - start
    wanted = np.linalg.norm(line, axis=-1, keepdims=True)
    length = np.clip(wanted, abs(upper_m - lower_m) + 1e-3, (upper_m + lower_m) * 0.9999)
    along = line / wanted
    share = (length**2 + upper_m**2 - lower_m**2) / (2.0 * length)
    height = np.sqrt(np.maximum(upper_m**2 - share**2, 0.0))
    out = pole - along * np.sum(pole * along, -1, keepdims=True)
    out = out / np.linalg.norm(out, axis=-1, keepdims=True)
    return start + along * share + out * height, start + along * length


class Slot(IntEnum):
    """The surfaces of a subject. An appearance gives each of them a material."""

    MAIN = 0  # coat, shirt, shell: what an appearance recolours and patterns
    SECOND = 1  # trousers, belly, frame
    SKIN = 2  # face, hands, beak, bare parts
    DARK = 3  # eyes, hooves, tyres, mane
    LIGHT = 4  # whites of eyes, dials
    METAL = 5
    WEAR = 6  # hat, backpack, scarf


class Sculpture:
    """Collects primitives while a body is put together; ``primitives`` hands them over."""

    def __init__(self, num_frames: int) -> None:
        self._num_frames = num_frames
        self._shapes: list[Shape] = []
        self._sizes: list[tuple[float, ...]] = []
        self._linears: list[FloatArray] = []
        self._origins: list[FloatArray] = []
        self._materials: list[int] = []

    def ellipsoid(self, frame: Frame, radii: Triple, material: int, at: Triple = (0.0, 0.0, 0.0)) -> None:
        self.add(Shape.ELLIPSOID, radii, frame.moved(*at), material)

    def box(self, frame: Frame, half: Triple, material: int, at: Triple = (0.0, 0.0, 0.0)) -> None:
        self.add(Shape.BOX, half, frame.moved(*at), material)

    def cylinder(
        self,
        frame: Frame,
        radius: float,
        half_height: float,
        material: int,
        at: Triple = (0.0, 0.0, 0.0),
        axis: Axis = "z",
    ) -> None:
        """A cylinder around one of the frame's axes."""
        lying: dict[Axis, Frame] = {
            "x": frame.turned("y", 0.5 * np.pi),
            "y": frame.turned("x", -0.5 * np.pi),
            "z": frame,
        }
        self.add(Shape.CYLINDER, (radius, half_height), lying[axis].placed(frame.at(*at)), material)

    def bone(
        self, like: Frame, start: FloatArray, end: FloatArray, r_start: float, r_end: float, material: int
    ) -> None:
        """A round cone between two joints (T, 3), which hangs from ``start`` roughly along -z of ``like``."""
        hung = like.hanging(start, end)
        flipped = hung.turned("x", np.pi)  # round cones grow along +z
        length = np.linalg.norm(end - start, axis=-1)
        size = (r_start, r_end, float(length[0]))
        self.add(Shape.ROUND_CONE, size, flipped.stretched(1.0, 1.0, length / length[0]), material)

    def add(self, shape: Shape, size: tuple[float, ...], frame: Frame, material: int) -> None:
        """Any shape, with its row of ``Primitives.size``, carried by ``frame``."""
        t = self._num_frames
        self._shapes.append(shape)
        self._sizes.append((*size, *(0.0,) * (4 - len(size))))
        self._linears.append(np.broadcast_to(frame.rotation, (t, 3, 3)))
        self._origins.append(np.broadcast_to(frame.origin, (t, 3)))
        self._materials.append(int(material))

    def primitives(self) -> Primitives:
        return Primitives(
            shape=np.array(self._shapes, dtype=np.int64).reshape(-1),
            size=np.array(self._sizes, dtype=np.float64).reshape(-1, 4),
            linear=np.stack(self._linears, 1) if self._linears else np.zeros((self._num_frames, 0, 3, 3)),
            origin=np.stack(self._origins, 1) if self._origins else np.zeros((self._num_frames, 0, 3)),
            material=np.array(self._materials, dtype=np.int64).reshape(-1),
        )
