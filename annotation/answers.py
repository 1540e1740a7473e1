"""Raw annotations judged one by one: an answer that counts, or a reject with its reason.

Knows no server: it reads the copies that were taken, so that the same copies give the same answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from annotation.items import Judgement, Ranking, Slot
from annotation.journal import read
from annotation.pages import task_data, visible
from annotation.results import Fault, Faulty, parsed
from annotation.study import Study

FILENAME = "raw.jsonl"

Event = Literal["new", "changed", "gone"]
Reason = (
    Fault
    | Literal[
        "unknown_task",  # in none of our slots: somebody added it, or it came from another project
        "task_edited",  # its clips are not those that were pushed
        "edited_interface",  # answered on a page that is not ours
        "not_theirs",  # by another account than the annotator's, or by one that is not there any more
        "altered",  # last written by another account, and we have no copy by its author
        "cancelled",
        "no_time",  # not given on the page, which measures the time
        "superseded",  # the same annotator answered this slot again later
    ]
)


@dataclass(frozen=True)
class Copy:
    """One annotation of Label Studio as it came at one poll, with its task; nothing is left out."""

    polled_at: str
    event: Event
    project: int
    interface_edited: bool
    task: dict[str, Any]
    annotation: dict[str, Any]

    @property
    def annotation_id(self) -> str:
        return str(self.annotation.get("unique_id") or f"{self.project}/{self.annotation.get('id')}")


@dataclass(frozen=True)
class Reject:
    """An annotation that does not count. ``slot_id`` is None where it belongs to no slot of the study."""

    annotation_id: str
    slot_id: str | None
    task_id: int
    reason: Reason
    detail: str


@dataclass(frozen=True)
class Change:
    """An annotation that was different, or gone, when it was looked at again.

    ``by`` is the annotator whose account did it, "someone else" for any other account, and "unknown" for
    what is gone: the server does not say who deletes.
    """

    annotation_id: str
    slot_id: str | None
    event: Literal["changed", "gone"]
    by: str
    noticed_at: str


@dataclass(frozen=True)
class Answers:
    """All that came in so far. One ranking at most for each slot; those of checks are judgements."""

    rankings: tuple[Ranking, ...]
    rejects: tuple[Reject, ...]
    changes: tuple[Change, ...]

    @property
    def judgements(self) -> tuple[Judgement, ...]:
        return tuple(ranking for ranking in self.rankings if isinstance(ranking, Judgement))


class _Refused(Exception):
    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def read_copies(folder: Path) -> list[Copy]:
    """Every copy that was ever taken of a study's annotations, in the order of the polls."""
    return [Copy(**record) for record in read(folder / FILENAME)]


def answers(study: Study) -> Answers:
    """What the copies taken so far amount to.

    Of each annotation counts the last version that its own author wrote, also when somebody altered or
    deleted it later; of several in one slot counts the latest.  Changes are reported, whoever made them.
    """
    copies = read_copies(study.folder)
    versions: dict[str, list[Copy]] = {}
    for copy in copies:
        if copy.event != "gone":
            versions.setdefault(copy.annotation_id, []).append(copy)
    rankings: dict[str, tuple[Ranking, Copy]] = {}
    rejects = []
    for history in versions.values():
        own = [copy for copy in history if _author(copy) == copy.annotation.get("updated_by")]
        copy = (own or history)[-1]
        try:
            ranking = _judged(study, copy)
        except _Refused as refused:
            rejects.append(_reject(study, copy, refused.reason, str(refused)))
            continue
        earlier = rankings.get(ranking.slot_id)
        if earlier is None or earlier[0].submitted_at <= ranking.submitted_at:
            rankings[ranking.slot_id], superseded = (ranking, copy), earlier
        else:
            superseded = (ranking, copy)
        if superseded is not None:
            rejects.append(_reject(study, superseded[1], "superseded", "answered again later"))
    counted = tuple(ranking for ranking, _ in rankings.values())
    return Answers(counted, tuple(rejects), tuple(_changes(study, copies)))


def spent_tasks(study: Study) -> dict[str, set[int]]:
    """Tasks, by slot, that brought nothing that counts and will not be shown again."""
    found = answers(study)
    filled = {ranking.slot_id for ranking in found.rankings}
    spent: dict[str, set[int]] = {}
    for reject in found.rejects:
        if reject.slot_id is not None and reject.slot_id not in filled:
            spent.setdefault(reject.slot_id, set()).add(reject.task_id)
    return spent


def _judged(study: Study, copy: Copy) -> Ranking:
    """The answer in one annotation. Raises ``_Refused``."""
    slot = _slot(study, copy)
    if slot is None:
        raise _Refused(
            "unknown_task", f"task {copy.task.get('id')} of project {copy.project} is not of this study"
        )
    annotator = study.owners[slot.slot_id]
    if copy.project != study.projects[annotator] or copy.annotation.get("project") != copy.project:
        raise _Refused(
            "unknown_task", f"slot {slot.slot_id} is not in project {copy.annotation.get('project')}"
        )
    if not _shows(copy.task["data"], task_data(study, slot, study.items[slot.item_id])):
        raise _Refused("task_edited", f"the data of task {copy.task.get('id')} is not what was pushed")
    if copy.interface_edited:
        raise _Refused("edited_interface", "the labelling interface had been edited when it came")
    if _author(copy) != copy.annotation.get("updated_by"):
        writer = copy.annotation.get("updated_by")
        raise _Refused("altered", f"in the name of account {_author(copy)}, last written by {writer}")
    if _author(copy) is None or _author(copy) != study.accounts[annotator].user_id:
        raise _Refused("not_theirs", f"by account {_author(copy)}, expected that of {annotator}")
    if copy.annotation.get("was_cancelled"):
        raise _Refused("cancelled", "was skipped")
    try:
        said = parsed(study, slot, copy.annotation.get("result"))
    except Faulty as faulty:
        raise _Refused(faulty.fault, str(faulty)) from faulty
    seconds = copy.annotation.get("lead_time")
    if not isinstance(seconds, (int, float)) or not seconds > 0:
        raise _Refused("no_time", f"took {seconds!r} seconds")
    ranking = Ranking(
        slot_id=slot.slot_id,
        item_id=slot.item_id,
        annotator=annotator,
        verdict=said.verdict,
        order=said.order,
        seconds=float(seconds),
        submitted_at=str(copy.annotation.get("updated_at")),
        annotation_id=copy.annotation_id,
    )
    return ranking if said.said is None else Judgement(**vars(ranking), said=said.said)


def _shows(data: Any, pushed: dict[str, Any]) -> bool:
    """Whether a task shows what was pushed."""
    return isinstance(data, dict) and {name: visible(data.get(name)) for name in pushed} == visible(pushed)


def _changes(study: Study, copies: Iterable[Copy]) -> Iterator[Change]:
    for copy in copies:
        if copy.event == "new":
            continue
        slot = _slot(study, copy)
        by = "unknown"
        if copy.event == "changed":
            by_id = {account.user_id: account.annotator for account in study.accounts.values()}
            by = by_id.get(copy.annotation.get("updated_by"), "someone else")
        yield Change(copy.annotation_id, slot.slot_id if slot else None, copy.event, by, copy.polled_at)


def _slot(study: Study, copy: Copy) -> Slot | None:
    data = copy.task.get("data")
    key = data.get("task_key") if isinstance(data, dict) else None
    return study.slots.get(key) if isinstance(key, str) else None


def _author(copy: Copy) -> int | None:
    """``completed_by`` is a number or a dictionary, depending on the call."""
    author = copy.annotation.get("completed_by")
    if isinstance(author, dict):
        author = author.get("id")
    return author if isinstance(author, int) else None


def _reject(study: Study, copy: Copy, reason: Reason, detail: str) -> Reject:
    slot = _slot(study, copy)
    task_id = int(copy.task.get("id", -1))
    return Reject(copy.annotation_id, slot.slot_id if slot else None, task_id, reason, detail)
