"""How each annotator works, and who is not heard by rules that a recipe states.

Knows neither servers nor winners, and deletes nothing: the same rankings and rules name the same people.

Every mean of tau has a margin: what such a mean strays by when orders are drawn at random (Kendall 1938:
variance 2 (2n + 5) / (9 n (n - 1)) for n candidates). Somebody is named only where the mean is on the wrong
side of its limit by more than the margin, so few answers accuse nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

import numpy as np
from scipy.stats import norm

from annotation.agreement import Array, positions, tau_b
from annotation.items import Ranking, RankingItem, Slot
from annotation.votes import answers, by_id, items_of, votes
from data.errors import ConfigError

Fault = Literal["gold", "consistency", "agreement", "position", "too_fast", "cannot_judge"]


@dataclass(frozen=True)
class ExclusionRules:
    """Who is not heard; stated in the recipe. Limits of tau lie between -1 and 1, shares between 0 and 1.

    ``significance`` is how often chance alone may carry a mean past its margin, one-sided, for each rule.
    ``min_seconds`` is the least that watching the clips takes; more than ``max_fast_share`` of the answers
    below it is too fast. The two rules of shares hold from ``min_answers`` answers on. Raises
    ``ConfigError`` for limits out of their range.
    """

    min_gold_tau: float = 0.3
    min_consistency_tau: float = 0.3
    min_agreement_tau: float = 0.3
    max_position_tau: float = 0.3
    min_seconds: float = 5.0
    max_fast_share: float = 0.2
    max_cannot_judge_share: float = 0.5
    min_answers: int = 5
    significance: float = 0.01

    def __post_init__(self) -> None:
        for name in ("min_gold_tau", "min_consistency_tau", "min_agreement_tau", "max_position_tau"):
            if not -1 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; expected a tau, from -1 to 1")
        for name in ("max_fast_share", "max_cannot_judge_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; expected a share, from 0 to 1")
        if not 0 < self.significance < 0.5:
            raise ConfigError(f"significance is {self.significance}; expected a share such as 0.01")
        if self.min_seconds < 0 or self.min_answers < 1:
            raise ConfigError("min_seconds is below 0 or min_answers below 1")


@dataclass(frozen=True)
class MeanTau:
    """The mean of tau over ``count`` answers, and its standard deviation were the orders random."""

    mean: float
    count: int
    deviation: float

    def below(self, limit: float, significance: float) -> bool:
        """Whether it lies under the limit by more than chance explains."""
        return self.mean + self.margin(significance) < limit

    def beyond(self, limit: float, significance: float) -> bool:
        """Whether its size exceeds the limit by more than chance explains, whatever its sign."""
        return abs(self.mean) - self.margin(significance / 2) > limit

    def margin(self, significance: float) -> float:
        """What chance alone carries such a mean past, one-sided, no more often than ``significance``."""
        return float(norm.isf(significance)) * self.deviation


@dataclass(frozen=True)
class AnnotatorQuality:
    """How one annotator works. A ``MeanTau`` is None where nothing was there to take it from.

    ``gold`` compares with known orders, ``consistency`` repeats with the first answers, ``agreement`` with
    the mean positions that the others gave, ``position`` with the order on screen: towards 1 for whoever
    leaves things as they were shown. Shares and seconds are of all valid answers.
    """

    annotator: str
    num_answers: int
    gold: MeanTau | None
    consistency: MeanTau | None
    agreement: MeanTau | None
    position: MeanTau | None
    median_seconds: float
    fastest_seconds: float
    fast_share: float
    cannot_judge_share: float
    does_not_play_share: float


def excluded(
    rankings: Sequence[Ranking],
    slots: Sequence[Slot],
    items: Sequence[RankingItem],
    rules: ExclusionRules,
) -> dict[str, tuple[Fault, ...]]:
    """Annotators who are not heard, each with all rules that name them, in the order of the rules."""
    found = {own.annotator: _faults(own, rules) for own in qualities(rankings, slots, items, rules)}
    return {annotator: faults for annotator, faults in found.items() if faults}


def _faults(own: AnnotatorQuality, rules: ExclusionRules) -> tuple[Fault, ...]:
    enough = own.num_answers >= rules.min_answers
    at = rules.significance
    broken: dict[Fault, bool] = {
        "gold": own.gold is not None and own.gold.below(rules.min_gold_tau, at),
        "consistency": own.consistency is not None and own.consistency.below(rules.min_consistency_tau, at),
        "agreement": own.agreement is not None and own.agreement.below(rules.min_agreement_tau, at),
        "position": own.position is not None and own.position.beyond(rules.max_position_tau, at),
        "too_fast": enough and own.fast_share > rules.max_fast_share,
        "cannot_judge": enough and own.cannot_judge_share > rules.max_cannot_judge_share,
    }
    return tuple(fault for fault, holds in broken.items() if holds)


def qualities(
    rankings: Sequence[Ranking],
    slots: Sequence[Slot],
    items: Sequence[RankingItem],
    rules: ExclusionRules,
) -> tuple[AnnotatorQuality, ...]:
    """How everyone works who gave a valid answer, by annotator. Gold items do not count towards agreement.

    Agreement is with everyone else, the careless among them: taking them out first would make the outcome
    hang on the order of doing so. It holds while they are the minority.
    """
    current, _ = answers(rankings, slots, items)
    counted, _ = votes(rankings, slots, items)
    study = _Study(
        by_id(slots),
        items_of(items),
        {own.slot_id: own for own in current},
        _tables(counted, items_of(items)),
    )
    people = sorted({ranking.annotator for ranking in current})
    return tuple(_quality(annotator, study, rules) for annotator in people)


@dataclass(frozen=True, eq=False)
class _Study:
    """Everything by its id; ``tables`` has annotator → positions for every item that is not gold."""

    slots: Mapping[str, Slot]
    items: Mapping[str, RankingItem]
    answers: Mapping[str, Ranking]
    tables: Sequence[Mapping[str, Array]]


def _quality(annotator: str, study: _Study, rules: ExclusionRules) -> AnnotatorQuality:
    own = [study.answers[slot] for slot in sorted(study.answers)]
    own = [ranking for ranking in own if ranking.annotator == annotator]
    ranked = [ranking for ranking in own if ranking.verdict == "ranked"]
    seconds = [ranking.seconds for ranking in own]
    verdicts = [ranking.verdict for ranking in own]
    return AnnotatorQuality(
        annotator,
        len(own),
        _mean_known_tau([pair for ranking in ranked for pair in _with_gold(ranking, study)]),
        _mean_tau([pair for ranking in ranked for pair in _with_first_answer(ranking, study)]),
        _mean_tau([pair for table in study.tables for pair in _with_others(annotator, table)]),
        _mean_tau([_with_screen(ranking, study) for ranking in ranked]),
        median(seconds),
        min(seconds),
        sum(each < rules.min_seconds for each in seconds) / len(own),
        verdicts.count("cannot_judge") / len(own),
        verdicts.count("does_not_play") / len(own),
    )


def _with_gold(ranking: Ranking, study: _Study) -> Iterator[tuple[Array, Array]]:
    item = study.items[ranking.item_id]
    if item.known_order is not None and study.slots[ranking.slot_id].repeat_of is None:
        unknown = tuple(name for name in item.candidates if name not in item.known_order)
        known = [*((name,) for name in item.known_order), *([unknown] if unknown else [])]
        yield positions(ranking.order, item.candidates), positions(known, item.candidates)


def _with_first_answer(ranking: Ranking, study: _Study) -> Iterator[tuple[Array, Array]]:
    first = study.answers.get(study.slots[ranking.slot_id].repeat_of or "")
    if first is None or (first.annotator, first.item_id) != (ranking.annotator, ranking.item_id):
        return
    if first.verdict == "ranked":
        candidates = study.items[ranking.item_id].candidates
        yield positions(ranking.order, candidates), positions(first.order, candidates)


def _with_others(annotator: str, table: Mapping[str, Array]) -> Iterator[tuple[Array, Array]]:
    others = [table[name] for name in table if name != annotator]
    if annotator in table and others:
        yield table[annotator], _mean_positions(others)


def _with_screen(ranking: Ranking, study: _Study) -> tuple[Array, Array]:
    item = study.items[ranking.item_id]
    return positions(ranking.order, item.candidates), _strict(study.slots[ranking.slot_id].shown, item)


def _tables(counted: Sequence[Ranking], known: Mapping[str, RankingItem]) -> list[dict[str, Array]]:
    """Of every item that is not gold: annotator → positions."""
    tables = dict[str, dict[str, Array]]()
    for ranking in counted:
        item = known[ranking.item_id]
        if ranking.verdict == "ranked" and item.known_order is None:
            tables.setdefault(item.item_id, {})[ranking.annotator] = positions(ranking.order, item.candidates)
    return list(tables.values())


def _mean_positions(rows: Sequence[Array]) -> Array:
    """Means (candidates,) over those who ranked each, NaN where nobody did."""
    table = np.stack(rows)
    count = (~np.isnan(table)).sum(axis=0)
    return np.where(count > 0, np.nansum(table, axis=0) / np.maximum(count, 1), np.nan)


def _strict(order: Sequence[str], item: RankingItem) -> Array:
    return positions([(name,) for name in order], item.candidates)


def _mean_tau(pairs: Sequence[tuple[Array, Array]]) -> MeanTau | None:
    """All tied says nothing of any order and counts as tau 0: agreeing with nothing, as chance does."""
    taus, variances = [], []
    for one, other in pairs:
        count = int((~(np.isnan(one) | np.isnan(other))).sum())
        if count < 2:
            continue
        tau = tau_b(one, other)
        taus.append(0.0 if tau is None else tau)
        variances.append(2 * (2 * count + 5) / (9 * count * (count - 1)))
    return _mean(taus, variances)


def _mean_known_tau(pairs: Sequence[tuple[Array, Array]]) -> MeanTau | None:
    """Answers against what is known: concordant minus discordant over the pairs whose order is known.

    1 for whoever gets these right, also where only the best is known. The variance is Kendall's for ties.
    """
    taus, variances = [], []
    for answer, known in pairs:
        both = ~(np.isnan(answer) | np.isnan(known))
        first, second = (np.sign(each[both][:, None] - each[both]) for each in (answer, known))
        num_known = np.abs(second).sum() / 2
        if not num_known:
            continue
        sizes = np.unique(known[both], return_counts=True)[1]
        spread = _kendall_sum(both.sum()) - sum(map(_kendall_sum, sizes))
        taus.append(float((first * second).sum() / 2 / num_known))
        variances.append(float(spread / 18 / num_known**2))
    return _mean(taus, variances)


def _kendall_sum(count: int) -> int:
    return int(count * (count - 1) * (2 * count + 5))


def _mean(taus: Sequence[float], variances: Sequence[float]) -> MeanTau | None:
    if not taus:
        return None
    return MeanTau(float(np.mean(taus)), len(taus), float(np.sqrt(sum(variances))) / len(taus))
