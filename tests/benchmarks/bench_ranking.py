"""Crowd ranking on people whose noise is known: right winners, coverage of intervals, careless ones found.

``python -m tests.benchmarks.bench_ranking`` (``make bench-ranking``). Everything is drawn from one seed: 40
items of 5 candidates a study, ranked by Plackett–Luce of strengths in equal steps. Steps are set so that the
mean tau is as stated, either of an annotator with the truth or of two annotators with each other: people who
agree with each other at 0.6 are nearer to the truth than that. Printed are

1. right winners after so many annotators, beside the most that any method could find, which knows the steps
   and lacks only the order; how often 95 % intervals of strengths, ranks and leads hold the truth;
2. studies decided as the house decides, asking one more annotator until every item is accepted or rejected:
   right ones of those accepted, wrong ones of all items, and annotators an item;
3. careless annotators among honest ones, several kinds and noise levels, found and falsely accused, and the
   right winners with and without them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import logsumexp

from annotation.decision import DecisionRules, decide_item
from annotation.items import Ranking, RankingItem, Slot
from annotation.plackett_luce import choices, fit, strengths
from annotation.quality import ExclusionRules, excluded
from annotation.votes import votes

SEED = 20260214
ITEMS, CANDIDATES = 40, 5
NAMES = tuple("abcde")
TRUE_STEPS = np.arange(CANDIDATES)[::-1] - (CANDIDATES - 1) / 2
Array = NDArray[np.float64]


def tau_with_truth(step: float) -> float:
    """Expected tau of a Plackett–Luce ranking with the truth: two at distance d·step are right by tanh."""
    return _mean_over_pairs(lambda distance: np.tanh(step * distance / 2))


def tau_between(step: float) -> float:
    """Expected tau of two such rankings with each other."""
    return _mean_over_pairs(lambda distance: np.tanh(step * distance / 2) ** 2)


def _mean_over_pairs(of: Callable[[int], float]) -> float:
    return float(np.mean([of(b - a) for a, b in combinations(range(CANDIDATES), 2)]))


@cache
def step_for(tau: float, of: Callable[[float], float] = tau_with_truth) -> float:
    return float(brentq(lambda step: of(step) - tau, 1e-6, 50.0)) if tau > 0 else 0.0


def draw_order(chance: np.random.Generator, step: float) -> tuple[int, ...]:
    """One ranking by its strengths with Gumbel noise, which is Plackett–Luce; 0 is truly the best."""
    noisy = step * TRUE_STEPS + chance.gumbel(size=CANDIDATES)
    return tuple(int(index) for index in np.argsort(-noisy))


def ranking(
    annotator: str, item: str, order: tuple[int, ...], slot: str = "", seconds: float = 60.0
) -> Ranking:
    named = tuple((NAMES[index],) for index in order)
    return Ranking(
        slot, item, annotator, "ranked", named, seconds, "2026-01-01T00:00:00Z", f"{slot}-{annotator}"
    )


def best_possible(orders: list[tuple[int, ...]], step: float) -> int:
    """The winner by Bayes' rule over all orders of the true strengths: no method is right more often."""
    logs = np.array([_loglikelihoods(order, step) for order in orders]).sum(axis=0)
    winners = np.array([permutation.index(0) for permutation in _ORDERS])
    return int(np.argmax([logsumexp(logs[winners == index]) for index in range(CANDIDATES)]))


_ORDERS = list(permutations(range(CANDIDATES)))
_TABLE = np.array(_ORDERS)


def _loglikelihoods(order: tuple[int, ...], step: float) -> Array:
    """Of one ranking under every assignment of the true strengths: (120,)."""
    values = step * TRUE_STEPS[_TABLE][:, list(order)]
    total: Array = np.sum(
        [values[:, place] - logsumexp(values[:, place:], axis=1) for place in range(CANDIDATES)], axis=0
    )
    return total


@dataclass(frozen=True)
class Crowd:
    """People of one noise level, or of several levels that are equally probable."""

    title: str
    steps: tuple[float, ...]

    def truth(self) -> Array:
        """Strengths (candidates,): those drawn from, or of very many people where levels are mixed."""
        if len(self.steps) == 1:
            return np.asarray(self.steps[0] * TRUE_STEPS, dtype=np.float64)
        chance = np.random.default_rng(SEED)
        very_many = [ranking(f"p{who % 50}", "item", self.draw(chance)) for who in range(20_000)]
        found: Array = fit(choices(very_many, NAMES), 1e-3)[0]
        return found

    def draw(self, chance: np.random.Generator) -> tuple[int, ...]:
        return draw_order(chance, self.steps[int(chance.integers(len(self.steps)))])


def with_each_other(tau: float) -> Crowd:
    return Crowd(f"{tau:.1f} with each other", (step_for(tau, tau_between),))


def with_the_truth(*taus: float) -> Crowd:
    return Crowd(
        f"{' '.join(f'{tau:.1f}' for tau in taus)} with the truth", tuple(step_for(tau) for tau in taus)
    )


def one_pass(crowd: Crowd, people: int, winners: int, intervals: int) -> str:
    """So many winners with a fixed number of annotators, and the coverage of the first intervals of them."""
    truth, chance = crowd.truth(), np.random.default_rng([SEED, people])
    right, covered = [], []
    for number in range(winners):
        orders = [crowd.draw(chance) for _ in range(people)]
        rankings = [ranking(f"p{who}", "item", order) for who, order in enumerate(orders)]
        winner = int(fit(choices(rankings, NAMES))[0].argmax())
        best = best_possible(orders, float(np.mean(crowd.steps)))
        right.append((winner == 0, best == 0))
        if number < intervals:
            own = strengths(rankings, NAMES, num_draws=500, seed=number)
            rows, lead = own.standings(), own.lead()
            places = [NAMES.index(row.candidate) for row in rows]
            both = list(zip(rows, places, strict=True))
            gap = truth[NAMES.index(lead.winner)] - truth[NAMES.index(lead.runner_up)]
            covered.append(
                (
                    np.mean([row.low <= truth[at] <= row.high for row, at in both]),
                    np.mean([row.rank_low <= at + 1 <= row.rank_high for row, at in both]),
                    lead.low <= gap <= lead.high,
                    rows[0].best_probability,
                    lead.low > 0,
                )
            )
    means = [*np.mean(np.array(right, dtype=float), axis=0), *np.mean(np.array(covered, dtype=float), axis=0)]
    return f"| {crowd.title} | {people} | " + " | ".join(f"{value:.1%}" for value in means) + " |"


def until_decided(crowd: Crowd, level: float, studies: int) -> str:
    """Items asked about until they are accepted or rejected."""
    rules = DecisionRules(level=level, num_draws=500)
    chance = np.random.default_rng(SEED)
    item = RankingItem("item", "reference", NAMES)
    count = studies * ITEMS
    accepted = right = asked = 0
    for _ in range(count):
        rankings = [ranking(f"p{who}", "item", crowd.draw(chance)) for who in range(rules.max_annotators)]
        for people in range(rules.min_annotators, rules.max_annotators + 1):
            decision = decide_item(item, rankings[:people], rules)
            if decision.outcome != "ask_more":
                break
        asked += people
        accepted += decision.outcome == "accept"
        right += decision.outcome == "accept" and decision.lead.winner == NAMES[0]
    return (
        f"| {crowd.title} | {level:.0%} | {accepted / count:.1%} | {right / max(accepted, 1):.1%} | "
        f"{(accepted - right) / count:.1%} | {asked / count:.1f} |"
    )


@dataclass(frozen=True)
class Kind:
    """A kind of annotator: what order they give from what they see, and how long they take."""

    title: str
    careless: bool
    order: Callable[[np.random.Generator, tuple[int, ...]], tuple[int, ...]]
    seconds: float = 60.0


def honest(tau: float) -> Kind:
    step = step_for(tau)
    return Kind(f"honest, tau {tau:.1f}", False, lambda chance, _: draw_order(chance, step))


def _random(chance: np.random.Generator, _: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(index) for index in chance.permutation(CANDIDATES))


def _mostly_random(chance: np.random.Generator, shown: tuple[int, ...]) -> tuple[int, ...]:
    return _random(chance, shown) if chance.random() < 0.8 else draw_order(chance, step_for(0.6))


KINDS = (
    honest(0.8),
    honest(0.6),
    honest(0.5),
    honest(0.4),
    Kind("at random", True, _random),
    Kind("at random in 8 of 10", True, _mostly_random),
    Kind("as shown", True, lambda _, shown: shown),
    Kind("upside down", True, lambda chance, _: draw_order(chance, step_for(0.6))[::-1]),
    Kind("in two seconds", True, lambda chance, _: draw_order(chance, step_for(0.4)), 2.0),
)
GOLD, REPEATS = 5, 4


def study(
    chance: np.random.Generator, crowd: tuple[Kind, ...]
) -> tuple[list[RankingItem], list[Slot], list[Ranking]]:
    """Everyone ranks 7 of 10 ordinary items, on average, all gold ones, and the first few once more."""
    items = [RankingItem(f"item{number}", "reference", NAMES) for number in range(ITEMS)]
    items += [RankingItem(f"gold{number}", "reference", NAMES, NAMES) for number in range(GOLD)]
    slots, rankings = [], []
    for who, kind in enumerate(crowd):
        for item, again in _seen(chance, items):
            shown = _random(chance, ())
            slot = f"{item.item_id}-{who}" + "-again" * again
            first = f"{item.item_id}-{who}" if again else None
            slots.append(Slot(slot, item.item_id, tuple(NAMES[index] for index in shown), first))
            order = kind.order(chance, shown)
            rankings.append(
                ranking(f"p{who}", item.item_id, order, slot, chance.gamma(9.0, kind.seconds / 9))
            )
    return items, slots, rankings


def _seen(chance: np.random.Generator, items: list[RankingItem]) -> Iterator[tuple[RankingItem, bool]]:
    own = [item for item in items if item.known_order is not None or chance.random() < 0.7]
    yield from ((item, False) for item in own)
    yield from ((item, True) for item in own[:REPEATS])


def careless(studies: int) -> list[str]:
    """Crowds of 10: seven honest ones of all levels, and three careless ones of different kinds."""
    chance = np.random.default_rng(SEED)
    named: dict[str, list[bool]] = {kind.title: [] for kind in KINDS}
    right: list[tuple[bool, bool]] = []
    for number in range(studies):
        bad = [kind for kind in KINDS if kind.careless]
        bad = [bad[index] for index in chance.choice(len(bad), 3, replace=False)]
        crowd = (*(kind for kind in KINDS if not kind.careless), honest(0.6), honest(0.6), honest(0.5), *bad)
        items, slots, rankings = study(chance, crowd)
        out = excluded(rankings, slots, items, ExclusionRules())
        for who, kind in enumerate(crowd):
            named[kind.title].append(f"p{who}" in out)
        if number < 10:
            right += zip(
                *(_right_winners(items, votes(rankings, slots, items, by)[0]) for by in ((), out)),
                strict=True,
            )
    accused = [hit for kind in KINDS if not kind.careless for hit in named[kind.title]]
    found = [hit for kind in KINDS if kind.careless for hit in named[kind.title]]
    rows = [*named.items(), ("all careless", found), ("all honest", accused)]
    everyone, heard = np.mean(np.array(right, dtype=float), axis=0)
    return [f"| {title} | {len(hits)} | {np.mean(hits):.1%} |" for title, hits in rows] + [
        f"\nRight winners: {everyone:.1%} with everyone heard, {heard:.1%} without those named."
    ]


def _right_winners(items: list[RankingItem], counted: tuple[Ranking, ...]) -> list[bool]:
    found = []
    for item in items:
        if item.known_order is None:
            own = [each for each in counted if each.item_id == item.item_id]
            found.append(strengths(own, NAMES, num_draws=1).standings()[0].candidate == NAMES[0])
    return found


def main() -> None:
    start = time.perf_counter()
    print(
        "| tau of annotators | annotators | right winner | most possible | strengths | ranks | lead "
        "| believed | clear |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for crowd, counts in (
        (with_each_other(0.6), (3, 7, 15)),
        (with_the_truth(0.6), (3, 7, 15)),
        (with_the_truth(0.4), (7,)),
        (with_the_truth(0.8), (7,)),
        (with_the_truth(0.4, 0.6, 0.8), (7,)),
    ):
        for people in counts:
            print(one_pass(crowd, people, 150 * ITEMS if people == 7 else 30 * ITEMS, 10 * ITEMS), flush=True)
    print(f"{time.perf_counter() - start:.0f} s\n")
    print("| tau of annotators | level | accepted | right of those | wrong of all | annotators |")
    print("|---|---|---|---|---|---|")
    for crowd in (with_each_other(0.6), with_the_truth(0.6), with_the_truth(0.3)):
        for level in (0.9, 0.95):
            print(until_decided(crowd, level, 5), flush=True)
    print(f"{time.perf_counter() - start:.0f} s\n")
    print("| annotators | seen | named |\n|---|---|---|")
    print("\n".join(careless(100)))
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
