"""The command ``preference``: pairs of clips for people to compare. It parses, calls and prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def preference(
    first: Annotated[
        Path, typer.Argument(metavar="A_FOLDER", help="Clips made one way.", show_default=False)
    ],
    second: Annotated[
        Path,
        typer.Argument(metavar="B_FOLDER", help="Clips of the same names, another way.", show_default=False),
    ],
    to: Annotated[Path, typer.Option(help="New or empty folder to write to.", show_default=False)],
    seed: Annotated[int, typer.Option(help="Of the order of pairs and of left and right.")] = 0,
    question: Annotated[
        str | None, typer.Option(help="What annotators are asked. (default: which has the more even pace)")
    ] = None,
) -> None:
    """Export pairs of clips that annotators compare without knowing which is whose."""
    from annotation.preference import KEY, QUESTION, STUDY, export_study

    drawn = export_study(first, second, to, seed, QUESTION if question is None else question)
    for line in (
        f"{to / STUDY}: {len(drawn)} pairs, to be handed out",
        f"{to / KEY}: which is which, to be kept",
    ):
        Console().print(line, markup=False, highlight=False, soft_wrap=True)
