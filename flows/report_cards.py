"""What the report shows of each triplet: chips, numbers against their gates, curves, words to search.

It knows nothing of HTML or files.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import chain

from data.schema import Category, Factors, Role, Triplet
from flows.report_plots import curve_points

# Hashes that tell two models apart, and no reader: the first digits are enough on a page.
HASH = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{5,}\b")

CURVE_WIDTH, CURVE_HEIGHT = 200, 170  # the box of an SPF plot in SVG units, without its axes

# Rows of a card's table: label, unit, and the measure that stands under each of the three clips.
MEASURE_ROWS: tuple[tuple[str, str, tuple[str | None, ...]], ...] = (
    ("Synchrony", "", (None, "synchrony", "negative_synchrony")),
    ("Best lag", "frames", (None, "synchrony_lag_frames", None)),
    ("Weakest moment", "", (None, "weakest_synchrony", None)),
    ("Motion ratio", "×", (None, "positive_to_reference_motion", None)),
    ("One half still", "frames", (None, "still_alone_frames", None)),
    ("Bleeding", "", (None, "bleeding", None)),
    ("Motion difference", "", (None, None, "motion_difference")),
    ("First frame", "dB", (None, None, "first_frame_psnr_db")),
    ("SM similarity", "", (None, "sm_positive", "sm_negative")),
    ("Mean-pooled", "", (None, "mean_positive", "mean_negative")),
    *(
        (label, unit, tuple(f"{role}_{name}" for role in Role))
        for label, unit, name in (
            ("Motion", "/s", "motion"),
            ("Largest cut", "×", "largest_cut"),
            ("Darkest frame", "luma", "darkest_luma"),
            ("SPF range", "rad", "spf_range_radians"),
            ("SPF off straight", "RMS", "spf_rms_deviation"),
        )
    ),
)
HEADLINES = (
    ("Synchrony", "synchrony"),
    ("Motion difference", "motion_difference"),
    ("SM margin", "sm_margin"),
    ("Mean-pooled margin", "mean_margin"),
)
FACETS = ("category", "motion", "subject", "style")


@dataclass(frozen=True)
class Limit:
    """The gate on one measure, both ends included; ``None`` leaves an end open."""

    minimum: float | None = None
    maximum: float | None = None

    def passes(self, value: float) -> bool:
        above = self.minimum is None or value >= self.minimum
        return above and (self.maximum is None or value <= self.maximum)

    def __str__(self) -> str:
        ends = (("at least", self.minimum), ("at most", self.maximum))
        return " and ".join(f"{word} {end:g}" for word, end in ends if end is not None)


@dataclass(frozen=True)
class Preview:
    """File names, within the media folder, of a triplet's three clips side by side."""

    video: str
    poster: str


@dataclass(frozen=True)
class Number:
    """One measure of a card: its value, and whether it keeps to its gate (``None``: it has none)."""

    label: str
    value: float | None
    limit: Limit | None

    @property
    def passed(self) -> bool | None:
        return None if self.limit is None or self.value is None else self.limit.passes(self.value)


@dataclass(frozen=True)
class Card:
    """One triplet as the page shows it."""

    triplet: Triplet
    preview: Preview
    limits: Mapping[str, Limit]

    @property
    def chips(self) -> list[tuple[str, str, str]]:
        """Name, reference value and positive value of every factor but the motion, changed ones first."""
        reference, positive = self.triplet.plan.factors, self.triplet.plan.positive
        names = [field.name for field in fields(Factors) if field.name != "motion"]
        chips = [(name, getattr(reference, name), getattr(positive, name)) for name in names]
        return sorted(chips, key=lambda chip: chip[1] == chip[2])

    @property
    def facets(self) -> dict[str, list[str]]:
        """The values by which a filter finds the card: those of the reference or of the positive."""
        plan = self.triplet.plan
        pairs = {name: (getattr(plan.factors, name), getattr(plan.positive, name)) for name in FACETS[1:]}
        return {"category": [plan.category.value]} | {name: sorted(set(pair)) for name, pair in pairs.items()}

    @property
    def search_text(self) -> str:
        """Everything a reader may look for, keys also as they are displayed."""
        plan = self.triplet.plan
        keys = {plan.category.value, plan.negative_motion, *vars(plan.factors).values()}
        keys |= set(vars(plan.positive).values())
        shown = {key.replace("_", " ") for key in keys}
        return " ".join([plan.triplet_id, *sorted(keys | shown), *vars(plan.prompts).values()])

    @property
    def headlines(self) -> list[Number]:
        return [self._number(label, measure) for label, measure in HEADLINES]

    @property
    def rows(self) -> list[tuple[str, str, list[Number | None]]]:
        return [
            (label, unit, [self._number(label, measure) if measure else None for measure in measures])
            for label, unit, measures in MEASURE_ROWS
        ]

    @property
    def curves(self) -> list[tuple[Role, str]]:
        """The SPF of each clip as SVG points in a box of ``CURVE_WIDTH`` × ``CURVE_HEIGHT``."""
        spf = self.triplet.spf
        return [(role, curve_points(spf[role], CURVE_WIDTH, CURVE_HEIGHT)) for role in Role if role in spf]

    def sort_key(self, measure: str) -> str:
        """The measure as a number that a script can read, empty where there is none."""
        value = self.triplet.measures.get(measure, math.nan)
        return f"{value:.6g}" if math.isfinite(value) else ""

    def _number(self, label: str, measure: str) -> Number:
        return Number(label, self.triplet.measures.get(measure), self.limits.get(measure))


@dataclass(frozen=True)
class Group:
    """The cards of one category, in the order in which their triplets came."""

    category: Category
    cards: tuple[Card, ...]

    @property
    def size(self) -> int:
        return len(self.cards)

    def median(self, measure: str) -> float | None:
        values = [card.triplet.measures.get(measure, math.nan) for card in self.cards]
        known = [value for value in values if math.isfinite(value)]
        return statistics.median(known) if known else None


def grouped(cards: Iterable[Card]) -> tuple[Group, ...]:
    """The categories that hold a card, in the order of ``Category``."""
    found: dict[Category, list[Card]] = {category: [] for category in Category}
    for card in cards:
        found[card.triplet.plan.category].append(card)
    return tuple(Group(category, tuple(members)) for category, members in found.items() if members)


def choices(cards: Sequence[Card]) -> dict[str, list[str]]:
    """For every facet the values that occur, so that no filter offers what is not there."""
    return {
        name: sorted(set(chain.from_iterable(card.facets[name] for card in cards)))
        if name != "category"
        else [category.value for category in Category if any(category in card.facets[name] for card in cards)]
        for name in FACETS
    }


def provenance(triplets: Sequence[Triplet]) -> dict[str, list[str]]:
    """What was used to make the triplets, each value once; empty without triplets."""
    found = {
        "clips": [_format_text(triplet) for triplet in triplets],
        "prompts": [triplet.prompt_writer for triplet in triplets],
        "images": [f"{triplet.image_generator} {triplet.image_revision}" for triplet in triplets],
        "video": [f"{triplet.video_generator} {triplet.video_revision}" for triplet in triplets],
        "licence": [triplet.licence for triplet in triplets],
    }
    return {
        name: list(dict.fromkeys(HASH.sub(r"\1…", value) for value in values))
        for name, values in found.items()
        if values
    }


def number_text(value: float | None, signed: bool = False) -> str:
    """``value`` to two decimals, fewer where it is large; a dash where there is none."""
    if value is None:
        return "–"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    decimals = 2 if abs(value) < 20 else 1 if abs(value) < 100 else 0
    text = f"{value:+z.{decimals}f}" if signed else f"{value:z.{decimals}f}"  # z: no minus before a zero
    return text.replace("-", "−")


def _format_text(triplet: Triplet) -> str:
    clip = triplet.format
    return f"{clip.size_px} × {clip.size_px} px, {clip.duration_seconds:g} s at {clip.fps} fps"
