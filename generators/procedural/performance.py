"""When a motion happens: hesitations, hurry and pauses, drawn anew for every triplet.

Knows no motion.  Two walks of one length are told apart by nothing but their timing; without it every
triplet of a motion would be an equally good answer to every other's question.
"""

from __future__ import annotations

import numpy as np

from data.schema import FloatArray

PAUSE_SHARE = 0.08
"""The longest rest at either end, as a share of the clip."""
HURRY = 1.7
"""How many times faster than usual a motion gets, and slower, before all of it is fitted into the clip."""
SECONDS_PER_CHANGE = 0.8
FEWEST_CHANGES = 4


def performance(seconds: FloatArray, duration_seconds: float, rng: np.random.Generator) -> FloatArray:
    """How much of a motion is done at every instant, (T,): from 0 to 1, never backwards, smooth.

    The speed glides between values that are drawn about every 0.8 s, evenly in their logarithm.
    """
    start = rng.uniform(0.0, PAUSE_SHARE) * duration_seconds
    end = duration_seconds - rng.uniform(0.0, PAUSE_SHARE) * duration_seconds
    changes = max(FEWEST_CHANGES, round(duration_seconds / SECONDS_PER_CHANGE))
    speeds = HURRY ** rng.uniform(-1.0, 1.0, changes)
    fine = np.linspace(0.0, 1.0, 1001)
    knots = np.linspace(0.0, 1.0, changes)
    left = np.minimum((fine * (changes - 1)).astype(int), changes - 2)
    share = (1.0 - np.cos(np.pi * (fine - knots[left]) * (changes - 1))) / 2.0
    speed = speeds[left] + (speeds[left + 1] - speeds[left]) * share
    done = np.concatenate([[0.0], np.cumsum((speed[1:] + speed[:-1]) / 2.0)])
    return np.asarray(np.interp((seconds - start) / (end - start), fine, done / done[-1]))
