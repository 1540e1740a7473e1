"""Sequences whose pace is known: what a measure of pacing must find again. After the paper's synthetic tests.

Knows no measure: a course of progress in, frames out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np

from data.errors import ConfigError, ContractError
from data.schema import FloatArray, Frames, Image
from generators.procedural.appearances import surfaces
from generators.procedural.bodies import Place, build_body
from generators.procedural.cameras import framed
from generators.procedural.channels import CHANNEL_NAMES
from generators.procedural.lights import light_of
from generators.procedural.render import render
from generators.procedural.rig import Sculpture
from generators.procedural.scene import Environment, Scene
from generators.procedural.scenery import Paints

Kind = Literal["turntable", "slide", "morph"]
Profile = Callable[[FloatArray], FloatArray]

TURN_RAD = 2.0 * np.pi / 3.0
REACH_M = 1.6
JITTER_PX = 3
GRAIN = 6.0
_SEED = 11


def quadratic(time: FloatArray) -> FloatArray:
    """Ever faster."""
    return np.asarray(time**2)


def sigmoid(time: FloatArray) -> FloatArray:
    """Slow at both ends."""
    raw = 1.0 / (1.0 + np.exp(-10.0 * (time - 0.5)))
    end = 1.0 / (1.0 + np.exp(-5.0))
    return np.asarray((raw - (1.0 - end)) / (2.0 * end - 1.0))


def step(time: FloatArray) -> FloatArray:
    """Half of everything at once, in the middle; the rest evenly."""
    return np.asarray(0.5 * time + 0.5 * (time >= 0.5))


PROFILES: dict[str, Profile] = {
    "linear": np.asarray,
    "quadratic": quadratic,
    "sigmoid": sigmoid,
    "step": step,
}


def paced_sequence(kind: Kind, progress: FloatArray, size_px: int, *, distracted: bool = False) -> Frames:
    """Frames uint8 (T, size, size, 3) of something that is as far as ``progress`` (T,) in [0, 1] says.

    ``turntable``: a chest turns by a third of a circle; ``slide``: it moves forward by 1.6 m; ``morph``: a
    door dissolves into a ball.  ``distracted`` adds what changes pixels and no content: the picture
    trembles by up to 3 px and has grain.  Raises ``ConfigError`` for another kind, ``ContractError`` for
    progress outside [0, 1].
    """
    if progress.ndim != 1 or not progress.size or progress.min() < 0.0 or progress.max() > 1.0:
        raise ContractError(f"progress {progress.shape} must be (T,) in [0, 1]")
    match kind:
        case "turntable":
            frames = _performed("chest", "spin", "yaw_rad", TURN_RAD * progress, size_px)
        case "slide":
            frames = _performed("chest", "slide", "forward_m", REACH_M * progress, size_px)
        case "morph":
            first, last = (_still(subject, motion, size_px) for subject, motion in _MORPHED)
            share = progress[:, None, None, None]
            frames = np.rint(first * (1.0 - share) + last * share).astype(np.uint8)
        case _:
            raise ConfigError(f"there is no paced sequence {kind!r}: use {', '.join(get_args(Kind))}")
    return _distracted(frames) if distracted else frames


_MORPHED = (("door", "open"), ("ball", "roll"))


def _still(subject: str, motion: str, size_px: int) -> Image:
    frame: Image = _performed(subject, motion, "forward_m", np.zeros(2), size_px)[0]
    return frame


def _performed(subject: str, motion: str, channel: str, course: FloatArray, size_px: int) -> Frames:
    """``subject`` on the plaza with one channel of its motion set to ``course``."""
    channels = np.zeros((len(course), len(CHANNEL_NAMES)))
    channels[:, CHANNEL_NAMES.index(channel)] = course
    body = build_body(subject, motion, channels, Place(-0.5 * float(np.ptp(course)), 0.0, 0.4), None)
    paints = Paints(surfaces(subject, "green_checks"))
    scene = Scene(
        environment=Environment("plaza", light_of("plaza", [_SEED]), _SEED),
        static=Sculpture(1).primitives(),
        moving=body.primitives,
        materials=tuple(paints.materials),
        camera=framed("three_quarter_left", [body.primitives], len(course)),
        style="shaded",
        num_frames=len(course),
    )
    return render(scene, size_px)


def _distracted(frames: Frames) -> Frames:
    rng = np.random.default_rng(_SEED)
    shifts = rng.integers(-JITTER_PX, JITTER_PX + 1, (len(frames), 2))
    shaken = np.stack([np.roll(frame, shift, (0, 1)) for frame, shift in zip(frames, shifts, strict=True)])
    grain = rng.normal(0.0, GRAIN, shaken.shape)
    return np.clip(np.rint(shaken + grain), 0, 255).astype(np.uint8)
