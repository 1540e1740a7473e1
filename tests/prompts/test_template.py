"""The written prompts are clean English and say neither too much nor too little."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.schema import Category, Prompts
from prompts.looks import APPEARANCES, STYLES
from prompts.motions import MOTIONS
from prompts.places import SCENERY, SETTINGS
from prompts.sampling import drafts
from prompts.subjects import SUBJECTS
from prompts.template import USES, TemplateWriter, wordings
from prompts.writer import Draft, WriteRequest


def write(draft: Draft, rewrite: int = 0) -> Prompts:
    (prompts,) = TemplateWriter().write([WriteRequest(draft, rewrite)])
    return prompts


def some_drafts(seed: int, category: Category) -> list[Draft]:
    return list(islice(drafts(category, seed), 10))


def words_of(texts: list[str]) -> set[str]:
    return set(re.findall(r"[a-z]+", " ".join(texts).lower()))


# Words that would give the look or the place away in a prompt that only tells the motion.
TELLTALE = (
    words_of([f"{look.finish or ''} {look.accessory or ''} {look.hue}" for look in APPEARANCES.values()])
    | words_of([setting.phrase for setting in SETTINGS.values()])
    | words_of([scenery.phrase for scenery in SCENERY.values()])
    | words_of([style.phrase for style in STYLES.values()])
) - words_of(["a and an in on of no other some few long large wide with against forward flat"])


def test_every_template_is_used_and_offers_a_choice_of_wordings() -> None:
    names = {file.name for file in files("prompts").joinpath("templates").iterdir() if file.is_file()}
    assert names == {f"{use}.txt" for use in USES}
    for use in USES:
        assert len(set(wordings(use))) >= 2
        assert all(wordings(use))


@pytest.mark.parametrize("category", Category)
@given(seed=st.integers(min_value=0, max_value=2**63 - 1))
@settings(max_examples=15, deadline=None)
def test_every_prompt_is_clean_english(category: Category, seed: int) -> None:
    for draft in some_drafts(seed, category):
        for name, text in vars(write(draft)).items():
            where = f"{draft.triplet_id} {name}: {text}"
            assert not re.search(r"[{}\n]", text), where
            assert not re.search(r"  |\s[.,;:]|\.\.|,,|^\s|\s$", text), where
            assert not re.search(r"\b(a) (?=[aeiou])|\b(an) (?=[^aeiou])", text, re.IGNORECASE), where
            assert not re.search(r"\b(\w+) \1\b", text, re.IGNORECASE), where
            assert text.endswith("."), where
            assert all(sentence[0].isupper() for sentence in text.split(". ")), where


@pytest.mark.parametrize("category", Category)
@given(seed=st.integers(min_value=0, max_value=2**63 - 1))
@settings(max_examples=15, deadline=None)
def test_motion_prompts_tell_nothing_of_look_or_place(category: Category, seed: int) -> None:
    for draft in some_drafts(seed, category):
        prompts = write(draft)
        assert words_of([prompts.motion, prompts.negative_motion]) & TELLTALE == set()
        assert prompts.motion != prompts.negative_motion


@pytest.mark.parametrize("category", Category)
def test_the_base_prompt_tells_everything_that_the_first_frame_shows(category: Category) -> None:
    for draft in some_drafts(0, category):
        base = write(draft).base.lower()
        factors = draft.factors
        subject = SUBJECTS[factors.subject]
        for phrase in (
            f"{subject.noun} {subject.covered} {APPEARANCES[factors.appearance].phrase(subject)}",
            subject.rest,
            SETTINGS[factors.setting].phrase,
            SCENERY[factors.scenery].phrase,
            STYLES[factors.style].phrase.lower(),
        ):
            assert phrase in base
        assert "wide shot" in base


def test_both_bodies_of_a_dynamic_object_triplet_fit_the_one_motion_prompt() -> None:
    for draft in some_drafts(0, Category.DYNAMIC_OBJECT):
        swapped = replace(draft, factors=draft.positive, positive=draft.factors)
        assert write(draft).motion == write(swapped).motion
        assert "the subject" in write(draft).motion.lower()


@pytest.mark.parametrize(
    "category",
    [Category.STATIC_OBJECT, Category.DYNAMIC_ATTRIBUTE, Category.SCENE_STYLE, Category.VIEW],
)
def test_reference_and_positive_share_the_motion_prompt(category: Category) -> None:
    for draft in some_drafts(0, category):
        swapped = replace(draft, factors=draft.positive, positive=draft.factors)
        assert write(draft).motion == write(swapped).motion


@pytest.mark.parametrize(
    ("old", "new", "edit"),
    [
        ("empty", "trees", "add a few trees to the background"),
        ("fence", "empty", "remove the fence from the background"),
        ("cones", "rocks", "replace the traffic cones in the background with a few boulders"),
    ],
)
def test_scenery_is_added_removed_or_replaced(old: str, new: str, edit: str) -> None:
    draft = some_drafts(0, Category.STATIC_OBJECT)[0]
    changed = replace(
        draft,
        factors=replace(draft.factors, scenery=old),
        positive=replace(draft.positive, scenery=new),
    )
    assert edit in write(changed).modification.lower()


def test_a_dynamic_object_edit_names_both_subjects_and_the_new_ones_look() -> None:
    for draft in some_drafts(0, Category.DYNAMIC_OBJECT):
        old, new = SUBJECTS[draft.factors.subject], SUBJECTS[draft.positive.subject]
        look = APPEARANCES[draft.factors.appearance].phrase(new)
        modification = write(draft).modification
        assert f"the {old.noun}" in modification
        assert f"{new.noun} {new.covered} {look}" in modification
        assert new.rest in modification


def test_limbs_are_named_after_the_body_that_moves_them() -> None:
    draft = some_drafts(0, Category.VIEW)[0]
    bird = replace(draft, factors=replace(draft.factors, subject="bird", motion="flap"))
    arm = replace(draft, factors=replace(draft.factors, subject="robot_arm", motion="wave"))
    assert "both wings" in write(bird).motion
    assert "its gripper" in write(arm).motion


@pytest.mark.parametrize("motion", MOTIONS)
def test_the_two_forms_of_a_motion_belong_to_one_verb(motion: str) -> None:
    moves, moving = (phrase.split()[0] for phrase in (MOTIONS[motion].moves, MOTIONS[motion].moving))
    assert moving.endswith("ing")
    assert moves.endswith("s")
    assert moves[:3] == moving[:3] or (moves, moving) == ("goes", "going")


def test_all_wordings_come_up() -> None:
    first = {write(draft).base.split()[0] for draft in islice(drafts(Category.VIEW, 0), 40)}
    assert len(first) >= 3


def test_a_text_depends_on_nothing_but_its_draft() -> None:
    draft = some_drafts(5, Category.VIEW)[3]
    assert write(draft) == write(replace(draft))


def test_a_rewrite_says_the_same_in_other_words() -> None:
    for draft in some_drafts(2, Category.SCENE_STYLE):
        first, second = write(draft), write(draft, rewrite=1)
        for name, text in vars(first).items():
            assert vars(second)[name] != text
        assert STYLES[draft.positive.style].phrase in second.modification


def test_requests_are_answered_in_their_order() -> None:
    requests = [WriteRequest(draft) for draft in some_drafts(0, Category.VIEW)]
    assert list(TemplateWriter().write(requests)) == [write(request.draft) for request in requests]


def test_the_revision_follows_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    before = TemplateWriter().facts.revision
    assert TemplateWriter().facts.revision == before
    monkeypatch.setitem(STYLES, "toon", replace(STYLES["toon"], phrase="a comic strip"))
    assert TemplateWriter().facts.revision != before
