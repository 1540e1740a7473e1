"""The questions to a chat model: the request bodies for writing and for criticising the prompts of a triplet.

Knows the texts and the schemas of the answers, but neither the network nor what an answer leads to.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from data.paid import Demand, Usage
from data.schema import Category, Prompts
from prompts.sampling import drafts
from prompts.words import negative_motion_words, scene_words, scenery_edit, shared_motion_words
from prompts.writer import Draft, WriteRequest

Payload = dict[str, Any]
AnswerT = TypeVar("AnswerT")

# Reasoning models take no other temperature than 1, which is also what every server does by default.
TEMPERATURE = 1.0
# Answers take about 300; what models think first counts too. Only stops one that never ends.
MAX_COMPLETION_TOKENS = 8192
CHARACTERS_PER_TOKEN = 4  # a rule of thumb for English, for estimates only
# Share of texts assumed to be written once more, by the critic's wish or as a duplicate. For estimates.
ASSUMED_REWRITES = 0.2


@dataclass(frozen=True)
class Critique:
    """What the critic found: one verdict a question, and a sentence for each that is false."""

    only_the_category_changes: bool
    negative_is_different: bool
    negative_is_possible: bool
    fits_the_duration: bool
    needs_no_cut: bool
    objections: list[str]

    @property
    def failed_checks(self) -> tuple[str, ...]:
        return tuple(name for name, verdict in vars(self).items() if verdict is False)


class AnswerForm(Generic[AnswerT]):
    """The JSON in which an answer has to come: a dataclass whose fields are all required."""

    def __init__(self, name: str, answer: type[AnswerT]) -> None:
        self.name = name
        self._adapter = TypeAdapter(answer)

    @property
    def response_format(self) -> Payload:
        """What makes a server write nothing but this form."""
        schema = {
            **self._adapter.json_schema(),
            "additionalProperties": False,
            "description": "The answer, as the instructions describe it.",
        }
        return {
            "type": "json_schema",
            "json_schema": {"name": self.name, "strict": True, "schema": schema},
        }

    def read(self, content: str) -> AnswerT | None:
        """The answer in ``content``, or None when it breaks the form or leaves a text blank."""
        try:
            answer = self._adapter.validate_json(content, strict=True, extra="forbid")
        except ValidationError:
            return None
        texts = (value for value in vars(answer).values() if isinstance(value, str))
        return answer if all(text.strip() for text in texts) else None


PROMPTS = AnswerForm("prompts", Prompts)
CRITIQUE = AnswerForm("critique", Critique)


def writing_payload(
    model: str, draft: Draft, duration_seconds: float, objections: Iterable[str], seed: int
) -> Payload:
    """The request body that asks for the four prompts of ``draft``, for clips of that duration."""
    # The same for all of a category and in front, so that a vendor that caches beginnings bills less.
    instructions = f"{_timed('system', duration_seconds)}\n{_text(draft.category)}"
    message = facts_of(draft)
    complaints = [f"- {objection}" for objection in objections]
    if complaints:
        message += "\n\nPrompts were written before and sent back. Avoid this:\n" + "\n".join(complaints)
    return _payload(model, instructions, message, PROMPTS, seed)


def critic_payload(model: str, draft: Draft, duration_seconds: float, prompts: Prompts, seed: int) -> Payload:
    """The request body that asks what is wrong with ``prompts``, for clips of that duration."""
    written = json.dumps(vars(prompts), ensure_ascii=False)
    message = f"Category: {draft.category}\n{facts_of(draft)}\n\nThe prompts:\n{written}"
    return _payload(model, _timed("critic", duration_seconds), message, CRITIQUE, seed)


def facts_of(draft: Draft) -> str:
    """What is decided about a triplet, one fact a line."""
    scene, new = scene_words(draft.factors), scene_words(draft.positive)
    match draft.category:
        case Category.STATIC_OBJECT:
            change = scenery_edit(draft)
        case Category.DYNAMIC_OBJECT:
            change = f"replace the {scene['subject']} with {new['figure']}, which {new['rests']}"
        case Category.DYNAMIC_ATTRIBUTE:
            change = f"change the look of the {scene['subject']} from {scene['look']} to {new['look']}"
        case Category.SCENE_STYLE:
            change = f"redraw the whole picture as {new['style']} instead of {scene['style']}"
        case Category.VIEW:
            change = f"show the same still moment seen {new['camera']} instead of {scene['camera']}"
    motion, negative = shared_motion_words(draft), negative_motion_words(draft)
    return "\n".join(
        (
            f"Subject: {scene['figure']}",
            f"At rest: {scene['rests']}",
            f"Place: {scene['place']}",
            f"Background: {scene['scenery']}",
            f"Style: {scene['style']}",
            f"Camera: {scene['camera']}",
            f"Change: {change}",
            f"Motion: {motion['moves']}, {motion['manner']}",
            f"Negative motion: {negative['moves']}, {negative['manner']}",
        )
    )


def expected_usage(payload: Payload, answer_characters: int) -> Usage:
    """Tokens of one call by the rule of four characters a token, the schema of the answer included."""
    asked = sum(len(message["content"]) for message in payload["messages"])
    asked += len(json.dumps(payload["response_format"]))
    return Usage(
        input=-(-asked // CHARACTERS_PER_TOKEN), output=-(-answer_characters // CHARACTERS_PER_TOKEN)
    )


def texts() -> dict[str, str]:
    """Every text that is sent, by the name of its file, before the duration of a clip is filled in."""
    return {name: _text(name) for name in ("system", "critic", *Category)}


@cache
def demand(model: str, discount: float) -> tuple[Demand, ...]:
    """What a triplet takes on average: the longest first message of the five categories, and one critique."""
    firsts = [next(drafts(category, seed=0)) for category in Category]
    example = Prompts(*4 * ["." * (PROMPTS_CHARACTERS // 4)])
    seconds = WriteRequest.duration_seconds  # another one would change a digit
    writing = [
        expected_usage(writing_payload(model, first, seconds, (), 0), PROMPTS_CHARACTERS) for first in firsts
    ]
    judging = [
        expected_usage(critic_payload(model, first, seconds, example, 0), CRITIQUE_CHARACTERS)
        for first in firsts
    ]
    calls = 1 + ASSUMED_REWRITES
    return (
        Demand("openai", model, "write", calls, max(writing, key=lambda usage: usage.input), discount),
        Demand("openai", model, "critique", calls, max(judging, key=lambda usage: usage.input), discount),
    )


def _payload(model: str, instructions: str, message: str, form: AnswerForm[Any], seed: int) -> Payload:
    return {
        "model": model,
        "messages": [
            {"role": "system", "content": instructions},
            {"role": "user", "content": message},
        ],
        "response_format": form.response_format,
        "temperature": TEMPERATURE,
        "seed": seed,
        "max_completion_tokens": MAX_COMPLETION_TOKENS,
    }


def _timed(name: str, duration_seconds: float) -> str:
    words = "1 second" if duration_seconds == 1 else f"{duration_seconds:g} seconds"
    # Not ``str.format``: the worked examples are JSON, which is full of braces.
    return _text(name).replace("{duration}", words)


@cache
def _text(name: str) -> str:
    return files("prompts").joinpath(f"templates/openai/{name}.txt").read_text(encoding="utf-8")


# Measured on the worked examples in the texts.
PROMPTS_CHARACTERS = max(len(_text(category).splitlines()[-1]) for category in Category)
CRITIQUE_CHARACTERS = len(_text("critic").splitlines()[-1])
