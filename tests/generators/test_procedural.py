"""What the three clips of a triplet share to the last bit, and what alone tells them apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.errors import ConfigError
from data.schema import Category, ClipFormat, Role
from generators.base import ImageRequest
from generators.procedural.appearances import APPEARANCES
from generators.procedural.bodies import SUBJECTS
from generators.procedural.cameras import VIEWPOINTS
from generators.procedural.generator import ProceduralGenerator
from generators.procedural.lights import SKIES
from generators.procedural.motions import MOTIONS
from generators.procedural.scenery import SCENERY
from generators.procedural.stage import Staged, stage
from prompts import looks, motions, places, subjects
from tests.generators.plans import BASE, plan_of

FORMAT = ClipFormat(size_px=64)
SAME_BODY = [category for category in Category if category is not Category.DYNAMIC_OBJECT]


def staged(category: Category, role: Role, seed: int = 9) -> Staged:
    return stage(plan_of(category), role, FORMAT, seed)


@pytest.mark.parametrize("category", Category)
def test_the_positive_moves_exactly_as_the_reference(category: Category) -> None:
    reference, positive = (
        staged(category, Role.REFERENCE).trajectory,
        staged(category, Role.POSITIVE).trajectory,
    )

    np.testing.assert_array_equal(reference.channels, positive.channels)
    if category in SAME_BODY:
        np.testing.assert_array_equal(reference.joints, positive.joints)
        assert reference.joint_names == positive.joint_names
    else:
        assert reference.joint_names != positive.joint_names


@pytest.mark.parametrize("category", Category)
def test_the_negative_starts_as_the_reference_and_then_leaves_it(category: Category) -> None:
    reference, negative = staged(category, Role.REFERENCE), staged(category, Role.NEGATIVE)

    np.testing.assert_array_equal(reference.trajectory.joints[0], negative.trajectory.joints[0])
    np.testing.assert_array_equal(reference.trajectory.joints_px[0], negative.trajectory.joints_px[0])
    apart = np.abs(reference.trajectory.joints - negative.trajectory.joints).max(axis=(1, 2))
    assert (apart[20:60] > 0.1).all()
    assert reference.scene.materials == negative.scene.materials
    assert reference.scene.environment == negative.scene.environment
    np.testing.assert_array_equal(reference.scene.static.origin, negative.scene.static.origin)


@pytest.mark.parametrize("category", Category)
def test_only_what_the_category_names_differs(category: Category) -> None:
    reference, positive = staged(category, Role.REFERENCE).scene, staged(category, Role.POSITIVE).scene

    same = {
        Category.STATIC_OBJECT: np.array_equal(reference.static.origin, positive.static.origin),
        Category.DYNAMIC_OBJECT: np.array_equal(reference.moving.shape, positive.moving.shape),
        Category.DYNAMIC_ATTRIBUTE: reference.materials == positive.materials,
        Category.SCENE_STYLE: reference.style == positive.style,
        Category.VIEW: np.array_equal(reference.camera.position, positive.camera.position),
    }
    assert not same.pop(category)
    if category in (Category.STATIC_OBJECT, Category.DYNAMIC_OBJECT):
        del same[Category.DYNAMIC_ATTRIBUTE]  # other things are made of other materials
    if category is Category.DYNAMIC_ATTRIBUTE:
        del same[Category.DYNAMIC_OBJECT]  # a hat is a shape more
    assert all(same.values()), same
    assert reference.environment == positive.environment


def test_the_true_joints_are_in_the_picture() -> None:
    for category in Category:
        for role in Role:
            pixels = staged(category, role).trajectory.joints_px
            assert pixels.min() >= 0.05 * FORMAT.size_px
            assert pixels.max() <= 0.95 * FORMAT.size_px


def test_the_same_request_gives_the_same_scene() -> None:
    one, again = staged(Category.VIEW, Role.REFERENCE), staged(Category.VIEW, Role.REFERENCE)
    other = staged(Category.VIEW, Role.REFERENCE, seed=10)

    np.testing.assert_array_equal(one.scene.moving.origin, again.scene.moving.origin)
    np.testing.assert_array_equal(one.scene.static.origin, again.scene.static.origin)
    assert one.scene.environment == again.scene.environment
    assert not np.array_equal(one.trajectory.channels, other.trajectory.channels)
    assert one.scene.environment != other.scene.environment


@pytest.mark.parametrize(
    ("factor", "value", "near"),
    [
        ("subject", "dogg", "dog"),
        ("motion", "wavee", "wave"),
        ("setting", "medow", "meadow"),
        ("scenery", "rock", "rocks"),
        ("appearance", "teal_hats", "teal_hat"),
        ("camera", "sides", "side"),
    ],
)
def test_an_unknown_factor_is_refused_with_the_nearest_right_one(factor: str, value: str, near: str) -> None:
    plan = plan_of(factors=replace(BASE, **{factor: value}))

    with pytest.raises(ConfigError, match=rf"{factor} '{value}'.*Did you mean '{near}'\?"):
        stage(plan, Role.REFERENCE, FORMAT, seed=0)


def test_an_unknown_style_is_refused() -> None:
    plan = plan_of(factors=replace(BASE, style="tune"))
    request = ImageRequest(plan, Role.REFERENCE, FORMAT, seed=0)

    with pytest.raises(ConfigError, match=r"tune.*toon"):
        list(ProceduralGenerator().images([request]))


def test_everything_that_prompts_speak_of_can_be_drawn() -> None:
    assert set(subjects.SUBJECTS) == set(SUBJECTS)
    assert set(motions.MOTIONS) == set(MOTIONS)
    assert set(places.SETTINGS) == set(SKIES)
    assert set(places.SCENERY) == set(SCENERY)
    assert set(looks.APPEARANCES) == set(APPEARANCES)
    assert set(looks.CAMERAS) <= set(VIEWPOINTS)  # the generator also knows cameras that move
    for name, motion in motions.MOTIONS.items():
        assert motion.carriers == {subject for subject, (_, carried) in SUBJECTS.items() if name in carried}
