"""An evaluation as tables: for terminals, as wide as they are, and as Markdown.

It knows nothing of where numbers come from, of Prefect, or of the HTML page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from flows.evaluation import Ablation, Evaluation, MethodRow
from flows.evaluation_words import (
    INTERVAL_NOTE,
    MEAN_NOTE,
    QUOTED_NOTE,
    TEST_NOTE,
    QuotedPair,
    chance_text,
    column_text,
    column_texts,
    held_out_text,
    interval_text,
    is_averaged,
    method_groups,
    p_text,
    percent_or_dash,
    protocol_text,
    quoted_columns,
    quoted_pairs,
    row_text,
    share_interval_text,
    share_text,
)
from flows.summary import Cells, escaped, markdown_table, percent_text, rich_table

MAX_NAME_WIDTH = 36  # of a terminal; longer names wrap


def terminal_tables(evaluation: Evaluation) -> RenderableType:
    """The evaluation for ``rich.console.Console.print``. Names are printed as they are, never as markup."""
    blocks: list[RenderableType] = [
        Text(evaluation.name, style="bold"),
        Text(protocol_text(evaluation)),
        _Fitting(_main_table(evaluation, detailed=True), _main_table(evaluation, detailed=False)),
        _remark(_main_note(evaluation)),
    ]
    if pairs := quoted_pairs(evaluation):
        blocks += [
            _heading("Beside the paper"),
            _dense_table(*_quoted_cells(pairs, quoted_columns(evaluation)), num_names=2),
            _remark(_quoted_note(evaluation)),
        ]
    if evaluation.comparisons:
        blocks += [
            _heading("Paired tests"),
            _dense_table(*_comparison_cells(evaluation), num_names=2),
            _remark(TEST_NOTE),
        ]
    for ablation in evaluation.ablations:
        blocks += [
            _heading(_ablation_title(ablation)),
            _dense_table(*_ablation_cells(ablation)),
            _remark(_ablation_note(ablation)),
        ]
    if evaluation.notes:
        blocks += [_heading("Notes"), *(Text(f"• {note}") for note in evaluation.notes)]
    return Group(*blocks)


def markdown_tables(evaluation: Evaluation) -> str:
    """The evaluation as Markdown with every interval; whatever came from outside is escaped."""
    lines = [
        f"## {escaped(evaluation.name)}",
        f"**{escaped(protocol_text(evaluation))}**",
        markdown_table(*_main_cells(evaluation)),
        escaped(_main_note(evaluation)),
    ]
    if pairs := quoted_pairs(evaluation):
        lines += [
            "### Beside the paper",
            markdown_table(*_quoted_cells(pairs, quoted_columns(evaluation))),
            escaped(_quoted_note(evaluation)),
        ]
    if evaluation.comparisons:
        lines += ["### Paired tests", markdown_table(*_comparison_cells(evaluation)), escaped(TEST_NOTE)]
    for ablation in evaluation.ablations:
        lines += [
            f"### {escaped(_ablation_title(ablation))}",
            markdown_table(*_ablation_cells(ablation)),
            escaped(_ablation_note(ablation)),
        ]
    if evaluation.notes:
        lines += ["### Notes", "\n".join(f"- {escaped(note)}" for note in evaluation.notes)]
    return "\n\n".join(lines) + "\n"


@dataclass(frozen=True)
class _Fitting:
    """The first of two tables if the terminal has room for it, else the second."""

    wide: Table
    narrow: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        fits = console.measure(self.wide, options=options.update(max_width=10_000)).maximum
        yield self.wide if fits <= options.max_width else self.narrow


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _remark(text: str) -> Text:
    return Text(text, style="dim")


def _dense_table(header: list[str], rows: list[list[str]], *, num_names: int = 1) -> Table:
    """``rich_table`` with less air, whose first columns hold names and wrap."""
    table = rich_table([title.replace(" ", "\n") for title in header], rows)
    table.padding = (0, 1, 0, 0)
    for column in table.columns[:num_names]:
        column.justify, column.no_wrap, column.max_width = "left", False, MAX_NAME_WIDTH
    return table


def _main_table(evaluation: Evaluation, *, detailed: bool) -> Table:
    header = ["method", *column_texts(evaluation)]
    if is_averaged(evaluation):
        header += ["mean", "all queries"]
    table = _dense_table(header, [])
    for group in method_groups(evaluation.rows):
        table.add_row(Text(group.title, style="bold cyan"))
        if group.has_chance:
            table.add_row(*map(Text, _chance_row(evaluation)))
        for row in group.rows:
            table.add_row(*map(Text, _main_row(evaluation, row, detailed=detailed)))
        table.add_section()
    return table


def _main_row(evaluation: Evaluation, row: MethodRow, *, detailed: bool) -> list[str]:
    text = share_interval_text if detailed else share_text
    cells = [row_text(row), *(text(row.columns.get(column)) for column in evaluation.columns)]
    if is_averaged(evaluation):
        cells += [percent_text(row.mean), (text if detailed else interval_text)(row.overall)]
    return cells


def _chance_row(evaluation: Evaluation) -> list[str]:
    cells = ["chance", *(chance_text(evaluation, column) for column in evaluation.columns)]
    return [*cells, percent_text(evaluation.chance), ""] if is_averaged(evaluation) else cells


def _main_cells(evaluation: Evaluation) -> Cells:
    header = ["method", "group", *column_texts(evaluation)]
    if is_averaged(evaluation):
        header += ["mean", "all queries"]
    rows = []
    for group in method_groups(evaluation.rows):
        chance = [_chance_row(evaluation)] if group.has_chance else []
        for method, *figures in [*chance, *(_main_row(evaluation, row, detailed=True) for row in group.rows)]:
            rows.append([method, group.title, *figures])
    return header, rows


def _main_note(evaluation: Evaluation) -> str:
    return f"{INTERVAL_NOTE} {MEAN_NOTE}" if is_averaged(evaluation) else INTERVAL_NOTE


def _quoted_cells(pairs: Sequence[QuotedPair], columns: Sequence[str]) -> Cells:
    rows = []
    for pair in pairs:
        if pair.ours:
            rows.append([pair.ours.method, "ours", *map(pair.our_text, columns)])
        rows.append([pair.name, "quoted", *map(pair.quoted_text, columns)])
    return ["method", "", *map(column_text, columns)], rows


def _quoted_note(evaluation: Evaluation) -> str:
    return f"quoted from {evaluation.quoted_source}. {QUOTED_NOTE} {evaluation.quoted_note}".rstrip()


def _comparison_cells(evaluation: Evaluation) -> Cells:
    rows = [
        [test.first, test.second, str(test.only_first), str(test.only_second), p_text(test.p_value)]
        for test in evaluation.comparisons
    ]
    return ["first", "second", "only first", "only second", "McNemar"], rows


def _ablation_title(ablation: Ablation) -> str:
    return f"{ablation.title} · {ablation.backbone}"


def _ablation_cells(ablation: Ablation) -> Cells:
    rows = [
        [cell.title, percent_text(cell.mean), share_interval_text(cell.overall), percent_or_dash(cell.quoted)]
        for cell in ablation.rows
    ]
    if ablation.held_out:
        rows.append(["weights held out", "", share_interval_text(ablation.held_out), ""])
    return ["row", "mean", "all queries", "quoted"], rows


def _ablation_note(ablation: Ablation) -> str:
    note = f"quoted from {ablation.source}. {QUOTED_NOTE}"
    if ablation.held_out:
        note += (
            f" Held out (ours): each query is asked with weights chosen on others: {held_out_text(ablation)}."
        )
    return note
