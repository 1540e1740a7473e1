"""Motions that leave the ground: each gathers itself, flies and lands.

Each is a function of the time axis and of chance. Knows no body.
"""

from __future__ import annotations

import numpy as np

from generators.procedural.channels import Beat, Channels, sign
from generators.procedural.easing import in_turn, keyed, parabola


def jump(beat: Beat, rng: np.random.Generator) -> Channels:
    """Straight up from a deep crouch, with a rest between jumps."""
    count = beat.times(rng.uniform(0.74, 0.86))
    height = rng.uniform(0.42, 0.52)
    v, _ = in_turn(beat.progress, np.linspace(0.0, 1.0, count + 1))
    crouch = keyed(v, (0, 0), (0.26, 0.8), (0.36, 0.0), (0.56, 0.35), (0.76, 0.05), (0.85, 0.7), (1, 0))
    arms = keyed(v, (0, 0), (0.22, -0.8), (0.52, 2.4), (0.74, 1.6), (0.9, -0.2), (1, 0))
    return {
        "up_m": height * parabola(v, 0.36, 0.78),
        "crouch": crouch,
        "squash": keyed(
            v, (0, 0), (0.26, 0.3), (0.38, -0.22), (0.57, 0.0), (0.76, -0.12), (0.84, 0.3), (1, 0)
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
    """Up and down without a rest; heights grow and then die away."""
    count = beat.times(rng.uniform(1.15, 1.35), at_least=2)
    height = rng.uniform(0.5, 0.62)
    turn = sign(rng) * rng.uniform(0.25, 0.5)
    # Heights rise and then die away; time aloft goes with the root of the height.
    heights = height * keyed(np.linspace(0.0, 1.0, count), (0, 0.55), (0.35, 1.0), (1, 0.35))
    aloft = np.sqrt(heights)
    spans = np.ravel(np.column_stack([np.full(count, 0.18), aloft]))
    v, index = in_turn(
        beat.progress, np.concatenate([[0.0], np.cumsum(spans), [spans.sum() + 0.25]]) / (spans.sum() + 0.25)
    )
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
    count = 4 * beat.times(rng.uniform(0.38, 0.44))
    step = rng.uniform(0.38, 0.46)
    side = sign(rng)
    v, index = in_turn(beat.progress, np.linspace(0.0, 1.0, count + 1))
    direction = side * np.array([1.0, 1.0, -1.0, -1.0])[index % 4]
    done = side * np.array([0.0, 1.0, 2.0, 1.0])[index % 4]
    pressed = keyed(v, (0, 0), (0.2, 0.6), (0.3, 0.0), (0.55, 0.15), (0.78, 0.0), (0.88, 0.55), (1, 0))
    aloft = parabola(v, 0.3, 0.78)
    return {
        "left_m": step * (done + direction * np.clip((v - 0.3) / 0.48, 0.0, 1.0)),
        "up_m": 0.24 * aloft,
        "crouch": 0.8 * pressed,
        "squash": 0.34 * pressed - 0.1 * aloft,
        "lean_rad": 0.2 * direction * keyed(v, (0, 0), (0.35, 1), (0.65, 0.2), (0.85, -0.5), (1, 0)),
        "left_raise_rad": 1.0 * aloft,
        "right_raise_rad": 1.0 * aloft,
        "left_elbow_rad": 0.7 * pressed,
        "right_elbow_rad": 0.7 * pressed,
        "head_yaw_rad": 0.2 * direction * aloft,
    }
