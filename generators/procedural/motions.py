"""What moves: each motion as curves of body-independent channels over time.

Knows no body: how long a leg is and what a wheel does with a distance is decided in the bodies.
All channels are 0 in the first frame, the rest pose, so that every motion starts from one picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from data.schema import FloatArray
from generators.procedural.choice import choose
from generators.procedural.easing import ease, envelope, glide, in_turn, keyed, parabola

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
    """Share of a stride that a foot is on the ground: two overlap in a walk, none do now and then in a run."""
    return 0.62 - 0.22 * run


@dataclass(frozen=True)
class Beat:
    """The time axis of one clip: ``seconds`` (T,) from 0, the whole ``duration``, and the frame rate."""

    seconds: FloatArray
    duration: float
    fps: float

    @property
    def progress(self) -> FloatArray:
        return self.seconds / self.duration

    def times(self, rate_hz: float, at_least: int = 1) -> int:
        """How often something at ``rate_hz`` fits into the clip."""
        return max(at_least, round(rate_hz * self.duration))

    def strength(self, seconds: float = 0.7) -> FloatArray:
        """0 at both ends and 1 between, with ramps of ``seconds`` or a third of a short clip."""
        ramp = min(seconds / self.duration, 0.33)
        return envelope(self.progress, ramp, ramp)


Motion = Callable[[Beat, np.random.Generator], Channels]


def motion_channels(
    motion: str, num_frames: int, fps: float, seed: int | Sequence[int]
) -> tuple[FloatArray, tuple[str, ...]]:
    """The channels of ``motion``: float64 (T, C), and the C names. All 0 in the first frame.

    Raises ``ConfigError`` for a motion that is not known.
    """
    shape = choose("motion", motion, MOTIONS)
    seconds = np.arange(num_frames) / fps
    columns = shape(Beat(seconds, float(seconds[-1]), fps), np.random.default_rng(seed))
    channels = np.zeros((num_frames, len(CHANNEL_NAMES)))
    for name, curve in columns.items():
        channels[:, CHANNEL_NAMES.index(name)] = curve
    return channels, CHANNEL_NAMES


def columns_of(channels: FloatArray) -> Channels:
    """The columns (T,) of a channel array (T, C), by name."""
    return dict(zip(CHANNEL_NAMES, channels.T, strict=True))


def _sign(rng: np.random.Generator) -> float:
    return 1.0 if rng.random() < 0.5 else -1.0


def _stride(beat: Beat, strides: int, run: float) -> Channels:
    """Legs and swinging arms of a gait of about so many ``strides``; the path is the caller's."""
    # A stride more than whole ones by one step, so that the last foot lands as the body comes to rest.
    cycles = strides + 0.5 + (1.0 - stance_share(run))
    ramp = min(0.5 / beat.duration, 0.3)
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


def _walk(beat: Beat, rng: np.random.Generator) -> Channels:
    length = min(2.65, 0.53 * beat.duration) * rng.uniform(0.92, 1.05)
    turn = _sign(rng) * rng.uniform(0.15, 0.4)
    return _arc(beat, length, turn, beat.times(rng.uniform(0.72, 0.84)), run=0.0)


def _run(beat: Beat, rng: np.random.Generator) -> Channels:
    length = min(3.6, 0.72 * beat.duration) * rng.uniform(0.92, 1.05)
    turn = _sign(rng) * rng.uniform(1.2, 1.5)
    return _arc(beat, length, turn, beat.times(rng.uniform(1.15, 1.3)), run=1.0)


def _jump(beat: Beat, rng: np.random.Generator) -> Channels:
    count = beat.times(rng.uniform(0.74, 0.86))
    height = rng.uniform(0.42, 0.52)
    v, _ = in_turn(beat.progress, np.linspace(0.0, 1.0, count + 1))
    crouch = keyed(v, (0, 0), (0.26, 0.8), (0.36, 0.0), (0.56, 0.35), (0.76, 0.05), (0.85, 0.7), (1, 0))
    arms = keyed(v, (0, 0), (0.22, -0.8), (0.52, 2.4), (0.74, 1.6), (0.9, -0.2), (1, 0))
    return {
        "up_m": height * parabola(v, 0.36, 0.78),
        "crouch": crouch,
        "squash": keyed(v, (0, 0), (0.26, 0.3), (0.38, -0.22), (0.57, 0.0), (0.76, -0.12), (0.84, 0.3), (1, 0)),
        "bend_rad": keyed(v, (0, 0), (0.26, 0.55), (0.4, -0.1), (0.76, 0.1), (0.86, 0.4), (1, 0)),
        "left_swing_rad": arms,
        "right_swing_rad": arms,
        "left_elbow_rad": keyed(v, (0, 0), (0.25, 0.3), (0.5, 0.5), (0.85, 0.8), (1, 0)),
        "right_elbow_rad": keyed(v, (0, 0), (0.25, 0.3), (0.5, 0.5), (0.85, 0.8), (1, 0)),
        "left_raise_rad": keyed(v, (0, 0), (0.3, 0.1), (0.5, 0.5), (0.85, 0.2), (1, 0)),
        "right_raise_rad": keyed(v, (0, 0), (0.3, 0.1), (0.5, 0.5), (0.85, 0.2), (1, 0)),
        "head_pitch_rad": keyed(v, (0, 0), (0.28, 0.2), (0.45, -0.3), (0.86, 0.3), (1, 0)),
    }


def _bounce(beat: Beat, rng: np.random.Generator) -> Channels:
    count = beat.times(rng.uniform(1.15, 1.35), at_least=2)
    height = rng.uniform(0.5, 0.62)
    turn = _sign(rng) * rng.uniform(0.25, 0.5)
    # Heights rise and then die away; time aloft goes with the root of the height.
    heights = height * keyed(np.linspace(0.0, 1.0, count), (0, 0.55), (0.35, 1.0), (1, 0.35))
    aloft = np.sqrt(heights)
    spans = np.ravel(np.column_stack([np.full(count, 0.18), aloft]))
    v, index = in_turn(beat.progress, np.concatenate([[0.0], np.cumsum(spans), [spans.sum() + 0.25]]) / (spans.sum() + 0.25))
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


def _hop_sideways(beat: Beat, rng: np.random.Generator) -> Channels:
    count = 4 * beat.times(rng.uniform(0.38, 0.44))
    step = rng.uniform(0.38, 0.46)
    side = _sign(rng)
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


def _roll(beat: Beat, rng: np.random.Generator) -> Channels:
    length = min(2.8, 0.56 * beat.duration) * rng.uniform(0.92, 1.05)
    turn = _sign(rng) * rng.uniform(0.1, 0.35)
    share = glide(beat.progress, 0.2)
    yaw = turn * share
    radius = length / turn
    return {
        "forward_m": radius * np.sin(yaw),
        "left_m": radius * (1.0 - np.cos(yaw)),
        "yaw_rad": yaw,
        "rolled_m": length * share,
    }


def _spin(beat: Beat, rng: np.random.Generator) -> Channels:
    turns = _sign(rng) * max(1.0, round(2.0 * rng.uniform(0.36, 0.5) * beat.duration) / 2.0)
    share = glide(beat.progress, min(0.9 / beat.duration, 0.35))
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


def _orbit(beat: Beat, rng: np.random.Generator) -> Channels:
    radius = min(1.0, 0.2 * beat.duration) * rng.uniform(0.92, 1.05)
    side = _sign(rng)
    length = 2.0 * np.pi * radius
    path = _arc(beat, length, side * 2.0 * np.pi, beat.times(1.3, at_least=3), run=0.3)
    return path | {"rolled_m": radius * np.abs(path["yaw_rad"]), "head_yaw_rad": 0.15 * side * path["gait_lift"]}


def _zigzag(beat: Beat, rng: np.random.Generator) -> Channels:
    length = min(2.7, 0.54 * beat.duration) * rng.uniform(0.95, 1.05)
    width = 0.35 * length / 2.7 * rng.uniform(0.9, 1.1)
    waves = beat.times(0.45)
    side = _sign(rng)

    def across(share: FloatArray) -> FloatArray:
        return side * width * np.sin(2.0 * np.pi * waves * share) * envelope(share, 0.25, 0.25)

    gait = _stride(beat, beat.times(1.45), run=0.2)
    share = _covered(gait)
    small = 1e-4
    slope = (across(share + small) - across(share - small)) / (2.0 * small * length)
    yaw = np.arctan(slope)
    yaw[0] = 0.0
    fine = np.linspace(0.0, 1.0, 2001)
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


def _wave(beat: Beat, rng: np.random.Generator) -> Channels:
    side = "left" if rng.random() < 0.5 else "right"
    way = 1.0 if side == "left" else -1.0
    up = beat.strength(0.8)
    beats = beat.times(rng.uniform(1.3, 1.6))
    phase = 2.0 * np.pi * beats * beat.progress
    return {
        f"{side}_raise_rad": up * (1.9 + 0.16 * np.sin(phase - 0.5)),
        f"{side}_curl_rad": up * (0.75 + 0.7 * np.sin(phase)),
        "lean_rad": -way * up * (0.08 + 0.05 * np.sin(phase - 0.9)),
        "sway": -way * 0.25 * up,
        "head_yaw_rad": way * 0.25 * up,
        "head_pitch_rad": -0.1 * up + 0.05 * up * np.sin(phase - 1.2),
        "crouch": 0.05 * up * (1.0 - np.cos(phase)),
    }


def _repeated(beat: Beat, count: int) -> tuple[FloatArray, FloatArray]:
    """A curve that goes 0 → 1 → 0 ``count`` times, lingering a little at 1, and the same a moment later."""
    v, _ = in_turn(beat.progress, np.linspace(0.0, 1.0, count + 1))
    there = keyed(v, (0.0, 0.0), (0.45, 1.0), (0.55, 1.0), (1.0, 0.0))
    later = keyed(v, (0.0, 0.0), (0.08, 0.0), (0.52, 1.0), (0.64, 0.9), (1.0, 0.0))
    return there, later


def _bow(beat: Beat, rng: np.random.Generator) -> Channels:
    depth = rng.uniform(0.95, 1.15)
    there, later = _repeated(beat, beat.times(rng.uniform(0.4, 0.6)))
    return {
        "bend_rad": depth * there,
        "head_pitch_rad": 0.45 * later,
        "crouch": 0.1 * there,
        "left_swing_rad": 0.35 * later,
        "right_swing_rad": -0.5 * later,
        "left_elbow_rad": 1.4 * there,
        "right_elbow_rad": 0.2 * later,
    }


def _crouch(beat: Beat, rng: np.random.Generator) -> Channels:
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


def _sway(beat: Beat, rng: np.random.Generator) -> Channels:
    side = _sign(rng)
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


def _nod(beat: Beat, rng: np.random.Generator) -> Channels:
    strength = beat.strength(0.6)
    phase = 2.0 * np.pi * beat.times(rng.uniform(0.9, 1.1)) * beat.progress
    down = 0.5 - 0.5 * np.cos(phase)
    late = 0.5 - 0.5 * np.cos(phase - 0.7)
    return {
        "head_pitch_rad": strength * (rng.uniform(0.95, 1.1) * down - 0.25),
        "bend_rad": 0.2 * strength * late,
        "crouch": 0.12 * strength * late,
        "left_swing_rad": 0.1 * strength * late,
        "right_swing_rad": 0.1 * strength * late,
    }


def _flap(beat: Beat, rng: np.random.Generator) -> Channels:
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


def _swing(beat: Beat, rng: np.random.Generator) -> Channels:
    side = _sign(rng)
    phase = 2.0 * np.pi * beat.times(rng.uniform(0.5, 0.62)) * beat.progress
    return {"swing_rad": side * rng.uniform(0.85, 1.0) * beat.strength(1.0) * np.sin(phase)}


def _open(beat: Beat, rng: np.random.Generator) -> Channels:
    wide = rng.uniform(1.65, 1.85)
    part = rng.uniform(0.45, 0.65)
    return {"hinge_rad": keyed(beat.progress, (0, 0), (0.4, wide), (0.66, part), (1.0, 0.9 * wide))}


def _shake(beat: Beat, rng: np.random.Generator) -> Channels:
    rate_hz = min(rng.uniform(2.9, 3.3), 0.21 * beat.fps)  # well below half the frame rate
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


def _slide(beat: Beat, rng: np.random.Generator) -> Channels:
    side = _sign(rng)
    reach = min(1.0, 0.3 * beat.duration) * rng.uniform(0.9, 1.1)
    phase = 2.0 * np.pi * beat.times(rng.uniform(0.36, 0.44)) * beat.progress
    return {"forward_m": side * reach * beat.strength(0.9) * np.sin(phase)}


MOTIONS: dict[str, Motion] = {
    "walk": _walk,
    "run": _run,
    "jump": _jump,
    "bounce": _bounce,
    "hop_sideways": _hop_sideways,
    "roll": _roll,
    "spin": _spin,
    "orbit": _orbit,
    "zigzag": _zigzag,
    "wave": _wave,
    "bow": _bow,
    "crouch": _crouch,
    "sway": _sway,
    "nod": _nod,
    "flap": _flap,
    "swing": _swing,
    "open": _open,
    "shake": _shake,
    "slide": _slide,
}
