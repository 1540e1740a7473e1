"""Writes the four prompts of a triplet from text files, offline and without a key.

Knows the words of each factor and where they go in a sentence, but not how factors are chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from data.schema import Category, Factors, Prompts
from prompts.looks import APPEARANCES, CAMERAS, STYLES, with_article
from prompts.motions import MOTIONS
from prompts.places import SCENERY, SETTINGS
from prompts.seeds import derive_seed
from prompts.subjects import SUBJECTS
from prompts.writer import Draft

Words = dict[str, str]

_ANY_BODY: Words = {"subject": "subject", "limb": "one limb", "limbs": "both limbs"}


@dataclass(frozen=True)
class TemplateWriter:
    """Fills ``templates/*.txt``: one file per prompt and category, each with several wordings."""

    name: str = "template"

    def write(self, draft: Draft) -> Prompts:
        """The four prompts of ``draft``, each one line of whole sentences."""
        scene = _scene_words(draft.factors)
        new = {f"new_{name}": text for name, text in _scene_words(draft.positive).items()}
        edit = {"scenery_edit": _scenery_edit(draft.factors.scenery, draft.positive.scenery)}
        body = _body_words(draft.factors)
        # Two bodies share one motion prompt when the positive has another subject.
        shared_body = _ANY_BODY if draft.category is Category.DYNAMIC_OBJECT else body
        return Prompts(
            base=_fill("base", draft, scene),
            modification=_fill(f"modification_{draft.category}", draft, scene | new | edit),
            motion=_fill("motion", draft, _motion_words(shared_body, draft.factors.motion)),
            negative_motion=_fill("motion", draft, _motion_words(body, draft.negative_motion)),
        )


@cache
def wordings(use: str) -> tuple[str, ...]:
    """The wordings in ``templates/<use>.txt``: a blank line parts them, a line break is a space."""
    text = files("prompts").joinpath(f"templates/{use}.txt").read_text(encoding="utf-8")
    return tuple(" ".join(wording.split()) for wording in text.split("\n\n"))


def _fill(use: str, draft: Draft, words: Words) -> str:
    """A wording of ``use``, chosen by the draft's seed. ``{Name}`` is ``{name}`` with a capital."""
    choices = wordings(use)
    capitals = {name.capitalize(): text[0].upper() + text[1:] for name, text in words.items()}
    return choices[derive_seed(draft.seed, use) % len(choices)].format(**words, **capitals)


def _scene_words(factors: Factors) -> Words:
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


def _scenery_edit(old: str, new: str) -> str:
    before, after = SCENERY[old], SCENERY[new]
    if old == "empty":
        return f"add {after.phrase} to the background"
    if new == "empty":
        return f"remove {before.named} from the background"
    return f"replace {before.named} in the background with {after.phrase}"
