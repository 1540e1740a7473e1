"""Draw a scene: one frame, or all of them. Knows the order of work; the work is in the other modules.

Kernels hold no state and release the GIL, so several threads may draw several scenes at once, and a
frame has the same bytes whichever way and beside whatever else it is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from data.errors import ContractError
from data.schema import Frames, Image
from generators.procedural.layers import blank_layer, draw_moving, draw_standing
from generators.procedural.noise import noise_texture
from generators.procedural.place import place_of
from generators.procedural.projection import view_at
from generators.procedural.scene import Scene
from generators.procedural.shadows import SUBJECT, blank_stage, throw_shadows
from generators.procedural.solids import paint_solids, place_solids
from generators.procedural.styles import style_named
from generators.procedural.visibility import FACES, SAMPLES
from generators.procedural.world import world_record


def render(scene: Scene, size_px: int) -> Frames:
    """All frames of a scene, uint8 (T, size_px, size_px, 3) sRGB.

    Raises:
        ConfigError: the scene's style or environment is none that the renderer knows.
        ContractError: the scene's parts do not fit together.
    """
    return np.stack(list(_frames(scene, size_px, range(scene.num_frames))))


def render_frame(scene: Scene, size_px: int, frame: int) -> Image:
    """One frame, uint8 (size_px, size_px, 3): the same bytes as ``render(scene, size_px)[frame]``.

    Raises: as ``render``.
    """
    return next(_frames(scene, size_px, range(frame, frame + 1)))


def _frames(scene: Scene, size_px: int, frames: range) -> Iterator[Image]:
    _check(scene)
    style, place, noise = style_named(scene.style), place_of(scene.environment), noise_texture()
    first, count = len(scene.static.shape), len(scene.static.shape) + len(scene.moving.shape)
    stage = blank_stage(count)
    paint_solids(stage.solids, 0, scene.static, scene.materials)
    paint_solids(stage.solids, first, scene.moving, scene.materials)
    size = (size_px, size_px)
    key, depth, thin = np.empty(size, np.int32), np.empty(size, np.float32), np.empty(size, np.bool_)
    color, standing = np.empty((*size, 3), np.float32), blank_layer(size_px)
    scratch = np.empty(SAMPLES, np.int64), np.empty((SAMPLES, 4))
    world = None
    for frame in frames:
        if world is None or len(scene.camera.position) > 1 or len(scene.camera.target) > 1:
            view = view_at(scene.camera, frame, size_px)
            world = world_record(view, place, scene.environment.light, style.look, style.detail)
            place_solids(world, stage.solids, 0, scene.static, 0)
            throw_shadows(world, stage, 0, first, 0, style.sun_spread)
            throw_shadows(world, stage, first, first, SUBJECT, style.sun_spread)
            draw_standing(world, noise, stage, first, standing, *scratch)
        place_solids(world, stage.solids, first, scene.moving, frame)
        throw_shadows(world, stage, first, count, SUBJECT, style.sun_spread)
        np.copyto(key, standing.key)
        np.copyto(depth, standing.depth)
        np.copyto(color, standing.color)
        thin.fill(False)
        draw_moving(world, noise, stage, first, standing, key, depth, thin, color, *scratch)
        picture = np.empty((*size, 3), np.uint8)
        style.finish(color, key, depth, FACES * first, picture)
        yield picture


def _check(scene: Scene) -> None:
    for name, rows in (
        ("moving.linear", scene.moving.linear),
        ("moving.origin", scene.moving.origin),
        ("camera.position", scene.camera.position),
        ("camera.target", scene.camera.target),
    ):
        if len(rows) not in (1, scene.num_frames):
            raise ContractError(
                f"scene has {scene.num_frames} frames but {name} has {len(rows)} rows: "
                f"give 1 or {scene.num_frames}"
            )
    for name, part in (("static", scene.static), ("moving", scene.moving)):
        if len(part.material) and not 0 <= part.material.min() <= part.material.max() < len(scene.materials):
            raise ContractError(
                f"{name} primitives name material {part.material.max()}, "
                f"but the scene has materials 0 to {len(scene.materials) - 1}"
            )
