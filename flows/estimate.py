"""What a recipe would make, take and cost, said before anything is made.

Knows no prices and no arithmetic of a backend: both are asked. Needs neither keys nor network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from data.paid import Demand, Usage
from data.schema import Prompts
from flows.gateway import NoGateway
from flows.prices import Prices, load_prices
from flows.recipe import Recipe
from flows.summary import usd_text
from generators.base import BackendFacts
from generators.config import ProceduralConfig, build_image_generator, gpu_seconds_per_triplet
from prompts.config import build_writer
from prompts.writer import WriteRequest, WriterFacts

ASSUMED_REJECTS = 0.3
"""Share of attempts by trained models that the verdict is assumed to refuse.

Nobody publishes such a share, so this is our own guess, on the side of too much; the report of a run
states the true one.  Renderings are exact by construction: none is assumed for them.
"""


@dataclass(frozen=True)
class Line:
    """One kind of work: how many pieces, and what they take. ``gpu_hours`` is None where nobody knows.

    Numbers are means, so that parts of a call occur. Token counts are of all calls together.
    """

    stage: str
    by: str
    pieces: float
    unit: str
    calls: float = 0.0
    input_tokens: float = 0.0
    output_tokens: float = 0.0
    gpu_hours: float | None = 0.0
    usd: float = 0.0


@dataclass(frozen=True)
class Estimate:
    """The work of a build from nothing. ``attempts`` are those at one triplet, on average."""

    triplets: int
    attempts: float
    assumed_rejects: float
    prices: str
    lines: tuple[Line, ...]

    @property
    def usd(self) -> float:
        return sum(line.usd for line in self.lines)

    @property
    def gpu_hours(self) -> float:
        """Of those lines that know theirs."""
        return sum(line.gpu_hours or 0.0 for line in self.lines)


def estimate(recipe: Recipe, prices: Prices, limit: int | None = None) -> Estimate:
    """What ``recipe`` takes, or its first ``limit`` triplets. ``ConfigError`` for a model without a price."""
    gateway = NoGateway()
    writer = build_writer(recipe.writer, gateway).facts
    images = build_image_generator(recipe.images, gateway).facts
    triplets = min(recipe.requested, limit or recipe.requested)
    share = ASSUMED_REJECTS if images.ai_generated or not isinstance(recipe.video, ProceduralConfig) else 0.0
    attempts = sum(share**attempt for attempt in range(recipe.max_attempts))
    tries = triplets * attempts
    gpu_seconds = gpu_seconds_per_triplet(recipe.video, recipe.clip_format)
    lines = (
        *(_asked("prompts", writer.demand, triplets, prices) or [_written(writer, triplets)]),
        *(_asked("first frames", images.demand, tries, prices) or [_drawn(images, tries)]),
        Line("clips", recipe.video.kind, 3 * tries, "clips", gpu_hours=tries * gpu_seconds / 3600),
        Line("verdict", "this machine", tries, "triplets"),
    )
    return Estimate(triplets, attempts, share, prices.source, lines)


def print_estimate(recipe: Recipe, out: Path | None, limit: int | None, console: Console) -> None:
    """Print the estimate and what one triplet of each category is about."""
    found = estimate(recipe, load_prices(recipe.prices, datetime.now(UTC).date()), limit)
    clip = recipe.clip_format
    console.print(Text(f"recipe {recipe.name}{f' → {out}' if out else ''} (nothing is made)", style="bold"))
    console.print(
        Text(
            f"{recipe.per_category} triplets of each of {len(recipe.categories)} categories"
            f"{f', {limit} of them now' if limit else ''}; "
            f"{clip.size_px}×{clip.size_px} px, {clip.duration_seconds:g} s at {clip.fps} fps "
            f"({clip.num_frames} frames), seed {recipe.seed}"
        )
    )
    console.print(_table(found.lines))
    for sentence in sentences(found, recipe.budget_usd):
        console.print(Text(sentence))
    for title, texts in _examples(recipe):
        console.print(Text(title, style="bold"))
        for name, text in texts:
            console.print(Text(f"  {name.replace('_', ' ')}: {text}"))


def sentences(found: Estimate, budget_usd: float | None) -> list[str]:
    """What the numbers rest on, in words."""
    said = []
    if found.assumed_rejects:
        said.append(
            f"{found.assumed_rejects:.0%} of the attempts are assumed to be rejected (our guess, nobody "
            f"publishes one): {found.attempts:.2f} attempts at each triplet on average, counted above."
        )
    if any(line.calls for line in found.lines):
        said.append(f"Dollars are {found.prices}; the bill is the vendor's.")
    if found.gpu_hours:
        said.append("GPU hours are those of one H100, without loading the model.")
    if any(line.gpu_hours is None for line in found.lines):
        said.append("A '?' is work on a GPU for which there is no figure yet.")
    if budget_usd is not None and found.usd > budget_usd:
        said.append(
            f"budget_usd is {usd_text(budget_usd)}, less than this: the run will stop on the way, and the "
            "same command with a larger budget continues it."
        )
    return said


def _asked(stage: str, demand: Sequence[Demand], times: float, prices: Prices) -> list[Line]:
    return [_line(stage, each, times, prices) for each in demand]


def _line(stage: str, demand: Demand, times: float, prices: Prices) -> Line:
    calls = demand.calls * times
    usage: Usage = demand.usage
    usd = calls * prices.usd(demand.provider, demand.model, usage, demand.discount)
    return Line(
        stage=f"{stage}: {demand.purpose.replace('_', ' ')}",
        by=demand.model,
        pieces=calls,
        unit="images" if usage.image_output else "answers",
        calls=calls,
        input_tokens=calls * usage.input,
        output_tokens=calls * (usage.output + usage.image_output),
        usd=usd,
    )


def _written(writer: WriterFacts, triplets: int) -> Line:
    """Prompts that cost nothing."""
    return Line("prompts", writer.name, 4 * triplets, "prompts")


def _drawn(images: BackendFacts, tries: float) -> Line:
    """First frames that are made here."""
    return Line("first frames", images.name, 2 * tries, "images", gpu_hours=None if images.needs_gpu else 0.0)


def _table(lines: Sequence[Line]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    # Wide enough for what is in them on a terminal of 80 columns; rich would share it out evenly.
    for title, width in (("stage", 14), ("by", 14)):
        table.add_column(title, overflow="fold", min_width=width)
    for title in ("pieces", "tokens in", "tokens out", "GPU hours", "cost"):
        table.add_column(title, justify="right", max_width=6 if " " in title else None)
    for line in lines:
        hours = "?" if line.gpu_hours is None else _hours_text(line.gpu_hours)
        tokens = map(_tokens_text, (line.input_tokens, line.output_tokens))
        table.add_row(
            line.stage, line.by, f"{line.pieces:,.0f} {line.unit}", *tokens, hours, usd_text(line.usd)
        )
    sums = [sum(getattr(line, name) for line in lines) for name in ("input_tokens", "output_tokens")]
    hours = _hours_text(sum(line.gpu_hours or 0.0 for line in lines))
    usd = usd_text(sum(line.usd for line in lines))
    table.add_row("total", "", "", *map(_tokens_text, sums), hours, usd)
    return table


def _tokens_text(number: float) -> str:
    if number >= 1e6:
        return f"{number / 1e6:.2f} M"
    return f"{number / 1e3:.0f} k" if number >= 1e4 else f"{number:.0f}" if number else ""


def _hours_text(hours: float) -> str:
    return f"{hours:.1f}" if hours else ""


def _examples(recipe: Recipe) -> list[tuple[str, list[tuple[str, str]]]]:
    """One triplet of each category: its prompts where they are free, what they will be about elsewhere."""
    drafts = recipe.overridden(per_category=1).drafts()
    writer = build_writer(recipe.writer, NoGateway())
    if writer.facts.demand:
        return [
            (draft.triplet_id, [*vars(draft.factors).items(), ("negative_motion", draft.negative_motion)])
            for draft in drafts
        ]
    writer.open()
    written = writer.write([WriteRequest(draft) for draft in drafts])
    return [
        (draft.triplet_id, list(vars(prompts).items()))
        for draft, prompts in zip(drafts, written, strict=True)
        if isinstance(prompts, Prompts)
    ]
