"""Writes the four prompts of a triplet from text files, offline and without a key.

Knows what goes where in a sentence, but neither the words of a factor nor how factors are chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files

from data.schema import Category, Prompts
from data.store import artifact_key
from prompts.looks import APPEARANCES, CAMERAS, STYLES
from prompts.motions import MOTIONS
from prompts.places import SCENERY, SETTINGS
from prompts.seeds import derive_seed
from prompts.subjects import SUBJECTS
from prompts.words import Words, negative_motion_words, scene_words, scenery_edit, shared_motion_words
from prompts.writer import Draft, WriteRequest, WriterFacts

USES = ("base", "motion", *(f"modification_{category}" for category in Category))


class TemplateWriter:
    """Fills ``templates/*.txt``: one file per prompt and category, each with several wordings."""

    @property
    def facts(self) -> WriterFacts:
        return WriterFacts(name="template", revision=_revision())

    def open(self) -> None:
        """Nothing is missing, ever."""

    def write(self, requests: Sequence[WriteRequest]) -> Iterator[Prompts]:
        """The four prompts of each request, each one line of whole sentences.

        It does not read objections: every rewrite takes the next wording, and starts over after the last.
        """
        for request in requests:
            yield _written(request.draft, request.rewrite)


@cache
def wordings(use: str) -> tuple[str, ...]:
    """The wordings in ``templates/<use>.txt``: a blank line parts them, a line break is a space."""
    text = files("prompts").joinpath(f"templates/{use}.txt").read_text(encoding="utf-8")
    return tuple(" ".join(wording.split()) for wording in text.split("\n\n"))


def _written(draft: Draft, rewrite: int) -> Prompts:
    def fill(use: str, words: Words) -> str:
        """A wording of ``use``, chosen by the draft's seed. ``{Name}`` is ``{name}`` with a capital."""
        choices = wordings(use)
        capitals = {name.capitalize(): text[0].upper() + text[1:] for name, text in words.items()}
        chosen = choices[(derive_seed(draft.seed, use) + rewrite) % len(choices)]
        return chosen.format(**words, **capitals)

    scene = scene_words(draft.factors)
    new = {f"new_{name}": text for name, text in scene_words(draft.positive).items()}
    edit = {"scenery_edit": scenery_edit(draft)}
    return Prompts(
        base=fill("base", scene),
        modification=fill(f"modification_{draft.category}", scene | new | edit),
        motion=fill("motion", shared_motion_words(draft)),
        negative_motion=fill("motion", negative_motion_words(draft)),
    )


def _revision() -> str:
    """Hash of every word that can be written."""
    return artifact_key(
        "template_writer",
        wordings={use: wordings(use) for use in USES},
        subjects=SUBJECTS,
        motions={
            name: {**vars(words), "carriers": sorted(words.carriers)} for name, words in MOTIONS.items()
        },
        settings=SETTINGS,
        scenery=SCENERY,
        appearances=APPEARANCES,
        styles=STYLES,
        cameras=CAMERAS,
    )[:16]
