"""Pairs that ``annotation.preference`` exported, as items of a study that asks which clip is better.

Knows no server and no answers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from annotation.items import RankingItem
from annotation.preference import KEY, STUDY
from data.disk import file_sha256
from data.errors import ConfigError


@dataclass(frozen=True)
class Pairs:
    """What ``annotation.push.push`` takes: items, the file of every clip by its name, the question.

    An item is called like the file that its two clips share; its candidates are the clip of the first
    folder and that of the second, named by the sha256 that they had there.
    """

    items: tuple[RankingItem, ...]
    clips: dict[str, Path]
    question: str


def read_pairs(folder: Path, source: Path | None = None) -> Pairs:
    """The pairs in a folder that ``simmotion preference`` wrote.

    With ``source`` the clip of the same name in that folder is shown beside each pair, as what both were
    made from.  Raises ``ConfigError`` for a folder that is something else, for pairs with different
    questions, and for a source without a pair's clip.
    """
    try:
        key = json.loads((folder / KEY).read_text("utf-8"))
        lines = (folder / STUDY / "pairs.jsonl").read_text("utf-8").splitlines()
        first, _ = key["folders"]
        answers = key["answers"]
        items, clips, questions = [], dict[str, Path](), set[str]()
        for line in lines:
            pair = json.loads(line)
            answer = answers[pair["pair_id"]]
            sides = ("a", "b") if answer["a"] == first else ("b", "a")
            candidates = tuple(str(answer[f"{side}_sha256"]) for side in sides)
            # The blind copies are shown, whose pictures are those of the originals.
            clips |= {clip: folder / STUDY / pair[side] for clip, side in zip(candidates, sides, strict=True)}
            reference = ""
            if source is not None:
                reference = _sha256(source / answer["name"])
                clips[reference] = source / answer["name"]
            items.append(RankingItem(answer["name"], reference, candidates))
            questions.add(pair["question"])
        (question,) = questions
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{folder} holds no pairs ({type(error).__name__}: {error}): write them anew with "
            "`simmotion preference`"
        ) from error
    return Pairs(tuple(items), clips, question)


def _sha256(path: Path) -> str:
    if not path.is_file():
        raise ConfigError(f"{path} is not there: a source needs a clip of every pair's name")
    return file_sha256(path)
