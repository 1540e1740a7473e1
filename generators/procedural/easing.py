"""Curves that begin and end gently; the alphabet that every motion is spelled with.

Pure functions of arrays of time: nothing here knows a body, a motion or a frame rate.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from data.schema import FloatArray


def ease(progress: FloatArray | float) -> FloatArray:
    """Minimum-jerk step from 0 to 1 over ``progress`` in [0, 1], flat outside."""
    u = np.clip(np.asarray(progress, dtype=np.float64), 0.0, 1.0)
    return np.asarray(u * u * u * (10.0 + u * (6.0 * u - 15.0)))


def glide(progress: FloatArray | float, ramp: float) -> FloatArray:
    """Travel from 0 to 1 at constant speed, with minimum-jerk starts and stops that take ``ramp`` each.

    ``ramp`` is a share of the whole, at most 0.5.
    """
    u = np.clip(np.asarray(progress, dtype=np.float64), 0.0, 1.0)

    def started(x: FloatArray) -> FloatArray:  # integral of ``ease``, 0.5 at x = 1, then a straight line
        inside = np.minimum(x, 1.0)
        return np.asarray(inside**4 * (2.5 + inside * (inside - 3.0)) + np.maximum(x - 1.0, 0.0))

    rising = ramp * started(u / ramp)
    falling = (1.0 - ramp) - ramp * started((1.0 - u) / ramp)
    return np.asarray(np.where(u <= 0.5, rising, falling) / (1.0 - ramp))


def envelope(progress: FloatArray, rise: float, fall: float) -> FloatArray:
    """0 → 1 over the first ``rise`` of the progress, 1 → 0 over the last ``fall``."""
    return ease(progress / rise) * ease((1.0 - progress) / fall)


def keyed(progress: npt.ArrayLike, *keys: tuple[float, float]) -> FloatArray:
    """A curve through ``(progress, value)`` keys that rests for an instant on each of them."""
    u = np.asarray(progress, dtype=np.float64)
    times, values = np.array(keys).T
    left = np.clip(np.searchsorted(times, u, side="right") - 1, 0, len(times) - 2)
    share = (u - times[left]) / (times[left + 1] - times[left])
    return np.asarray(values[left] + (values[left + 1] - values[left]) * ease(share))


def parabola(progress: FloatArray, start: float, end: float) -> FloatArray:
    """A throw: 0 at ``start`` and ``end``, 1 half-way between, 0 outside."""
    u = np.clip((progress - start) / (end - start), 0.0, 1.0)
    return np.asarray(4.0 * u * (1.0 - u))


def in_turn(progress: FloatArray, boundaries: npt.ArrayLike) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Which of the spans between ``boundaries`` each instant lies in: (share of the span, its index)."""
    edges = np.asarray(boundaries, dtype=np.float64)
    index = np.clip(np.searchsorted(edges, progress, side="right") - 1, 0, len(edges) - 2)
    share = (progress - edges[index]) / (edges[index + 1] - edges[index])
    return np.clip(share, 0.0, 1.0), index
