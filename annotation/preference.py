"""A study of preference: pairs of clips that people compare without knowing which is whose.

It knows nothing of how the clips were made or of who is asked: two folders in, a study and its key out.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from data.disk import disk_errors, file_sha256
from data.errors import ConfigError
from data.schema import Clip
from data.video import decode, encode

QUESTION = "In which clip does the change happen at the more even pace?"
STUDY, CLIPS, KEY = "study", "clips", "key.json"
LOCAL_FILES = "/data/local-files/?d="
"""Where Label Studio serves the files below its document root, here the folder of the study."""


@dataclass(frozen=True)
class Pair:
    """What an annotator is given. ``a`` is shown left; both are paths in the folder that is handed out."""

    pair_id: str
    question: str
    a: str
    b: str


@dataclass(frozen=True)
class Answer:
    """What an annotator is not told: the file name that both clips share, and the folders they are from."""

    name: str
    a: str
    b: str


@dataclass(frozen=True)
class Draw:
    """One pair with its answer."""

    pair: Pair
    answer: Answer


def draw(names: Sequence[str], folders: tuple[str, str], question: str, seed: int) -> list[Draw]:
    """Pairs in random order with new names; each folder is left in half of them (one more where odd).

    The same arguments give the same pairs.
    """
    chance = random.Random(seed)
    shuffled = chance.sample(sorted(names), len(names))
    swapped = [index % 2 == 1 for index in range(len(names))]
    first = chance.random() < 0.5  # which folder has the odd one
    chance.shuffle(swapped)
    drawn = []
    for number, (name, other) in enumerate(zip(shuffled, swapped, strict=True), 1):
        left, right = folders if other == first else folders[::-1]
        a, b = (f"{CLIPS}/{chance.getrandbits(64):016x}.mp4" for _ in range(2))
        pair = Pair(f"pair_{number:04d}", question, a, b)
        drawn.append(Draw(pair, Answer(name, left, right)))
    return drawn


def tasks(pairs: Sequence[Pair], media: str = LOCAL_FILES) -> list[dict[str, dict[str, str]]]:
    """The pairs as tasks of Label Studio, their clips below the address ``media``."""
    return [{"data": asdict(pair) | {"a": media + pair.a, "b": media + pair.b}} for pair in pairs]


def export_study(first: Path, second: Path, to: Path, seed: int, question: str = QUESTION) -> list[Draw]:
    """Write ``study/``, to be handed out, and ``key.json``, to be kept, into the new or empty folder ``to``.

    Clips of one name in both folders are a pair.  They are encoded anew, alike and without sound, so that
    neither names nor what a file says of itself tell them apart; ``study/`` has the pairs as JSON lines
    (``pairs.jsonl``) and as tasks of Label Studio (``tasks.json``).  Whole or not at all.

    Raises ``ConfigError`` where the folders do not hold the same names, for pictures of different sizes, for
    the same clip twice, and for a folder that is in use; ``VideoError`` for what is no video.
    """
    names = _shared_names(first, second)
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise ConfigError(f"{to} is not empty: name a new folder for the study")
    folders = {str(first): first, str(second): second}
    drawn = draw(names, (str(first), str(second)), question, seed)
    with disk_errors(to):
        to.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=to.parent, prefix=f".{to.name}.") as temporary:
            whole = Path(temporary) / "whole"
            study = whole / STUDY
            (study / CLIPS).mkdir(parents=True)
            for own in drawn:
                clips = [
                    _even(decode(folders[side] / own.answer.name)) for side in (own.answer.a, own.answer.b)
                ]
                _require_two(own.answer, *clips)
                for clip, path in zip(clips, (own.pair.a, own.pair.b), strict=True):
                    encode(clip, study / path)
            pairs = [own.pair for own in drawn]
            lines = [json.dumps(asdict(pair), ensure_ascii=False) + "\n" for pair in pairs]
            (study / "pairs.jsonl").write_text("".join(lines), "utf-8")
            _write_json(study / "tasks.json", tasks(pairs))
            answers = {own.pair.pair_id: _key(own.answer, folders) for own in drawn}
            _write_json(whole / KEY, {"seed": seed, "folders": list(folders), "answers": answers})
            os.rename(whole, to)  # noqa: PTH104  (the one call that replaces an empty folder only)
    return drawn


def _key(answer: Answer, folders: Mapping[str, Path]) -> dict[str, str]:
    """The answer with the sha256 of both clips as they were before they were encoded anew."""
    a, b = (file_sha256(folders[side] / answer.name) for side in (answer.a, answer.b))
    return asdict(answer) | {"a_sha256": a, "b_sha256": b}


def _shared_names(first: Path, second: Path) -> list[str]:
    if first.resolve() == second.resolve():
        raise ConfigError(f"{first} was given twice: name the folders of two ways to make the same clips")
    for folder in (first, second):
        if not folder.is_dir():
            raise ConfigError(f"{folder} is no folder: name one with clips")
    one, other = ({path.name for path in folder.glob("*.mp4")} for folder in (first, second))
    if not one | other:
        raise ConfigError(f"{first} and {second} hold no MP4 files: name folders with clips")
    for folder, lacking in ((first, other - one), (second, one - other)):
        if lacking:
            raise ConfigError(
                f"{folder} lacks {', '.join(sorted(lacking)[:3])}{' and others' * (len(lacking) > 3)}, which "
                "the other folder holds: clips are paired by their names"
            )
    return sorted(one)


def _even(clip: Clip) -> Clip:
    """H.264 halves both sides: an odd one gets its last row or column twice."""
    _, height, width, _ = clip.frames.shape
    padding = ((0, 0), (0, height % 2), (0, width % 2), (0, 0))
    return Clip(np.pad(clip.frames, padding, mode="edge"), clip.fps)


def _require_two(answer: Answer, left: Clip, right: Clip) -> None:
    sizes = [f"{clip.frames.shape[2]}×{clip.frames.shape[1]} px" for clip in (left, right)]
    if sizes[0] != sizes[1]:
        raise ConfigError(
            f"{answer.name} is {sizes[0]} in {answer.a} and {sizes[1]} in {answer.b}, which would tell them "
            "apart: bring both to one size"
        )
    if left.fps == right.fps and np.array_equal(left.frames, right.frames):
        raise ConfigError(f"{answer.name} is the same clip in both folders: there is nothing to prefer")


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
