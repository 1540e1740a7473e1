"""From solids to linear light per pixel: what covers what, edges smoothed, moving over standing.

Knows nothing of styles' finishing.  What stands still is drawn once per camera position
(``draw_standing``); every frame draws the subject over it and takes its shadow away from what is
already there (``draw_moving``).  Pixels whose neighbours show something else are drawn again with
eight samples: each thing seen in the pixel is lit once, where its samples lie on average, and
weighed by how many there are.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from data.schema import FloatArray
from generators.procedural.kernel import kernel
from generators.procedural.noise import Color
from generators.procedural.projection import View
from generators.procedural.rays import MISS, enter
from generators.procedural.shading import CONTACT, Lit, World, shade_solid, shade_surroundings
from generators.procedural.shadows import Cast, hidden_share
from generators.procedural.solids import Solids
from generators.procedural.surroundings import BEYOND_M, GROUND, meet

FACES = 8  # a solid's key is FACES · index + face; keys of the subject start at SUBJECT
SUBJECT = 1 << 20

FloatImage = npt.NDArray[np.float32]
KeyImage = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

_SAMPLES = 8
# Eight rooks: every row and column of an 8 × 8 grid is used once.
_SAMPLE_X = tuple((i + 0.5) / 8 for i in range(8))
_SAMPLE_Y = tuple((i + 0.5) / 8 for i in (5, 2, 7, 0, 4, 1, 6, 3))


class Layer(NamedTuple):
    """One picture of H × W pixels before styling.

    ``key`` tells what is seen (see ``surroundings`` for negative keys), ``depth`` how many metres
    away; ``sky`` and ``sun`` (H, W, 3) are linear light with edges smoothed; ``mixed`` marks pixels
    that show more than one thing.
    """

    key: KeyImage
    depth: FloatImage
    sky: FloatImage
    sun: FloatImage
    mixed: Mask


def blank_layer(size_px: int) -> Layer:
    """Room for one picture."""
    square = (size_px, size_px)
    return Layer(
        np.empty(square, np.int32),
        np.empty(square, np.float32),
        np.empty((*square, 3), np.float32),
        np.empty((*square, 3), np.float32),
        np.empty(square, np.bool_),
    )


@kernel
def _ray(v: View, px: float, py: float) -> tuple[float, float, float]:
    """Unit direction through a pixel position."""
    a, b = (px - v.half_px) / v.focal_px, (v.half_px - py) / v.focal_px
    s = 1.0 / math.sqrt(1.0 + a * a + b * b)
    return (
        (v.forward[0] + a * v.right[0] + b * v.up[0]) * s,
        (v.forward[1] + a * v.right[1] + b * v.up[1]) * s,
        (v.forward[2] + a * v.right[2] + b * v.up[2]) * s,
    )


@kernel
def _enter_solid(
    s: Solids, n: int, grow: float, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float
) -> tuple[float, int]:
    """Entry of a ray that starts at the world offset (ox, oy, oz) from the solid's origin."""
    m = s.inverse
    hit = enter(
        s.shape[n],
        s.size[n, 0] + grow,
        s.size[n, 1] + grow,
        s.size[n, 2] + grow,
        m[n, 0, 0] * ox + m[n, 0, 1] * oy + m[n, 0, 2] * oz,
        m[n, 1, 0] * ox + m[n, 1, 1] * oy + m[n, 1, 2] * oz,
        m[n, 2, 0] * ox + m[n, 2, 1] * oy + m[n, 2, 2] * oz,
        m[n, 0, 0] * dx + m[n, 0, 1] * dy + m[n, 0, 2] * dz,
        m[n, 1, 0] * dx + m[n, 1, 1] * dy + m[n, 1, 2] * dz,
        m[n, 2, 0] * dx + m[n, 2, 1] * dy + m[n, 2, 2] * dz,
    )
    return hit[0], hit[1]


@kernel
def _stamp(v: View, s: Solids, first_key: int, key: KeyImage, depth: FloatImage, mixed: Mask) -> None:
    """Put solids into key and depth, one sample per pixel; mark pixels that thin ones touch."""
    for n in range(len(s.shape)):
        ox, oy, oz = v.position[0] - s.origin[n, 0], v.position[1] - s.origin[n, 1], v.position[2] - s.origin[n, 2]
        for row in range(s.bounds[n, 1], s.bounds[n, 3]):
            for column in range(s.bounds[n, 0], s.bounds[n, 2]):
                dx, dy, dz = _ray(v, column + 0.5, row + 0.5)
                t, face = _enter_solid(s, n, 0.0, ox, oy, oz, dx, dy, dz)
                if t < depth[row, column]:
                    depth[row, column] = t
                    key[row, column] = first_key + FACES * n + face
                elif s.grow[n] > 0.0 and not mixed[row, column]:
                    t, face = _enter_solid(s, n, s.grow[n], ox, oy, oz, dx, dy, dz)
                    mixed[row, column] = t < depth[row, column]


@kernel
def _nearest(v: View, s: Solids, px: float, py: float, dx: float, dy: float, dz: float, limit: float) -> tuple[float, int]:  # noqa: E501
    """Depth and key of the first solid along a ray before ``limit``; key -1 if there is none."""
    best, key = limit, -1
    for n in range(len(s.shape)):
        b = s.bounds[n]
        if px < b[0] or py < b[1] or px > b[2] or py > b[3]:
            continue
        ox, oy, oz = v.position[0] - s.origin[n, 0], v.position[1] - s.origin[n, 1], v.position[2] - s.origin[n, 2]
        t, face = _enter_solid(s, n, 0.0, ox, oy, oz, dx, dy, dz)
        if t < best:
            best, key = t, FACES * n + face
    return best, key


@kernel
def _differs(key: KeyImage, row: int, column: int, above: int) -> bool:
    """Whether one of the four neighbours shows something else, and one of the two has a key ≥ above."""
    own, last = key[row, column], key.shape[0] - 1
    for k in range(4):
        r = min(max(row + (k == 0) - (k == 1), 0), last)
        c = min(max(column + (k == 2) - (k == 3), 0), last)
        other = key[r, c]
        if other != own and max(own, other) >= above:
            return True
    return False


@kernel
def _light_standing(w: World, v: View, scenery: Cast, nobody: Cast, key: int, t: float, px: float, py: float) -> Lit:
    dx, dy, dz = _ray(v, px, py)
    x, y, z = v.position[0], v.position[1], v.position[2]
    if key < 0:
        if t >= BEYOND_M or key != GROUND:
            t, key = meet(w.place, x, y, z, dx, dy, dz)
        else:
            t = -z / dz if dz < 0.0 else t
        return shade_surroundings(w, scenery, key, t, x, y, z, dx, dy, dz)
    n = key // FACES
    return shade_solid(w, scenery.solids, n, scenery, n, nobody, -1, t, x, y, z, dx, dy, dz)


@kernel
def draw_standing(w: World, v: View, scenery: Cast, nobody: Cast, layer: Layer) -> None:
    """Fill ``layer`` with surroundings and scenery; ``nobody`` is a cast of no solids."""
    size = layer.key.shape[0]
    x, y, z = v.position[0], v.position[1], v.position[2]
    for row in range(size):
        for column in range(size):
            dx, dy, dz = _ray(v, column + 0.5, row + 0.5)
            t, kind = meet(w.place, x, y, z, dx, dy, dz)
            layer.depth[row, column] = t
            layer.key[row, column] = kind
            layer.mixed[row, column] = False
    _stamp(v, scenery.solids, 0, layer.key, layer.depth, layer.mixed)
    keys = np.empty(_SAMPLES, np.int64)
    sums = np.empty((_SAMPLES, 4))
    for row in range(size):
        for column in range(size):
            if not layer.mixed[row, column] and not _differs(layer.key, row, column, -1000):
                key, t = layer.key[row, column], layer.depth[row, column]
                sky, sun = _light_standing(w, v, scenery, nobody, key, t, column + 0.5, row + 0.5)
                for c in range(3):
                    layer.sky[row, column, c] = sky[c]
                    layer.sun[row, column, c] = sun[c]
                continue
            layer.mixed[row, column] = True
            seen = 0
            for k in range(_SAMPLES):
                px, py = column + _SAMPLE_X[k], row + _SAMPLE_Y[k]
                dx, dy, dz = _ray(v, px, py)
                t, key = meet(w.place, x, y, z, dx, dy, dz)
                t_solid, solid = _nearest(v, scenery.solids, px, py, dx, dy, dz, t)
                if solid >= 0:
                    t, key = t_solid, solid
                seen = _count(keys, sums, seen, key, px, py, t)
            for c in range(3):
                layer.sky[row, column, c] = 0.0
                layer.sun[row, column, c] = 0.0
            for g in range(seen):
                share, px, py, t = _mean(sums, g)
                sky, sun = _light_standing(w, v, scenery, nobody, keys[g], t, px, py)
                for c in range(3):
                    layer.sky[row, column, c] += share * sky[c]
                    layer.sun[row, column, c] += share * sun[c]


@kernel
def _count(keys: npt.NDArray[np.int64], sums: FloatArray, seen: int, key: int, px: float, py: float, t: float) -> int:
    """Add a sample to the things seen in a pixel; returns how many there are now."""
    g = 0
    while g < seen and keys[g] != key:
        g += 1
    if g == seen:
        keys[g] = key
        sums[g, :] = 0.0
        seen += 1
    sums[g, 0] += 1.0
    sums[g, 1] += px
    sums[g, 2] += py
    sums[g, 3] += t
    return seen


@kernel
def _mean(sums: FloatArray, g: int) -> tuple[float, float, float, float]:
    """Share of the pixel, mean place and mean depth of one thing seen in it."""
    n = sums[g, 0]
    return n / _SAMPLES, sums[g, 1] / n, sums[g, 2] / n, sums[g, 3] / n


@kernel
def _relit(w: World, v: View, subject: Cast, layer: Layer, row: int, column: int) -> Color:
    """A standing pixel under the subject's shadow."""
    sky, sun = layer.sky[row, column], layer.sun[row, column]
    t = layer.depth[row, column]
    open_sun, open_sky = 1.0, 1.0
    if t < 60.0:
        dx, dy, dz = _ray(v, column + 0.5, row + 0.5)
        x, y, z = v.position[0] + t * dx, v.position[1] + t * dy, v.position[2] + t * dz
        flat = abs(dz) if layer.key[row, column] == GROUND else 1.0
        width = t * w.pixel / math.sqrt(max(flat, 0.02))
        open_sun -= hidden_share(subject.solids, subject.sun, x, y, z, -1, width)
        if w.look < 3:
            open_sky -= CONTACT * hidden_share(subject.solids, subject.sky, x, y, z, -1, width)
    return (
        sky[0] * open_sky + sun[0] * open_sun,
        sky[1] * open_sky + sun[1] * open_sun,
        sky[2] * open_sky + sun[2] * open_sun,
    )


@kernel
def _light_subject(w: World, v: View, scenery: Cast, subject: Cast, key: int, t: float, px: float, py: float) -> Color:
    dx, dy, dz = _ray(v, px, py)
    n = (key - SUBJECT) // FACES
    sky, sun = shade_solid(
        w, subject.solids, n, scenery, -1, subject, n, t, v.position[0], v.position[1], v.position[2], dx, dy, dz
    )
    return sky[0] + sun[0], sky[1] + sun[1], sky[2] + sun[2]


@kernel
def draw_moving(
    w: World,
    v: View,
    scenery: Cast,
    subject: Cast,
    standing: Layer,
    key: KeyImage,
    depth: FloatImage,
    thin: Mask,
    color: FloatImage,
) -> None:
    """Fill ``color`` (H, W, 3) linear, ``key`` and ``depth`` with the subject over the standing layer."""
    size = key.shape[0]
    key[:, :] = standing.key
    depth[:, :] = standing.depth
    thin[:, :] = False
    _stamp(v, subject.solids, SUBJECT, key, depth, thin)
    keys = np.empty(_SAMPLES, np.int64)
    sums = np.empty((_SAMPLES, 4))
    for row in range(size):
        for column in range(size):
            if not thin[row, column] and not _differs(key, row, column, SUBJECT):
                if key[row, column] >= SUBJECT:
                    light = _light_subject(
                        w, v, scenery, subject, key[row, column], depth[row, column], column + 0.5, row + 0.5
                    )
                else:
                    light = _relit(w, v, subject, standing, row, column)
                for c in range(3):
                    color[row, column, c] = light[c]
                continue
            seen, free = 0, _SAMPLES
            for k in range(_SAMPLES):
                px, py = column + _SAMPLE_X[k], row + _SAMPLE_Y[k]
                dx, dy, dz = _ray(v, px, py)
                limit = float(standing.depth[row, column])
                if standing.key[row, column] == GROUND and dz < 0.0:
                    limit = -v.position[2] / dz
                elif standing.mixed[row, column]:
                    limit = meet(w.place, v.position[0], v.position[1], v.position[2], dx, dy, dz)[0]
                if standing.mixed[row, column]:
                    limit = _nearest(v, scenery.solids, px, py, dx, dy, dz, limit)[0]
                t, solid = _nearest(v, subject.solids, px, py, dx, dy, dz, limit)
                if solid >= 0:
                    seen = _count(keys, sums, seen, SUBJECT + solid, px, py, t)
                    free -= 1
            light = _relit(w, v, subject, standing, row, column) if free else (0.0, 0.0, 0.0)
            for c in range(3):
                color[row, column, c] = light[c] * free / _SAMPLES
            for g in range(seen):
                share, px, py, t = _mean(sums, g)
                light = _light_subject(w, v, scenery, subject, keys[g], t, px, py)
                for c in range(3):
                    color[row, column, c] += share * light[c]
