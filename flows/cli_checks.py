"""The commands ``annotate check``, ``prefer`` and ``results``: people check triplets and compare pairs.

It parses, calls and prints.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from flows.annotate_console import (
    Annotators,
    Home,
    StudyFolder,
    addresses,
    connected,
    tell,
    tell_pushed,
    telling,
)

if TYPE_CHECKING:
    from annotation.checks import Share

NewStudy = Annotated[Path, typer.Option(help="Folder of the study, new or to be continued; holds passwords.")]
PerItem = Annotated[int, typer.Option(help="Answers to each item; fewer than 3 decide nothing.", min=1)]
Repeats = Annotated[int, typer.Option(help="Items that each annotator sees twice.", min=0)]
Title = Annotated[str, typer.Option(help="What annotators see above their tasks.")]


def check(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Finished data set.", show_default=False)],
    annotators: Annotators,
    study: NewStudy,
    per_item: PerItem = 3,
    repeats: Repeats = 2,
    gold: Annotated[
        Path | None, typer.Option(help="Data set of the procedural generator, for items with known answers.")
    ] = None,
    num_gold: Annotated[int, typer.Option(help="Items with known answers that everybody gets.", min=1)] = 5,
    title: Title = "Motion",
    home: Home = None,
) -> None:
    """Ask whether the positive of each triplet moves like its reference, and the negative does not."""
    from annotation.push import push
    from annotation.triplets import read_gold, read_triplets

    emails = addresses(annotators)
    with tempfile.TemporaryDirectory() as folder:
        items, clips = read_triplets(out, Path(folder))
        if gold is not None:
            known, more = read_gold(gold, Path(folder), num_gold)
            items, clips = items + known, clips | more
        with connected(home) as studio, telling() as progress:
            done = push(
                studio,
                study,
                items,
                clips,
                emails,
                per_item=per_item,
                repeats=repeats,
                title=title,
                kind="check",
                progress=progress,
            )
    tell_pushed(done)


def prefer(
    pairs: Annotated[
        Path, typer.Argument(metavar="PAIRS", help="Folder of `simmotion preference`.", show_default=False)
    ],
    annotators: Annotators,
    study: NewStudy,
    source: Annotated[
        Path | None, typer.Option(help="Folder with clips of the same names, shown beside each pair.")
    ] = None,
    per_item: PerItem = 3,
    repeats: Repeats = 2,
    title: Title = "Motion",
    home: Home = None,
) -> None:
    """Ask which clip of each pair is better, by the question that the pairs came with."""
    from annotation.pairs import read_pairs
    from annotation.push import push

    found = read_pairs(pairs, source)
    emails = addresses(annotators)
    with connected(home) as studio, telling() as progress:
        done = push(
            studio,
            study,
            found.items,
            found.clips,
            emails,
            per_item=per_item,
            repeats=repeats,
            title=title,
            kind="preference",
            question=found.question,
            progress=progress,
        )
    tell_pushed(done)


def results(
    study: StudyFolder,
    to: Annotated[
        Path, typer.Option(help="Data set beside whose shards the columns are written.", show_default=False)
    ],
) -> None:
    """Write what people said as columns beside the shards, by what was pulled last."""
    from annotation.outcomes import write_outcomes

    written = write_outcomes(study, to)
    for annotator, share in written.accuracy.items():
        _tell_accuracy(annotator, share, annotator in written.unheard)
    table = Table("outcome", "items", box=None)
    for outcome, number in sorted(Counter(written.outcomes).items()):
        table.add_row(outcome, str(number))
    Console().print(table)
    if written.num_elsewhere:
        tell(f"{written.num_elsewhere} triplets of the study are not in {to}, or with other clips.")
    tell(f"{written.path}: {len(written.outcomes)} rows of {written.num_answers} answers.")


def _tell_accuracy(annotator: str, share: Share, unheard: bool) -> None:
    interval = f"{share.low:.0%} to {share.high:.0%}"
    end = "; their answers do not count" if unheard else ""
    tell(f"{annotator}: {share.share:.0%} of {share.total} known answers right, {interval}{end}.")
