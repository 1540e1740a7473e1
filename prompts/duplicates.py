"""Finds prompts of a run that say nearly the same. Knows neither who wrote them nor who rewrites them."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from data.schema import Prompts

# Two of forty words changed in different places leave 0.72 of the shingles, four leave 0.52.
THRESHOLD = 0.7
SHINGLE_WORDS = 3

Shingles = frozenset[tuple[str, ...]]


@dataclass(frozen=True)
class Duplicate:
    """A scene that was described before: ``triplet_id`` resembles ``of``, whose base prompt is ``text``."""

    triplet_id: str
    of: str
    text: str
    similarity: float

    @property
    def objection(self) -> str:
        """What to tell the writer."""
        return (
            f"Another triplet of this run already has nearly the same scene. "
            f'Describe yours with other details and in other words than: "{self.text}"'
        )


def near_duplicates(prompts: Mapping[str, Prompts], threshold: float = THRESHOLD) -> tuple[Duplicate, ...]:
    """The triplets whose base prompt is too close to that of an earlier one, in the order of ``prompts``.

    Only base prompts count: motions recur by intention, and so do edits.  Of a group of alike texts the
    first keeps its own; a later one is compared with those that keep theirs, and told the closest.

    Our own, on known ideas: texts are sets of shingles (``SHINGLE_WORDS`` words in a row, in lower case,
    without signs), closeness is |A∩B| / |A∪B|, and two sets that reach ``threshold`` share one of
    the rarest ⌊(1-threshold)·size⌋+1 shingles of each, so that only those are looked up.
    """
    shingles = {triplet_id: _shingles(texts.base) for triplet_id, texts in prompts.items()}
    frequency = Counter(shingle for found in shingles.values() for shingle in found)
    keepers_with: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    duplicates = []
    for triplet_id, own in shingles.items():
        rarest_first = sorted(own, key=lambda shingle: (frequency[shingle], shingle))
        # The small number keeps rounding errors from cutting one too many.
        looked_up = rarest_first[: len(own) - math.ceil(threshold * len(own) - 1e-9) + 1]
        candidates = dict.fromkeys(keeper for shingle in looked_up for keeper in keepers_with[shingle])
        closeness = {keeper: _jaccard(own, shingles[keeper]) for keeper in candidates}
        closest = max(closeness, key=closeness.__getitem__, default=None)
        if closest is not None and closeness[closest] >= threshold:
            duplicates.append(Duplicate(triplet_id, closest, prompts[closest].base, closeness[closest]))
        else:
            for shingle in looked_up:
                keepers_with[shingle].append(triplet_id)
    return tuple(duplicates)


def _shingles(text: str) -> Shingles:
    words = re.findall(r"\w+", text.lower())
    last = max(1, len(words) - SHINGLE_WORDS + 1)
    return frozenset(tuple(words[start : start + SHINGLE_WORDS]) for start in range(last))


def _jaccard(first: Shingles, second: Shingles) -> float:
    return len(first & second) / len(first | second)
