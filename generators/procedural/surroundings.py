"""What a ray meets that misses every primitive: ground, wall, ceiling or what lies beyond.

Knows nothing of bodies or light; the painting itself is in ``ground``, ``walls`` and ``backdrop``.
"""

from __future__ import annotations

import math

from generators.procedural.backdrop import distance
from generators.procedural.ground import ground
from generators.procedural.kernel import kernel
from generators.procedural.noise import Color, Noise
from generators.procedural.walls import ceiling, wall, wall_height
from generators.procedural.world import World

GROUND = -1
WALLS = -2  # -2 to -5: the walls at +x, -x, +y, -y
CEILING = -6
BEYOND = -7
BEYOND_M = 1e7  # stands for the depth of the sky

Surface = tuple[Color, float, float, float, float]


@kernel
def meet(w: World, x: float, y: float, z: float, dx: float, dy: float, dz: float) -> tuple[float, int]:
    """Distance and kind (GROUND, WALLS - side, CEILING or BEYOND) of the first thing met.

    Only the inner side of a wall exists, so a camera outside a room looks in.
    """
    t_ground = -z / dz if dz < -1e-9 and z > 0.0 else BEYOND_M
    if w.round:
        a = dx * dx + dy * dy
        b = x * dx + y * dy
        root = b * b - a * (x * x + y * y - w.half_x_m * w.half_x_m)
        end = (-b + math.sqrt(root)) / a if root > 0.0 and a > 1e-12 else BEYOND_M
        return (t_ground, GROUND) if t_ground < min(end, BEYOND_M) else (BEYOND_M, BEYOND)
    t_x = ((w.half_x_m if dx > 0.0 else -w.half_x_m) - x) / dx if abs(dx) > 1e-9 else BEYOND_M
    t_y = ((w.half_y_m if dy > 0.0 else -w.half_y_m) - y) / dy if abs(dy) > 1e-9 else BEYOND_M
    t_x, t_y = (t_x if t_x > 0.0 else BEYOND_M), (t_y if t_y > 0.0 else BEYOND_M)
    if t_x < t_y:
        t_wall, side = t_x, 0 if dx > 0.0 else 1
        along = y + t_x * dy
    else:
        t_wall, side = t_y, 2 if dy > 0.0 else 3
        along = x + t_y * dx
    if t_ground < min(t_wall, BEYOND_M):
        return t_ground, GROUND
    high = z + t_wall * dz
    if t_wall < BEYOND_M and 0.0 <= high <= wall_height(w, side, along):
        return t_wall, WALLS - side
    if w.ceiling and dz > 0.0:
        return (w.wall_m - z) / dz, CEILING
    return BEYOND_M, BEYOND


@kernel
def surface(
    w: World,
    noise: Noise,
    kind: int,
    t: float,
    x: float,
    y: float,
    z: float,
    dx: float,
    dy: float,
    dz: float,
    pixel: float,
) -> Surface:
    """Albedo, normal and gloss of what ``meet`` found; for BEYOND the light itself and no normal."""
    hx, hy, hz = x + t * dx, y + t * dy, z + t * dz
    width = t * pixel
    if kind == GROUND:
        flat = max(math.sqrt(dx * dx + dy * dy), 1e-9)
        color, gloss = ground(w, noise, hx, hy, width, dx / flat, dy / flat, max(-dz, 0.02))
        return color, 0.0, 0.0, 1.0, gloss
    if kind == CEILING:
        return ceiling(w, noise, hx, hy, width / max(math.sqrt(dz), 0.1)), 0.0, 0.0, -1.0, 0.0
    if kind == BEYOND:
        return distance(w, noise, x, y, z, dx, dy, dz, pixel), 0.0, 0.0, 0.0, 0.0
    side = WALLS - kind
    along = hy if side < 2 else hx
    facing = abs(dx) if side < 2 else abs(dy)
    color = wall(w, noise, side, along, hz, width / max(math.sqrt(facing), 0.1))
    nx = (-1.0 if side == 0 else 1.0) if side < 2 else 0.0
    ny = (-1.0 if side == 2 else 1.0) if side >= 2 else 0.0
    return color, nx, ny, 0.0, 0.0
