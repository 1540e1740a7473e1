"""What a person said, out of the result of an annotation, for every kind of question.

Knows neither who it was nor whether it counts. The server checks no result, so everything is checked here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from annotation.items import Said, Slot, Verdict
from annotation.pages import candidate_id
from annotation.study import Study

# Names in templates/*.xml by which answers are found in the JSON of an annotation.
STATUS, ORDER, BUCKET, UNPLACED = "status", "order", "ranking", "_"
CLIP_A, CLIP_B = "a", "b"
BETTER = "better"

Fault = Literal[
    "malformed",  # not of our page
    "foreign_clips",  # ranks clips that this slot does not show
    "incomplete",  # not everything is placed or answered, though it says so
]


@dataclass(frozen=True)
class Result:
    """``order`` is that of ``Ranking``; ``said`` that of ``Judgement``, and None for other kinds."""

    verdict: Verdict
    order: tuple[tuple[str, ...], ...] = ()
    said: tuple[tuple[str, Said], ...] | None = None


class Faulty(Exception):
    """A result that cannot be what our page sent."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(detail)
        self.fault: Fault = fault


def parsed(study: Study, slot: Slot, result: Any) -> Result:
    """The answer in the ``result`` of an annotation of this slot. Raises ``Faulty``."""
    try:
        values = {region["from_name"]: region["value"] for region in result}
        match study.kind:
            case "ranking":
                return _ranking(study, slot, values)
            case "check":
                return _check(slot, values)
            case "preference":
                return _preference(slot, values)
    except (KeyError, TypeError, ValueError) as error:
        raise Faulty(
            "malformed", f"its result is not that of our page: {type(error).__name__} {error}"
        ) from error


def _ranking(study: Study, slot: Slot, values: dict[str, Any]) -> Result:
    verdict: Verdict = _one_of(get_args(Verdict), values[STATUS])
    ranker = values[ORDER]["ranker"] if ORDER in values else {BUCKET: [], UNPLACED: []}
    order = ranker[BUCKET]
    if not isinstance(order, list) or not all(isinstance(name, str) for name in order):
        raise TypeError("the ranking is no list of names")
    if verdict != "ranked":
        return Result(verdict)
    by_id = {candidate_id(study, slot, clip): clip for clip in slot.shown}
    foreign = [name for name in order if name not in by_id]
    if foreign:
        raise Faulty("foreign_clips", f"ranks {foreign[0]!r}, which slot {slot.slot_id} does not show")
    if len(set(order)) != len(order) or len(order) != len(by_id):
        raise Faulty("incomplete", f"places {len(set(order))} of {len(by_id)} candidates")
    return Result(verdict, tuple((by_id[name],) for name in order))


def _check(slot: Slot, values: dict[str, Any]) -> Result:
    answered = {name: values[name] for name in (CLIP_A, CLIP_B) if name in values}
    said = {name: _one_of((*get_args(Said), "does_not_play"), value) for name, value in answered.items()}
    if "does_not_play" in said.values():
        return Result("does_not_play", said=())
    if len(said) < 2:
        raise Faulty("incomplete", f"answers {len(said)} of 2 questions")
    a, b = slot.shown
    by_clip = {a: said[CLIP_A], b: said[CLIP_B]}
    order = (
        tuple(clip for clip in sorted(by_clip) if by_clip[clip] == word) for word in ("yes", "unsure", "no")
    )
    return Result("ranked", tuple(filter(None, order)), tuple(sorted(by_clip.items())))


def _preference(slot: Slot, values: dict[str, Any]) -> Result:
    a, b = slot.shown
    orders = {"a": ((a,), (b,)), "b": ((b,), (a,)), "no_difference": (tuple(sorted(slot.shown)),)}
    choice = _one_of((*orders, "does_not_play"), values[BETTER])
    return Result("does_not_play") if choice == "does_not_play" else Result("ranked", orders[choice])


def _one_of(words: tuple[str, ...], value: dict[str, Any]) -> Any:
    (word,) = value["choices"]
    if word not in words:
        raise ValueError(f"{word!r} is none of {', '.join(words)}")
    return word
