"""What an evaluation came to: methods, intervals, paired tests, ablations, and the figures quoted.

It knows nothing of where numbers come from or how they are shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from data.disk import write_atomically

ProtocolName = Literal["synthetic", "real", "knn"]
Kind = Literal["floor", "mean", "moments", "order", "rhythm", "brought", "oracle"]

FORMAT = 1


@dataclass(frozen=True)
class Share:
    """Hits among queries with the ends of the 95 % Wilson interval, shares of 1."""

    hits: int
    queries: int
    low: float
    high: float

    @property
    def value(self) -> float:
        return self.hits / self.queries


@dataclass(frozen=True)
class MethodRow:
    """One method. ``columns`` are categories (retrieval) or votes (kNN), ``mean`` their unweighted mean.

    ``overall`` counts every query alike; ``hits`` (Q,) tells for each query, in the order of the data
    set, whether it was answered; ``quoted`` is the paper's row of its like in percent, by column, and
    ``quoted_name`` what the paper calls it.
    """

    method: str
    backbone: str
    kind: Kind
    columns: Mapping[str, Share]
    overall: Share
    mean: float
    hits: tuple[bool, ...]
    quoted: Mapping[str, float] = field(default_factory=dict)
    quoted_name: str = ""


@dataclass(frozen=True)
class Comparison:
    """Exact McNemar test of two methods on the same queries: how many only one of the two answers."""

    first: str
    second: str
    only_first: int
    only_second: int
    p_value: float


@dataclass(frozen=True)
class AblationCell:
    """One row of an ablation: measured, and what the paper prints in percent (for its own data, DINOv2)."""

    title: str
    overall: Share
    mean: float
    quoted: float | None


@dataclass(frozen=True)
class Ablation:
    """One table of ablations with one backbone. ``held_out`` is ours: weights chosen on other queries."""

    title: str
    backbone: str
    rows: tuple[AblationCell, ...]
    source: str
    held_out: Share | None = None
    held_out_weights: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, eq=False)
class SimilarityMap:
    """References against all clips by one method: ``values`` float32 (Q, N), both ordered by category.

    ``columns_start`` and ``rows_start`` tell where each category begins; a distractor is of category "".
    """

    method: str
    values: npt.NDArray[np.float32]
    rows_start: Mapping[str, int]
    columns_start: Mapping[str, int]


@dataclass(frozen=True)
class Confusion:
    """A query that the named method answers wrongly: the clip ids of query, its positive, and the winner."""

    method: str
    category: str
    query: str
    positive: str
    winner: str


@dataclass(frozen=True)
class Evaluation:
    """Everything. ``chance`` is the share of 1 that guessing answers.

    ``quoted_rows`` is the paper's whole table in percent, ``embedders`` maps a backbone's title to its
    identity, ``distractors`` are clip ids.
    """

    name: str
    root: str
    protocol: ProtocolName
    num_queries: int
    num_candidates: int
    chance: float
    rows: tuple[MethodRow, ...]
    comparisons: tuple[Comparison, ...]
    ablations: tuple[Ablation, ...]
    quoted_source: str
    quoted_note: str
    quoted_rows: Mapping[str, Mapping[str, float]]
    embedders: Mapping[str, Mapping[str, Any]]
    distractors: tuple[str, ...] = ()
    maps: tuple[SimilarityMap, ...] = ()
    confusions: tuple[Confusion, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> Sequence[str]:
        """Categories or votes, in the order of the first row."""
        return list(self.rows[0].columns) if self.rows else []


def write_json(evaluation: Evaluation, path: Path) -> None:
    """Everything but the similarity maps, as JSON. Raises ``ConfigError`` for a disk that refuses."""
    content = {"format": FORMAT, **{key: value for key, value in _plain(evaluation).items() if key != "maps"}}
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(path, (text + "\n").encode())


def _plain(evaluation: Evaluation) -> dict[str, Any]:
    plain = asdict(evaluation)
    for row in plain["rows"]:
        row["columns"] = {name: share | _value(share) for name, share in row["columns"].items()}
        row["overall"] |= _value(row["overall"])
    return plain


def _value(share: dict[str, Any]) -> dict[str, float]:
    return {"value": share["hits"] / share["queries"]}
