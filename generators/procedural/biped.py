"""Two-legged upright bodies: one pose, worn by a person and by a robot.

Turns channels into joints; knows neither colours nor cameras.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.schema import FloatArray
from generators.procedural.body import Joints, Mounts, Shaped, drop_within_reach
from generators.procedural.channels import Channels
from generators.procedural.gait import root_frame, steps
from generators.procedural.rig import Frame, Sculpture, Slot, two_bone

SIDES = (("left", 1.0), ("right", -1.0))


@dataclass(frozen=True)
class Proportions:
    """Lengths of an upright body, metres."""

    thigh: float
    shank: float
    ankle: float  # of the ankle over the sole
    hip: float  # half the distance of the hips
    spine: float  # pelvis to neck
    shoulder: float  # half the distance of the shoulders
    upper_arm: float
    forearm: float
    neck: float

    @property
    def leg(self) -> float:
        return self.thigh + self.shank


@dataclass(frozen=True)
class Pose:
    """Frames and joints of an upright body; limbs by side, "left" and "right"."""

    pelvis: Frame
    chest: Frame  # at the base of the neck
    head: Frame  # at the base of the skull
    thighs: dict[str, Frame]  # at the hip
    feet: dict[str, Frame]  # at the ankle
    upper_arms: dict[str, Frame]  # at the shoulder, hanging along -z
    forearms: dict[str, Frame]  # at the elbow, hanging along -z
    joints: Joints


def pose(channels: Channels, start: Frame, size: Proportions) -> Pose:
    """Joints of an upright body. Feet are planted by the gait and reached by bending the knees."""
    c = channels
    root = root_frame(c, start)
    walked = {side: steps(c, start, (0.0, way * size.hip), 0.0 if way > 0 else 0.5) for side, way in SIDES}
    airborne = np.clip(c["up_m"] / 0.15, 0.0, 1.0)
    feet = {}
    for side, s in walked.items():
        toes_down = 0.35 * s.lift * np.cos(np.pi * s.swing) + 0.55 * airborne
        lifted = (0.15 + 0.1 * c["gait_run"]) * s.lift + 0.06 * airborne
        feet[side] = s.foot.moved(z=size.ankle + lifted).turned("y", toes_down)

    def pelvis_at(drop: FloatArray) -> Frame:
        back = -0.16 * size.leg * np.sin(c["bend_rad"]) - 0.06 * size.leg * c["crouch"]
        side = 0.9 * size.hip * c["sway"]
        return (
            root.moved(back, side, size.ankle + 0.985 * size.leg - drop)
            .turned("z", 0.12 * c["gait_lift"] * np.sin(2.0 * np.pi * c["gait_cycles"]))
            .turned("x", -0.2 * c["lean_rad"])
            .turned("y", 0.35 * c["bend_rad"])
        )

    drop = 0.43 * size.leg * c["crouch"]
    wanted = pelvis_at(drop)
    drop = drop + drop_within_reach(
        [wanted.at(0.0, way * size.hip) for _, way in SIDES],
        [feet[side].origin for side, _ in SIDES],
        0.995 * size.leg,
    )
    pelvis = pelvis_at(drop)
    belly = (
        pelvis.moved(z=0.4 * size.spine).turned("x", -0.8 * c["lean_rad"]).turned("y", 0.65 * c["bend_rad"])
    )
    twist = -0.22 * c["gait_lift"] * np.sin(2.0 * np.pi * c["gait_cycles"])
    chest = belly.turned("z", twist).moved(z=0.6 * size.spine)
    head = (
        chest.turned("y", -0.25 * c["bend_rad"])
        .turned("x", 0.4 * c["lean_rad"])
        .turned("z", c["head_yaw_rad"] - twist)
        .turned("y", 0.35 * c["head_pitch_rad"])
        .moved(z=size.neck)
        .turned("y", 0.65 * c["head_pitch_rad"])
    )
    joints: Joints = {"pelvis": pelvis.origin, "neck": chest.origin, "head": head.at(z=0.12)}
    thighs, upper_arms, forearms = {}, {}, {}
    for side, way in SIDES:
        hip = pelvis.moved(y=way * size.hip)
        forward = (hip.rotation[..., 0] + feet[side].rotation[..., 0]) / 2.0
        knee, ankle = two_bone(hip.origin, feet[side].origin, size.thigh, size.shank, forward)
        thighs[side] = hip
        feet[side] = feet[side].placed(ankle)
        upper = (
            chest.moved(y=way * size.shoulder, z=-0.06 * size.spine)
            .turned("y", -c[f"{side}_swing_rad"])
            .turned("x", way * (0.12 + c[f"{side}_raise_rad"]))
        )
        forearm = (
            upper.moved(z=-size.upper_arm)
            .turned("x", way * (c[f"{side}_curl_rad"] - 0.06))
            .turned("y", -0.18 - c[f"{side}_elbow_rad"])
        )
        upper_arms[side], forearms[side] = upper, forearm
        joints |= {
            f"{side}_hip": hip.origin,
            f"{side}_knee": knee,
            f"{side}_foot": ankle,
            f"{side}_shoulder": upper.origin,
            f"{side}_elbow": forearm.origin,
            f"{side}_hand": forearm.at(z=-size.forearm),
        }
    return Pose(pelvis, chest, head, thighs, feet, upper_arms, forearms, joints)


PERSON = Proportions(
    thigh=0.41,
    shank=0.4,
    ankle=0.085,
    hip=0.1,
    spine=0.5,
    shoulder=0.195,
    upper_arm=0.27,
    forearm=0.24,
    neck=0.08,
)


def person(channels: Channels, start: Frame, out: Sculpture) -> Shaped:
    """A grown person of about 1.75 m."""
    p = pose(channels, start, PERSON)
    out.ellipsoid(p.pelvis, (0.115, 0.16, 0.11), Slot.SECOND, at=(0.0, 0.0, 0.03))
    out.bone(p.chest, p.chest.at(z=-0.1), p.pelvis.at(z=0.1), 0.15, 0.125, Slot.MAIN)
    out.ellipsoid(p.chest, (0.125, 0.2, 0.17), Slot.MAIN, at=(0.0, 0.0, -0.13))
    out.bone(p.head, p.head.at(z=0.05), p.chest.at(z=-0.02), 0.05, 0.06, Slot.SKIN)
    out.ellipsoid(p.head, (0.112, 0.1, 0.135), Slot.SKIN, at=(0.015, 0.0, 0.12))
    out.ellipsoid(p.head, (0.118, 0.112, 0.115), Slot.DARK, at=(-0.022, 0.0, 0.165))
    out.ellipsoid(p.head, (0.07, 0.09, 0.12), Slot.DARK, at=(-0.075, 0.0, 0.1))
    out.ellipsoid(p.head, (0.03, 0.018, 0.024), Slot.SKIN, at=(0.13, 0.0, 0.1))
    for side, way in SIDES:
        out.ellipsoid(p.head, (0.014, 0.016, 0.02), Slot.DARK, at=(0.117, way * 0.042, 0.128))
        j = p.joints
        out.bone(p.upper_arms[side], j[f"{side}_shoulder"], j[f"{side}_elbow"], 0.068, 0.05, Slot.MAIN)
        out.bone(p.forearms[side], j[f"{side}_elbow"], j[f"{side}_hand"], 0.046, 0.034, Slot.SKIN)
        out.ellipsoid(
            p.forearms[side], (0.045, 0.032, 0.065), Slot.SKIN, at=(0.0, 0.0, -PERSON.forearm - 0.04)
        )
        out.bone(p.thighs[side], j[f"{side}_hip"], j[f"{side}_knee"], 0.095, 0.066, Slot.SECOND)
        out.bone(p.thighs[side], j[f"{side}_knee"], j[f"{side}_foot"], 0.064, 0.042, Slot.SECOND)
        out.ellipsoid(p.feet[side], (0.135, 0.055, 0.05), Slot.DARK, at=(0.05, 0.0, -0.035))
    return Shaped(
        p.joints,
        Mounts(
            hat=p.head.moved(-0.01, 0.0, 0.215),
            hat_radius_m=0.12,
            pack=p.chest.moved(-0.13, 0.0, -0.17).turned("y", -0.5 * np.pi),
            pack_half_m=(0.2, 0.14, 0.085),
            scarf=p.chest.moved(0.005, 0.0, 0.03),
            scarf_radius_m=0.075,
        ),
    )


ROBOT = Proportions(
    thigh=0.37,
    shank=0.37,
    ankle=0.1,
    hip=0.13,
    spine=0.5,
    shoulder=0.27,
    upper_arm=0.25,
    forearm=0.24,
    neck=0.07,
)


def robot(channels: Channels, start: Frame, out: Sculpture) -> Shaped:
    """A boxy walking machine with an antenna, about 1.7 m to its tip."""
    p = pose(channels, start, ROBOT)
    out.box(p.pelvis, (0.11, 0.17, 0.075), Slot.SECOND, at=(0.0, 0.0, 0.03))
    out.bone(p.chest, p.chest.at(z=-0.2), p.pelvis.at(z=0.06), 0.09, 0.09, Slot.METAL)
    out.box(p.chest, (0.14, 0.21, 0.17), Slot.MAIN, at=(0.0, 0.0, -0.13))
    out.box(p.chest, (0.012, 0.12, 0.07), Slot.LIGHT, at=(0.14, 0.0, -0.11))
    out.cylinder(p.chest, 0.03, 0.012, Slot.WEAR, at=(0.153, 0.06, -0.11), axis="x")
    out.cylinder(p.chest, 0.03, 0.012, Slot.DARK, at=(0.153, -0.05, -0.11), axis="x")
    out.cylinder(p.chest, 0.055, 0.07, Slot.METAL, at=(0.0, 0.0, 0.05))
    out.box(p.head, (0.13, 0.15, 0.12), Slot.MAIN, at=(0.01, 0.0, 0.14))
    out.box(p.head, (0.012, 0.115, 0.05), Slot.DARK, at=(0.14, 0.0, 0.155))
    out.bone(p.head, p.head.at(z=0.42), p.head.at(z=0.26), 0.01, 0.014, Slot.METAL)
    out.ellipsoid(p.head, (0.035, 0.035, 0.035), Slot.WEAR, at=(0.0, 0.0, 0.43))
    for side, way in SIDES:
        j = p.joints
        out.cylinder(p.head, 0.03, 0.012, Slot.LIGHT, at=(0.148, way * 0.06, 0.16), axis="x")
        out.ellipsoid(p.upper_arms[side], (0.085, 0.085, 0.085), Slot.SECOND)
        out.bone(p.upper_arms[side], j[f"{side}_shoulder"], j[f"{side}_elbow"], 0.05, 0.05, Slot.METAL)
        out.box(p.forearms[side], (0.06, 0.06, 0.11), Slot.MAIN, at=(0.0, 0.0, -0.13))
        out.box(p.forearms[side], (0.045, 0.014, 0.05), Slot.DARK, at=(0.0, 0.035, -0.28))
        out.box(p.forearms[side], (0.045, 0.014, 0.05), Slot.DARK, at=(0.0, -0.035, -0.28))
        out.bone(p.thighs[side], j[f"{side}_hip"], j[f"{side}_knee"], 0.07, 0.06, Slot.METAL)
        out.bone(p.thighs[side], j[f"{side}_knee"], j[f"{side}_foot"], 0.08, 0.085, Slot.MAIN)
        out.box(p.feet[side], (0.14, 0.085, 0.045), Slot.SECOND, at=(0.045, 0.0, -0.055))
    return Shaped(
        p.joints,
        Mounts(
            hat=p.head.moved(0.01, 0.0, 0.262),
            hat_radius_m=0.145,
            pack=p.chest.moved(-0.145, 0.0, -0.13).turned("y", -0.5 * np.pi),
            pack_half_m=(0.19, 0.16, 0.09),
            scarf=p.chest.moved(0.0, 0.0, 0.055),
            scarf_radius_m=0.085,
        ),
    )
