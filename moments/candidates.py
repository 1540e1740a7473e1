"""Which of several attempts at one pair is the best, by a stated score of their measures. Our own.

It knows nothing of clips, seeds or limits: the numbers of the verdict in, one choice out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from moments.errors import FeatureError

HALF_MOTION = 0.5
"""Motion (descriptor change a second) at which half of what motion can earn is earned."""
MOTION_WEIGHT = 0.25
EVENNESS_WEIGHT = 0.1


def candidate_score(measures: Mapping[str, float]) -> float:
    """How good a pair is: synchrony + 0.25 · m / (m + 0.5) - bleeding - 0.1 · |log2 r|.

    m is the motion of the clip that moves less and r how many times as much one moves as the other, both
    as the verdict measures them.  Synchrony decides; motion, which can earn 0.25, decides among pairs
    that are in sync about alike, so that the stillest attempt does not win by having little to get wrong.
    -inf for an attempt that could not be measured, which has no measures.

    Raises ``FeatureError`` when a measure is missing from others, or the score is not a number.
    """
    if not measures:
        return -math.inf
    try:
        motion = min(measures["reference_motion"], measures["positive_motion"])
        unevenness = abs(math.log2(measures["positive_to_reference_motion"]))
        pair = measures["synchrony"] - measures["bleeding"] - EVENNESS_WEIGHT * unevenness
    except KeyError as absent:
        raise FeatureError(f"a candidate has no {absent}; expected the measures of the verdict") from None
    score = pair + MOTION_WEIGHT * motion / (motion + HALF_MOTION)
    if math.isnan(score):
        raise FeatureError("a candidate's score is not a number: its measures hold NaN; measure it again")
    return score


def best_candidate(candidates: Sequence[Mapping[str, float]]) -> int:
    """Index of the best by ``candidate_score``; of equal ones the first.

    Reasons against a candidate are not asked: pass those that were accepted, or all when none was.
    Raises ``FeatureError`` for no candidates, and as ``candidate_score`` does.
    """
    if not candidates:
        raise FeatureError("there are no candidates to choose from; expected at least one")
    scores = [candidate_score(measures) for measures in candidates]
    return scores.index(max(scores))
