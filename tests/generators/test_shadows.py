"""Analytic shadows against counting rays to points of the light."""

from __future__ import annotations

import numpy as np
import pytest

from generators.procedural.noise import noise_texture
from generators.procedural.place import place_of
from generators.procedural.projection import view_at
from generators.procedural.rays import MISS
from generators.procedural.scene import Environment, Light, Primitives, Shape
from generators.procedural.shadows import SUN, Stage, blank_stage, hidden_share, throw_shadows
from generators.procedural.solids import enter_solid, place_solids
from generators.procedural.world import world_record
from tests.generators.scenes import Thing, primitives, standing_camera, turned

SPREAD = 0.05
SHAPES = {
    "ellipsoid": Thing(Shape.ELLIPSOID, (0.3, 0.5, 0.2), (0.1, 0.2, 1.5), turned(0, 0.4)),
    "round cone": Thing(Shape.ROUND_CONE, (0.3, 0.15, 0.7), (0.1, 0.2, 1.2), turned(1, 0.9)),
    "box": Thing(Shape.BOX, (0.3, 0.5, 0.2), (0.1, 0.2, 1.5), turned(2, 0.4) @ turned(0, 0.5)),
    "cylinder": Thing(Shape.CYLINDER, (0.3, 0.4, 0.0), (0.1, 0.2, 1.5), turned(0, 1.0)),
    "squeezed ellipsoid": Thing(
        Shape.ELLIPSOID, (0.3, 0.3, 0.3), (0.1, 0.2, 1.5), np.diag([1.0, 0.5, 1.6]) @ turned(1, 0.3)
    ),
}


def stage_of(solids: Primitives, light: Light) -> Stage:
    """Solids that throw shadows."""
    world = world_record(
        view_at(standing_camera(), 0, 64), place_of(Environment("studio", light, 0)), light, 0, 0
    )
    stage = blank_stage(len(solids.shape))
    place_solids(world, stage.solids, 0, solids, 0)
    throw_shadows(world, stage, 0, len(solids.shape), 0, SPREAD)
    return stage


@pytest.mark.parametrize("name", SHAPES)
def test_hidden_share_is_close_to_counted_rays(name: str) -> None:
    light = Light((0.3, -0.4, 0.8), (1, 1, 1), (0, 0, 0))
    stage = stage_of(primitives([[SHAPES[name]]]), light)
    to_sun = np.array(light.direction) / np.linalg.norm(light.direction)
    u = np.cross(to_sun, [1.0, 0, 0])
    u /= np.linalg.norm(u)
    v = np.cross(to_sun, u)
    ring = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    disc = [(r * np.cos(a), r * np.sin(a)) for r in np.sqrt((np.arange(6) + 0.5) / 6) for a in ring]
    rays = [to_sun + SPREAD * (a * u + b * v) for a, b in disc]
    errors, partial = [], 0
    for x in np.linspace(-1.6, 1.0, 24):
        for y in np.linspace(-0.6, 2.0, 24):
            counted = np.mean([enter_solid(stage.solids[0], 0.0, x, y, 0.0, *ray)[0] < MISS for ray in rays])
            errors.append(abs(hidden_share(stage, SUN, x, y, 0.0, -1, 1e-4) - counted))
            partial += int(0.05 < counted < 0.95)
    assert partial > 20, "the test must look at penumbra"
    assert np.mean(errors) < 0.012
    assert np.max(errors) < 0.25


def test_nothing_shadows_itself_or_what_stands_before_it() -> None:
    stage = stage_of(primitives([[SHAPES["box"]]]), Light((0, 0, 1), (1, 1, 1), (0, 0, 0)))
    assert hidden_share(stage, SUN, 0.1, 0.2, 0.5, -1, 0.01) == pytest.approx(1)
    assert hidden_share(stage, SUN, 0.1, 0.2, 0.5, 0, 0.01) == 0
    assert hidden_share(stage, SUN, 0.1, 0.2, 2.5, -1, 0.01) == 0


def test_the_noise_texture_tiles_and_has_no_drift() -> None:
    texels = noise_texture()["texels"][0][: 512 * 512].reshape(512, 512, 4)
    assert np.abs(texels.mean((0, 1))).max() < 0.02
    inner = np.abs(np.diff(texels, axis=0)).mean()
    assert np.abs(texels[0] - texels[-1]).mean() < 1.3 * inner
