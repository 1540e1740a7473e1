"""The annotators of a study as one HTML file that opens anywhere: how each works, and what became of items.

It knows nothing of how anything is measured or decided. Of people it tells the pseudonym alone.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from annotation.answers import Answers
from annotation.decision import Decision
from annotation.overview import Overview, overview
from annotation.quality import AnnotatorQuality, ExclusionRules, MeanTau
from annotation.status import AnnotatorStanding
from annotation.study import Study
from data.disk import write_atomically
from flows import annotators_words as words
from flows.pages import style, template
from flows.report_cards import number_text

_TICKS_SECONDS = (
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    20,
    30,
    60,
    120,
    300,
    600,
    1200,
    3600,
    7200,
    14400,
    43200,
    86400,
)
_NAME_LETTERS = 14  # of a sha256


@dataclass(frozen=True)
class Range:
    """Where an interval, its middle and a mark lie on an axis, as shares of its length."""

    low: float
    at: float
    high: float
    marks: tuple[float, ...]


@dataclass(frozen=True)
class TauCell:
    """One mean of tau with its margin; ``wrong`` where the margin does not reach the limit."""

    mean: float
    margin: float
    count: int
    wrong: bool
    range: Range


@dataclass(frozen=True)
class Axis:
    """Seconds on a logarithmic axis from 0 to 1."""

    low_seconds: float
    high_seconds: float

    def at(self, seconds: float) -> float:
        share = math.log(seconds / self.low_seconds) / math.log(self.high_seconds / self.low_seconds)
        return min(max(share, 0.0), 1.0)


@dataclass(frozen=True)
class AnnotatorRow:
    """One annotator. ``taus`` are of gold, own repeats, the others and the order on screen."""

    standing: AnnotatorStanding
    quality: AnnotatorQuality | None
    taus: tuple[TauCell | None, ...]
    faults: tuple[str, ...]
    rejects: Mapping[str, int]
    seconds: tuple[float, ...]


@dataclass(frozen=True)
class ItemRow:
    """One item. ``decision`` is None for gold and where none was made."""

    item_id: str
    num_slots: int
    num_answered: int
    gold: bool
    decision: Decision | None
    lead: Range | None


def write_annotators_page(
    study: Study,
    found: Answers,
    rules: ExclusionRules,
    path: Path,
    decisions: Sequence[Decision] = (),
    name: str | None = None,
) -> Path:
    """Write the page, whole or not at all, and return its path; missing folders are made.

    ``name`` is its title, by default that of the study's folder.
    ``decisions`` are of ``annotation.decision.decide``; without them the page tells of items only how far
    they are. Raises ``data.errors.ConfigError`` when the disk refuses.
    """
    known = overview(study, found, rules)
    rows = annotator_rows(study, found, rules, known)
    filters: dict[str, Callable[..., str]] = {
        "number": number_text,
        "seconds": words.seconds_text,
        "work": words.work_text,
        "counted": words.counted,
        "words": lambda word: word.replace("_", " "),
        "short": lambda name: name if len(name) <= _NAME_LETTERS + 2 else f"{name[:_NAME_LETTERS]}…",
    }
    page = template("annotators.html.j2", filters).render(
        name=name or study.folder.resolve().name,
        known=known,
        now=known.standing,
        whole=sum(item.num_answered >= item.num_slots for item in known.standing.items),
        rows=rows,
        rules=rules,
        axis=seconds_axis([seconds for row in rows for seconds in row.seconds], rules.min_seconds),
        alpha=_alpha_range(known),
        items=item_rows(study, known, decisions),
        outcomes=Counter(decision.outcome for decision in decisions),
        num_gold=sum(item.known_order is not None for item in study.items.values()),
        rejects=Counter(reject.reason for reject in found.rejects).most_common(),
        changes=Counter((change.event, change.by) for change in found.changes).most_common(),
        words=words,
        style=style("report.css", "evaluation.css", "annotators.css"),
    )
    write_atomically(path, page.encode())
    return path


def annotator_rows(
    study: Study, found: Answers, rules: ExclusionRules, known: Overview
) -> tuple[AnnotatorRow, ...]:
    """A row for everybody who was asked: those who are not heard first, then in the order of the study."""
    seconds: dict[str, list[float]] = {}
    for ranking in found.rankings:
        seconds.setdefault(ranking.annotator, []).append(ranking.seconds)
    rejects: dict[str, Counter[str]] = {}
    for reject in found.rejects:
        if reject.slot_id is not None and reject.reason != "superseded":
            rejects.setdefault(study.owners[reject.slot_id], Counter())[reject.reason] += 1
    rows = []
    for own in known.standing.annotators:
        quality = known.qualities.get(own.annotator)
        faults = () if quality is None else known.faults.get(own.annotator, ())
        rows.append(
            AnnotatorRow(
                own,
                quality,
                tau_cells(quality, rules),
                tuple(words.fault_text(fault, quality, rules) for fault in faults if quality),
                dict(rejects.get(own.annotator, Counter()).most_common()),
                tuple(sorted(seconds.get(own.annotator, ()))),
            )
        )
    return tuple(sorted(rows, key=lambda row: not row.faults))


def tau_cells(own: AnnotatorQuality | None, rules: ExclusionRules) -> tuple[TauCell | None, ...]:
    """Of gold, own repeats, the others and the order on screen."""
    if own is None:
        return (None, None, None, None)
    at, limit = rules.significance, rules.max_position_tau
    lowest = (
        (own.gold, rules.min_gold_tau),
        (own.consistency, rules.min_consistency_tau),
        (own.agreement, rules.min_agreement_tau),
    )
    cells = [
        None if tau is None else _tau_cell(tau, tau.margin(at), tau.below(least, at), least)
        for tau, least in lowest
    ]
    screen = own.position
    if screen is None:
        return (*cells, None)
    return (*cells, _tau_cell(screen, screen.margin(at / 2), screen.beyond(limit, at), -limit, limit))


def _tau_cell(tau: MeanTau, margin: float, wrong: bool, *limits: float) -> TauCell:
    ends = (tau.mean - margin, tau.mean, tau.mean + margin)
    return TauCell(tau.mean, margin, tau.count, wrong, _range(ends, limits, -1.0, 1.0))


def seconds_axis(seconds: Sequence[float], *also: float) -> Axis:
    """An axis from one round time to another that holds them all, and ``also`` where it is above 0."""
    shown = [one for one in (*seconds, *also) if one > 0] or [1.0]
    low = max((tick for tick in _TICKS_SECONDS if tick <= min(shown)), default=_TICKS_SECONDS[0])
    high = min((tick for tick in _TICKS_SECONDS if tick >= max(shown)), default=_TICKS_SECONDS[-1])
    return Axis(low, max(high, 10 * low))


def item_rows(study: Study, known: Overview, decisions: Sequence[Decision]) -> tuple[ItemRow, ...]:
    """A row an item, in the order of the study; all leads are on one axis."""
    by_item = {decision.item_id: decision for decision in decisions}
    reach = max((abs(end) for one in decisions for end in (one.lead.low, one.lead.high)), default=0.0) or 1.0
    rows = []
    for item in known.standing.items:
        decision = by_item.get(item.item_id)
        lead = None
        if decision is not None and decision.num_ranked:
            ends = (decision.lead.low, decision.lead.gap, decision.lead.high)
            lead = _range(ends, (0.0,), -reach, reach)
        gold = study.items[item.item_id].known_order is not None
        rows.append(ItemRow(item.item_id, item.num_slots, item.num_answered, gold, decision, lead))
    return tuple(rows)


def _alpha_range(known: Overview) -> Range | None:
    found = known.agreement
    if found.alpha is None:
        return None
    low = found.alpha if found.alpha_low is None else found.alpha_low
    high = found.alpha if found.alpha_high is None else found.alpha_high
    return _range((low, found.alpha, high), (0.0,), -1.0, 1.0)


def _range(ends: tuple[float, float, float], marks: Sequence[float], low: float, high: float) -> Range:
    def share(value: float) -> float:
        return round(min(max((value - low) / (high - low), 0.0), 1.0), 4)

    return Range(share(ends[0]), share(ends[1]), share(ends[2]), tuple(map(share, marks)))
