"""What a chat model is asked for: the facts of a draft, examples in the form, and no other form read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data.schema import Category
from prompts.openai_questions import PROMPTS, facts_of, texts
from prompts.sampling import draw_drafts
from prompts.writer import Draft

DRAFTS = draw_drafts(tuple(Category), 1, seed=0)


@pytest.mark.parametrize("category", Category)
def test_the_worked_examples_have_the_form_that_is_asked_for(category: Category) -> None:
    text = texts()[category]
    example = PROMPTS.read(text.splitlines()[-1])
    assert example is not None
    lengths = {name: len(words.split()) for name, words in vars(example).items()}
    assert 40 <= lengths["base"] <= 80
    assert 20 <= lengths["modification"] <= 60
    assert 15 <= lengths["motion"] <= 45
    assert 15 <= lengths["negative_motion"] <= 45
    names = [line.split(":")[0] for line in facts_of(DRAFTS[0]).splitlines()]
    assert all(f"\n{name}: " in text for name in names), "the example shows the facts as they will come"


@pytest.mark.parametrize(
    "content",
    [
        '{"base": "a", "modification": "b", "motion": "c"}',
        '{"base": "a", "modification": "b", "motion": "c", "negative_motion": "d", "more": "e"}',
        '{"base": "a", "modification": "b", "motion": "c", "negative_motion": 4}',
        '{"base": "a", "modification": "b", "motion": "c", "negative_motion": " "}',
        "[]",
        "",
    ],
)
def test_only_the_exact_form_is_read(content: str) -> None:
    assert PROMPTS.read(content) is None


@pytest.mark.parametrize("draft", DRAFTS, ids=lambda draft: draft.category)
def test_the_facts_name_what_changes(draft: Draft) -> None:
    swapped = replace(draft, factors=draft.positive, positive=draft.factors)
    change, back = (facts_of(one).split("Change: ")[1].splitlines()[0] for one in (draft, swapped))
    assert change != back
