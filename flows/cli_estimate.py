"""The command ``simmotion estimate``: what a recipe would take and cost, before anything is made."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console


def estimate(
    recipe: Annotated[str, typer.Argument(help="Bundled recipe or a YAML file.", show_default=False)],
    limit: Annotated[int | None, typer.Option(help="Of at most so many triplets.", min=1)] = None,
) -> None:
    """Print calls, tokens, images, GPU hours and dollars of a build. Asks nobody and needs no key."""
    from flows.estimate import print_estimate
    from flows.recipe import load_recipe

    print_estimate(load_recipe(recipe), None, limit, Console())
