"""The commands ``annotate …``: people judge clips in Label Studio. It parses, calls and prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from data.errors import ConfigError
from flows import cli_checks, cli_watch
from flows.annotate_console import (
    Annotators,
    Home,
    StudyFolder,
    addresses,
    connected,
    home_folder,
    tell,
    tell_pushed,
    telling,
)

if TYPE_CHECKING:
    from annotation.answers import Answers
    from annotation.study import Study

app = typer.Typer(help="Have people judge clips by their motion, in Label Studio.", no_args_is_help=True)


@app.command()
def up(
    port: Annotated[
        int | None, typer.Option(help="Port on 127.0.0.1. (default: the one it had, else a free one)")
    ] = None,
    home: Home = None,
) -> None:
    """Start a Label Studio of our own in the background; the first time installs it (about 1 GB)."""
    from annotation.server import SECRETS, start

    folder = home_folder(home)
    with telling() as progress:
        server = start(folder, port, progress)
    tell(f"{server.url} is up, process {server.pid}, on {server.database}.")
    tell(f"Administrator {server.email}; password and token are in {folder / SECRETS}.")
    tell("It listens on this machine only. `simmotion annotate down` stops it.")


@app.command()
def down(home: Home = None) -> None:
    """Stop the Label Studio that `up` started. What people did is kept."""
    from annotation.server import stop

    tell("Stopped." if stop(home_folder(home)) else f"No server runs from {home_folder(home)}.")


@app.command()
def doctor(home: Home = None) -> None:
    """Say what is wrong with the Label Studio that would be used."""
    from annotation.doctor import examine
    from flows.annotators_words import counted

    wrong = 0
    for finding in examine(home_folder(home)):
        wrong += not finding.good
        tell(f"{'ok   ' if finding.good else 'wrong'} {finding.text}")
    if wrong:
        raise ConfigError(f"{counted(wrong, 'fault')} found with the Label Studio that would be used")


@app.command()
def push(
    study: StudyFolder,
    items: Annotated[Path, typer.Option(help="JSON lines: item_id, reference, candidates, known_order.")],
    clips: Annotated[Path, typer.Option(help="Folder with their clips, found by sha256.")],
    annotators: Annotators,
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
    emails = addresses(annotators)
    with connected(home) as studio, telling() as progress:
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
    tell_pushed(done)


@app.command()
def pull(study: StudyFolder, home: Home = None) -> None:
    """Copy all annotations out, check each, and say what changed since the last time."""
    from annotation.pull import pull as pull_answers
    from annotation.study import Study

    with connected(home) as studio, telling() as progress:
        found = pull_answers(studio, study, progress)
    for change in found.changes:
        tell(f"{change.event} by {change.by}: annotation {change.annotation_id}, noticed {change.noticed_at}")
    for reject in found.rejects:
        tell(f"rejected, {reject.reason}: annotation {reject.annotation_id}: {reject.detail}")
    _print_standing(Study(study), found)


@app.command()
def status(study: StudyFolder, rules: cli_watch.RulesFile = None, page: cli_watch.PageFile = None) -> None:
    """Progress, hours left, agreement and who is not heard, by what was pulled last."""
    from annotation.answers import answers
    from annotation.study import Study

    known = Study(study)
    found = answers(known)
    _print_standing(known, found)
    cli_watch.tell_quality(known, found, rules, page)


def _print_standing(study: Study, found: Answers) -> None:
    from annotation.status import standing

    now = standing(study, found)
    table = Table("annotator", "answered", "of", "without ranking", "rejected", "median seconds", box=None)
    for own in now.annotators:
        median = "" if own.median_seconds is None else f"{own.median_seconds:.0f}"
        numbers = (own.num_answered, own.num_slots, own.num_without_ranking, own.num_rejected)
        table.add_row(own.annotator, *map(str, numbers), median)
    Console().print(table, soft_wrap=True)
    tell(f"{cli_watch.standing_text(now)}.")


app.command()(cli_watch.watch)
app.command()(cli_checks.check)
app.command()(cli_checks.prefer)
app.command()(cli_checks.results)
