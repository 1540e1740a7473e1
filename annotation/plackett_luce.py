"""Plackett–Luce strengths of one item's candidates, with intervals over annotators.

Knows neither thresholds nor who deserves to be heard: every ranking it is given counts. A ranking is a
series of choices, the best of all, then the best of the rest; candidate i is chosen from a set with
probability ∝ exp(strength i) (Luce 1959, Plackett 1975).

* *Partial rankings*: a candidate that was not ranked takes no part in that ranking, neither first nor last.
* *Ties*: the log-likelihood is the mean over all orders of the tied, so a tie pulls them together. Nothing
  is dropped, and the whole item tied is a whole vote for "all alike".
* *alpha*: the log-likelihood loses alpha · Σ strength². Above zero always, since a candidate that everyone
  puts first has no finite strength otherwise, and five annotators are often of one mind.
* *Intervals* come of fits to annotators drawn with replacement, never rankings: what one person says twice is
  not two opinions. Two things mend what such a bootstrap lacks with few people. Every draw also draws where
  the penalty pulls to, from the normal distribution that the penalty stands for (as the weighted bootstrap
  of Newton, Polson & Xu 2021 does): people of one mind then leave a spread instead of none. And draws are
  pushed away from the estimate by t / z · √(m / (m - 1)) for m annotators, which is Hesterberg's (2015)
  expanded percentile interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from annotation.items import Ranking
from data.errors import ConfigError, ContractError

Array = NDArray[np.float64]

ALPHA = 0.15
"""Default penalty. As a prior, strengths stray by 1 / √(2 · alpha) = 1.8, which is six to one in odds."""
DRAWS = 1000
LEVEL = 0.95
MAX_TIED = 12
"""Above it the sets of a tie (2 to its size) are too many to be listed."""
_STEPS, _LONGEST_STEP, _TOLERANCE = 200, 2.0, 1e-9


@dataclass(frozen=True, eq=False)
class Choices:
    """All that the likelihood needs of the rankings of one item.

    ``chosen`` (annotators, candidates) counts how often each was chosen; ``sets`` (sets, candidates) is
    True for the members of every set that was chosen from, ``faced`` (annotators, sets) counts how often.
    Counts are fractions where orders of ties are averaged.
    """

    annotators: tuple[str, ...]
    candidates: tuple[str, ...]
    chosen: Array
    sets: NDArray[np.bool_]
    faced: Array


def choices(rankings: Sequence[Ranking], candidates: Sequence[str]) -> Choices:
    """The rankings as choices; those whose verdict is not "ranked" say nothing.

    Raises ``ConfigError`` for fewer than two candidates, one given twice, and a ranking that names a
    candidate twice or one that the item does not have.
    """
    if len(candidates) < 2 or len(set(candidates)) < len(candidates):
        raise ConfigError(
            f"{len(candidates)} candidates, {len(set(candidates))} of them different: a ranking needs two "
            "or more, each once"
        )
    at = {candidate: index for index, candidate in enumerate(candidates)}
    heard = [ranking for ranking in rankings if ranking.verdict == "ranked"]
    heard.sort(key=lambda ranking: (ranking.annotator, ranking.order))  # sums of fractions feel their order
    annotators = tuple(sorted({ranking.annotator for ranking in heard}))
    chosen = np.zeros((len(annotators), len(at)))
    faced: dict[tuple[int, ...], Array] = {}
    for ranking in heard:
        who = annotators.index(ranking.annotator)
        groups = [tuple(at[name] for name in tied) for tied in _checked(ranking, at)]
        for position, tied in enumerate(groups):
            below = tuple(index for group in groups[position + 1 :] for index in group)
            for size in range(1, len(tied) + 1):
                share = 1 / comb(len(tied), size)
                for left in combinations(tied, size):
                    if size + len(below) < 2:
                        continue  # the last one is no choice
                    chosen[who, list(left)] += share / size
                    key = tuple(sorted(left + below))
                    faced.setdefault(key, np.zeros(len(annotators)))[who] += share
    sets = np.zeros((len(faced), len(at)), dtype=bool)
    for row, members in enumerate(faced):
        sets[row, list(members)] = True
    counts = np.stack(list(faced.values()), axis=1) if faced else np.zeros((len(annotators), 0))
    return Choices(annotators, tuple(candidates), chosen, sets, counts)


def _checked(ranking: Ranking, known: dict[str, int]) -> tuple[tuple[str, ...], ...]:
    named = [name for tied in ranking.order for name in tied]
    strange = sorted(set(named) - set(known))
    if strange or len(set(named)) < len(named):
        what = f"names {strange[0]}, which is no candidate" if strange else "names a candidate twice"
        raise ConfigError(
            f"annotation {ranking.annotation_id} of item {ranking.item_id} {what}: leave it out, and see "
            "whether it is from another project"
        )
    largest = max(map(len, ranking.order), default=0)
    if largest > MAX_TIED:
        raise ConfigError(
            f"annotation {ranking.annotation_id} of item {ranking.item_id} ties {largest} candidates; at "
            f"most {MAX_TIED} can be: show fewer candidates at a time"
        )
    return ranking.order


def fit(
    data: Choices, alpha: float = ALPHA, weights: Array | None = None, centre: Array | None = None
) -> Array:
    """Strengths (B, candidates) that maximise the penalised likelihood, by Newton's method for all B at once.

    ``weights`` (B, annotators) says how much each annotator counts, by default each once, B = 1; ``centre``
    (B, candidates) is where the penalty pulls to instead of zero. With neither it is
    ``choix.opt_rankings``, whose penalty is the same. Raises ``ConfigError`` unless alpha is above zero.
    """
    if not alpha > 0:
        raise ConfigError(
            f"alpha is {alpha}; it must be above 0, or a candidate that everyone prefers has no finite "
            "strength"
        )
    weights = np.ones((1, len(data.annotators))) if weights is None else weights
    centre = np.zeros((len(weights), len(data.candidates))) if centre is None else centre
    chosen, faced = weights @ data.chosen, weights @ data.faced
    members = data.sets.astype(np.float64)
    count = len(data.candidates)
    both = (members[:, :, None] * members[:, None, :]).reshape(-1, count * count)
    identity = np.eye(count)
    strengths: Array = centre.copy()
    for _ in range(_STEPS):
        odds = np.exp(strengths - strengths.max(axis=1, keepdims=True))
        weight = odds @ members.T  # (B, sets), of all in a set
        expected = odds * ((faced / weight) @ members)
        slope = chosen - expected - 2 * alpha * (strengths - centre)
        shared = ((faced / weight**2) @ both).reshape(-1, count, count)
        curvature = (2 * alpha + expected[:, :, None]) * identity
        curvature -= odds[:, :, None] * odds[:, None, :] * shared
        step = np.linalg.solve(curvature, slope[..., None])[..., 0]
        length = np.abs(step).max(axis=1, keepdims=True)
        strengths += step * np.minimum(1.0, _LONGEST_STEP / np.maximum(length, _TOLERANCE))
        if length.max(initial=0.0) < _TOLERANCE:
            return strengths
    raise ContractError(f"no strengths after {_STEPS} steps for candidates {', '.join(data.candidates)}")


@dataclass(frozen=True)
class Standing:
    """Where one candidate stands: strengths as log-odds around the item's mean, ranks from 1, the best."""

    candidate: str
    strength: float
    low: float
    high: float
    rank_low: int
    rank_high: int
    best_probability: float


@dataclass(frozen=True)
class Lead:
    """How far the winner is ahead, in log-odds, of the candidate over which its lead is least sure."""

    winner: str
    runner_up: str
    gap: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Strengths:
    """Strengths (candidates,) of ``candidates`` and draws (draws, candidates) around them, each of mean 0.

    ``num_annotators`` is of how many rankings they are.
    """

    candidates: tuple[str, ...]
    strengths: Array
    draws: Array
    level: float
    num_annotators: int

    def standings(self) -> tuple[Standing, ...]:
        """All candidates, best first; those of one strength by name."""
        low, high = _interval(self.draws, self.level)
        ranks = 1 + (self.draws[:, None, :] > self.draws[:, :, None]).sum(axis=2)
        rank_low, rank_high = np.quantile(
            ranks, [(1 - self.level) / 2, (1 + self.level) / 2], axis=0, method="inverted_cdf"
        )
        best = np.bincount(self.draws.argmax(axis=1), minlength=len(self.candidates)) / len(self.draws)
        columns = (self.strengths, low, high, rank_low, rank_high, best)
        rows = [
            Standing(name, float(s), float(lo), float(hi), int(first), int(last), float(p))
            for name, s, lo, hi, first, last, p in zip(self.candidates, *columns, strict=True)
        ]
        return tuple(sorted(rows, key=lambda row: (-round(row.strength, 9), row.candidate)))

    def lead(self) -> Lead:
        """The winner against everyone else; differences have narrower intervals than strengths overlap."""
        first = self.candidates.index(self.standings()[0].candidate)
        low, high = _interval(self.draws[:, [first]] - self.draws, self.level)
        others = [index for index in range(len(self.candidates)) if index != first]
        rival = min(others, key=lambda index: (low[index], self.candidates[index]))
        gap = float(self.strengths[first] - self.strengths[rival])
        return Lead(
            self.candidates[first], self.candidates[rival], gap, float(low[rival]), float(high[rival])
        )


def strengths(
    rankings: Sequence[Ranking],
    candidates: Sequence[str],
    alpha: float = ALPHA,
    level: float = LEVEL,
    num_draws: int = DRAWS,
    seed: int = 0,
) -> Strengths:
    """Strengths of the candidates with ``num_draws`` draws around them.

    The order of rankings and of candidates makes no difference. One annotator, or none, gives no idea of how
    people differ: the draws are then the penalty's own, wide and without a preference. Raises what
    ``choices`` and ``fit`` raise.
    """
    data = choices(rankings, sorted(candidates))
    chance = np.random.default_rng(seed)
    found = _centred(fit(data, alpha))[0]
    people = len(data.annotators)
    centre = chance.normal(0.0, 1 / np.sqrt(2 * alpha), (num_draws, len(data.candidates)))
    if people < 2:
        return Strengths(data.candidates, found, _centred(centre), level, people)
    weights = chance.multinomial(people, np.full(people, 1 / people), num_draws).astype(np.float64)
    drawn = _centred(fit(data, alpha, weights, centre))
    upper = (1 + level) / 2
    wider = t.ppf(upper, people - 1) / norm.ppf(upper) * np.sqrt(people / (people - 1))
    return Strengths(data.candidates, found, found + wider * (drawn - found), level, people)


def _centred(values: Array) -> Array:
    centred: Array = values - values.mean(axis=1, keepdims=True)
    return centred


def _interval(draws: Array, level: float) -> tuple[Array, Array]:
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high
