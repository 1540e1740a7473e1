"""How sure a count of hits is: Wilson's interval of one accuracy, McNemar's exact test between two.

It knows nothing of clips, categories or similarities.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from moments.errors import FeatureError


def wilson(hits: int, queries: int, confidence: float = 0.95) -> tuple[float, float]:
    """Ends of Wilson's score interval of the share ``hits / queries``, both in [0, 1] (Wilson 1927).

    Raises ``FeatureError`` unless 0 ≤ hits ≤ queries, queries ≥ 1 and 0 < confidence < 1.
    """
    if queries < 1 or not 0 <= hits <= queries:
        raise FeatureError(f"{hits} hits of {queries} queries: expected 0 ≤ hits ≤ queries, queries ≥ 1")
    if not 0 < confidence < 1:
        raise FeatureError(f"confidence is {confidence}; expected a share between 0 and 1, as 0.95")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    middle = hits + z * z / 2
    half = z * math.sqrt(hits * (queries - hits) / queries + z * z / 4)
    total = queries + z * z
    # For none the lower end cancels to 0 exactly; for all the upper end may be off 1 by a rounding.
    return (middle - half) / total, 1.0 if hits == queries else (middle + half) / total


@dataclass(frozen=True)
class Accuracy:
    """Share of queries that hit, with its 95 % Wilson interval. Raises ``FeatureError`` as ``wilson``."""

    hits: int
    queries: int

    def __post_init__(self) -> None:
        wilson(self.hits, self.queries)

    @property
    def value(self) -> float:
        return self.hits / self.queries

    @property
    def low(self) -> float:
        return wilson(self.hits, self.queries)[0]

    @property
    def high(self) -> float:
        return wilson(self.hits, self.queries)[1]


def accuracy(hits: npt.NDArray[np.bool_]) -> Accuracy:
    """Accuracy of a bool (Q,) of queries that hit. Raises ``FeatureError`` when there are none."""
    return Accuracy(int(np.count_nonzero(hits)), len(hits))


@dataclass(frozen=True)
class McNemar:
    """Queries that only the first, or only the second method answers, and the two-sided p of such a split."""

    only_first: int
    only_second: int
    p_value: float


def mcnemar(first_hits: npt.ArrayLike, second_hits: npt.ArrayLike) -> McNemar:
    """Exact two-sided McNemar test of two methods asked the same queries: bool (Q,) each (McNemar 1947).

    Were the methods equally good, every query that they answer differently would be a fair coin:
    the p-value is that of a binomial at 1/2, and 1 where they never differ.

    Raises ``FeatureError`` when the two are not equally long, or not bool (Q,).
    """
    first, second = np.asarray(first_hits), np.asarray(second_hits)
    if first.ndim != 1 or first.shape != second.shape or first.dtype != bool or second.dtype != bool:
        raise FeatureError(
            f"hits are {first.dtype} {first.shape} and {second.dtype} {second.shape}; "
            "expected bool (Q,) twice, of the same queries in the same order"
        )
    only_first = int(np.count_nonzero(first & ~second))
    only_second = int(np.count_nonzero(second & ~first))
    discordant = only_first + only_second
    tail = sum(math.comb(discordant, i) for i in range(min(only_first, only_second) + 1))
    # Whole numbers until here: 2**discordant is beyond float for a thousand queries.
    return McNemar(only_first, only_second, min(1.0, 2 * tail / 2**discordant))
