"""That the quoted tables agree with themselves and with the rows that stand beside them."""

from __future__ import annotations

import pytest

from moments.protocols import ablation
from moments.protocols.quoted import TABLE_1, TABLE_2, TABLE_3, TABLE_4, TABLE_5, QuotedTable


@pytest.mark.parametrize("table", [TABLE_1, TABLE_2, TABLE_3, TABLE_4, TABLE_5])
def test_every_row_has_a_percentage_for_every_column(table: QuotedTable) -> None:
    for values in table.rows.values():
        assert len(values) == len(table.columns)
        assert all(0 <= value <= 100 for value in values)
    assert "2602.09146" in table.source


def test_averages_are_the_means_of_their_rows_but_for_the_misprint() -> None:
    wrong = {
        row
        for row, values in TABLE_1.rows.items()
        if sum(values[:5]) / 5 != pytest.approx(values[5], abs=0.05)
    }
    assert wrong == {"CLIP4Clip"}


@pytest.mark.parametrize(("table", "queries"), [(TABLE_2, 40), (TABLE_4, 40), (TABLE_5, 40)])
def test_percentages_are_whole_numbers_of_queries(table: QuotedTable, queries: int) -> None:
    for (value,) in table.rows.values():
        assert value * queries / 100 == pytest.approx(round(value * queries / 100))


def test_the_same_setting_has_the_same_figure_in_every_table() -> None:
    best = TABLE_2.value("SM-DINOv2", "accuracy")
    assert (
        best == TABLE_4.value("(1, 8, 4) patch concat", "accuracy") == TABLE_5.value("32 frames", "accuracy")
    )
    assert TABLE_2.value("DINOv2", "accuracy") == TABLE_4.value("(1, 0, 0)", "accuracy")


def test_every_ablation_row_finds_its_figure() -> None:
    assert list(TABLE_4.rows) == [row.title for row in ablation.TABLE_4]
    assert list(TABLE_5.rows) == [row.title for row in ablation.TABLE_5]


def test_tables_hold_the_papers_rows() -> None:
    assert (len(TABLE_1.rows), len(TABLE_2.rows), len(TABLE_3.rows)) == (16, 16, 12)
    assert set(TABLE_1.rows) == set(TABLE_2.rows)
    assert set(TABLE_3.rows) < set(TABLE_1.rows)
    assert TABLE_1.value("SM-DINOv2", "average") == 86.4
    assert TABLE_1.value("I3D", "scene_style") == 80
    assert TABLE_3.value("V-JEPA 2", "top5") == 20.7


def test_what_the_paper_has_not_is_none() -> None:
    assert TABLE_1.value("HOF", "average") is None
    assert TABLE_2.value("DINOv2", "view") is None
