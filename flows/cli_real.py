"""The command ``build-real``: footage and people to triplets. It parses, calls and prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from data.errors import BackendUnavailable
from flows.terminal import running


def build_real(
    recipe: Annotated[str, typer.Option(help="Bundled recipe (footage) or a YAML file.")] = "footage",
    out: Annotated[Path | None, typer.Option(help="Folder of the data set. (default: out/RECIPE)")] = None,
    footage: Annotated[
        Path | None, typer.Option(help="Folder of videos or manifest, in place of the recipe's.")
    ] = None,
    annotators: Annotated[
        Path | None, typer.Option(help="Text file, an e-mail address on each line, in place of the recipe's.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Videos cut at a time.", min=1)] = None,
) -> None:
    """Build triplets from footage, ranked by people in Label Studio; run it again as answers come in."""
    from flows.real_recipe import load_real_recipe

    name = load_real_recipe(recipe).name
    folder = out if out is not None else Path("out") / name
    with running(f"Stopped. The same command continues {folder}."):
        from flows.build_real import build_real as flow
        from flows.real_publish import markdown

        summary = flow(
            recipe=recipe,
            out=str(folder),
            footage=None if footage is None else str(footage),
            annotators=None if annotators is None else str(annotators),
            workers=workers,
        )
    Console().print(markdown(summary), markup=False, highlight=False, soft_wrap=True)
    if summary.waiting:
        raise BackendUnavailable(
            f"{summary.waiting} answers are still to come: accounts and addresses of the annotators are in "
            f"{summary.study}/invitations.csv. Run the same command again later"
        )
