"""Motions that go somewhere or turn around: gaits, rolling, sliding, spinning.

Each is a function of the time axis and of chance. Knows no body.
"""

from __future__ import annotations

import numpy as np

from data.schema import FloatArray
from generators.procedural.channels import Beat, Channels, sign, stance_share
from generators.procedural.easing import envelope, glide


def _stride(beat: Beat, strides: int, run: float) -> Channels:
    """Legs and swinging arms of a gait of about so many ``strides``; the path is the caller's."""
    # A stride more than whole ones by one step, so that the last foot lands as the body comes to rest.
    cycles = strides + 0.5 + (1.0 - stance_share(run))
    ramp = min(0.5 / beat.duration_seconds, 0.3)
    phase = cycles * glide(beat.progress, ramp)
    lift = beat.strength(0.5)
    stroke = np.sin(2.0 * np.pi * phase) * lift
    reach = 0.5 + 0.35 * run
    return {
        "gait_cycles": phase,
        "gait_lift": lift,
        "gait_run": run * lift,
        # Lowest with both feet down, twice a stride; a runner is highest between them instead.
        "crouch": lift * (0.08 + 0.06 * run - (0.03 + 0.07 * run) * np.cos(4.0 * np.pi * phase)),
        "bend_rad": lift * (0.06 + 0.2 * run),
        "sway": -0.12 * (1.0 - 0.5 * run) * stroke,
        "left_swing_rad": reach * stroke,
        "right_swing_rad": -reach * stroke,
        "left_elbow_rad": lift * (0.3 + 1.1 * run) + 0.2 * stroke,
        "right_elbow_rad": lift * (0.3 + 1.1 * run) - 0.2 * stroke,
        "head_pitch_rad": 0.06 * lift * np.sin(4.0 * np.pi * phase - 0.8),
    }


def _covered(gait: Channels) -> FloatArray:
    """Share of the path behind a walker: its first and last steps are shorter than the others."""
    cycles = gait["gait_cycles"][-1]
    return glide(gait["gait_cycles"] / cycles, min(0.9 / cycles, 0.4))


def _arc(beat: Beat, length_m: float, turn_rad: float, strides: int, run: float) -> Channels:
    """A gait along a curve of ``length_m`` whose heading ends ``turn_rad`` to the left."""
    gait = _stride(beat, strides, run)
    share = _covered(gait)
    radius = length_m / turn_rad
    yaw = turn_rad * share
    return gait | {
        "forward_m": radius * np.sin(yaw),
        "left_m": radius * (1.0 - np.cos(yaw)),
        "yaw_rad": yaw,
        "lean_rad": 0.12 * run * np.sign(turn_rad) * gait["gait_lift"],
    }


def walk(beat: Beat, rng: np.random.Generator) -> Channels:
    """A calm walk along a slight curve."""
    length = min(2.45, 0.49 * beat.duration_seconds) * rng.uniform(0.92, 1.05)
    turn = sign(rng) * rng.uniform(0.15, 0.4)
    return _arc(beat, length, turn, beat.times(rng.uniform(0.72, 0.84)), run=0.0)


def run(beat: Beat, rng: np.random.Generator) -> Channels:
    """A run with flight phases along a wide curve."""
    length = min(3.2, 0.64 * beat.duration_seconds) * rng.uniform(0.92, 1.05)
    turn = sign(rng) * rng.uniform(1.2, 1.5)
    return _arc(beat, length, turn, beat.times(rng.uniform(0.95, 1.15)), run=1.0)


def orbit(beat: Beat, rng: np.random.Generator) -> Channels:
    """Once around a circle, ending where it began."""
    radius = min(1.0, 0.2 * beat.duration_seconds) * rng.uniform(0.92, 1.05)
    side = sign(rng)
    length = 2.0 * np.pi * radius
    path = _arc(beat, length, side * 2.0 * np.pi, beat.times(rng.uniform(1.0, 1.25), at_least=3), run=0.3)
    return path | {
        "rolled_m": radius * np.abs(path["yaw_rad"]),
        "head_yaw_rad": 0.15 * side * path["gait_lift"],
    }


def zigzag(beat: Beat, rng: np.random.Generator) -> Channels:
    """Forward, weaving from side to side."""
    length = min(2.5, 0.5 * beat.duration_seconds) * rng.uniform(0.95, 1.05)
    width = 0.2 * length / 2.5 * rng.uniform(0.9, 1.1)
    waves = beat.times(0.45)
    side = sign(rng)

    def across(share: FloatArray) -> FloatArray:
        return side * width * np.sin(2.0 * np.pi * waves * share) * envelope(share, 0.25, 0.25)

    gait = _stride(beat, beat.times(rng.uniform(1.0, 1.3)), run=0.2)
    share = _covered(gait)
    small = 1e-4
    slope = (across(share + small) - across(share - small)) / (2.0 * small * length)
    yaw = np.arctan(slope)
    yaw[share == 0.0] = 0.0
    fine = np.arange(2001) / 2000.0
    steps = np.hypot(np.diff(fine) * length, np.diff(across(fine)))
    covered = np.concatenate([[0.0], np.cumsum(steps)])
    return gait | {
        "forward_m": length * share,
        "left_m": across(share),
        "yaw_rad": yaw,
        "rolled_m": np.interp(share, fine, covered),
        "lean_rad": 0.25 * side * np.sin(2.0 * np.pi * waves * share) * -gait["gait_lift"],
        "head_yaw_rad": 0.2 * yaw,
    }


def roll(beat: Beat, rng: np.random.Generator) -> Channels:
    """Forward along a slight curve, as far as it rolls."""
    length = min(2.6, 0.52 * beat.duration_seconds) * rng.uniform(0.92, 1.05)
    turn = sign(rng) * rng.uniform(0.1, 0.35)
    share = glide(beat.progress, 0.14)
    yaw = turn * share
    radius = length / turn
    return {
        "forward_m": radius * np.sin(yaw),
        "left_m": radius * (1.0 - np.cos(yaw)),
        "yaw_rad": yaw,
        "rolled_m": length * share,
    }


def slide(beat: Beat, rng: np.random.Generator) -> Channels:
    """Forward and back without turning over."""
    side = sign(rng)
    reach = min(1.0, 0.3 * beat.duration_seconds) * rng.uniform(0.9, 1.1)
    phase = 2.0 * np.pi * beat.times(rng.uniform(0.36, 0.44)) * beat.progress
    return {"forward_m": side * reach * beat.strength(0.9) * np.sin(phase)}


def spin(beat: Beat, rng: np.random.Generator) -> Channels:
    """Around the vertical on the spot, one and a quarter to two times in 5 s."""
    turns = sign(rng) * rng.uniform(0.26, 0.4) * max(beat.duration_seconds, 3.0)
    share = glide(beat.progress, min(0.9 / beat.duration_seconds, 0.35))
    cycles = round(3.0 * abs(turns)) + 0.5 + (1.0 - stance_share(0.0))
    strength = beat.strength()
    return {
        "yaw_rad": 2.0 * np.pi * turns * share,
        "gait_cycles": cycles * share,
        "gait_lift": 0.7 * strength,
        "crouch": 0.1 * strength,
        "left_raise_rad": 1.1 * strength,
        "right_raise_rad": 1.1 * strength,
        "left_elbow_rad": 0.2 * strength,
        "right_elbow_rad": 0.2 * strength,
        "head_yaw_rad": 0.35 * np.sign(turns) * strength,
        "lean_rad": 0.06 * strength * np.sin(2.0 * np.pi * cycles * share),
    }
