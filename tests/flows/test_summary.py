"""The end-of-run summary: counts must balance, and nothing from outside becomes markup."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from data.errors import ContractError
from data.paid import Usage
from data.schema import Category
from flows.calls import Intent, Outcome, PaidCall
from flows.money import money
from flows.summary import (
    Accuracy,
    Counts,
    RetrievalRow,
    StageRow,
    accuracy_text,
    duration_text,
    markdown_summary,
    percent_text,
    rate_text,
    terminal_summary,
    usd_text,
)
from tests.flows.report_samples import summary

REASONS = st.dictionaries(st.text(min_size=1, max_size=9), st.integers(0, 50), max_size=3)


def printed(renderable: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=160, color_system=None)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@given(st.integers(0, 99), REASONS, REASONS, st.integers(0, 99))
def test_counts_hold_when_their_parts_add_up_and_only_then(
    accepted: int, rejected: dict[str, int], failed: dict[str, int], pending: int
) -> None:
    total = accepted + sum(rejected.values()) + sum(failed.values()) + pending
    counts = Counts(total, accepted, rejected, failed, pending)
    assert sum(counts.parts.values()) == counts.requested
    with pytest.raises(ContractError, match="do not balance"):
        Counts(total + 1, accepted, rejected, failed, pending)


def test_terminal_shows_balance_reasons_stages_and_retrieval() -> None:
    text = printed(terminal_summary(summary(250)))
    assert "259 requested = 250 accepted + 6 rejected + 1 failed + 2 pending" in text
    assert "rejected: out_of_sync × 4" in text
    assert "1 min 35 s" in text
    assert "$3.10" in text
    assert "96 %" in text


def test_terminal_prints_names_that_look_like_markup_as_they_are() -> None:
    text = printed(terminal_summary(summary(1, name="[bold]x[/bold] [/]")))
    assert "[bold]x[/bold] [/]" in text


def test_markdown_has_the_same_numbers_in_tables_of_equal_width() -> None:
    text = markdown_summary(summary(250))
    assert "259 requested = 250 accepted" in text
    assert "| clips | 254 | 4 | 0 | 0 | 1 min 35 s | 2.7 /s | $3.10 |" in text
    for table in ("| stage |", "| method |"):
        block = text[text.index(table) :].split("\n\n")[0].splitlines()
        assert len({line.replace("\\|", "").count("|") for line in block}) == 1


def test_markdown_makes_hostile_text_harmless() -> None:
    text = markdown_summary(summary(0, name="a | b\n# <script>", recipe="`x` [y](z)"))
    assert "## a \\| b \\# &lt;script>" in text
    assert "\\`x\\` \\[y\\](z)" in text


def test_summary_without_retrieval_has_no_retrieval_table() -> None:
    bare = summary(0, retrieval=())
    assert "method" not in printed(terminal_summary(bare))
    assert "Retrieval" not in markdown_summary(bare)


def test_category_without_queries_is_a_dash_not_a_division_by_zero() -> None:
    row = RetrievalRow("m", {Category.VIEW: Accuracy(0, 0, 0.0, 1.0)}, float("nan"))
    assert "| m | – | – |" in markdown_summary(summary(0, retrieval=(row,)))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (0.04, "< 0.1 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (3599.6, "1 h 00 min"),
        (7322, "2 h 02 min"),
    ],
)
def test_durations_never_show_sixty_of_a_unit(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(("usd", "text"), [(0, "$0"), (0.0004, "$0.0004"), (0.01, "$0.01"), (12.5, "$12.50")])
def test_small_amounts_are_not_rounded_away(usd: float, text: str) -> None:
    assert usd_text(usd) == text


@pytest.mark.parametrize(
    ("done", "seconds", "text"),
    [(0, 5.0, "–"), (3, 0.0, "–"), (5, 10.0, "30.0 /min"), (50, 10.0, "5.0 /s"), (5000, 10.0, "500 /s")],
)
def test_rate_chooses_a_readable_unit(done: int, seconds: float, text: str) -> None:
    assert rate_text(StageRow("s", done, 0, 0, 0, seconds, 0.0)) == text


def test_accuracy_states_share_and_counts() -> None:
    assert accuracy_text(Accuracy(216, 250, 0.816, 0.901)) == "86.4 % (216/250)"
    assert accuracy_text(None) == "–"
    assert percent_text(1.0) == "100 %"


def test_money_is_told_in_a_line_and_lost_answers_apart() -> None:
    call = Intent("i", "t", "google", "m", "edit", "view_0000", 0, "k", "id", 2.0, False)
    spent = money(
        [
            PaidCall(call, Outcome("i", "t", "paid", 1.5, Usage(input=1), "r")),
            PaidCall(replace(call, intent_id="j"), None),
        ],
        set(),
        [],
    )
    told = markdown_summary(summary(3, money=spent))
    assert "paid $1.50 for 1 answers, and up to $2.00 for calls whose answers were lost" in told
    assert "paid $" not in markdown_summary(summary(3))
