"""Scenery is in the picture, stands on the ground, and is never in the way."""

from __future__ import annotations

import numpy as np
import pytest

from data.errors import ConfigError
from data.schema import FloatArray
from generators.procedural.bodies import Place, build_body
from generators.procedural.cameras import VIEWPOINTS, framed, middle_of
from generators.procedural.extents import lowest_m, spheres
from generators.procedural.layout import AREA_M, lay_out
from generators.procedural.motions import motion_channels
from generators.procedural.scene import Camera, Primitives
from generators.procedural.scenery import SCENERY, Paints

FPS, FRAMES = 16, 80
KINDS = [kind for kind in SCENERY if kind != "empty"]


def moving(subject: str, motion: str) -> Primitives:
    """A body whose motion has its middle on the origin, as on the stage."""
    channels = motion_channels(motion, FRAMES, FPS, 3)[0]
    x, y, _ = middle_of([build_body(subject, motion, channels, Place(0.0, 0.0, 0.0), None).primitives])
    return build_body(subject, motion, channels, Place(-float(x), -float(y), 0.0), None).primitives


def laid_out(
    kind: str, primitives: Primitives, cameras: list[Camera], seed: int = 1
) -> tuple[Primitives, Paints]:
    paints = Paints(())
    return lay_out(kind, [primitives], cameras, paints, [seed]), paints


def places_of(kind: str, static: Primitives) -> FloatArray:
    """Ground positions (K, 2) of the separate things."""
    places: list[FloatArray] = []
    for origin in static.origin[0, :, :2]:
        if all(np.linalg.norm(origin - place) > SCENERY[kind].radius_m for place in places):
            places.append(origin)
    return np.array(places)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("camera", ["front", "side", "high", "slow_arc"])
def test_several_things_stand_in_the_picture(kind: str, camera: str) -> None:
    for subject, motion in (("person", "wave"), ("dog", "walk"), ("robot", "run")):
        primitives = moving(subject, motion)
        static, paints = laid_out(kind, primitives, [framed(camera, [primitives], FRAMES)])

        assert len(places_of(kind, static)) >= 3
        assert -0.4 <= lowest_m(static)[0] <= 1e-9
        assert np.linalg.norm(static.origin[0, :, :2], axis=-1).max() < AREA_M + 1.0
        assert static.material.max() < len(paints.materials)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_stands_in_the_path(kind: str) -> None:
    primitives = moving("horse", "orbit")
    static, _ = laid_out(kind, primitives, [framed("front", [primitives], FRAMES)])

    things, bodies = spheres(static), spheres(primitives)
    low = things[things[:, 2] - things[:, 3] < 1.6]
    gap = np.linalg.norm(low[:, None, :2] - bodies[None, :, :2], axis=-1) - bodies[None, :, 3]
    assert gap.min() > 0.3


@pytest.mark.parametrize("camera", VIEWPOINTS)
def test_nothing_stands_between_camera_and_subject(camera: str) -> None:
    primitives = moving("person", "zigzag")
    shot = framed(camera, [primitives], FRAMES)
    static, _ = laid_out("columns", primitives, [shot])

    eye = shot.position[0]
    joints = primitives.origin[::8].reshape(-1, 3)
    along = np.linspace(0.05, 0.95, 60)[:, None, None]
    sight = eye + along * (joints - eye)
    for x, y in places_of("columns", static):
        inside = (np.hypot(sight[..., 0] - x, sight[..., 1] - y) < 0.4) & (sight[..., 2] < 2.7)
        assert not inside.any()


def test_places_depend_on_the_seed_alone() -> None:
    primitives = moving("person", "wave")
    shot = [framed("front", [primitives], FRAMES)]
    one, again, other = (laid_out("rocks", primitives, shot, seed)[0] for seed in (1, 1, 2))

    np.testing.assert_array_equal(one.origin, again.origin)
    assert not np.array_equal(one.origin, other.origin)


def test_empty_scenery_is_empty() -> None:
    primitives = moving("person", "wave")
    assert len(laid_out("empty", primitives, [framed("front", [primitives], FRAMES)])[0].shape) == 0


def test_unknown_scenery_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"scenery 'tree'.*Did you mean 'trees'\?"):
        laid_out("tree", moving("ball", "spin"), [])


def test_equal_paints_are_one_material() -> None:
    paints = Paints(())
    assert paints("aabbcc") == paints("aabbcc") == 0
    assert paints("aabbcd") == 1
