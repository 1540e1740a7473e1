"""From a study's answers to columns beside a data set's shards: who counts, which rows, one file.

Knows no server: it reads what was pulled last.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from annotation.answers import answers
from annotation.checks import Share, checked, gold_accuracy, preferred, unheard
from annotation.items import Judgement, RankingItem
from annotation.study import Study
from annotation.triplets import clips_of
from annotation.votes import votes
from data import people
from data.errors import ConfigError
from data.schema import Role


@dataclass(frozen=True)
class Written:
    """What was written to ``path``. ``accuracy`` and ``unheard`` are of gold, by annotator.

    ``num_elsewhere`` triplets of the study are not in the data set as they were shown.
    """

    path: Path
    outcomes: tuple[str, ...]
    num_answers: int
    num_elsewhere: int
    accuracy: dict[str, Share]
    unheard: Collection[str]


def write_outcomes(folder: Path, out: Path) -> Written:
    """Write the outcomes of the study in ``folder`` beside the shards of the data set ``out``.

    Of a repeated item counts the first answer, and of annotators who do badly at gold none.  A file of an
    earlier time is replaced.  Raises ``ConfigError`` for a study of rankings, for a folder that is no data
    set, and where a check asked of none of its triplets.
    """
    study = Study(folder)
    if study.kind == "ranking":
        raise ConfigError(f"{folder} asks for rankings: columns are of checks and of preferences")
    triplets = dict(clips_of(out))
    slots, items = list(study.slots.values()), list(study.items.values())
    rankings = answers(study).rankings
    judgements = [ranking for ranking in votes(rankings, slots, items)[0] if isinstance(ranking, Judgement)]
    accuracy = gold_accuracy(judgements, items)
    silent = unheard(accuracy)
    counted, _ = votes(rankings, slots, items, silent)
    asked = [item for item in items if item.known_order is None]
    if study.kind == "preference":
        by_clip = {clip: name for name, clips in triplets.items() for clip in clips.values()}
        pairs = preferred(counted, asked, study.question, by_clip)
        return Written(
            people.write_preferences(pairs, out),
            tuple(pair.outcome for pair in pairs),
            len(counted),
            0,
            accuracy,
            silent,
        )
    there = [item for item in asked if _clips(item) == triplets.get(item.item_id)]
    if not there:
        raise ConfigError(f"{out} has none of the {len(asked)} triplets of {folder}: name their data set")
    rows = checked([each for each in counted if isinstance(each, Judgement)], there)
    return Written(
        people.write_checks(rows, out),
        tuple(row.outcome for row in rows),
        sum(row.num_accept + row.num_reject + row.num_unsure + row.num_does_not_play for row in rows),
        len(asked) - len(there),
        accuracy,
        silent,
    )


def _clips(item: RankingItem) -> dict[Role, str]:
    return dict(zip(Role, (item.reference, *item.candidates), strict=True))
