"""Motions in place: limbs, trunk and head of whatever has them, and the hinges of things.

Each is a function of the time axis and of chance. Knows no body.
"""

from __future__ import annotations

import numpy as np

from data.schema import FloatArray
from generators.procedural.channels import Beat, Channels, sign
from generators.procedural.easing import ease, in_turn, keyed


def _repeated(beat: Beat, count: int) -> tuple[FloatArray, FloatArray]:
    """A curve that goes 0 → 1 → 0 ``count`` times, lingering a little at 1, and the same a moment later."""
    v, _ = in_turn(beat.progress, np.linspace(0.0, 1.0, count + 1))
    there = keyed(v, (0.0, 0.0), (0.45, 1.0), (0.55, 1.0), (1.0, 0.0))
    later = keyed(v, (0.0, 0.0), (0.08, 0.0), (0.52, 1.0), (0.64, 0.9), (1.0, 0.0))
    return there, later


def wave(beat: Beat, rng: np.random.Generator) -> Channels:
    """One fore limb raised, its end going to and fro."""
    side = "left" if rng.random() < 0.5 else "right"
    way = 1.0 if side == "left" else -1.0
    up = beat.strength(0.8)
    beats = beat.times(rng.uniform(1.3, 1.6))
    width = rng.uniform(0.55, 0.85)
    phase = 2.0 * np.pi * beats * beat.progress
    return {
        f"{side}_raise_rad": up * (1.9 + 0.16 * np.sin(phase - 0.5)),
        f"{side}_curl_rad": up * (0.75 + width * np.sin(phase)),
        "lean_rad": -way * up * (0.08 + 0.05 * np.sin(phase - 0.9)),
        "sway": -way * 0.25 * up,
        "head_yaw_rad": way * 0.25 * up,
        "head_pitch_rad": -0.1 * up + 0.05 * up * np.sin(phase - 1.2),
        "crouch": 0.05 * up * (1.0 - np.cos(phase)),
    }


def bow(beat: Beat, rng: np.random.Generator) -> Channels:
    """Trunk bent forward and raised again; the head follows late."""
    depth = rng.uniform(0.95, 1.15)
    there, later = _repeated(beat, beat.times(rng.uniform(0.52, 0.64)))
    return {
        "bend_rad": depth * there,
        "head_pitch_rad": 0.45 * later,
        "crouch": 0.1 * there,
        "left_swing_rad": 0.35 * later,
        "right_swing_rad": -0.5 * later,
        "left_elbow_rad": 1.4 * there,
        "right_elbow_rad": 0.2 * later,
    }


def crouch(beat: Beat, rng: np.random.Generator) -> Channels:
    """Down on bent legs and up again, fore limbs held out for balance."""
    depth = rng.uniform(0.85, 1.0)
    there, later = _repeated(beat, beat.times(rng.uniform(0.5, 0.64)))
    return {
        "crouch": depth * there,
        "bend_rad": 0.5 * there,
        "head_pitch_rad": -0.3 * later,
        "left_swing_rad": 1.3 * later,
        "right_swing_rad": 1.3 * later,
        "left_elbow_rad": 0.25 * later,
        "right_elbow_rad": 0.25 * later,
    }


def sway(beat: Beat, rng: np.random.Generator) -> Channels:
    """Weight from one side to the other; the head follows late."""
    side = sign(rng)
    strength = beat.strength(0.8)
    phase = 2.0 * np.pi * beat.times(rng.uniform(0.55, 0.7)) * beat.progress
    rock = side * strength * np.sin(phase)
    late = side * strength * np.sin(phase - 0.6)
    return {
        "lean_rad": rng.uniform(0.28, 0.36) * rock,
        "sway": 0.9 * rock,
        "head_yaw_rad": 0.15 * late,
        "left_raise_rad": 0.35 * strength + 0.5 * late,
        "right_raise_rad": 0.35 * strength - 0.5 * late,
        "left_elbow_rad": 0.2 * strength,
        "right_elbow_rad": 0.2 * strength,
        "crouch": 0.1 * strength * (1.0 - np.cos(2.0 * phase)),
    }


def nod(beat: Beat, rng: np.random.Generator) -> Channels:
    """Head down and up again and again; the trunk gives a little."""
    strength = beat.strength(0.6)
    phase = 2.0 * np.pi * beat.times(rng.uniform(0.9, 1.1)) * beat.progress
    down = 0.5 - 0.5 * np.cos(phase)
    late = 0.5 - 0.5 * np.cos(phase - 0.7)
    return {
        "head_pitch_rad": strength * (rng.uniform(0.95, 1.1) * down - 0.25),
        "bend_rad": 0.26 * strength * late,
        "crouch": 0.16 * strength * late,
        "left_swing_rad": 0.1 * strength * late,
        "right_swing_rad": 0.1 * strength * late,
    }


def flap(beat: Beat, rng: np.random.Generator) -> Channels:
    """Both fore limbs up and down, their ends trailing; the body sinks as they rise."""
    strength = beat.strength(0.6)
    phase = 2.0 * np.pi * beat.times(rng.uniform(1.0, 1.2)) * beat.progress
    stroke = np.sin(phase - 0.5 * np.pi)
    wings = strength * (1.35 + rng.uniform(0.8, 0.95) * stroke)
    lag = strength * (0.25 + 0.35 * np.sin(phase - 0.5 * np.pi - 0.9))
    return {
        "left_raise_rad": wings,
        "right_raise_rad": wings,
        "left_curl_rad": lag,
        "right_curl_rad": lag,
        "crouch": strength * (0.16 + 0.14 * stroke),  # the body sinks while the wings rise
        "bend_rad": 0.12 * strength,
        "head_pitch_rad": -0.12 * strength * stroke,
    }


def swing(beat: Beat, rng: np.random.Generator) -> Channels:
    """To and fro through the rest position."""
    side = sign(rng)
    phase = 2.0 * np.pi * beat.times(rng.uniform(0.5, 0.62)) * beat.progress
    return {"swing_rad": side * rng.uniform(0.85, 1.0) * beat.strength(1.0) * np.sin(phase)}


def open_and_shut(beat: Beat, rng: np.random.Generator) -> Channels:
    """Wide open, half shut, and open again."""
    wide = rng.uniform(1.65, 1.85)
    part = rng.uniform(0.45, 0.65)
    return {"hinge_rad": keyed(beat.progress, (0, 0), (0.4, wide), (0.66, part), (1.0, 0.9 * wide))}


def shake(beat: Beat, rng: np.random.Generator) -> Channels:
    """Trembling in bursts, at a rate that the frame rate can show."""
    rate_hz = rng.uniform(0.88, 1.0) * min(3.3, 0.21 * beat.fps)  # well below half the frame rate
    bursts = beat.times(0.6)
    strength = beat.strength(0.5) * (0.72 - 0.28 * np.cos(2.0 * np.pi * bursts * beat.progress))
    phase = 2.0 * np.pi * rate_hz * beat.seconds
    return {
        "left_m": 0.05 * strength * np.sin(phase),
        "forward_m": 0.03 * strength * np.sin(0.83 * phase),
        "yaw_rad": 0.1 * strength * np.sin(0.91 * phase),
        "lean_rad": 0.11 * strength * np.sin(phase - 0.6),
        "swing_rad": 0.2 * strength * np.sin(phase - 1.0) * ease(beat.seconds / 0.4),
        "hinge_rad": 0.12 * strength * (1.0 + np.sin(phase)),
    }
