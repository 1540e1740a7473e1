"""From world metres to picture pixels: the one camera model that drawing and trajectories share.

Knows nothing of shapes or light.  Pixel coordinates are continuous: the first column covers [0, 1),
its centre is 0.5; x runs right and y runs down.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from data.schema import FloatArray
from generators.procedural.scene import Camera

NEAR_M = 0.05  # points closer than this in front of the camera are not drawn


class View(NamedTuple):
    """A camera at one frame: orthonormal world axes (3,) each, and the picture's scale in pixels."""

    position: FloatArray
    right: FloatArray
    up: FloatArray
    forward: FloatArray
    focal_px: float
    half_px: float


def view_at(camera: Camera, frame: int, size_px: int) -> View:
    """The camera at ``frame``; a camera with one row stands still."""
    row = frame if len(camera.position) > 1 else 0
    position, target = camera.position[row], camera.target[row if len(camera.target) > 1 else 0]
    forward = target - position
    forward = forward / max(float(np.linalg.norm(forward)), 1e-9)
    right = np.array([forward[1], -forward[0], 0.0])
    across = float(np.linalg.norm(right))
    # Straight up or down has no horizon to level: any right-hand axis will do.
    right = right / across if across > 1e-6 else np.array([1.0, 0.0, 0.0])
    focal_px = 0.5 * size_px / math.tan(math.radians(camera.vertical_fov_degrees) / 2)
    return View(
        np.ascontiguousarray(position, np.float64),
        right,
        np.cross(right, forward),
        np.ascontiguousarray(forward, np.float64),
        focal_px,
        0.5 * size_px,
    )


def to_pixels(view: View, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Pixel positions (..., 2) and depths (...) in metres along the view of world points (..., 3)."""
    offset = points - view.position
    depth = offset @ view.forward
    ahead = np.maximum(depth, NEAR_M)
    x = view.half_px + view.focal_px * (offset @ view.right) / ahead
    y = view.half_px - view.focal_px * (offset @ view.up) / ahead
    return np.stack([x, y], axis=-1), depth


def project(camera: Camera, points: FloatArray, size_px: int) -> FloatArray:
    """Pixel positions (T, J, 2) of world points (T, J, 3) in a square picture of ``size_px``.

    Positions outside [0, size_px) are outside the picture; a point behind the camera is put where
    it would be just in front of it.
    """
    rows = [to_pixels(view_at(camera, frame, size_px), points[frame])[0] for frame in range(len(points))]
    return np.stack(rows) if rows else np.zeros((0, points.shape[1], 2))
