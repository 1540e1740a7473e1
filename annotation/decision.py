"""What becomes of an item: accept its winner, ask more people, or reject it; with the numbers.

Knows neither servers nor who is careless: it is given what counts (``annotation.votes``).

* *accept*: the interval of the winner's lead over everyone else lies above zero.
* *ask_more*: not yet. The items that gain most come first: the gain is the information, in bits, that the
  first choice of one more annotator is expected to give on which candidate is best. It is high where several
  may be best and people can tell them apart, and low where it is settled or nobody sees a difference.
* *reject*: no clear winner after ``max_annotators`` were asked, or several say that a clip does not play.

A winner is looked for after every annotator, and each look is a chance to be wrong. ``min_annotators`` keeps
off the early ones; ``tests.benchmarks.bench_ranking`` measures what is left.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import softmax

from annotation.items import Ranking, RankingItem, Slot
from annotation.plackett_luce import ALPHA, DRAWS, Lead, Standing, Strengths, strengths
from annotation.votes import votes
from data.errors import ConfigError

Outcome = Literal["accept", "ask_more", "reject"]
Reason = Literal["clear_winner", "too_few_annotators", "no_clear_winner", "no_agreement", "does_not_play"]


@dataclass(frozen=True)
class DecisionRules:
    """When enough was asked; stated in the recipe.

    ``min_annotators`` have ranked before a winner is accepted, and ``max_annotators`` were asked, those who
    could not judge among them, before an item is given up; ``max_does_not_play`` people may say that a clip
    does not play before asking further is a waste. ``level`` is of the intervals: 0.95 costs about one
    annotator more an item and accepts fewer. ``alpha`` is the penalty of the strengths.
    Raises ``ConfigError`` for what cannot be meant.
    """

    min_annotators: int = 5
    max_annotators: int = 15
    max_does_not_play: int = 1
    level: float = 0.9
    alpha: float = ALPHA
    num_draws: int = DRAWS
    seed: int = 0

    def __post_init__(self) -> None:
        if not 2 <= self.min_annotators <= self.max_annotators:
            raise ConfigError(
                f"min_annotators is {self.min_annotators} and max_annotators {self.max_annotators}; expected "
                "2 or more, and no more than the second"
            )
        if not 0 < self.level < 1:
            raise ConfigError(f"level is {self.level}; expected a share between 0 and 1, such as 0.95")
        if not self.alpha > 0:
            raise ConfigError(f"alpha is {self.alpha}; it must be above 0")


@dataclass(frozen=True)
class Decision:
    """What becomes of one item, and why.

    ``lead`` is the winner's, ``standings`` all candidates, best first. ``num_ranked`` annotators ranked,
    ``num_cannot_judge`` and ``num_does_not_play`` said that instead. ``gain_bits`` is what the first choice
    of one more annotator is expected to tell of who is best.
    """

    item_id: str
    outcome: Outcome
    reason: Reason
    lead: Lead
    standings: tuple[Standing, ...]
    num_ranked: int
    num_cannot_judge: int
    num_does_not_play: int
    gain_bits: float


def decide(
    items: Sequence[RankingItem],
    slots: Sequence[Slot],
    rankings: Sequence[Ranking],
    rules: DecisionRules,
    excluded: Collection[str] = (),
) -> tuple[Decision, ...]:
    """A decision on every item that is not gold, in the order of ``items``.

    Of every slot the latest valid ranking counts, of every annotator one an item, of those ``excluded``
    none; repeats do not count here. Raises ``ConfigError`` for ids given twice and fewer than two candidates.
    """
    counted, _ = votes(rankings, slots, items, excluded)
    own = dict[str, list[Ranking]]()
    for ranking in counted:
        own.setdefault(ranking.item_id, []).append(ranking)
    return tuple(
        decide_item(item, own.get(item.item_id, []), rules) for item in items if item.known_order is None
    )


def decide_item(item: RankingItem, counted: Sequence[Ranking], rules: DecisionRules) -> Decision:
    """The decision on one item from the rankings that count, one an annotator."""
    found = strengths(counted, item.candidates, rules.alpha, rules.level, rules.num_draws, rules.seed)
    verdicts = [ranking.verdict for ranking in counted]
    ranked, unplayed = verdicts.count("ranked"), verdicts.count("does_not_play")
    lead = found.lead()
    outcome, reason = _judged(lead, ranked, len(counted), unplayed, rules)
    return Decision(
        item.item_id,
        outcome,
        reason,
        lead,
        found.standings(),
        ranked,
        verdicts.count("cannot_judge"),
        unplayed,
        expected_gain_bits(found),
    )


def _judged(
    lead: Lead, ranked: int, asked: int, unplayed: int, rules: DecisionRules
) -> tuple[Outcome, Reason]:
    if unplayed > rules.max_does_not_play:
        return "reject", "does_not_play"
    if ranked >= rules.min_annotators and lead.low > 0:
        return "accept", "clear_winner"
    if asked >= rules.max_annotators:
        return "reject", "no_agreement"
    return "ask_more", "too_few_annotators" if ranked < rules.min_annotators else "no_clear_winner"


def most_gain(decisions: Sequence[Decision]) -> tuple[Decision, ...]:
    """The items to ask more people about: those short of the minimum first, then by gain, the most first."""
    open_ones = [decision for decision in decisions if decision.outcome == "ask_more"]
    return tuple(
        sorted(
            open_ones,
            key=lambda own: (own.reason != "too_few_annotators", -round(own.gain_bits, 9), own.item_id),
        )
    )


def expected_gain_bits(found: Strengths) -> float:
    """Information, in bits, between who is best and whom the next annotator puts first. Our own rule.

    The draws stand for what is believed: each says who is best, and by Luce's rule how probable every first
    choice is. 0 where all draws have one winner, at most log2(candidates).
    """
    first = softmax(found.draws, axis=1)  # (draws, candidates)
    best = found.draws.argmax(axis=1)
    gain = _entropy(first.mean(axis=0))
    for winner in np.unique(best):
        given = best == winner
        gain -= float(given.mean()) * _entropy(first[given].mean(axis=0))
    return max(gain, 0.0)  # rounding


def _entropy(probabilities: np.typing.NDArray[np.float64]) -> float:
    some = probabilities[probabilities > 0]
    return float(-(some * np.log2(some)).sum())
