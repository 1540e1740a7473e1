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

from data.schema import FloatArray
from generators.procedural.kernel import kernel
from generators.procedural.noise import Color, Noise, NoiseTexture
from generators.procedural.shading import CONTACT, FAR_M, FLAT, Lit, shade_solid, shade_surroundings
from generators.procedural.shadows import SKY, SUBJECT, SUN, Stage, hidden_share, may_hide
from generators.procedural.solids import Solids
from generators.procedural.surroundings import BEYOND, BEYOND_M, GROUND, meet
from generators.procedural.visibility import (
    FACES,
    SAMPLE_X,
    SAMPLE_Y,
    SAMPLES,
    FloatImage,
    KeyImage,
    Keys,
    Mask,
    count,
    differs,
    mean,
    nearest,
    ray,
    stamp,
)
from generators.procedural.world import World, WorldRecord

_TILE = 16  # pixels; a frame looks only at tiles that the subject or its shadow can reach


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
def _light(
    w: World, noise: Noise, stage: Stage, moving: bool, key: int, t: float, px: float, py: float
) -> Lit:
    dx, dy, dz = ray(w, px, py)
    x, y, z = w.position[0], w.position[1], w.position[2]
    if key >= 0:
        return shade_solid(w, stage, key // FACES, moving, t, x, y, z, dx, dy, dz)
    if key == GROUND:
        t = -z / dz if dz < 0.0 else t
    elif t < BEYOND_M:
        t, key = meet(w, x, y, z, dx, dy, dz)
    return shade_surroundings(w, noise, stage, key, t, x, y, z, dx, dy, dz)


@kernel
def draw_standing(
    worlds: WorldRecord,
    noises: NoiseTexture,
    stage: Stage,
    end: int,
    layer: Layer,
    keys: Keys,
    sums: FloatArray,
) -> None:
    """Fill ``layer`` with the surroundings and the scenery, ``solids[:end]``."""
    w, noise, solids = worlds[0], noises[0], stage.solids
    size = layer.key.shape[0]
    x, y, z = w.position[0], w.position[1], w.position[2]
    for row in range(size):
        for column in range(size):
            dx, dy, dz = ray(w, column + 0.5, row + 0.5)
            t, kind = meet(w, x, y, z, dx, dy, dz)
            layer.depth[row, column] = t
            layer.key[row, column] = kind
            layer.mixed[row, column] = False
    stamp(w, solids, 0, end, layer.key, layer.depth, layer.mixed)
    for row in range(size):
        for column in range(size):
            key, t = layer.key[row, column], layer.depth[row, column]
            if not layer.mixed[row, column] and not differs(layer.key, row, column, BEYOND):
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
        px, py = column + SAMPLE_X[k], row + SAMPLE_Y[k]
        dx, dy, dz = ray(w, px, py)
        t, key = meet(w, w.position[0], w.position[1], w.position[2], dx, dy, dz)
        t_solid, solid = nearest(w, stage.solids, 0, end, px, py, t)
        if solid >= 0:
            t, key = t_solid, solid
        seen = count(keys, sums, seen, key, px, py, t)
    sky, sun = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    for g in range(seen):
        share, px, py, t = mean(sums, g)
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
            dx, dy, dz = ray(w, column + 0.5, row + 0.5)
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
        dx, dy, dz = ray(w, column + 0.5, row + 0.5)
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
def _limit(
    w: World, stage: Stage, first: int, layer: Layer, row: int, column: int, px: float, py: float
) -> float:
    """How far one can see at a pixel position before something standing is in the way."""
    limit = float(layer.depth[row, column])
    mixed = layer.mixed[row, column]
    if mixed or layer.key[row, column] == GROUND:
        dx, dy, dz = ray(w, px, py)
        limit = meet(w, w.position[0], w.position[1], w.position[2], dx, dy, dz)[0]
    return nearest(w, stage.solids, 0, first, px, py, limit)[0] if mixed else limit


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
    stamp(w, solids, first, end, key, depth, thin)
    for i in range(standing.span.shape[0]):
        for j in range(standing.span.shape[1]):
            shaded = may_hide(stage, SUBJECT + SUN, standing.span[i, j, SUN])
            shaded = shaded or may_hide(stage, SUBJECT + SKY, standing.span[i, j, SKY])
            if not shaded and not _touches(solids, first, end, i * _TILE, j * _TILE):
                continue
            for row in range(i * _TILE, min((i + 1) * _TILE, size)):
                for column in range(j * _TILE, min((j + 1) * _TILE, size)):
                    own = key[row, column]
                    if thin[row, column] or differs(key, row, column, FACES * first):
                        light = _edge_light(w, noise, stage, first, standing, row, column, keys, sums)
                    elif own >= FACES * first:
                        sky, sun = _light(
                            w, noise, stage, True, own, depth[row, column], column + 0.5, row + 0.5
                        )
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
    w: World,
    noise: Noise,
    stage: Stage,
    first: int,
    standing: Layer,
    row: int,
    column: int,
    keys: Keys,
    sums: FloatArray,
) -> Color:
    """Light of a pixel that the subject covers in part."""
    seen, free = 0, SAMPLES
    for k in range(SAMPLES):
        px, py = column + SAMPLE_X[k], row + SAMPLE_Y[k]
        limit = _limit(w, stage, first, standing, row, column, px, py)
        t, solid = nearest(w, stage.solids, first, len(stage.solids), px, py, limit)
        if solid >= 0:
            seen = count(keys, sums, seen, solid, px, py, t)
            free -= 1
    light = (0.0, 0.0, 0.0)
    if free:
        share = free / SAMPLES
        light = _relit(w, stage, standing, row, column)
        light = light[0] * share, light[1] * share, light[2] * share
    for g in range(seen):
        share, px, py, t = mean(sums, g)
        sky, sun = _light(w, noise, stage, True, keys[g], t, px, py)
        light = (
            light[0] + share * (sky[0] + sun[0]),
            light[1] + share * (sky[1] + sun[1]),
            light[2] + share * (sky[2] + sun[2]),
        )
    return light
