"""What a recipe would make and cost, said before anything is made.

Knows prices only as facts of the backends.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.recipe import Recipe
from flows.summary import usd_text
from generators.config import build_image_generator, build_video_generator


@dataclass(frozen=True)
class Line:
    """One stage: how many pieces, by what, at which price a piece."""

    stage: str
    pieces: int
    unit: str
    backend: str
    usd_each: float

    @property
    def usd(self) -> float:
        return self.pieces * self.usd_each


def estimate(recipe: Recipe, limit: int | None = None) -> tuple[Line, ...]:
    """The work of a build from nothing, without rejects."""
    triplets = min(recipe.requested, limit or recipe.requested)
    images = build_image_generator(recipe.images).facts
    video = build_video_generator(recipe.video).facts
    return (
        Line("plan", 4 * triplets, "prompts", recipe.writer.kind, 0.0),
        Line("first frames", 2 * triplets, "images", images.name, images.usd_per_image),
        Line("clips", 3 * triplets, "clips", video.name, video.usd_per_clip),
        Line("verdict", triplets, "verdicts", "this machine", 0.0),
    )


def print_estimate(recipe: Recipe, out: Path, limit: int | None, console: Console) -> None:
    """Print the estimate and one planned triplet of each category."""
    lines = estimate(recipe, limit)
    clip = recipe.clip_format
    console.print(Text(f"recipe {recipe.name} → {out} (dry run: nothing is made)", style="bold"))
    console.print(
        Text(
            f"{recipe.per_category} triplets of each of {len(recipe.categories)} categories"
            f"{f', {limit} of them now' if limit else ''}; "
            f"{clip.size_px}×{clip.size_px} px, {clip.duration_seconds:g} s at {clip.fps} fps "
            f"({clip.num_frames} frames), seed {recipe.seed}"
        )
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("stage", "pieces", "", "by", "each", "cost"):
        table.add_column(title, justify="right" if title in ("pieces", "each", "cost") else "left")
    for line in lines:
        cost = (usd_text(line.usd_each), usd_text(line.usd))
        table.add_row(line.stage, f"{line.pieces:,}", line.unit, line.backend, *cost)
    table.add_row("total", "", "", "", "", usd_text(sum(line.usd for line in lines)))
    console.print(table)
    for plan in recipe.overridden(per_category=1).plans():
        console.print(Text(plan.triplet_id, style="bold"))
        for name, prompt in vars(plan.prompts).items():
            console.print(Text(f"  {name.replace('_', ' ')}: {prompt}"))
