"""An evaluation in words: the order of its rows, and the text of shares, intervals and p-values.

It knows nothing of terminals, Markdown or HTML.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from flows.evaluation import Ablation, Evaluation, Kind, MethodRow, Share
from flows.summary import percent_text
from moments.protocols.quoted import AVERAGE

PROTOCOL_TEXT = {
    "synthetic": "SimMotion-Synthetic protocol",
    "real": "SimMotion-Real protocol",
    "knn": "k-nearest-neighbour protocol",
}
MEAN_NOTE = "The mean weighs the columns alike, “all queries” weighs every query alike."
INTERVAL_NOTE = "Intervals are Wilson’s at 95 %, in percent."
QUOTED_NOTE = "Quoted figures were measured by the paper’s authors on their data, not here."
TEST_NOTE = (
    "Exact McNemar test on the same queries: how many only one of the two methods answers. "
    "The p-values are not corrected for the number of tests."
)
WEIGHTS_TOLD = 5

# Whatever is neither is grouped by its backbone and stands between, in order of appearance.
_GROUPS: dict[Kind, tuple[int, str]] = {
    "floor": (0, "Floors"),
    "brought": (2, "Brought along"),
    "oracle": (3, "Oracle"),
}


@dataclass(frozen=True)
class MethodGroup:
    """Rows that stand together under a title: the floors, one backbone, or the oracle."""

    title: str
    rows: tuple[MethodRow, ...]
    has_chance: bool = False


def method_groups(rows: Sequence[MethodRow]) -> list[MethodGroup]:
    """Floors, then each backbone from mean-pooled to rhythm, then what was brought, then the oracle.

    The group of the floors comes even if it has no row, as chance belongs to it.
    """
    kinds: tuple[Kind, ...] = get_args(Kind)
    gathered: dict[tuple[int, str], list[MethodRow]] = {_GROUPS["floor"]: []}
    for row in rows:
        gathered.setdefault(_GROUPS.get(row.kind, (1, row.backbone)), []).append(row)
    return [
        MethodGroup(
            title=key[1],
            rows=tuple(sorted(gathered[key], key=lambda row: kinds.index(row.kind))),
            has_chance=key == _GROUPS["floor"],
        )
        for key in sorted(gathered, key=lambda key: key[0])
    ]


def protocol_text(evaluation: Evaluation) -> str:
    """``SimMotion-Synthetic protocol: 244 queries, 731 candidates each``, and how many are distractors."""
    text = (
        f"{PROTOCOL_TEXT[evaluation.protocol]}: {_number(evaluation.num_queries, 'query', 'queries')}, "
        f"{_number(evaluation.num_candidates, 'candidate', 'candidates')} each"
    )
    if evaluation.distractors:
        text += f", {_number(len(evaluation.distractors), 'distractor', 'distractors')} among them"
    return text


def row_text(row: MethodRow) -> str:
    """The method's name where its group says the backbone already; a floor keeps its whole name."""
    return row.method if row.kind == "floor" else row.method.removeprefix(f"{row.backbone}, ")


def column_texts(evaluation: Evaluation) -> list[str]:
    """Headers of the main table; where all queries are of one category, its name says nothing."""
    if evaluation.protocol != "knn" and len(evaluation.columns) == 1:
        return ["all queries"]
    return [*map(column_text, evaluation.columns)]


def column_text(column: str) -> str:
    return "top 5" if column == "top5" else column.replace("_", " ")


def is_averaged(evaluation: Evaluation) -> bool:
    """Whether a mean over the columns says anything: of voting rules or of a single category it does not."""
    return evaluation.protocol != "knn" and len(evaluation.columns) != 1


def share_text(share: Share | None) -> str:
    """``70 %``, or a dash where there was no query."""
    return percent_text(share.value) if share and share.queries else "–"


def interval_text(share: Share | None) -> str:
    """``57–80``, in percent, to a tenth where the ends lie within five points; empty without a query."""
    if share is None or not share.queries:
        return ""
    digits = 0 if share.high - share.low > 0.05 else 1
    # Adding zero turns the -0.0 of a lower end that came out a hair below zero into 0.
    return "–".join(f"{round(end * 100, digits) + 0.0:g}" for end in (share.low, share.high))


def share_interval_text(share: Share | None) -> str:
    """``70 % (57–80)``, or a dash where there was no query."""
    interval = interval_text(share)
    return f"{share_text(share)} ({interval})" if interval else share_text(share)


def p_text(p_value: float) -> str:
    """``p < 0.001``, or two significant digits."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"


def percent_or_dash(percent: float | None) -> str:
    return "–" if percent is None else f"{percent:g} %"


def chance_text(evaluation: Evaluation, column: str) -> str:
    """What guessing answers in a column; a dash for the five guesses of top 5."""
    return "–" if column == "top5" else percent_text(evaluation.chance)


@dataclass(frozen=True)
class QuotedPair:
    """A row of the paper under the paper's name, and ours of the same kind where there is one."""

    name: str
    quoted: Mapping[str, float]
    ours: MethodRow | None = None

    def our_text(self, column: str) -> str:
        """Our figure for a column of the paper's table; a dash where we have none."""
        if self.ours is None:
            return "–"
        if column == AVERAGE:
            return percent_text(self.ours.mean)
        return share_text(self.ours.columns.get(column))

    def quoted_text(self, column: str) -> str:
        return percent_or_dash(self.quoted.get(column))


def quoted_pairs(evaluation: Evaluation) -> list[QuotedPair]:
    """Our rows that the paper has too, as in the main table, and then the rest of the paper's table."""
    pairs = [
        QuotedPair(row.quoted_name or "the paper", row.quoted, row)
        for group in method_groups(evaluation.rows)
        for row in group.rows
        if row.quoted
    ]
    shown = {pair.name for pair in pairs}
    rest = [QuotedPair(name, row) for name, row in evaluation.quoted_rows.items() if name not in shown]
    return pairs + rest


def quoted_columns(evaluation: Evaluation) -> list[str]:
    """What the paper's rows hold, in the order of our columns; its average and what else it has come last."""
    quoted = dict.fromkeys(column for pair in quoted_pairs(evaluation) for column in pair.quoted)
    ours = [column for column in evaluation.columns if column in quoted]
    return [*ours, *(column for column in quoted if column not in ours)]


def held_out_text(ablation: Ablation) -> str:
    """The weights that the folds chose, the commonest first: ``(1, 8, 4) in 3 of 5 folds, …``."""
    folds = len(ablation.held_out_weights)
    chosen = Counter(ablation.held_out_weights)
    text = ", ".join(
        f"({', '.join(f'{weight:g}' for weight in weights)}) in {times} of {folds} folds"
        for weights, times in chosen.most_common(WEIGHTS_TOLD)
    )
    return f"{text}, and others" if len(chosen) > WEIGHTS_TOLD else text


def _number(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
