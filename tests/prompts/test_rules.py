"""The rules refuse what nobody could film, and know a clear change from a faint one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data.schema import Category, Factors
from prompts.rules import broken_rules, negative_motions, positive_values

WALKING_DOG = Factors(
    subject="dog",
    motion="walk",
    setting="meadow",
    scenery="trees",
    appearance="navy_stripes",
    style="shaded",
    camera="front",
)


def reasons(category: Category, **changes: str) -> list[str]:
    return [rule.because for rule in broken_rules(replace(WALKING_DOG, **changes), category)]


def test_a_plain_scene_breaks_no_rule_of_any_category() -> None:
    assert all(reasons(category) == [] for category in Category)


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"motion": "roll"}, "the body cannot carry this motion"),
        (
            {"subject": "ball", "motion": "bounce", "appearance": "teal_hat"},
            "only people, robots and animals wear accessories",
        ),
        ({"appearance": "orange_backpack"}, "what is on the back cannot be seen from the front"),
        ({"setting": "gym"}, "this scenery does not stand in this setting"),
        ({"setting": "living_room", "scenery": "empty"}, "there is no room to travel"),
        (
            {"subject": "ball", "motion": "roll", "appearance": "polished_gold"},
            "without a pattern nobody sees a ball or a box turn",
        ),
        (
            {"subject": "wheel", "motion": "roll", "style": "sketch"},
            "the style hides the pattern by which a ball or a box is seen to turn",
        ),
        ({"motion": "nod", "style": "silhouette"}, "the motion cannot be read from an outline"),
    ],
)
def test_each_rule_is_broken_by_what_it_names_and_by_nothing_else(
    changes: dict[str, str], because: str
) -> None:
    assert reasons(Category.STATIC_OBJECT, **changes) == [because]


def test_changed_appearances_need_a_style_that_shows_them() -> None:
    assert reasons(Category.DYNAMIC_ATTRIBUTE, style="blueprint") == ["the style hides the appearance"]


def test_another_body_plan_replaces_the_subject() -> None:
    assert set(positive_values(WALKING_DOG, Category.DYNAMIC_OBJECT)) == {"person", "robot", "bird"}


def test_the_new_appearance_shares_neither_hue_nor_pattern() -> None:
    values = positive_values(WALKING_DOG, Category.DYNAMIC_ATTRIBUTE)
    assert "mint_stripes" not in values
    assert "crimson_plain" in values
    gold = replace(WALKING_DOG, appearance="polished_gold")
    assert "yellow_dots" not in positive_values(gold, Category.DYNAMIC_ATTRIBUTE)


@pytest.mark.parametrize(
    ("camera", "clear", "faint"),
    [
        ("front", {"side", "high"}, {"front", "three_quarter_left", "low"}),
        ("high", {"low", "side", "front"}, {"high", "three_quarter_right"}),
        ("side", {"front", "high", "low", "three_quarter_left"}, {"side", "three_quarter_right"}),
    ],
)
def test_the_new_view_is_clearly_another(camera: str, clear: set[str], faint: set[str]) -> None:
    values = set(positive_values(replace(WALKING_DOG, camera=camera), Category.VIEW))
    assert clear <= values
    assert not faint & values


def test_the_negative_makes_no_motion_that_its_own_look_would_hide() -> None:
    ball = replace(WALKING_DOG, subject="ball", motion="jump", appearance="polished_gold")
    motions = negative_motions(ball, Category.STATIC_OBJECT)
    assert "slide" in motions
    assert not {"roll", "spin", "jump", "bounce", "walk"} & set(motions)
