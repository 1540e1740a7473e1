"""Motions that leave the ground: each gathers itself, flies and lands.

Each is a function of the time axis and of chance. Knows no body.
"""

from __future__ import annotations

import numpy as np

from data.schema import FloatArray
from generators.procedural.channels import Beat, Channels, sign
from generators.procedural.easing import in_turn, keyed, parabola

# Legs that bend and stretch in less look like a fault of the film.
JUMP_SECONDS = 1.0
HOP_SECONDS = 0.62
CONTACT_SECONDS = 0.18


def jump(beat: Beat, rng: np.random.Generator) -> Channels:
    """Straight up from a deep crouch, with a rest between jumps."""
    spans = beat.spans(beat.times(rng.uniform(0.56, 0.84)), JUMP_SECONDS)
    v, index = in_turn(beat.seconds, spans)
    height = _falling(spans, rng.uniform(0.4, 0.5))[index]
    crouch = keyed(v, (0, 0), (0.26, 0.8), (0.36, 0.0), (0.56, 0.35), (0.76, 0.05), (0.85, 0.7), (1, 0))
    arms = keyed(v, (0, 0), (0.22, -0.8), (0.52, 2.3), (0.74, 1.6), (0.9, -0.1), (1, 0))
    return {
        "up_m": height * parabola(v, 0.36, 0.78),
        "crouch": crouch,
        "squash": keyed(
            v, (0, 0), (0.26, 0.3), (0.38, -0.22), (0.57, 0.0), (0.76, -0.12), (0.85, 0.3), (1, 0)
        ),
        "bend_rad": keyed(v, (0, 0), (0.26, 0.55), (0.4, -0.1), (0.76, 0.1), (0.86, 0.4), (1, 0)),
        "left_swing_rad": arms,
        "right_swing_rad": arms,
        "left_elbow_rad": keyed(v, (0, 0), (0.25, 0.3), (0.5, 0.5), (0.85, 0.8), (1, 0)),
        "right_elbow_rad": keyed(v, (0, 0), (0.25, 0.3), (0.5, 0.5), (0.85, 0.8), (1, 0)),
        "left_raise_rad": keyed(v, (0, 0), (0.3, 0.1), (0.5, 0.5), (0.85, 0.2), (1, 0)),
        "right_raise_rad": keyed(v, (0, 0), (0.3, 0.1), (0.5, 0.5), (0.85, 0.2), (1, 0)),
        "head_pitch_rad": keyed(v, (0, 0), (0.28, 0.2), (0.45, -0.3), (0.86, 0.3), (1, 0)),
    }


def bounce(beat: Beat, rng: np.random.Generator) -> Channels:
    """Up and down without a rest, now high and now low."""
    count = beat.times(rng.uniform(1.0, 1.4), at_least=2)
    height = rng.uniform(0.5, 0.62)
    turn = sign(rng) * rng.uniform(0.25, 0.5)
    # No leap is like another; time aloft goes with the root of the height.
    heights = height * rng.uniform(0.25, 1.0, count)
    aloft = np.sqrt(heights)
    begin, end = beat.moving()
    contact = min(CONTACT_SECONDS, 0.3 * (end - begin) / count)  # before every leap and after the last
    flights = (end - begin - (count + 1) * contact) * aloft / aloft.sum()
    spans = np.append(np.ravel(np.column_stack([np.full(count, contact), flights])), contact)
    v, index = in_turn(beat.seconds, begin + np.concatenate([[0.0], np.cumsum(spans)]))
    in_air = (index % 2 == 1) & (index < 2 * count)
    throw = np.where(in_air, parabola(v, 0.0, 1.0), 0.0)
    pressed = np.where(in_air, 0.0, np.sin(np.pi * v) ** 2)
    stretched = np.where(in_air, np.sin(2.0 * np.pi * v) ** 2, 0.0)
    flight = np.where(in_air, np.sin(np.pi * v) ** 2, 0.0)
    return {
        "up_m": heights[np.minimum(index // 2, count - 1)] * throw,
        "squash": 0.34 * pressed - 0.12 * stretched,
        "crouch": 0.75 * pressed + 0.1 * flight,
        "bend_rad": 0.25 * pressed,
        "yaw_rad": turn * np.sin(2.0 * np.pi * beat.progress) * beat.strength(1.0),
        "left_raise_rad": 1.1 * flight,
        "right_raise_rad": 1.1 * flight,
        "left_elbow_rad": 0.5 * pressed,
        "right_elbow_rad": 0.5 * pressed,
        "head_pitch_rad": 0.25 * pressed - 0.15 * flight,
    }


def hop_sideways(beat: Beat, rng: np.random.Generator) -> Channels:
    """Two hops to one side and two back, over and over."""
    spans = beat.spans(beat.times(rng.uniform(0.8, 1.2)), HOP_SECONDS)
    step = rng.uniform(0.38, 0.46)
    side = sign(rng)
    v, index = in_turn(beat.seconds, spans)
    direction = side * np.array([1.0, 1.0, -1.0, -1.0])[index % 4]
    done = side * np.array([0.0, 1.0, 2.0, 1.0])[index % 4]
    pressed = keyed(v, (0, 0), (0.2, 0.6), (0.3, 0.0), (0.55, 0.15), (0.78, 0.0), (0.88, 0.55), (1, 0))
    aloft = parabola(v, 0.3, 0.78)
    return {
        "left_m": step * (done + direction * np.clip((v - 0.3) / 0.48, 0.0, 1.0)),
        "up_m": _falling(spans, 0.24)[index] * aloft,
        "crouch": 0.8 * pressed,
        "squash": 0.34 * pressed - 0.1 * aloft,
        "lean_rad": 0.2 * direction * keyed(v, (0, 0), (0.35, 1), (0.65, 0.2), (0.85, -0.5), (1, 0)),
        "left_raise_rad": 1.0 * aloft,
        "right_raise_rad": 1.0 * aloft,
        "left_elbow_rad": 0.7 * pressed,
        "right_elbow_rad": 0.7 * pressed,
        "head_yaw_rad": 0.2 * direction * aloft,
    }


def _falling(spans: FloatArray, height_m: float) -> FloatArray:
    """The height of the leap in each span, (count,): as the same gravity makes it, from their mean height."""
    seconds = np.diff(spans)
    return np.asarray(height_m * (seconds / seconds.mean()) ** 2)
