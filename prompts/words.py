"""The words of a draft's factors, as they stand in a sentence. Knows no writer and no wording around them."""

from __future__ import annotations

from data.schema import Category, Factors
from prompts.looks import APPEARANCES, CAMERAS, STYLES, with_article
from prompts.motions import MOTIONS
from prompts.places import SCENERY, SETTINGS
from prompts.subjects import SUBJECTS
from prompts.writer import Draft

Words = dict[str, str]

_ANY_BODY: Words = {"subject": "subject", "limb": "one limb", "limbs": "both limbs"}


def scene_words(factors: Factors) -> Words:
    """Everything that the first frame of these factors shows."""
    subject = SUBJECTS[factors.subject]
    look = APPEARANCES[factors.appearance].phrase(subject)
    return {
        "subject": subject.noun,
        "figure": f"{with_article(subject.noun)} {subject.covered} {look}",
        "rests": subject.rest,
        "look": look,
        "place": SETTINGS[factors.setting].phrase,
        "scenery": SCENERY[factors.scenery].phrase,
        "style": STYLES[factors.style].phrase,
        "camera": CAMERAS[factors.camera].phrase,
    }


def shared_motion_words(draft: Draft) -> Words:
    """The motion of reference and positive, in words that fit both bodies when there are two."""
    body = _ANY_BODY if draft.category is Category.DYNAMIC_OBJECT else _body_words(draft.factors)
    return _motion_words(body, draft.factors.motion)


def negative_motion_words(draft: Draft) -> Words:
    """The motion of the negative."""
    return _motion_words(_body_words(draft.factors), draft.negative_motion)


def scenery_edit(draft: Draft) -> str:
    """What to do with the background, as a command without its capital."""
    old, new = draft.factors.scenery, draft.positive.scenery
    before, after = SCENERY[old], SCENERY[new]
    if old == "empty":
        return f"add {after.phrase} to the background"
    if new == "empty":
        return f"remove {before.named} from the background"
    return f"replace {before.named} in the background with {after.phrase}"


def _body_words(factors: Factors) -> Words:
    subject = SUBJECTS[factors.subject]
    return {"subject": subject.noun, "limb": subject.limb, "limbs": subject.limbs}


def _motion_words(body: Words, motion: str) -> Words:
    words = MOTIONS[motion]
    return {
        "subject": body["subject"],
        "moves": words.moves.format(**body),
        "moving": words.moving.format(**body),
        "manner": words.manner,
    }
