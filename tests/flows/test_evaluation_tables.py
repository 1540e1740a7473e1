"""An evaluation as tables: what stands where, in any width, and nothing from outside becomes markup."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console, RenderableType

from flows.evaluation import Ablation, Evaluation, MethodRow, Share
from flows.evaluation_tables import markdown_tables, terminal_tables
from flows.evaluation_words import (
    held_out_text,
    interval_text,
    method_groups,
    p_text,
    protocol_text,
    quoted_pairs,
    share_text,
)
from tests.flows.evaluation_samples import BACKBONE, HOSTILE, LONG, knn, method, share, synthetic


def printed(renderable: RenderableType, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def squeezed(text: str) -> str:
    return re.sub(" +", " ", text)


def real() -> Evaluation:
    """All queries of one category, and the paper's table has nothing but an average."""
    counted = share(17, 40)
    row = MethodRow(
        f"{BACKBONE}, SemanticMoments",
        BACKBONE,
        "moments",
        {"examples": counted},
        counted,
        counted.value,
        tuple(i < 17 for i in range(40)),
        {"average": 42.5},
        "SM-DINOv2",
    )
    return synthetic(
        protocol="real",
        num_queries=40,
        num_candidates=1000,
        rows=(row,),
        distractors=tuple(f"d{i}" for i in range(881)),
        quoted_rows={name: {"average": value} for name, value in (("I3D", 27.5), ("SM-DINOv2", 42.5))},
    )


def test_head_says_the_protocol_in_words() -> None:
    assert printed(terminal_tables(synthetic()), 80).splitlines()[:2] == [
        "demo_244",
        "SimMotion-Synthetic protocol: 244 queries, 731 candidates each",
    ]
    assert protocol_text(real()) == (
        "SimMotion-Real protocol: 40 queries, 1,000 candidates each, 881 distractors among them"
    )
    assert protocol_text(knn(num_queries=1, num_candidates=1)) == (
        "k-nearest-neighbour protocol: 1 query, 1 candidate each"
    )


def test_floors_come_first_then_backbones_from_plain_to_ours_then_the_oracle() -> None:
    rows = (
        method("true", "oracle", (50, 50, 50, 50, 44)),
        method("file", "brought", (9, 9, 9, 9, 9), "file"),
        method("B, SemanticMoments", "moments", (9, 9, 9, 9, 9), "B"),
        method("A, rhythm", "rhythm", (9, 9, 9, 9, 9), "A"),
        method("B, mean-pooled", "mean", (9, 9, 9, 9, 9), "B"),
        method("A, order", "order", (9, 9, 9, 9, 9), "A"),
        method("HOF", "floor", (9, 9, 9, 9, 9)),
    )
    groups = [(group.title, [row.method for row in group.rows]) for group in method_groups(rows)]
    assert groups == [
        ("Floors", ["HOF"]),
        ("B", ["B, mean-pooled", "B, SemanticMoments"]),
        ("A", ["A, order", "A, rhythm"]),
        ("Brought along", ["file"]),
        ("Oracle", ["true"]),
    ]
    text = squeezed(printed(terminal_tables(synthetic(rows=rows, comparisons=(), quoted_rows={})), 120))
    titles = [" Floors", " chance", " HOF", "\n B", " mean-pooled", " SemanticMoments", "\n A", " true"]
    places = [text.index(title) for title in titles]
    assert places == sorted(places)


def test_a_backbone_named_like_another_group_stays_one_of_its_own() -> None:
    rows = (method("x", "mean", (1, 1, 1, 1, 1), "Floors"), method("y", "floor", (1, 1, 1, 1, 1)))
    assert [(group.title, group.has_chance) for group in method_groups(rows)] == [
        ("Floors", True),
        ("Floors", False),
    ]


def test_wide_terminal_shows_every_interval_and_a_narrow_one_that_of_all_queries() -> None:
    wide, narrow = (squeezed(printed(terminal_tables(synthetic()), width)) for width in (170, 80))
    row = "94 % (84–98) 96 % (87–99) 80 % (67–89) 84 % (71–92) 81.8 % (68–90) 87.2 % 87.3 % (83–91)"
    assert f"SemanticMoments {row}" in wide
    assert "SemanticMoments 94 % 96 % 80 % 84 % 81.8 % 87.2 % 83–91" in narrow


@pytest.mark.parametrize("evaluation", [synthetic(), knn(), real()], ids=["synthetic", "knn", "real"])
def test_eighty_columns_are_enough_and_no_figure_is_cut(evaluation: Evaluation) -> None:
    text = printed(terminal_tables(evaluation), 80)
    assert max(map(cell_len, text.splitlines())) <= 80
    assert "…" not in text
    for row in evaluation.rows:
        for column in row.columns.values():
            assert share_text(column) in text


def test_in_a_very_narrow_terminal_names_wrap_and_figures_do_not() -> None:
    lines = squeezed(printed(terminal_tables(synthetic()), 66)).splitlines()
    assert any(line.endswith(" 94 % 96 % 80 % 84 % 81.8 % 87.2 % 83–91 ") for line in lines)
    assert any(line.endswith(" 110 5 p < 0.001 ") for line in lines)


def test_names_are_printed_as_they_are_and_whole() -> None:
    text = printed(terminal_tables(synthetic(HOSTILE)), 200)
    assert "[bold]_x_[/bold]" in text.splitlines()[0]
    # The first column of the table has the name in pieces.
    assert LONG in "".join(re.findall(r"^ ([A-Za-z_]{5,36})(?: |$)", text, flags=re.MULTILINE))


def test_chance_has_no_interval_and_says_nothing_of_the_five_best() -> None:
    assert "chance 0.1 % 0.1 % 0.1 % 0.1 % 0.1 % 0.1 %" in squeezed(printed(terminal_tables(synthetic()), 80))
    assert "| chance | Floors | 3.7 % | 3.7 % | – |" in markdown_tables(knn())


def test_votes_of_neighbours_are_columns_and_have_no_mean() -> None:
    text = markdown_tables(knn())
    assert "| method | group | majority | weighted | top 5 |\n" in text
    assert (
        "| SemanticMoments | DINOv2 ViT-B/14 | 25.7 % (23.3–28.2) | 25 % (22.6–27.5) | 50.8 % (48–54) |"
        in text
    )
    assert "mean weighs" not in text


def test_a_single_category_is_called_all_queries() -> None:
    text = markdown_tables(real())
    assert "| method | group | all queries |\n" in text
    assert "| SemanticMoments | DINOv2 ViT-B/14 | 42.5 % (29–58) |" in text
    assert "examples" not in text


def test_figures_of_the_paper_stand_under_ours_with_their_source() -> None:
    lines = markdown_tables(synthetic()).splitlines()
    ours = lines.index(
        "| DINOv2 ViT-B/14, SemanticMoments | ours | 94 % | 96 % | 80 % | 84 % | 81.8 % | 87.2 % |"
    )
    assert lines[ours + 1] == "| SM-DINOv2 | quoted | 96 % | 98 % | 78 % | 82 % | 78 % | 86.4 % |"
    text = squeezed(printed(terminal_tables(synthetic()), 300))
    assert "quoted from arXiv 2602.09146, Table 1, SimMotion-Synthetic." in text
    assert "measured by the paper’s authors on their data, not here" in text
    assert "CLIP4Clip quoted 48 % 64 % 18 % 62 % 20 % 42.2 %" in text


def test_no_row_of_the_paper_is_told_twice_or_lost() -> None:
    for evaluation in (synthetic(), real()):
        names = [pair.name for pair in quoted_pairs(evaluation)]
        assert sorted(names) == sorted(evaluation.quoted_rows)


def test_what_only_the_paper_or_only_we_have_is_a_dash() -> None:
    quoted = {"static_object": 96.0, "zoom": 50.0}
    row = replace(method("ours", "mean", (45, 9, 9, 9, 9), "B"), quoted=quoted, quoted_name="theirs")
    text = markdown_tables(synthetic(rows=(row,), quoted_rows={"theirs": quoted, "rest": {"zoom": 12.5}}))
    assert "| method |  | static object | zoom |" in text
    assert "| ours | ours | 90 % | – |\n| theirs | quoted | 96 % | 50 % |" in text
    assert "| rest | quoted | – | 12.5 % |" in text


def test_tests_show_counts_and_p() -> None:
    text = markdown_tables(synthetic())
    moments, mean = f"{BACKBONE}, SemanticMoments", f"{BACKBONE}, mean-pooled"
    assert f"| {moments} | {mean} | 110 | 5 | p &lt; 0.001 |" in text
    assert f"| {moments} + order | {moments} | 21 | 9 | p = 0.043 |" in text
    assert "p < 0.001" in printed(terminal_tables(synthetic()), 80)


def test_ablation_shows_ours_quoted_and_held_out() -> None:
    text = markdown_tables(synthetic())
    assert "### Moments and their weights (Table 4) · DINOv2 ViT-B/14" in text
    assert "| (1, 8, 4) patch concat | 87.3 % | 87.3 % (83–91) | 42.5 % |" in text
    assert "| (1, 8, 4) patch-difference concat | 77.9 % | 77.9 % (72–83) | – |" in text
    assert "| weights held out |  | 85.7 % (81–90) |  |" in text
    assert "(1, 8, 4) in 3 of 5 folds, (1, 4, 4) in 1 of 5 folds, (0, 2, 1) in 1 of 5 folds" in text
    assert text.count("weights held out") == 1


def test_of_many_chosen_weights_the_commonest_are_told() -> None:
    weights = (*((1.0, float(index), 0.0) for index in range(9)), (1.0, 7.0, 0.0))
    text = held_out_text(Ablation("t", "b", (), "s", share(1, 2), weights))
    assert text.startswith("(1, 7, 0) in 2 of 10 folds, (1, 0, 0) in 1 of 10 folds")
    assert text.endswith(", and others")
    assert text.count("folds") == 5


def test_markdown_makes_hostile_text_harmless_and_keeps_tables_whole() -> None:
    text = markdown_tables(synthetic(HOSTILE))
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script>" in text
    assert "a\\|b \\[bold\\]\\_x\\_" in text
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        lines = table.replace("\\|", "").splitlines()
        assert len({line.count("|") for line in lines}) == 1


def test_sections_without_content_are_left_out() -> None:
    for text in (markdown_tables(knn()), printed(terminal_tables(knn()), 80)):
        for title in ("Beside the paper", "Paired tests", "Notes", "Ablation"):
            assert title not in text


def test_category_that_a_row_lacks_or_that_has_no_query_is_a_dash() -> None:
    first = method("first", "mean", (1, 1, 1, 1, 1), "B")
    columns = {**first.columns, "view": Share(0, 0, 0.0, 1.0)}
    del columns["scene_style"]
    text = markdown_tables(synthetic(rows=(first, replace(first, method="second", columns=columns))))
    assert "| second | B | 2 % (0–10) | 2 % (0–10) | 2 % (0–10) | – | – |" in text


@given(st.floats(0, 1), st.floats(0, 1))
def test_interval_is_in_percent_and_finer_where_it_is_short(one: float, other: float) -> None:
    low, high = sorted((one, other))
    ends = [float(end) for end in interval_text(Share(1, 2, low, high)).split("–")]
    assert ends == pytest.approx([low * 100, high * 100], abs=0.0501 if high - low <= 0.05 else 0.501)


def test_end_a_hair_below_zero_is_not_minus_zero() -> None:
    assert interval_text(Share(0, 50, -1e-18, 0.0713)) == "0–7"


@pytest.mark.parametrize(
    ("p_value", "text"),
    [(0.0, "p < 0.001"), (0.00099, "p < 0.001"), (0.001, "p = 0.001"), (0.03, "p = 0.03"), (1.0, "p = 1")],
)
def test_p_is_told_to_two_digits_and_never_as_zero(p_value: float, text: str) -> None:
    assert p_text(p_value) == text
