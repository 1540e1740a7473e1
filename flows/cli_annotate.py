"""The commands ``annotate …``: people rank clips in Label Studio. It parses, calls and prints."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from data.errors import ConfigError
from flows.terminal import console

if TYPE_CHECKING:
    from annotation.answers import Answers
    from annotation.environment import Progress
    from annotation.studio import Studio
    from annotation.study import Study

app = typer.Typer(help="Have people rank clips by their motion, in Label Studio.", no_args_is_help=True)

StudyFolder = Annotated[
    Path, typer.Argument(metavar="STUDY", help="Folder of the study; holds passwords.", show_default=False)
]
Home = Annotated[
    Path | None,
    typer.Option(
        help="Where our own server keeps its data. (default: ~/.local/share/simmotion/label-studio)"
    ),
]


@app.command()
def up(
    port: Annotated[
        int | None, typer.Option(help="Port on 127.0.0.1. (default: the one it had, else a free one)")
    ] = None,
    home: Home = None,
) -> None:
    """Start a Label Studio of our own in the background; the first time installs it (about 1 GB)."""
    from annotation.server import SECRETS, start

    folder = _home(home)
    with _telling() as progress:
        server = start(folder, port, progress)
    _print(f"{server.url} is up, process {server.pid}, on {server.database}.")
    _print(f"Administrator {server.email}; password and token are in {folder / SECRETS}.")
    _print("It listens on this machine only. `simmotion annotate down` stops it.")


@app.command()
def down(home: Home = None) -> None:
    """Stop the Label Studio that `up` started. What people did is kept."""
    from annotation.server import stop

    _print("Stopped." if stop(_home(home)) else f"No server runs from {_home(home)}.")


@app.command()
def doctor(home: Home = None) -> None:
    """Say what is wrong with the Label Studio that would be used."""
    from annotation.doctor import examine

    wrong = 0
    for finding in examine(_home(home)):
        wrong += not finding.good
        _print(f"{'ok   ' if finding.good else 'wrong'} {finding.text}")
    if wrong:
        raise ConfigError(f"{wrong} things are wrong with Label Studio")


@app.command()
def push(
    study: StudyFolder,
    items: Annotated[Path, typer.Option(help="JSON lines: item_id, reference, candidates, known_order.")],
    clips: Annotated[Path, typer.Option(help="Folder with their clips, found by sha256.")],
    annotators: Annotated[Path, typer.Option(help="Text file, an e-mail address on each line.")],
    per_item: Annotated[int, typer.Option(help="Rankings of each item.", min=1)] = 5,
    repeats: Annotated[int, typer.Option(help="Items that each annotator sees twice.", min=0)] = 2,
    title: Annotated[str, typer.Option(help="What annotators see above their tasks.")] = "Motion",
    home: Home = None,
) -> None:
    """Give every annotator their tasks. The same command continues, and adds nothing twice."""
    from annotation.items_file import read_items
    from annotation.previews import clips_below
    from annotation.push import push as push_items

    wanted = read_items(items)
    emails = _lines(annotators)
    with _studio(home) as studio, _telling() as progress:
        done = push_items(
            studio,
            study,
            wanted,
            clips_below(clips),
            emails,
            per_item=per_item,
            repeats=repeats,
            title=title,
            progress=progress,
        )
    table = Table("annotator", "e-mail", "password", "tasks", "address", box=None)
    for one in done.invitations:
        table.add_row(one.annotator, one.email, one.password or "their own", str(one.num_tasks), one.address)
    Console().print(table, soft_wrap=True)
    _print(f"{done.num_new_tasks} new tasks, {done.num_new_clips} new clips.")


@app.command()
def pull(study: StudyFolder, home: Home = None) -> None:
    """Copy all annotations out, check each, and say what changed since the last time."""
    from annotation.pull import pull as pull_answers
    from annotation.study import Study

    with _studio(home) as studio, _telling() as progress:
        found = pull_answers(studio, study, progress)
    for change in found.changes:
        _print(
            f"{change.event} by {change.by}: annotation {change.annotation_id}, noticed {change.noticed_at}"
        )
    for reject in found.rejects:
        _print(f"rejected, {reject.reason}: annotation {reject.annotation_id}: {reject.detail}")
    _print_standing(Study(study), found)


@app.command()
def status(study: StudyFolder) -> None:
    """Progress by annotator and hours left, by what was pulled last."""
    from annotation.answers import answers
    from annotation.study import Study

    known = Study(study)
    _print_standing(known, answers(known))


def _print_standing(study: Study, found: Answers) -> None:
    from annotation.status import standing

    now = standing(study, found)
    table = Table("annotator", "answered", "of", "without ranking", "rejected", "median seconds", box=None)
    for own in now.annotators:
        median = "" if own.median_seconds is None else f"{own.median_seconds:.0f}"
        numbers = (own.num_answered, own.num_slots, own.num_without_ranking, own.num_rejected)
        table.add_row(own.annotator, *map(str, numbers), median)
    Console().print(table, soft_wrap=True)
    left = "" if now.hours_left is None else f"; about {now.hours_left:.1f} annotator-hours are left"
    whole = sum(item.num_answered >= item.num_slots for item in now.items)
    items = f"{whole} of {len(now.items)} items complete"
    _print(f"{now.num_answered} of {now.num_slots} answers are in, {items}{left}.")


def _home(home: Path | None) -> Path:
    from annotation.server import default_home

    return default_home() if home is None else home


def _studio(home: Path | None) -> Studio:
    from annotation.server import connect
    from annotation.studio import Studio

    return Studio(connect(_home(home)))


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as text: {error}") from error


@contextmanager
def _telling() -> Iterator[Progress]:
    with console.status("connecting") as line:
        yield line.update


def _print(line: str) -> None:
    Console().print(line, markup=False, highlight=False, soft_wrap=True)
