"""The command ``pace``: how evenly videos change. It parses, calls and prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from flows.terminal import running


def pace(
    videos: Annotated[
        list[Path],
        typer.Argument(
            metavar="VIDEO", help="Videos at a constant frame rate, of any length.", show_default=False
        ),
    ],
    backbone: Annotated[
        str,
        typer.Option(
            metavar="NAME[=WEIGHTS[@REVISION]]",
            help="Backbone of single images; hog needs no weights and is not semantic.",
        ),
    ] = "siglip2-pooled",
    json: Annotated[Path | None, typer.Option(help="Write all figures and curves to this file.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the curves as this PNG file.")] = None,
    precision: Annotated[
        Literal["fp32", "bf16"],
        typer.Option(help="Arithmetic of the backbone; bf16 is 1.5 to 3 times faster."),
    ] = "fp32",
    device: Annotated[
        str | None,
        typer.Option(help="Where the backbone runs. (default: cuda where there is one, else cpu)"),
    ] = None,
) -> None:
    """Measure how evenly videos change: the Semantic Progress Function and its deviation from a line."""
    with running("Stopped. Nothing was written."):
        from flows.pace import pace as pace_flow
        from flows.pace_report import terminal_table

        found = pace_flow(
            paths=[str(video) for video in videos],
            backbone=backbone,
            precision=precision,
            device=device,
            json_path=None if json is None else str(json),
            plot_path=None if plot is None else str(plot),
        )
    Console().print(terminal_table(found))
    for file in (json, plot):
        if file is not None:
            Console().print(str(file), markup=False, highlight=False, soft_wrap=True)
