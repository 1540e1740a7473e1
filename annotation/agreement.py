"""How far people agree: Krippendorff's alpha with its interval, Kendall's W, mean pairwise tau-b.

Knows nothing of who is right. All are taken on relative positions: (rank - ½) / number ranked, ties at their
mean rank, NaN where a candidate was not ranked, so that partial rankings are comparable with whole ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from annotation.items import Ranking, RankingItem
from data.errors import ConfigError

Array = NDArray[np.float64]

DRAWS = 1000


@dataclass(frozen=True)
class Agreement:
    """Agreement on one item, or on several. None stands for what is not defined.

    ``alpha`` is Krippendorff's (ordinal) with an interval over annotators; it needs two annotators who
    ranked the same candidates, and not everything tied. ``kendalls_w`` is of the annotators who ranked all
    candidates, ``tau`` of all pairs of annotators with something untied in common; over several items both
    are means of the items' own.
    """

    num_annotators: int
    alpha: float | None
    alpha_low: float | None
    alpha_high: float | None
    kendalls_w: float | None
    tau: float | None


def agreement(
    rankings: Sequence[Ranking],
    items: Sequence[RankingItem],
    level: float = 0.95,
    num_draws: int = DRAWS,
    seed: int = 0,
) -> Agreement:
    """Agreement of the rankings on ``items``, one or several; rankings of other items are left out.

    ``rankings`` holds one of each annotator and item (``annotation.votes``). Raises ``ConfigError`` where it
    holds two, and for candidates that an item does not have.
    """
    own = [each for item in items if (each := _own(rankings, item)) is not None]
    people = sorted({name for names, _ in own for name in names})
    units = np.full((len(people), sum(table.shape[1] for _, table in own)), np.nan)
    column = 0
    for names, table in own:
        rows = [people.index(name) for name in names]
        units[rows, column : column + table.shape[1]] = table
        column += table.shape[1]
    low, high = alpha_interval(units, level, num_draws, seed)
    return Agreement(
        len(people),
        krippendorff_alpha(units),
        low,
        high,
        _mean([kendalls_w(table) for _, table in own]),
        _mean([mean_tau(table) for _, table in own]),
    )


def _own(rankings: Sequence[Ranking], item: RankingItem) -> tuple[tuple[str, ...], Array] | None:
    own = [each for each in rankings if each.item_id == item.item_id and each.verdict == "ranked"]
    own.sort(key=lambda each: each.annotator)
    names = tuple(each.annotator for each in own)
    if len(set(names)) < len(names):
        raise ConfigError(
            f"item {item.item_id} has {len(names)} rankings by {len(set(names))} annotators: give one of "
            "each, as annotation.votes does"
        )
    return (names, np.stack([positions(each.order, item.candidates) for each in own])) if own else None


def positions(order: Sequence[Sequence[str]], candidates: Sequence[str]) -> Array:
    """Relative positions (candidates,) in an order, 0 the best and 1 the worst end, NaN where not ranked.

    Raises ``ConfigError`` for a name that is none of the candidates.
    """
    at = {candidate: index for index, candidate in enumerate(candidates)}
    found = np.full(len(at), np.nan)
    ranked, before = sum(map(len, order)), 0
    for tied in order:
        for name in tied:
            if name not in at:
                raise ConfigError(f"{name} was ranked and is none of the {len(at)} candidates of the item")
            found[at[name]] = (before + len(tied) / 2) / ranked
        before += len(tied)
    return found


def tau_b(one: Array, other: Array) -> float | None:
    """Kendall's tau-b of positions (candidates,), over those in both; None where either ties them all."""
    both = ~(np.isnan(one) | np.isnan(other))
    first, second = (np.sign(each[both][:, None] - each[both]) for each in (one, other))
    scale = np.sqrt((first**2).sum() * (second**2).sum())
    return float((first * second).sum() / scale) if scale > 0 else None


def mean_tau(table: Array) -> float | None:
    """Mean tau-b of all pairs of annotators; positions (annotators, candidates)."""
    return _mean([tau_b(one, other) for one, other in combinations(table, 2)])


def kendalls_w(table: Array) -> float | None:
    """Kendall's W, corrected for ties (Kendall & Gibbons 1990), of the annotators who ranked everything.

    None with fewer than two of them, and where all tie everything.
    """
    whole = table[~np.isnan(table).any(axis=1)]
    people, count = whole.shape
    if people < 2 or count < 2:
        return None
    ranks = whole * count  # less ½, which no difference feels
    spread = ((ranks - ranks.mean(axis=1, keepdims=True)) ** 2).sum()  # (n³ - n) / 12 a person, less ties
    sums = ranks.sum(axis=0)
    return float(((sums - sums.mean()) ** 2).sum() / (people * spread)) if spread > 0 else None


def krippendorff_alpha(units: Array, weights: Array | None = None) -> float | None:
    """Ordinal alpha (Krippendorff 2011) of values (annotators, units), NaN where missing.

    ``weights`` (annotators,) counts some annotators more than once: pairs of somebody with themselves are
    left out, since agreeing with oneself is no agreement. None where no unit has two values or all are equal.
    """
    values, codes = np.unique(units[~np.isnan(units)], return_inverse=True)
    if len(values) < 2:
        return None
    members = np.zeros((*units.shape, len(values)))  # (annotators, units, values), one-hot
    members[(*np.nonzero(~np.isnan(units)), codes)] = 1.0
    return _alpha(members, np.ones(len(units)) if weights is None else weights)


def _alpha(members: Array, weights: Array) -> float | None:
    counted = np.einsum("a,auv->uv", weights, members)
    selves = np.einsum("a,auv->uv", weights**2, members)
    heads = counted.sum(axis=1)
    pairs = heads**2 - selves.sum(axis=1)
    usable = pairs > 0
    share = heads[usable] / pairs[usable]  # 1 / (annotators of the unit - 1) where all weigh one
    together = counted[usable].T @ (counted[usable] * share[:, None])
    together -= np.diag((selves[usable] * share[:, None]).sum(axis=0))
    totals = together.sum(axis=1)
    upto = np.cumsum(totals) - totals / 2
    distance = (upto[:, None] - upto) ** 2
    expected = (np.outer(totals, totals) * distance).sum()
    if expected <= 0:
        return None
    return float(1 - (totals.sum() - 1) * (together * distance).sum() / expected)


def alpha_interval(
    units: Array, level: float = 0.95, num_draws: int = DRAWS, seed: int = 0
) -> tuple[float | None, float | None]:
    """The interval of alpha over annotators drawn with replacement, widened as that of the strengths.

    It says how far alpha would move with other people on the same items. Both None where alpha is, and with
    fewer than three annotators, who have but one pair to draw from.
    """
    alpha = krippendorff_alpha(units)
    people = len(units)
    if alpha is None or people < 3:
        return None, None
    chance = np.random.default_rng(seed)
    values, codes = np.unique(units[~np.isnan(units)], return_inverse=True)
    members = np.zeros((*units.shape, len(values)))
    members[(*np.nonzero(~np.isnan(units)), codes)] = 1.0
    weights = chance.multinomial(people, np.full(people, 1 / people), num_draws).astype(np.float64)
    drawn = [found for own in weights if (found := _alpha(members, own)) is not None]
    if not drawn:
        return None, None
    upper = (1 + level) / 2
    wider = t.ppf(upper, people - 1) / norm.ppf(upper) * np.sqrt(people / (people - 1))
    low, high = np.quantile(alpha + wider * (np.array(drawn) - alpha), [1 - upper, upper])
    return float(max(low, -1.0)), float(min(high, 1.0))


def _mean(found: Sequence[float | None]) -> float | None:
    defined = [value for value in found if value is not None]
    return float(np.mean(defined)) if defined else None
