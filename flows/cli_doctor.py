"""The command ``simmotion doctor``: what is there, what is not, and what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.terminal import console, prepare_environment

if TYPE_CHECKING:
    from flows.doctor import Line

UNWELL = 2
WIDEST = 120


def doctor(
    recipe: Annotated[
        str | None, typer.Option(help="Look at what this recipe needs: a bundled one or a YAML file.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder that the data set would go to.")] = None,
) -> None:
    """Check keys, services, GPU, memory, disk and programs. Pays nothing and shows no key."""
    prepare_environment()
    from flows.doctor import lines
    from flows.recipe import load_recipe

    chosen = load_recipe(recipe) if recipe is not None else None
    folder = out if out is not None else Path("out") / (chosen.name if chosen else "")
    with console.status("looking"):
        found = list(lines(chosen, folder))
    terminal = Console()
    terminal.print(table(found), width=min(terminal.width, WIDEST))
    unwell = [line.finding.name for line in found if line.needed and not line.finding.ok]
    if unwell:
        terminal.print(f"To be mended first: {', '.join(unwell)}.", markup=False, highlight=False)
        raise typer.Exit(UNWELL)
    told = f"All is there for {chosen.name}." if chosen else "What every recipe needs is there."
    terminal.print(told, markup=False, highlight=False)


def table(lines: list[Line]) -> Table:
    """One row a finding; long texts are folded, never cut. What is not needed is marked by a dash."""
    shown = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    shown.add_column(no_wrap=True)
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for line in lines:
        mark, style = (
            ("ok", "green") if line.finding.ok else ("!!", "bold red") if line.needed else ("–", "dim")
        )
        said = Text(line.finding.detail)
        if line.finding.what_to_do:
            said.append(f"\n→ {line.finding.what_to_do}", style="yellow")
        shown.add_row(Text(mark, style), Text(line.finding.name), said)
    return shown
