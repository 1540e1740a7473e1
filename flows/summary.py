"""What a run came to: counts that balance, stages, retrieval; as a table for terminals and as Markdown.

It knows nothing of where the numbers come from, of Prefect, or of the HTML report.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from data.manifest import Counts
from data.schema import Category
from flows.money import Money


@dataclass(frozen=True)
class StageRow:
    """What one stage did. ``reused`` items were found finished; ``seconds`` add up over the workers."""

    name: str
    done: int
    reused: int
    rejected: int
    failed: int
    seconds: float
    usd: float

    @property
    def items_per_second(self) -> float | None:
        """Throughput of one worker; ``None`` where nothing was made or no time passed."""
        return self.done / self.seconds if self.done and self.seconds > 0 else None


@dataclass(frozen=True)
class Accuracy:
    """Top-1 hits among queries, with the ends of the 95 % Wilson interval as fractions."""

    hits: int
    queries: int
    low: float
    high: float

    @property
    def value(self) -> float:
        return self.hits / self.queries if self.queries else float("nan")


@dataclass(frozen=True)
class RetrievalRow:
    """One method's retrieval accuracy per category, and the unweighted ``mean`` of the categories."""

    method: str
    per_category: Mapping[Category, Accuracy]
    mean: float


@dataclass(frozen=True)
class RunSummary:
    """All that is told about a run at its end. ``data_files`` is a glob relative to the data set's folder.

    ``stopped`` says why it ended before its time, where it did, and ``trouble`` why the last of the triplets
    that failed did; ``money`` is None where nothing costs any.
    """

    name: str
    recipe: str
    seed: int
    data_files: str
    counts: Counts
    stages: Sequence[StageRow]
    retrieval: Sequence[RetrievalRow]
    stopped: str = ""
    trouble: str = ""
    money: Money | None = None

    @property
    def seconds(self) -> float:
        return sum(stage.seconds for stage in self.stages)

    @property
    def usd(self) -> float:
        return sum(stage.usd for stage in self.stages)


def duration_text(seconds: float) -> str:
    """``seconds`` for people: two significant units at most."""
    if 0 < seconds < 0.1:
        return "< 0.1 s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def usd_text(usd: float) -> str:
    """US dollars; fractions of a cent are shown where rounding would hide that something was paid."""
    if usd == 0:
        return "$0"
    if usd < 0.0001:
        return "< $0.0001"
    return f"${usd:.2f}" if usd >= 0.01 else f"${usd:.4f}"


def rate_text(stage: StageRow) -> str:
    """Throughput of a stage in the unit that needs no leading zeros."""
    rate = stage.items_per_second
    if rate is None:
        return "–"
    if rate >= 100:
        return f"{rate:.0f} /s"
    return f"{rate:.1f} /s" if rate >= 1 else f"{rate * 60:.1f} /min"


def accuracy_text(accuracy: Accuracy | None) -> str:
    """``96 % (48/50)``, or a dash where there was no query."""
    if accuracy is None or not accuracy.queries:
        return "–"
    return f"{percent_text(accuracy.value)} ({accuracy.hits}/{accuracy.queries})"


def percent_text(share: float) -> str:
    """``share`` of 1 as a percentage, to a tenth where it is not whole; a dash for NaN."""
    return "–" if math.isnan(share) else f"{round(share * 100, 1):g} %"


def category_text(category: Category) -> str:
    return category.value.replace("_", " ")


def terminal_summary(summary: RunSummary) -> RenderableType:
    """The summary for ``rich.console.Console.print``. Names are printed as they are, never as markup."""
    blocks: list[RenderableType] = [
        Text(f"{summary.name} · recipe {summary.recipe} · seed {summary.seed}", style="bold"),
        Text(_balance(summary.counts)),
        *(Text(f"  {line}", style="yellow") for line in _reasons(summary.counts)),
        *(Text(line) for line in _money_lines(summary.money)),
    ]
    tables = [_stage_cells(summary)]
    if summary.retrieval:
        tables.append(_retrieval_cells(summary.retrieval, _share_text))
    return Group(*blocks, *(rich_table(*cells) for cells in tables))


def markdown_summary(summary: RunSummary) -> str:
    """The summary as Markdown with pipe tables; whatever came from outside is escaped."""
    lines = [
        f"## {escaped(summary.name)}",
        f"Recipe {escaped(summary.recipe)}, seed {summary.seed}.",
        f"**{_balance(summary.counts)}**",
        "\n".join(f"- {escaped(line)}" for line in _reasons(summary.counts)),
        "  \n".join(map(escaped, _money_lines(summary.money))),
        markdown_table(*_stage_cells(summary)),
    ]
    if summary.retrieval:
        lines += [
            "### Retrieval, top-1",
            markdown_table(*_retrieval_cells(summary.retrieval, accuracy_text)),
        ]
    return "\n\n".join(line for line in lines if line) + "\n"


def _balance(counts: Counts) -> str:
    parts = " + ".join(f"{number} {name}" for name, number in counts.parts.items())
    return f"{counts.requested} requested = {parts}"


def _reasons(counts: Counts) -> list[str]:
    return [
        f"{kind}: {reason} × {number}"
        for kind, reasons in (("rejected", counts.rejected), ("failed", counts.failed))
        for reason, number in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
        if number
    ]


def _money_lines(money: Money | None) -> list[str]:
    if money is None:
        return []
    unknown = money.total.possibly_usd
    lines = [f"paid {usd_text(money.total.paid_usd)} for {money.total.paid} answers"]
    if unknown:
        lines[0] += f", and up to {usd_text(unknown)} for calls whose answers were lost"
    if money.rejected_usd:
        lines.append(f"of it {usd_text(money.rejected_usd)} for attempts that were rejected")
    return lines


Cells = tuple[list[str], list[list[str]]]


def _stage_cells(summary: RunSummary) -> Cells:
    header = ["stage", "done", "reused", "rejected", "failed", "time", "rate", "cost"]
    rows = [
        [
            stage.name,
            *map(str, (stage.done, stage.reused, stage.rejected, stage.failed)),
            duration_text(stage.seconds),
            rate_text(stage),
            usd_text(stage.usd),
        ]
        for stage in summary.stages
    ]
    total = ["total", "", "", "", "", duration_text(summary.seconds), "", usd_text(summary.usd)]
    return header, [*rows, total]


def _share_text(accuracy: Accuracy | None) -> str:
    """Without the counts, which a terminal has no room for."""
    return percent_text(accuracy.value) if accuracy and accuracy.queries else "–"


def _retrieval_cells(retrieval: Sequence[RetrievalRow], text: Callable[[Accuracy | None], str]) -> Cells:
    categories = [category for category in Category if any(category in row.per_category for row in retrieval)]
    header = ["method", *map(category_text, categories), "mean"]
    rows = [
        [
            row.method,
            *(text(row.per_category.get(category)) for category in categories),
            percent_text(row.mean),
        ]
        for row in retrieval
    ]
    return header, rows


def rich_table(header: list[str], rows: list[list[str]]) -> Table:
    """A table for terminals, the first column at the left and the rest at the right; cells are no markup."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, title in enumerate(header):
        table.add_column(title, justify="right" if index else "left", no_wrap=not index, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown pipe table, aligned as ``rich_table``; cells are escaped."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(map(escaped, row))} |" for row in [header, rule, *rows])


def escaped(text: str) -> str:
    """``text`` on one line with the signs that Markdown or HTML would act on made harmless."""
    harmless = text.replace("&", "&amp;").replace("<", "&lt;")
    for sign in "\\`*_[]|#":
        harmless = harmless.replace(sign, f"\\{sign}")
    return " ".join(harmless.split())
