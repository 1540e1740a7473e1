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
from generators.procedural.noise import Color, Noise, NoiseTexture
from generators.procedural.shading import CONTACT, FAR_M, FLAT, Lit, shade_solid, shade_surroundings
from generators.procedural.shadows import SKY, SUBJECT, SUN, Stage, hidden_share, may_hide
from generators.procedural.solids import Solids, enter_solid
from generators.procedural.surroundings import BEYOND, BEYOND_M, GROUND, meet
from generators.procedural.world import World, WorldRecord

FACES = 8  # the key of a solid is FACES · index + face

FloatImage = npt.NDArray[np.float32]
KeyImage = npt.NDArray[np.int32]
Keys = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

SAMPLES = 8
_TILE = 16
# Eight rooks: every row and column of an 8 × 8 grid is used once.
_SAMPLE_X = tuple((i + 0.5) / 8 for i in range(8))
_SAMPLE_Y = tuple((i + 0.5) / 8 for i in (5, 2, 7, 0, 4, 1, 6, 3))


class Layer(NamedTuple):
    """One picture of H × W pixels before styling.

    ``key`` tells what is seen (see ``surroundings`` for negative keys), ``depth`` how many metres
    away; ``sky`` and ``sun`` (H, W, 3) are linear light with edges smoothed, ``color`` their sum;
    ``mixed`` marks pixels that show more than one thing.  ``span`` (tiles, tiles, 2, 4) bounds, for
    the sun and the sky, where across the light the tile's points lie: least u, v, greatest u, v.
    """

    key: KeyImage
    depth: FloatImage
    sky: FloatImage
    sun: FloatImage
    color: FloatImage
    mixed: Mask
    span: FloatArray


def blank_layer(size_px: int) -> Layer:
    """Room for one picture."""
    square, tiles = (size_px, size_px), -(-size_px // _TILE)
    sky, sun, color = (np.empty((*square, 3), np.float32) for _ in range(3))
    return Layer(
        np.empty(square, np.int32),
        np.empty(square, np.float32),
        sky,
        sun,
        color,
        np.empty(square, np.bool_),
        np.empty((tiles, tiles, 2, 4)),
    )


@kernel
def _ray(w: World, px: float, py: float) -> tuple[float, float, float]:
    """Unit direction through a pixel position."""
    a, b = (px - w.half_px) / w.focal_px, (w.half_px - py) / w.focal_px
    s = 1.0 / math.sqrt(1.0 + a * a + b * b)
    return (
        (w.forward[0] + a * w.right[0] + b * w.up[0]) * s,
        (w.forward[1] + a * w.right[1] + b * w.up[1]) * s,
        (w.forward[2] + a * w.right[2] + b * w.up[2]) * s,
    )


@kernel
def _stamp(w: World, solids: Solids, first: int, end: int, layer_key: KeyImage, depth: FloatImage, mixed: Mask) -> None:
    """Put solids into key and depth, one sample per pixel; mark pixels that thin ones touch."""
    x, y, z = w.position[0], w.position[1], w.position[2]
    for n in range(first, end):
        s = solids[n]
        for row in range(s.bounds[1], s.bounds[3]):
            for column in range(s.bounds[0], s.bounds[2]):
                dx, dy, dz = _ray(w, column + 0.5, row + 0.5)
                t, face = enter_solid(s, 0.0, x, y, z, dx, dy, dz)
                if t < depth[row, column]:
                    depth[row, column] = t
                    layer_key[row, column] = FACES * n + face
                elif s.grow > 0.0 and not mixed[row, column]:
                    mixed[row, column] = enter_solid(s, s.grow, x, y, z, dx, dy, dz)[0] < depth[row, column]


@kernel
def _nearest(
    w: World, solids: Solids, first: int, end: int, px: float, py: float, limit: float
) -> tuple[float, int]:
    """Depth and key of the first solid at a pixel position before ``limit``; key -1 if there is none."""
    dx, dy, dz = _ray(w, px, py)
    best, key = limit, -1
    for n in range(first, end):
        s = solids[n]
        if px < s.bounds[0] or py < s.bounds[1] or px > s.bounds[2] or py > s.bounds[3]:
            continue
        t, face = enter_solid(s, 0.0, w.position[0], w.position[1], w.position[2], dx, dy, dz)
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
def _count(keys: Keys, sums: FloatArray, seen: int, key: int, px: float, py: float, t: float) -> int:
    """Add a sample to the things seen in a pixel; returns how many there are now."""
    g = 0
    while g < seen and keys[g] != key:
        g += 1
    if g == seen:
        keys[g] = key
        for k in range(4):
            sums[g, k] = 0.0
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
    return n / SAMPLES, sums[g, 1] / n, sums[g, 2] / n, sums[g, 3] / n


@kernel
def _light(w: World, noise: Noise, stage: Stage, moving: bool, key: int, t: float, px: float, py: float) -> Lit:
    dx, dy, dz = _ray(w, px, py)
    x, y, z = w.position[0], w.position[1], w.position[2]
    if key >= 0:
        return shade_solid(w, stage, key // FACES, moving, t, x, y, z, dx, dy, dz)
    if key == GROUND:
        t = -z / dz if dz < 0.0 else t
    elif t < BEYOND_M:
        t, key = meet(w, x, y, z, dx, dy, dz)
    return shade_surroundings(w, noise, stage, key, t, x, y, z, dx, dy, dz)


@kernel
def draw_standing(worlds: WorldRecord, noises: NoiseTexture, stage: Stage, end: int, layer: Layer, keys: Keys, sums: FloatArray) -> None:
    """Fill ``layer`` with the surroundings and the scenery, ``solids[:end]``."""
    w, noise, solids = worlds[0], noises[0], stage.solids
    size = layer.key.shape[0]
    x, y, z = w.position[0], w.position[1], w.position[2]
    for row in range(size):
        for column in range(size):
            dx, dy, dz = _ray(w, column + 0.5, row + 0.5)
            t, kind = meet(w, x, y, z, dx, dy, dz)
            layer.depth[row, column] = t
            layer.key[row, column] = kind
            layer.mixed[row, column] = False
    _stamp(w, solids, 0, end, layer.key, layer.depth, layer.mixed)
    for row in range(size):
        for column in range(size):
            key, t = layer.key[row, column], layer.depth[row, column]
            if not layer.mixed[row, column] and not _differs(layer.key, row, column, BEYOND):
                sky, sun = _light(w, noise, stage, False, key, t, column + 0.5, row + 0.5)
            else:
                layer.mixed[row, column] = True
                sky, sun = _mixed_light(w, noise, stage, end, row, column, keys, sums)
            for c in range(3):
                layer.sky[row, column, c] = sky[c]
                layer.sun[row, column, c] = sun[c]
                layer.color[row, column, c] = sky[c] + sun[c]
    _measure_spans(w, stage, layer)


@kernel
def _mixed_light(
    w: World, noise: Noise, stage: Stage, end: int, row: int, column: int, keys: Keys, sums: FloatArray
) -> Lit:
    """Light of a standing pixel that shows several things."""
    seen = 0
    for k in range(SAMPLES):
        px, py = column + _SAMPLE_X[k], row + _SAMPLE_Y[k]
        dx, dy, dz = _ray(w, px, py)
        t, key = meet(w, w.position[0], w.position[1], w.position[2], dx, dy, dz)
        t_solid, solid = _nearest(w, stage.solids, 0, end, px, py, t)
        if solid >= 0:
            t, key = t_solid, solid
        seen = _count(keys, sums, seen, key, px, py, t)
    sky, sun = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    for g in range(seen):
        share, px, py, t = _mean(sums, g)
        a, b = _light(w, noise, stage, False, keys[g], t, px, py)
        sky = sky[0] + share * a[0], sky[1] + share * a[1], sky[2] + share * a[2]
        sun = sun[0] + share * b[0], sun[1] + share * b[1], sun[2] + share * b[2]
    return sky, sun


@kernel
def _measure_spans(w: World, stage: Stage, layer: Layer) -> None:
    size = layer.key.shape[0]
    layer.span[:, :, :, :2], layer.span[:, :, :, 2:] = 1e9, -1e9
    for row in range(size):
        for column in range(size):
            t = layer.depth[row, column]
            if t >= FAR_M:
                continue
            dx, dy, dz = _ray(w, column + 0.5, row + 0.5)
            x, y, z = w.position[0] + t * dx, w.position[1] + t * dy, w.position[2] + t * dz
            for kind in range(2):
                axes, span = stage.lights[kind].axes, layer.span[row // _TILE, column // _TILE, kind]
                for i in range(2):
                    at = axes[i, 0] * x + axes[i, 1] * y + axes[i, 2] * z
                    span[i], span[2 + i] = min(span[i], at), max(span[2 + i], at)


@kernel
def _relit(w: World, stage: Stage, layer: Layer, row: int, column: int) -> Color:
    """A standing pixel under the subject's shadow."""
    t = float(layer.depth[row, column])
    open_sun, open_sky = 1.0, 1.0
    if t < FAR_M:
        dx, dy, dz = _ray(w, column + 0.5, row + 0.5)
        x, y, z = w.position[0] + t * dx, w.position[1] + t * dy, w.position[2] + t * dz
        flat = abs(dz) if layer.key[row, column] == GROUND else 1.0
        width = t * w.pixel / math.sqrt(max(flat, 0.02))
        open_sun -= hidden_share(stage, SUBJECT + SUN, x, y, z, -1, width)
        if w.look < FLAT:
            open_sky -= CONTACT * hidden_share(stage, SUBJECT + SKY, x, y, z, -1, width)
    return (
        layer.sky[row, column, 0] * open_sky + layer.sun[row, column, 0] * open_sun,
        layer.sky[row, column, 1] * open_sky + layer.sun[row, column, 1] * open_sun,
        layer.sky[row, column, 2] * open_sky + layer.sun[row, column, 2] * open_sun,
    )


@kernel
def _limit(w: World, stage: Stage, first: int, layer: Layer, row: int, column: int, px: float, py: float) -> float:
    """How far one can see at a pixel position before something standing is in the way."""
    limit = float(layer.depth[row, column])
    mixed = layer.mixed[row, column]
    if mixed or layer.key[row, column] == GROUND:
        dx, dy, dz = _ray(w, px, py)
        limit = meet(w, w.position[0], w.position[1], w.position[2], dx, dy, dz)[0]
    return _nearest(w, stage.solids, 0, first, px, py, limit)[0] if mixed else limit


@kernel
def draw_moving(
    worlds: WorldRecord,
    noises: NoiseTexture,
    stage: Stage,
    first: int,
    standing: Layer,
    key: KeyImage,
    depth: FloatImage,
    thin: Mask,
    color: FloatImage,
    keys: Keys,
    sums: FloatArray,
) -> None:
    """Fill ``color`` (H, W, 3) linear, ``key`` and ``depth``: ``solids[first:]`` over the standing layer."""
    w, noise, solids, end = worlds[0], noises[0], stage.solids, len(stage.solids)
    size = key.shape[0]
    _stamp(w, solids, first, end, key, depth, thin)
    for i in range(standing.span.shape[0]):
        for j in range(standing.span.shape[1]):
            shaded = may_hide(stage, SUBJECT + SUN, standing.span[i, j, SUN])
            shaded = shaded or may_hide(stage, SUBJECT + SKY, standing.span[i, j, SKY])
            if not shaded and not _touches(solids, first, end, i * _TILE, j * _TILE):
                continue
            for row in range(i * _TILE, min((i + 1) * _TILE, size)):
                for column in range(j * _TILE, min((j + 1) * _TILE, size)):
                    own = key[row, column]
                    if thin[row, column] or _differs(key, row, column, FACES * first):
                        light = _edge_light(w, noise, stage, first, standing, row, column, keys, sums)
                    elif own >= FACES * first:
                        sky, sun = _light(w, noise, stage, True, own, depth[row, column], column + 0.5, row + 0.5)
                        light = sky[0] + sun[0], sky[1] + sun[1], sky[2] + sun[2]
                    elif shaded:
                        light = _relit(w, stage, standing, row, column)
                    else:
                        continue
                    for c in range(3):
                        color[row, column, c] = light[c]


@kernel
def _touches(solids: Solids, first: int, end: int, top: int, left: int) -> bool:
    """Whether any of ``solids[first:end]`` can reach into a tile or to its neighbours."""
    for n in range(first, end):
        b = solids[n].bounds
        if b[0] <= left + _TILE and b[2] >= left and b[1] <= top + _TILE and b[3] >= top:
            return True
    return False


@kernel
def _edge_light(
    w: World, noise: Noise, stage: Stage, first: int, standing: Layer, row: int, column: int, keys: Keys, sums: FloatArray
) -> Color:
    """Light of a pixel that the subject covers in part."""
    seen, free = 0, SAMPLES
    for k in range(SAMPLES):
        px, py = column + _SAMPLE_X[k], row + _SAMPLE_Y[k]
        limit = _limit(w, stage, first, standing, row, column, px, py)
        t, solid = _nearest(w, stage.solids, first, len(stage.solids), px, py, limit)
        if solid >= 0:
            seen = _count(keys, sums, seen, solid, px, py, t)
            free -= 1
    light = (0.0, 0.0, 0.0)
    if free:
        share = free / SAMPLES
        light = _relit(w, stage, standing, row, column)
        light = light[0] * share, light[1] * share, light[2] * share
    for g in range(seen):
        share, px, py, t = _mean(sums, g)
        sky, sun = _light(w, noise, stage, True, keys[g], t, px, py)
        light = (
            light[0] + share * (sky[0] + sun[0]),
            light[1] + share * (sky[1] + sun[1]),
            light[2] + share * (sky[2] + sun[2]),
        )
    return light
