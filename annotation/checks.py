"""What the answers of a check or a preference come to: an outcome of every triplet and pair, by one rule.

Knows neither servers nor files.  The intervals are Wilson's (1927), two-sided at ``LEVEL``; a side wins where
at least ``MIN_JUDGED`` people judged and the interval of its share lies above one half.  At 90 % three who
agree are enough (from 0.53), which they are not at 95 % (from 0.44); of seven one may differ.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from scipy.stats import norm

from annotation.items import Judgement, Ranking, RankingItem
from data.people import PairPreference, TripletCheck

LEVEL, MIN_JUDGED = 0.90, 3

Opinion = Literal["accept", "reject", "unsure", "does_not_play"]


@dataclass(frozen=True)
class Share:
    """A share in ``total`` answers, and the interval in which it lies."""

    share: float
    low: float
    high: float
    total: int

    @property
    def wins(self) -> bool:
        return self.total >= MIN_JUDGED and self.low > 0.5


def wilson(count: float, total: int, level: float = LEVEL) -> Share:
    """Wilson's interval of ``count`` in ``total`` ≥ 1; a half counts half."""
    z = float(norm.isf((1 - level) / 2))
    share = count / total
    centre = share + z * z / (2 * total)
    margin = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    low, high = (centre - margin) / scale, (centre + margin) / scale
    # At none and at all the end is the share itself, which rounding misses by a hair.
    return Share(share, max(0.0, min(share, low)), min(1.0, max(share, high)), total)


def opinion(judgement: Judgement, item: RankingItem) -> Opinion:
    """What one annotator thinks of a triplet.

    "accept": the positive moves like the reference and the negative does not; "reject": the positive does
    not, or the negative does; else "unsure".
    """
    if judgement.verdict != "ranked":
        return "does_not_play"
    positive, negative = map(judgement.of, item.candidates)
    if positive == "no" or negative == "yes":
        return "reject"
    return "accept" if (positive, negative) == ("yes", "no") else "unsure"


def checked(judgements: Iterable[Judgement], items: Sequence[RankingItem]) -> list[TripletCheck]:
    """One row for each item, in their order. ``judgements`` holds one of each annotator and item.

    Those who are unsure count against either outcome, those to whom a clip did not play not at all.
    """
    by_item = {item.item_id: Counter[Opinion]() for item in items}
    known = {item.item_id: item for item in items}
    for judgement in judgements:
        if judgement.item_id in known:
            by_item[judgement.item_id][opinion(judgement, known[judgement.item_id])] += 1
    return [_checked(item, by_item[item.item_id]) for item in items]


def preferred(
    rankings: Iterable[Ranking], items: Sequence[RankingItem], question: str, triplets: dict[str, str]
) -> list[PairPreference]:
    """One row for each pair, in their order. ``rankings`` holds one of each annotator and pair.

    ``triplets`` has the id of the triplet of every clip that is in a data set, by its sha256.
    """
    by_item = {item.item_id: list[Ranking]() for item in items}
    for ranking in rankings:
        if ranking.item_id in by_item:
            by_item[ranking.item_id].append(ranking)
    return [_preferred(item, by_item[item.item_id], question, triplets) for item in items]


def gold_accuracy(judgements: Iterable[Judgement], items: Iterable[RankingItem]) -> dict[str, Share]:
    """By annotator, the share of gold items of which they said what is known.

    That is "yes" of the first clip of the known order and "no" of the other.

    Only those who judged one are in it; that a clip did not play says nothing of an annotator.
    """
    gold = {item.item_id: item for item in items if item.known_order is not None}
    right, judged = Counter[str](), Counter[str]()
    for judgement in judgements:
        if judgement.item_id in gold and judgement.verdict == "ranked":
            judged[judgement.annotator] += 1
            right[judgement.annotator] += _knows(judgement, gold[judgement.item_id])
    return {annotator: wilson(right[annotator], judged[annotator]) for annotator in sorted(judged)}


def unheard(accuracy: dict[str, Share]) -> set[str]:
    """Annotators who are wrong of gold more often than right, beyond chance: their answers do not count."""
    return {annotator for annotator, share in accuracy.items() if share.high < 0.5}


def _knows(judgement: Judgement, item: RankingItem) -> bool:
    assert item.known_order is not None
    return all(
        judgement.of(clip) == ("yes" if clip == item.known_order[0] else "no") for clip in item.candidates
    )


def _checked(item: RankingItem, said: Counter[Opinion]) -> TripletCheck:
    positive, negative = item.candidates
    total = said["accept"] + said["reject"] + said["unsure"]
    accept = wilson(said["accept"], total) if total else None
    outcome: Literal["accept", "reject", "unsure"] = "unsure"
    if accept and accept.wins:
        outcome = "accept"
    elif total and wilson(said["reject"], total).wins:
        outcome = "reject"
    return TripletCheck(
        triplet_id=item.item_id,
        reference_sha256=item.reference,
        positive_sha256=positive,
        negative_sha256=negative,
        num_accept=said["accept"],
        num_reject=said["reject"],
        num_unsure=said["unsure"],
        num_does_not_play=said["does_not_play"],
        accept_share=accept.share if accept else None,
        accept_low=accept.low if accept else None,
        accept_high=accept.high if accept else None,
        outcome=outcome,
    )


def _preferred(
    item: RankingItem, rankings: Sequence[Ranking], question: str, triplets: dict[str, str]
) -> PairPreference:
    first, second = item.candidates
    orders = Counter(ranking.order for ranking in rankings if ranking.verdict == "ranked")
    num_first, num_second = orders[(first,), (second,)], orders[(second,), (first,)]
    total = orders.total()
    ties = total - num_first - num_second
    share = wilson(num_second + ties / 2, total) if total else None
    outcome: Literal["first", "second", "no_difference", "unsure"] = "unsure"
    if share and share.wins:
        outcome = "second"
    elif total and wilson(num_first + ties / 2, total).wins:
        outcome = "first"
    elif total and wilson(ties, total).wins:
        outcome = "no_difference"
    clips = (item.reference, first, second)
    return PairPreference(
        pair_id=item.item_id,
        triplet_id=next((triplets[clip] for clip in clips if clip in triplets), None),
        source_sha256=item.reference or None,
        first_sha256=first,
        second_sha256=second,
        question=question,
        num_first=num_first,
        num_second=num_second,
        num_no_difference=ties,
        num_does_not_play=len(rankings) - total,
        second_share=share.share if share else None,
        second_low=share.low if share else None,
        second_high=share.high if share else None,
        outcome=outcome,
    )
