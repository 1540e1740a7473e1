"""Tasks out: every slot of a study becomes a task of its annotator on the server, once.

Knows nothing of answers.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from annotation.answers import spent_tasks
from annotation.dealing import check_items, deal
from annotation.environment import Progress, quiet
from annotation.example import example_picture
from annotation.items import Kind, RankingItem
from annotation.pages import instruction, label_config, task_data
from annotation.previews import write_preview
from annotation.project import MEDIA, check_project
from annotation.studio import Studio
from annotation.study import Account, Study
from data.errors import ConfigError, VideoError
from data.lock import RunLock

_BATCH_TASKS = 100
_EXAMPLE = "example"
_TITLE_LETTERS = 30  # of Label Studio's 50


@dataclass(frozen=True)
class Invitation:
    """What one annotator is given. ``password`` is None for an account that was there before."""

    annotator: str
    email: str
    password: str | None = field(repr=False)
    address: str
    num_tasks: int


@dataclass(frozen=True)
class Pushed:
    """What a push did. A second one of the same adds nothing: both numbers are then 0."""

    num_new_tasks: int
    num_new_clips: int
    invitations: tuple[Invitation, ...]


def push(
    studio: Studio,
    folder: Path,
    items: Sequence[RankingItem],
    clips: Mapping[str, Path],
    emails: Sequence[str],
    *,
    per_item: int,
    repeats: int = 2,
    unheard: Collection[str] = (),
    title: str = "Motion",
    kind: Kind = "ranking",
    question: str = "",
    progress: Progress = quiet,
) -> Pushed:
    """Ask each annotator for their share of the items, in a project of their own, and say where it is.

    ``folder`` is the study: new, or one to be continued or added to.  ``clips`` has the file of every clip
    by its sha256.  ``kind`` is what is asked of every item, in a preference by ``question``.  An item is
    judged by ``per_item`` annotators; each sees ``repeats`` of theirs twice, and every gold item.  One
    project per annotator makes sure that nobody is shown another's tasks or answers: the community edition
    can assign nothing itself.

    Interrupted at any point, the same call continues; called again after a pull, it asks anew where answers
    were rejected.  Raises ``ConfigError`` for items that cannot be ranked and for too few or odd annotators,
    ``VideoError`` for clips that are missing or unreadable, all before anything is sent; ``ProjectGone``,
    ``InterfaceEdited``, ``ConfigError`` and ``BackendUnavailable`` as the server gives cause.
    """
    check_items(items, kind)
    if (kind == "preference") != bool(question.strip()):
        raise ConfigError(f"{kind} with the question {question!r}: a preference needs one, and nothing else")
    people = _checked(emails)
    with RunLock(folder):
        study = Study(folder, create=True)
        _require_same(study, kind, question)
        people_by_annotator = _named(studio, study, people)
        annotators = list(people_by_annotator)
        for item in items:
            if study.items.get(item.item_id, item) != item:
                raise ConfigError(
                    f"item {item.item_id!r} was pushed with other clips before: give the new one a new name"
                )
        new = deal(study, items, annotators, per_item, repeats, unheard)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".previews.") as temporary:
            previews = _previews(study, kind, items, clips, Path(temporary), progress)
            _upload(studio, study, previews, progress)
        _make_accounts(studio, study, people_by_annotator, progress)
        if not study.page:
            study.note("page", {"kind": kind, "question": question, "label_config": label_config(kind)})
        _make_projects(studio, study, annotators, title, progress)
        for item in items:
            if item.item_id not in study.items:
                study.note_item(item)
        for dealt in new:
            study.note_slot(dealt.slot, dealt.annotator)
        num_tasks = sum(_send(studio, study, annotator, progress) for annotator in study.projects)
        return Pushed(num_tasks, len(previews), invitations(studio.url, study))


def invitations(url: str, study: Study) -> tuple[Invitation, ...]:
    """Everybody's account and the address of their label stream.

    Not the address of the project: that page shows what others have answered.
    """
    return tuple(
        Invitation(
            account.annotator,
            account.email,
            account.password,
            f"{url}/projects/{study.projects[account.annotator]}/data?labeling=1",
            len(study.slots_of(account.annotator)),
        )
        for account in study.accounts.values()
        if account.annotator in study.projects
    )


def _require_same(study: Study, kind: Kind, question: str) -> None:
    """A study asks one thing: answers to another cannot be put beside those that are in."""
    if study.page and (study.kind, study.question) != (kind, question):
        asked, wanted = (
            f"{one} ({two})" if two else one for one, two in ((study.kind, study.question), (kind, question))
        )
        raise ConfigError(f"{study.folder} asks for a {asked}, not for a {wanted}: name a new folder for it")


def _checked(emails: Sequence[str]) -> list[str]:
    people = [email.strip().lower() for email in emails]
    for email in people:
        name, at, host = email.partition("@")
        if not (name and at and host) or any(letter.isspace() for letter in email):
            raise ConfigError(f"annotator {email!r}: expected an e-mail address, which they log in with")
        if people.count(email) > 1:
            raise ConfigError(f"annotator {email} is named twice: two rankings must be of two people")
    return people


def _named(studio: Studio, study: Study, people: Sequence[str]) -> dict[str, str]:
    """Addresses by annotator. Who has another address by now is still the one they were."""
    ids = studio.user_ids()
    known = {account.email: account.annotator for account in study.accounts.values()}
    by_id = {account.user_id: account.annotator for account in study.accounts.values() if account.user_id}
    named: dict[str, str] = {}
    for email in people:
        annotator = (
            known.get(email) or by_id.get(ids.get(email, -1)) or "a" + study.opaque("annotator", email)[:8]
        )
        if annotator in named:
            raise ConfigError(
                f"{named[annotator]} and {email} are one person on {studio.url}: name them once"
            )
        named[annotator] = email
    return named


def _previews(
    study: Study,
    kind: Kind,
    items: Sequence[RankingItem],
    clips: Mapping[str, Path],
    folder: Path,
    progress: Progress,
) -> dict[str, Path]:
    """Small files with names that tell nothing, of every clip that is not on the server yet."""
    wanted = dict.fromkeys(clip for item in items for clip in (item.reference, *item.candidates))
    missing = [clip for clip in wanted if clip and clip not in study.clip_urls]
    for clip in missing:
        if clip not in clips:
            raise VideoError(clip, "missing", "no file of this sha256 was given: name the folder that has it")
    made = {}
    for number, clip in enumerate(missing, 1):
        progress(f"making previews ({number} of {len(missing)})")
        made[clip] = folder / f"{study.opaque('clip', clip)}.mp4"
        write_preview(clips[clip], made[clip])
    if _EXAMPLE not in study.clip_urls:
        made[_EXAMPLE] = folder / f"{study.opaque(_EXAMPLE)}.gif"
        made[_EXAMPLE].write_bytes(example_picture(kind))
    return made


def _upload(studio: Studio, study: Study, previews: Mapping[str, Path], progress: Progress) -> None:
    """Put previews into a project without a label configuration: others refuse plain files."""
    if study.media_project is None:
        marker = study.marker(MEDIA)
        there = studio.projects_by_description().get(marker)
        made = there[0] if there else studio.create_project("Clips", marker, None)
        study.note("media", {"project": made})
    assert study.media_project is not None
    check_project(studio, study, study.media_project, MEDIA)
    for number, (clip, path) in enumerate(previews.items(), 1):
        progress(f"uploading clips ({number} of {len(previews)})")
        study.note("clip", {"clip": clip, "url": studio.upload(study.media_project, path)})


def _make_accounts(studio: Studio, study: Study, people: Mapping[str, str], progress: Progress) -> None:
    """Accounts that can log in; a password is written down before it is used."""
    open_ = [name for name in people if name not in study.accounts or study.accounts[name].user_id is None]
    if not open_:
        return
    ids = studio.user_ids()
    for annotator in open_:
        email = people[annotator]
        if annotator not in study.accounts:
            password = None if email in ids else secrets.token_urlsafe(12)
            study.note_account(Account(annotator, email, password))
        account = study.accounts[annotator]
        if account.password is not None and account.email not in ids:
            progress(f"making an account for {account.email}")
            studio.sign_up(account.email, account.password)
    ids = studio.user_ids()
    for annotator in open_:
        account = study.accounts[annotator]
        study.note_account(replace(account, user_id=ids[account.email]))


def _make_projects(
    studio: Studio, study: Study, annotators: Sequence[str], title: str, progress: Progress
) -> None:
    new = [annotator for annotator in annotators if annotator not in study.projects]
    there = studio.projects_by_description() if new else {}
    for annotator in new:
        progress(f"making the project of {annotator}")
        marker = study.marker(annotator)
        if marker in there:  # made just before a crash
            project_id = there[marker][0]
        else:
            name = f"{title[:_TITLE_LETTERS]} {annotator}"
            guide = instruction(study.kind, study.clip_urls[_EXAMPLE])
            project_id = studio.create_project(name, marker, study.page, guide)
        study.note("project", {"annotator": annotator, "project": project_id})


def _send(studio: Studio, study: Study, annotator: str, progress: Progress) -> int:
    """Import the tasks that the server lacks, by what it holds rather than by what we remember.

    A slot whose answers were all rejected gets one more task: Label Studio shows nobody the same task twice.
    """
    project_id = study.projects[annotator]
    check_project(studio, study, project_id, annotator)
    spent = spent_tasks(study)
    there = studio.task_keys(project_id)
    slots = study.slots_of(annotator)
    missing = [slot for slot in slots if set(there.get(slot.slot_id, ())) <= spent.get(slot.slot_id, set())]
    for begin in range(0, len(missing), _BATCH_TASKS):
        progress(f"sending tasks to {annotator} ({begin} of {len(missing)})")
        batch = missing[begin : begin + _BATCH_TASKS]
        studio.import_tasks(project_id, [task_data(study, slot, study.items[slot.item_id]) for slot in batch])
    if missing:
        there = studio.task_keys(project_id)
    for slot in slots:
        newest = max(there[slot.slot_id])
        if study.tasks.get(slot.slot_id) != newest:
            study.note("task", {"slot": slot.slot_id, "task": newest})
    return len(missing)
