"""The body-independent channels of a motion, and the time axis that they run along.

Knows no motion and no body; it is the language between the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.schema import FloatArray
from generators.procedural.easing import envelope

# Angles are radians, right-handed about the body's own axes: x forward, y left, z up.
CHANNEL_NAMES = (
    "forward_m",  # place on the ground, from the start place along the start heading
    "left_m",
    "up_m",  # height of the feet (or of the lowest point) over the ground
    "yaw_rad",
    "rolled_m",  # ground covered by rolling; divided by its radius it turns a wheel
    "squash",  # 0.2: a fifth shorter and wider; negative: stretched
    "crouch",  # 0 standing, 1 deepest bend of the legs
    "bend_rad",  # trunk forward
    "lean_rad",  # trunk to the left
    "sway",  # hips to the left, in hip widths
    "gait_cycles",  # strides taken so far
    "gait_lift",  # 0 feet stay down, 1 a full step
    "gait_run",  # 0 a walk, 1 a run with a flight phase
    "left_swing_rad",  # fore limb forward
    "right_swing_rad",
    "left_elbow_rad",  # fore limb bent forward at the elbow
    "right_elbow_rad",
    "left_raise_rad",  # fore limb away from the trunk, sideways and up
    "right_raise_rad",
    "left_curl_rad",  # forearm towards the head, in the plane of the raised limb
    "right_curl_rad",
    "head_pitch_rad",  # nose down
    "head_yaw_rad",
    "swing_rad",  # whatever hangs or is hinged, to and fro
    "hinge_rad",  # lid or leaf, 0 shut
)

Channels = dict[str, FloatArray]


def stance_share(run: float) -> float:
    """Share of a stride that a foot is on the ground: above one half, two of them overlap."""
    return 0.62 - 0.22 * run


def columns_of(channels: FloatArray) -> Channels:
    """The columns (T,) of a channel array (T, C), by name."""
    return dict(zip(CHANNEL_NAMES, channels.T, strict=True))


@dataclass(frozen=True)
class Beat:
    """The time axis of one clip: ``seconds`` (T,) from 0 to ``duration_seconds``, ``fps`` apart.

    ``progress`` (T,) is how much of the motion is done, from 0 to 1: not in step with the seconds.
    """

    seconds: FloatArray
    duration_seconds: float
    fps: float
    progress: FloatArray

    def times(self, rate_hz: float, at_least: int = 1) -> int:
        """How often something at ``rate_hz`` fits into the clip."""
        return max(at_least, round(rate_hz * self.duration_seconds))

    def moving(self) -> tuple[float, float]:
        """The seconds at which the motion begins and at which all of it is done."""
        steps = np.flatnonzero(np.diff(self.progress) > 0.0)
        return float(self.seconds[steps[0]]), float(self.seconds[steps[-1] + 1])

    def spans(self, count: int, shortest_seconds: float) -> FloatArray:
        """The seconds between which each of ``count`` parts of the motion lies, (count + 1,).

        For what falls: time runs evenly inside a span, so that a long one is a high leap and not a slow one.
        No span is shorter than ``shortest_seconds``: there are fewer where so many do not fit, and one at
        least.  What is left of the time goes to them as the motion hesitates.
        """
        begin, end = self.moving()
        count = max(1, min(count, int((end - begin) / shortest_seconds)))
        inside = (self.seconds >= begin) & (self.seconds <= end)
        edges = np.interp(np.linspace(0.0, 1.0, count + 1), self.progress[inside], self.seconds[inside])
        shortest = min(shortest_seconds, (end - begin) / count)
        left = 1.0 - count * shortest / (end - begin)
        return np.asarray(begin + shortest * np.arange(count + 1) + left * (edges - begin))

    def strength(self, seconds: float = 0.7) -> FloatArray:
        """0 at both ends and 1 between, with ramps of ``seconds`` or a third of a short clip."""
        ramp = min(seconds / self.duration_seconds, 0.33)
        return envelope(self.progress, ramp, ramp)


def sign(rng: np.random.Generator) -> float:
    """A side to begin with: 1 is left, -1 is right."""
    return 1.0 if rng.random() < 0.5 else -1.0
