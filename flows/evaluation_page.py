"""An evaluation as one HTML file that holds its pictures and opens anywhere.

It knows nothing of where numbers come from, of codecs, or of Prefect.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from data.disk import write_atomically
from flows import evaluation_words as words
from flows.evaluation import Confusion, Evaluation, SimilarityMap
from flows.pages import style, template
from flows.report_cards import number_text
from flows.report_plots import Span, colour_range, coloured_png, palette_css
from flows.summary import percent_text

MAP_WIDTH = 800  # units of the drawing, as are the heights
MAP_HEIGHTS = (160, 800)


@dataclass(frozen=True)
class MapPicture:
    """A similarity map as a template places it: ``png_base64`` has a pixel an entry, spans count entries."""

    method: str
    num_rows: int
    num_columns: int
    height: float
    png_base64: str
    low: float
    high: float
    rows: tuple[Span[str], ...]
    columns: tuple[Span[str], ...]


@dataclass(frozen=True)
class Strip:
    """A clip of a confusion: its part, its id, and frames as base64 of JPEG, none where there are none."""

    part: str
    tone: str
    clip_id: str
    frames: tuple[str, ...]


@dataclass(frozen=True)
class ConfusionCard:
    category: str
    strips: tuple[Strip, Strip, Strip]


def write_page(evaluation: Evaluation, path: Path, posters: Mapping[str, Sequence[bytes]]) -> None:
    """Write the page, whole or not at all; missing folders are made.

    ``posters`` maps clip ids to a few frames in the order of time, each a JPEG file; a clip without any
    is told by its id alone.

    Raises ``data.errors.ConfigError`` when the disk refuses.
    """
    filters: dict[str, Callable[..., str]] = {
        "column": words.column_text,
        "share": words.share_text,
        "interval": words.interval_text,
        "p": words.p_text,
        "printed": words.percent_or_dash,
        "percent": percent_text,
        "number": number_text,
    }
    page = template("evaluation.html.j2", filters).render(
        evaluation=evaluation,
        words=words,
        pairs=words.quoted_pairs(evaluation),
        maps=[map_picture(each) for each in evaluation.maps],
        map_width=MAP_WIDTH,
        confusions=confusion_cards(evaluation.confusions, posters),
        someone_failed=any(not all(row.hits) for row in evaluation.rows if row.kind != "floor"),
        identities={title: _identity(identity) for title, identity in evaluation.embedders.items()},
        palette=palette_css(),
        style=style("report.css", "evaluation.css"),  # our own files, the only text that goes in unescaped
    )
    write_atomically(path, page.encode())


def map_picture(similarity: SimilarityMap) -> MapPicture:
    """Colour a map of at least one entry, on a scale of its own: methods differ in the range they use."""
    num_rows, num_columns = similarity.values.shape
    low, high = colour_range(similarity.values)
    shortest, tallest = MAP_HEIGHTS
    return MapPicture(
        method=similarity.method,
        num_rows=num_rows,
        num_columns=num_columns,
        height=min(max(MAP_WIDTH * num_rows / num_columns, shortest), tallest),
        png_base64=_base64(coloured_png(similarity.values, low, high)),
        low=low,
        high=high,
        rows=_spans(similarity.rows_start, num_rows),
        columns=_spans(similarity.columns_start, num_columns),
    )


def confusion_cards(
    confusions: Sequence[Confusion], posters: Mapping[str, Sequence[bytes]]
) -> dict[str, list[ConfusionCard]]:
    """Cards by method, in the order in which the methods come."""
    cards: dict[str, list[ConfusionCard]] = {}
    for each in confusions:
        parts = (("Query", "reference", each.query), ("Its positive", "positive", each.positive))
        query, positive, winner = (
            Strip(part, tone, clip_id, tuple(map(_base64, posters.get(clip_id, ()))))
            for part, tone, clip_id in (*parts, ("Taken instead", "negative", each.winner))
        )
        cards.setdefault(each.method, []).append(ConfusionCard(each.category, (query, positive, winner)))
    return cards


def _spans(starts: Mapping[str, int], size: int) -> tuple[Span[str], ...]:
    ordered = sorted((start, label) for label, start in starts.items())
    return tuple(
        Span(label, start, stop)
        for (start, label), (stop, _) in pairwise([*ordered, (size, "")])
        if start < stop
    )


def _identity(identity: Mapping[str, Any]) -> dict[str, str]:
    return {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        for key, value in identity.items()
    }


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
