"""The command ``annotate watch``, and what ``annotate status`` tells of quality. It parses, calls, prints."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.annotate_console import Home, StudyFolder, home_folder, tell
from flows.terminal import INTERRUPTED

if TYPE_CHECKING:
    from annotation.answers import Answers
    from annotation.status import Standing
    from annotation.study import Study
    from annotation.watching import Look

RulesFile = Annotated[
    Path | None,
    typer.Option(
        "--rules",
        help="YAML file with `exclusion:` and `decision:`, who is heard and when enough was asked.",
    ),
]
PageFile = Annotated[
    Path | None, typer.Option("--page", help="HTML file to write: how everyone works, how items stand.")
]


def watch(
    study: StudyFolder,
    every: Annotated[float, typer.Option(help="Seconds between polls that nothing hints at.", min=5)] = 300,
    until_complete: Annotated[
        bool, typer.Option("--until-complete", help="End when everything was answered.")
    ] = False,
    home: Home = None,
) -> None:
    """Pull at an interval, and as soon as the server hints at an answer, until Ctrl-C."""
    from annotation.server import connect
    from annotation.watching import watch as looks

    folder = home_folder(home)
    try:
        for look in looks(study, lambda: connect(folder), every_seconds=every, until_complete=until_complete):
            for line in look_lines(look):
                tell(f"{datetime.now():%H:%M:%S} {line}")
    except KeyboardInterrupt:
        tell("Stopped. The same command continues; nothing that people submit is lost.")
        raise typer.Exit(INTERRUPTED) from None


def look_lines(look: Look) -> Iterator[str]:
    """What is said of one poll."""
    if look.trouble is not None:
        yield f"trouble: {look.trouble}"
    if look.deaf is not None:
        yield f"polls only, no hints: {look.deaf}"
    yield f"{look.num_new or 'nothing'} new, {standing_text(look.standing)}"
    if look.next_seconds is not None and look.trouble is not None:
        yield f"trying again in {look.next_seconds:.0f} s"


def standing_text(now: Standing) -> str:
    """``12 of 40 answers are in, 3 of 8 items complete; about 1.2 h of annotators' work are left``."""
    from flows.annotators_words import work_text

    left = f"; about {work_text(now.hours_left)} of annotators' work are left" if now.hours_left else ""
    whole = sum(item.num_answered >= item.num_slots for item in now.items)
    return (
        f"{now.num_answered} of {now.num_slots} answers are in, {whole} of {len(now.items)} items "
        f"complete{left}"
    )


def tell_quality(study: Study, found: Answers, rules_file: Path | None, page: Path | None) -> None:
    """Who is not heard and why, and how far the others agree; all of it on a page where one is wanted."""
    from annotation.overview import overview
    from flows.annotators_words import agreement_text, fault_text
    from flows.ranking_rules import load_rules

    rules = load_rules(rules_file)
    known = overview(study, found, rules.exclusion)
    for annotator, faults in known.faults.items():
        told = "; ".join(fault_text(fault, known.qualities[annotator], rules.exclusion) for fault in faults)
        tell(f"{annotator} is not heard: {told}")
    tell(agreement_text(known.agreement))
    if page is not None:
        from annotation.decision import decide
        from flows.annotators_page import write_annotators_page

        slots, items = list(study.slots.values()), list(study.items.values())
        decisions = decide(items, slots, found.rankings, rules.decision, known.faults)
        tell(f"{write_annotators_page(study, found, rules.exclusion, page, decisions)}: written.")
