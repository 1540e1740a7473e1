"""Where a ray first enters each canonical shape, in the shape's own coordinates.

Knows nothing of the world, materials or pixels.  Directions need not have unit length: ``t`` counts
in lengths of the direction, so it survives the affine map from the world unchanged.  A hit is
``(t, face, nx, ny, nz)``; faces number the flat parts (box 0–5, cylinder caps 1 and 2) so that edges
between them can be found; the normal is not normalised.  A miss has ``t = MISS``.
"""

from __future__ import annotations

import math
from typing import Any

from generators.procedural.kernel import kernel
from generators.procedural.scene import Shape

MISS = 1e30
_EPSILON = 1e-6

_ELLIPSOID = int(Shape.ELLIPSOID)
_ROUND_CONE = int(Shape.ROUND_CONE)
_BOX = int(Shape.BOX)

Hit = tuple[float, int, float, float, float]
Sizes = Any  # (>= 3,) row of ``Primitives.size``; numba sees an array or a tuple


@kernel
def enter_sphere(ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, r: float) -> float:
    """Entry of a ray into the sphere of radius ``r`` around the origin."""
    a = dx * dx + dy * dy + dz * dz
    b = ox * dx + oy * dy + oz * dz
    root = b * b - a * (ox * ox + oy * oy + oz * oz - r * r)
    if root <= 0.0:
        return MISS
    t = (-b - math.sqrt(root)) / a
    return t if t > _EPSILON else MISS


@kernel
def enter_ellipsoid(
    ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, rx: float, ry: float, rz: float
) -> Hit:
    """Entry into the ellipsoid with half-axes rx, ry, rz."""
    t = enter_sphere(ox / rx, oy / ry, oz / rz, dx / rx, dy / ry, dz / rz, 1.0)
    return (
        t,
        0,
        (ox + t * dx) / (rx * rx),
        (oy + t * dy) / (ry * ry),
        (oz + t * dz) / (rz * rz),
    )


@kernel
def enter_round_cone(
    ox: float,
    oy: float,
    oz: float,
    dx: float,
    dy: float,
    dz: float,
    r_start: float,
    r_end: float,
    length: float,
) -> Hit:
    """Entry into the convex hull of spheres at z = 0 and z = length.

    The hull is the two spheres and the piece of cone that touches both, so its entry is the first
    of the three; the cone piece lies between the circles of contact.
    """
    t = enter_sphere(ox, oy, oz, dx, dy, dz, r_start)
    nx, ny, nz = ox + t * dx, oy + t * dy, oz + t * dz
    t_end = enter_sphere(ox, oy, oz - length, dx, dy, dz, r_end)
    if t_end < t:
        t = t_end
        nx, ny, nz = ox + t * dx, oy + t * dy, oz + t * dz - length
    if abs(r_start - r_end) >= length:
        return t, 0, nx, ny, nz
    sine = (r_start - r_end) / length
    cosine = math.sqrt(1.0 - sine * sine)
    k, m = (r_start - sine * oz) / cosine, -sine * dz / cosine
    a = dx * dx + dy * dy - m * m
    b = ox * dx + oy * dy - k * m
    c = ox * ox + oy * oy - k * k
    root = b * b - a * c
    if root <= 0.0 or abs(a) < 1e-14:
        return t, 0, nx, ny, nz
    low, high = r_start * sine, length + r_end * sine
    for sign in (-1.0, 1.0):
        t_cone = (-b + sign * math.sqrt(root)) / a
        z = oz + t_cone * dz
        if _EPSILON < t_cone < t and low <= z <= high:
            x, y = ox + t_cone * dx, oy + t_cone * dy
            radius = max(math.sqrt(x * x + y * y), 1e-12)
            t, nx, ny, nz = t_cone, cosine * x / radius, cosine * y / radius, sine
    return t, 0, nx, ny, nz


@kernel
def enter_box(
    ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, hx: float, hy: float, hz: float
) -> Hit:
    """Entry into the box with half-sides hx, hy, hz; face is 2·axis, plus 1 on the positive side."""
    enter, leave, axis = -MISS, MISS, 0
    for i in range(3):
        o = ox if i == 0 else (oy if i == 1 else oz)
        d = dx if i == 0 else (dy if i == 1 else dz)
        h = hx if i == 0 else (hy if i == 1 else hz)
        if abs(d) < 1e-12:
            if abs(o) > h:
                return MISS, 0, 0.0, 0.0, 1.0
            continue
        near, far = (-h - o) / d, (h - o) / d
        if near > far:
            near, far = far, near
        if near > enter:
            enter, axis = near, i
        leave = min(leave, far)
    if enter > leave or enter <= _EPSILON:
        return MISS, 0, 0.0, 0.0, 1.0
    d = dx if axis == 0 else (dy if axis == 1 else dz)
    sign = -1.0 if d > 0.0 else 1.0
    face = 2 * axis + (1 if sign > 0.0 else 0)
    return (
        enter,
        face,
        sign if axis == 0 else 0.0,
        sign if axis == 1 else 0.0,
        sign if axis == 2 else 0.0,
    )


@kernel
def enter_cylinder(
    ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, radius: float, half_height: float
) -> Hit:
    """Entry into the capped cylinder around z; face 0 is the side, 1 the top cap, 2 the bottom."""
    if abs(dz) > 1e-12:
        cap = half_height if dz < 0.0 else -half_height
        t = (cap - oz) / dz
        x, y = ox + t * dx, oy + t * dy
        if t > _EPSILON and x * x + y * y <= radius * radius:
            return t, (1 if dz < 0.0 else 2), 0.0, 0.0, (1.0 if dz < 0.0 else -1.0)
    a = dx * dx + dy * dy
    b = ox * dx + oy * dy
    root = b * b - a * (ox * ox + oy * oy - radius * radius)
    if root <= 0.0 or a < 1e-14:
        return MISS, 0, 0.0, 0.0, 1.0
    t = (-b - math.sqrt(root)) / a
    if t <= _EPSILON or abs(oz + t * dz) > half_height:
        return MISS, 0, 0.0, 0.0, 1.0
    return t, 0, ox + t * dx, oy + t * dy, 0.0


@kernel
def enter(
    shape: int,
    s0: float,
    s1: float,
    s2: float,
    ox: float,
    oy: float,
    oz: float,
    dx: float,
    dy: float,
    dz: float,
) -> Hit:
    """Entry into a shape of the given kind with sizes as ``scene.Shape`` lists them."""
    if shape == _ELLIPSOID:
        return enter_ellipsoid(ox, oy, oz, dx, dy, dz, s0, s1, s2)
    if shape == _ROUND_CONE:
        return enter_round_cone(ox, oy, oz, dx, dy, dz, s0, s1, s2)
    if shape == _BOX:
        return enter_box(ox, oy, oz, dx, dy, dz, s0, s1, s2)
    return enter_cylinder(ox, oy, oz, dx, dy, dz, s0, s1)
