"""People asked, heard, and asked further, until every question has an answer or nobody is left. No Prefect.

Each look begins with what is on the server; nothing here is remembered but in the study's folder.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from annotation.answers import Answers, answers
from annotation.decision import Decision, decide, most_gain
from annotation.environment import Progress, quiet
from annotation.items import RankingItem
from annotation.pull import pull
from annotation.push import Invitation, push
from annotation.quality import Fault, excluded
from annotation.studio import Studio
from annotation.study import Study
from data.disk import write_atomically
from data.errors import ConfigError
from flows.real_recipe import RealRecipe

STUDY = "study"  # inside an output folder
INVITATIONS = "invitations.csv"
_ONLY_OWNER = 0o600


@dataclass(frozen=True)
class Look:
    """What people have said so far, and whom it leaves to be asked.

    ``unheard`` are annotators whose answers do not count, with the rules that name them.  ``waiting`` counts
    the answers that open questions still wait for, ``to_extend`` names the questions for which all asked
    have answered and somebody else could be; when both are nothing, all is said.
    """

    answers: Answers
    decisions: tuple[Decision, ...]
    unheard: dict[str, tuple[Fault, ...]]
    waiting: int
    to_extend: tuple[str, ...]

    @property
    def settled(self) -> bool:
        return not self.waiting and not self.to_extend


def begin(
    studio: Studio,
    folder: Path,
    recipe: RealRecipe,
    items: Sequence[RankingItem],
    clips: Mapping[str, Path],
    progress: Progress = quiet,
) -> None:
    """Put every question to ``recipe.per_item`` annotators. What was sent before is not sent again.

    Raises as ``annotation.push.push`` does, and ``ConfigError`` when the recipe names nobody.
    """
    emails = annotators_of(recipe)
    sent = push(
        studio,
        folder,
        items,
        clips,
        emails,
        per_item=min(recipe.per_item, len(emails)),
        repeats=recipe.repeats,
        progress=progress,
    )
    _write_invitations(folder / INVITATIONS, sent.invitations)


def attend(studio: Studio, folder: Path, recipe: RealRecipe, progress: Progress = quiet) -> Look:
    """Take in what was answered, ask anew what was answered wrongly, and one more person where needed.

    Everything is in the study, so that whoever looks needs neither footage nor clips.  Raises as
    ``annotation.pull.pull`` and ``annotation.push.push`` do.
    """
    pull(studio, folder, progress)
    found = look(folder, recipe)
    study = Study(folder)
    emails = [account.email for account in study.accounts.values()]
    asked = _asked(study)
    wanted = {1: list(study.items.values())}  # one and more were asked of each: only what was refused is sent
    for item_id in found.to_extend:
        wanted.setdefault(len(asked[item_id]) + 1, []).append(study.items[item_id])
    for per_item, items in wanted.items():
        sent = push(
            studio,
            folder,
            items,
            {},
            emails,
            per_item=per_item,
            repeats=0,
            unheard=found.unheard.keys(),
            progress=progress,
        )
    _write_invitations(folder / INVITATIONS, sent.invitations)
    return look(folder, recipe)


def look(folder: Path, recipe: RealRecipe) -> Look:
    """What the answers that were pulled last amount to."""
    study = Study(folder)
    found = answers(study)
    slots, items = list(study.slots.values()), list(study.items.values())
    unheard = excluded(found.rankings, slots, items, recipe.exclusion)
    decisions = decide(items, slots, found.rankings, recipe.decision, unheard)
    answered = {ranking.slot_id for ranking in found.rankings}
    asked = _asked(study)
    waiting, to_extend = 0, []
    for decision in most_gain(decisions):
        open_slots = sum(
            slot.item_id == decision.item_id
            and slot_id not in answered
            and slot.repeat_of is None
            and study.owners[slot_id] not in unheard
            for slot_id, slot in study.slots.items()
        )
        others = study.accounts.keys() - asked[decision.item_id] - unheard.keys()
        waiting += open_slots
        if not open_slots and others:
            to_extend.append(decision.item_id)
    return Look(found, decisions, unheard, waiting, tuple(to_extend))


def annotators_of(recipe: RealRecipe) -> list[str]:
    """The addresses in the recipe's file, one a line. Raises ``ConfigError`` when there are none."""
    try:
        lines = recipe.annotators.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"annotators {recipe.annotators} cannot be read as text ({error}): name a file with an e-mail "
            "address on each line"
        ) from error
    emails = [line.strip() for line in lines if line.strip()]
    if not emails:
        raise ConfigError(f"{recipe.annotators} names nobody: write an e-mail address on each line")
    return emails


def _asked(study: Study) -> dict[str, set[str]]:
    """Who was asked each question."""
    asked: dict[str, set[str]] = {item_id: set() for item_id in study.items}
    for slot_id, slot in study.slots.items():
        asked[slot.item_id].add(study.owners[slot_id])
    return asked


def _write_invitations(path: Path, invitations: Sequence[Invitation]) -> None:
    """Addresses and passwords for whoever invites the annotators, and for nobody else."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["annotator", "email", "password", "tasks", "address"])
    for one in invitations:
        rows.writerow([one.annotator, one.email, one.password or "", one.num_tasks, one.address])
    write_atomically(path, text.getvalue().encode())
    path.chmod(_ONLY_OWNER)
