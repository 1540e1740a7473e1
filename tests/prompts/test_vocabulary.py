"""The vocabularies are as large as promised and speak the keys that the generators know."""

from __future__ import annotations

from dataclasses import fields

import pytest

from data.schema import Factors
from prompts.looks import APPEARANCES, with_article
from prompts.motions import MOTIONS, clearly_different
from prompts.places import SCENERY, SETTINGS
from prompts.subjects import SUBJECTS, BodyPlan
from prompts.vocabulary import VOCABULARY


@pytest.mark.parametrize(
    ("factor", "at_least"),
    [("motion", 12), ("subject", 8), ("setting", 10), ("appearance", 8), ("style", 5), ("camera", 6)],
)
def test_every_factor_offers_enough_values(factor: str, at_least: int) -> None:
    assert len(set(VOCABULARY[factor])) >= at_least


def test_the_vocabulary_covers_every_factor_in_the_order_of_the_schema() -> None:
    assert tuple(VOCABULARY) == tuple(field.name for field in fields(Factors))


def test_motions_and_settings_name_only_known_subjects_and_scenery() -> None:
    assert {carrier for motion in MOTIONS.values() for carrier in motion.carriers} == set(SUBJECTS)
    assert {thing for setting in SETTINGS.values() for thing in setting.scenery} == set(SCENERY)


@pytest.mark.parametrize("motion", MOTIONS)
def test_every_motion_is_carried_by_two_body_plans_at_least(motion: str) -> None:
    assert len({SUBJECTS[subject].plan for subject in MOTIONS[motion].carriers}) >= 2


def test_every_subject_has_a_clearly_different_motion_for_each_of_its_motions() -> None:
    lonely = [
        (subject, motion)
        for subject in SUBJECTS
        for motion in MOTIONS
        if subject in MOTIONS[motion].carriers
        and not any(subject in MOTIONS[m].carriers and clearly_different(m, motion) for m in MOTIONS)
    ]
    assert lonely == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("bow", "crouch"),
        ("walk", "run"),
        ("walk", "orbit"),
        ("swing", "open"),
        ("flap", "wave"),
        ("spin", "spin"),
    ],
)
def test_synonyms_are_not_clearly_different_in_either_order(first: str, second: str) -> None:
    assert not clearly_different(first, second)
    assert not clearly_different(second, first)


@pytest.mark.parametrize("setting", ["gym", "studio", "living_room", "warehouse"])
def test_trees_and_fences_stand_outdoors_only(setting: str) -> None:
    assert not {"trees", "fence"} & set(SETTINGS[setting].scenery)


def test_an_appearance_is_named_after_the_body_that_wears_it() -> None:
    backpack = APPEARANCES["orange_backpack"]
    assert backpack.phrase(SUBJECTS["person"]) == "a plain blue outfit and an orange backpack"
    assert backpack.phrase(SUBJECTS["horse"]) == "a plain brown coat and an orange saddle pack"
    assert APPEARANCES["polished_gold"].phrase(SUBJECTS["door"]) == "a polished gold panel"


def test_only_people_robots_and_animals_wear_accessories() -> None:
    wearers = {subject.plan for subject in SUBJECTS.values() if subject.wears_accessories}
    assert wearers == {BodyPlan.BIPED, BodyPlan.QUADRUPED, BodyPlan.BIRD}


@pytest.mark.parametrize(("phrase", "expected"), [("oil painting", "an oil painting"), ("dog", "a dog")])
def test_the_article_follows_the_first_sound(phrase: str, expected: str) -> None:
    assert with_article(phrase) == expected
