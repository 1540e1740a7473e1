"""Where feet stand: steps that plant a foot on the ground and leave it there until it is lifted.

Knows the motion channels and where a leg is mounted, but no leg.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.schema import FloatArray
from generators.procedural.channels import Channels, stance_share
from generators.procedural.easing import ease
from generators.procedural.rig import Frame, rotation, vector


@dataclass(frozen=True)
class Steps:
    """The steps of one foot: a frame on the ground (yaw only), its ``lift`` and ``swing``, both (T,).

    ``lift`` is 0 while planted and 1 at the height of a full step; ``swing`` is the share of the step
    that is done, 0 while planted.
    """

    foot: Frame
    lift: FloatArray
    swing: FloatArray


def root_frame(channels: Channels, start: Frame) -> Frame:
    """The body's frame on the ground under it: start place, path, flight and turn about the vertical."""
    moved = start.moved(channels["forward_m"], channels["left_m"], channels["up_m"])
    return moved.turned("z", channels["yaw_rad"])


def steps(channels: Channels, start: Frame, mount: tuple[float, float], offset: float) -> Steps:
    """Steps of the foot that rests at ``mount`` (forward, left, metres) and swings ``offset`` strides late.

    Each foothold is where the mount will be in the middle of the stance that follows, so that the body
    passes over a foot that does not slide. Without a gait the foot stays under the body.
    """
    phase = channels["gait_cycles"]
    own = phase - offset
    stance = stance_share(float(channels["gait_run"].max()))
    swing_share = 1.0 - stance
    last_step = int(np.floor(phase[-1] - offset - swing_share + 1e-9))
    if last_step < 0:
        under = root_frame(channels, start).moved(*mount)
        still = np.zeros_like(phase)
        return Steps(under, still, still)

    step = np.clip(np.floor(own), -1, last_step).astype(int)
    within = np.where(step < 0, 0.0, np.clip((own - step) / swing_share, 0.0, 1.0))
    landings = np.arange(last_step + 1) + offset + swing_share
    stances = np.concatenate([[0.0], np.minimum(landings + 0.5 * stance, phase[-1])])

    path = np.stack([channels[name] for name in ("forward_m", "left_m", "yaw_rad")], -1)
    held = np.stack([np.interp(stances, phase, column) for column in path.T], -1)
    shift = (rotation("z", held[:, 2]) @ vector(*mount, 0.0)[..., None])[..., 0]
    places = np.concatenate([held[:, :2] + shift[:, :2], held[:, 2:]], -1)  # forward, left, yaw

    before = np.clip(step, 0, last_step)  # places[k] is left by step k, and places[0] is the rest pose
    travelled = ease(within)[:, None]
    x, y, yaw = (places[before] * (1.0 - travelled) + places[before + 1] * travelled).T
    lift = np.sin(np.pi * within) ** 2 * channels["gait_lift"]
    return Steps(
        start.moved(x, y, channels["up_m"]).turned("z", yaw), lift, np.where(within < 1.0, within, 0.0)
    )
