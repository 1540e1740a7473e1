"""Four-legged bodies: one pose, worn by a dog and by a horse.

Turns channels into joints; knows neither colours nor cameras.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.schema import FloatArray
from generators.procedural.body import Joints, Mounts, Shaped, drop_within_reach
from generators.procedural.channels import Channels
from generators.procedural.easing import ease
from generators.procedural.gait import root_frame, steps
from generators.procedural.rig import Frame, Sculpture, Slot, two_bone

# When each foot swings, in strides: a walk is a sequence of four, a run pairs the diagonals.
FEET = {
    "left_hind": (-1.0, 1.0, 0.0, 0.0),
    "left_fore": (1.0, 1.0, 0.25, 0.5),
    "right_hind": (-1.0, -1.0, 0.5, 0.5),
    "right_fore": (1.0, -1.0, 0.75, 0.0),
}  # name -> end (fore +), side (left +), swing offset walking, running


@dataclass(frozen=True)
class Proportions:
    """Lengths of a four-legged body, metres."""

    half_length: float  # half the distance of the girdles
    half_width: float
    upper: float  # hip to hock, shoulder to carpus: two equal bones
    pastern: float  # hock or carpus to the ground
    neck: float
    neck_angle_rad: float  # from upright, forward
    carpus_forward: bool  # a horse's fore leg folds at a forward knee, a dog's at a backward elbow


@dataclass(frozen=True)
class Pose:
    """Frames and joints of a four-legged body."""

    trunk: Frame  # in the middle between the girdles
    neck: Frame  # at its base, growing along z
    head: Frame  # at the end of the neck, looking along x
    legs: dict[str, Frame]  # at the hip, hanging along -z
    paws: dict[str, Frame]  # on the sole, level
    pasterns: dict[str, Frame]  # on the sole, growing along z towards hock or carpus
    joints: Joints


def pose(channels: Channels, start: Frame, size: Proportions) -> Pose:
    """Joints of a four-legged body. Feet are planted by the gait; a raised fore limb becomes a raised paw."""
    c = channels
    root = root_frame(c, start)
    running = bool(c["gait_run"].max() > 0.0)
    height = 0.955 * size.upper + size.pastern
    paws, tops, pasterns = {}, {}, {}
    for name, (end, way, walking, trotting) in FEET.items():
        mount = (end * size.half_length, way * size.half_width)
        s = steps(c, start, mount, trotting if running else walking)
        foot = s.foot.moved(z=0.3 * size.upper * s.lift)
        fold = 0.7 * s.lift + 0.5 * np.clip(c["up_m"] / 0.15, 0.0, 1.0)
        if end > 0.0:
            side = "left" if way > 0.0 else "right"
            raised = ease((c[f"{side}_raise_rad"] - 1.15) / 0.75)  # a wave lifts a paw, balancing does not
            beat = c[f"{side}_curl_rad"] - 0.75
            foot = foot.moved(
                raised * 0.75 * size.upper,
                raised * 0.12 * size.upper * way * beat,
                raised * height * (0.62 + 0.3 * beat),
            )
            fold = fold - raised * (0.5 + 0.5 * beat)
        paws[name] = foot
        pasterns[name] = foot.turned("y", fold)
        tops[name] = pasterns[name].at(-0.02 if end > 0.0 else -0.25 * size.pastern, 0.0, size.pastern)

    def trunk_at(drop: FloatArray) -> Frame:
        pitch = 0.36 * c["bend_rad"] + 0.07 * c["gait_run"] * np.sin(4.0 * np.pi * c["gait_cycles"])
        return (
            root.moved(-size.half_length, 0.8 * size.half_width * c["sway"], height - drop)
            .turned("x", -0.8 * c["lean_rad"])
            .turned("y", pitch)
            .moved(size.half_length)
        )

    def hips_of(trunk: Frame) -> dict[str, Frame]:
        return {n: trunk.moved(e * size.half_length, w * size.half_width) for n, (e, w, _, _) in FEET.items()}

    drop = 0.42 * height * c["crouch"]
    reach = [hip.origin for hip in hips_of(trunk_at(drop)).values()]
    trunk = trunk_at(drop + drop_within_reach(reach, tops.values(), 0.99 * size.upper))
    legs = hips_of(trunk)
    joints: Joints = {"trunk": trunk.origin}
    for name, (end, _, _, _) in FEET.items():
        forward = end < 0.0 or size.carpus_forward
        pole = legs[name].rotation[..., 0] * (1.0 if forward else -1.0)
        half = 0.5 * size.upper
        knee, top = two_bone(legs[name].origin, tops[name], half, half, pole)
        joints |= {f"{name}_hip": legs[name].origin, f"{name}_knee": knee, f"{name}_hock": top}
        reached = paws[name].origin + (top - tops[name])
        paws[name], pasterns[name] = paws[name].placed(reached), pasterns[name].placed(reached)
        joints[f"{name}_foot"] = reached
    level = -0.3 * c["bend_rad"]  # the neck holds the head up while the trunk bows
    neck = (
        trunk.moved(size.half_length + 0.1 * size.upper, 0.0, 0.14 * size.upper)
        .turned("x", 0.25 * c["lean_rad"])
        .turned("z", 0.5 * c["head_yaw_rad"])
        .turned("y", size.neck_angle_rad + level + 0.75 * c["head_pitch_rad"] + 0.12 * c["crouch"])
    )
    head = (
        neck.moved(z=size.neck)
        .turned("y", -size.neck_angle_rad - 0.5 * level + 0.45 * c["head_pitch_rad"])
        .turned("z", 0.8 * c["head_yaw_rad"])
    )
    joints |= {"withers": neck.origin, "head": head.origin, "croup": trunk.at(-size.half_length)}
    return Pose(trunk, neck, head, legs, paws, pasterns, joints)


def _legs(out: Sculpture, p: Pose, radii: tuple[float, float, float, float], hoof: float) -> None:
    """Three bones a leg with these radii at hip, knee, hock and foot, and a paw or hoof below."""
    for name, hip in p.legs.items():
        hip_at, knee, hock = (p.joints[f"{name}_{joint}"] for joint in ("hip", "knee", "hock"))
        sole = p.pasterns[name].at(z=radii[3])
        out.bone(hip, hip_at, knee, radii[0], radii[1], Slot.MAIN)
        out.bone(hip, knee, hock, radii[1], radii[2], Slot.MAIN)
        out.bone(hip, hock, sole, radii[2], radii[3], Slot.SECOND)
        out.ellipsoid(
            p.paws[name], (1.25 * hoof, 0.85 * hoof, 0.6 * hoof), Slot.DARK, at=(0.3 * hoof, 0.0, 0.6 * hoof)
        )


def _tail(channels: Channels, trunk: Frame, rest_rad: float) -> Frame:
    """A tail that trails what the body does, hanging along -z; ``rest_rad`` lifts it backwards."""
    c = channels
    wag = 0.3 * c["gait_lift"] * np.sin(2.0 * np.pi * c["gait_cycles"] - 0.8) + 0.7 * c["lean_rad"]
    wag = wag + 0.35 * (c["right_curl_rad"] + c["left_curl_rad"]) * np.clip(
        c["head_pitch_rad"] * 8.0, -1.0, 1.0
    )
    lift = rest_rad + 0.5 * c["bend_rad"] + 1.2 * np.clip(c["up_m"], 0.0, 0.5) + 0.25 * c["gait_run"]
    return trunk.turned("z", wag).turned("y", lift)


DOG = Proportions(
    half_length=0.29,
    half_width=0.11,
    upper=0.46,
    pastern=0.13,
    neck=0.2,
    neck_angle_rad=0.7,
    carpus_forward=False,
)


def dog(channels: Channels, start: Frame, out: Sculpture) -> Shaped:
    """A big dog, about 0.85 m to the top of its head."""
    p = pose(channels, start, DOG)
    out.ellipsoid(p.trunk, (0.24, 0.155, 0.17), Slot.MAIN, at=(0.2, 0.0, 0.01))
    out.bone(
        p.trunk.turned("y", 0.5 * np.pi),
        p.trunk.at(-0.26, 0.0, 0.02),
        p.trunk.at(0.25),
        0.135,
        0.15,
        Slot.MAIN,
    )
    out.ellipsoid(p.trunk, (0.2, 0.11, 0.1), Slot.SECOND, at=(0.12, 0.0, -0.09))
    out.bone(p.neck, p.neck.at(z=DOG.neck), p.neck.at(), 0.085, 0.12, Slot.MAIN)
    out.ellipsoid(p.head, (0.135, 0.115, 0.115), Slot.MAIN, at=(0.03, 0.0, 0.04))
    out.bone(
        p.head.turned("y", -0.5 * np.pi),
        p.head.at(0.1, 0.0, 0.0),
        p.head.at(0.24, 0.0, -0.03),
        0.068,
        0.05,
        Slot.SECOND,
    )
    out.ellipsoid(p.head, (0.03, 0.036, 0.027), Slot.DARK, at=(0.287, 0.0, -0.008))
    for way in (1.0, -1.0):
        out.ellipsoid(p.head, (0.017, 0.02, 0.024), Slot.DARK, at=(0.135, way * 0.062, 0.085))
        ear = p.head.moved(-0.02, way * 0.105, 0.1).turned("x", way * 0.35)
        out.ellipsoid(ear, (0.055, 0.02, 0.1), Slot.DARK, at=(0.0, 0.0, -0.06))
    tail = _tail(channels, p.trunk.moved(-0.36, 0.0, 0.09), 2.2)
    out.bone(tail, tail.origin, tail.at(z=-0.32), 0.042, 0.022, Slot.MAIN)
    _legs(out, p, (0.075, 0.052, 0.038, 0.036), hoof=0.052)
    return Shaped(
        p.joints | {"tail": tail.at(z=-0.32)},
        Mounts(
            hat=p.head.moved(0.01, 0.0, 0.148),
            hat_radius_m=0.105,
            pack=p.trunk.moved(0.02, 0.0, 0.16),
            pack_half_m=(0.17, 0.16, 0.06),
            scarf=p.neck.moved(z=0.1),
            scarf_radius_m=0.115,
        ),
    )


HORSE = Proportions(
    half_length=0.42,
    half_width=0.14,
    upper=0.68,
    pastern=0.26,
    neck=0.5,
    neck_angle_rad=0.62,
    carpus_forward=True,
)


def horse(channels: Channels, start: Frame, out: Sculpture) -> Shaped:
    """A pony, about 1.5 m to its ears."""
    p = pose(channels, start, HORSE)
    out.ellipsoid(p.trunk, (0.3, 0.2, 0.235), Slot.MAIN, at=(0.28, 0.0, 0.03))
    out.bone(
        p.trunk.turned("y", 0.5 * np.pi),
        p.trunk.at(-0.34, 0.0, 0.04),
        p.trunk.at(0.3, 0.0, 0.02),
        0.215,
        0.215,
        Slot.MAIN,
    )
    out.ellipsoid(p.trunk, (0.3, 0.16, 0.16), Slot.SECOND, at=(0.05, 0.0, -0.09))
    out.bone(p.neck, p.neck.at(z=HORSE.neck), p.neck.at(z=-0.02), 0.09, 0.17, Slot.MAIN)
    out.ellipsoid(p.neck, (0.045, 0.035, 0.3), Slot.DARK, at=(-0.11, 0.0, 0.3))
    nose = p.head.turned("y", 0.45)
    out.ellipsoid(p.head, (0.13, 0.1, 0.115), Slot.MAIN, at=(0.03, 0.0, 0.0))
    out.bone(
        nose.turned("y", -0.5 * np.pi), nose.at(0.08), nose.at(0.36, 0.0, -0.01), 0.088, 0.062, Slot.MAIN
    )
    out.ellipsoid(nose, (0.07, 0.066, 0.066), Slot.SECOND, at=(0.38, 0.0, -0.012))
    out.ellipsoid(p.head, (0.1, 0.03, 0.05), Slot.DARK, at=(0.0, 0.0, 0.11))
    for way in (1.0, -1.0):
        out.ellipsoid(p.head, (0.024, 0.02, 0.026), Slot.DARK, at=(0.105, way * 0.078, 0.035))
        out.ellipsoid(
            p.head.turned("x", -way * 0.2), (0.028, 0.026, 0.085), Slot.MAIN, at=(-0.03, way * 0.055, 0.15)
        )
    tail = _tail(channels, p.trunk.moved(-0.53, 0.0, 0.13), 0.45)
    out.bone(tail, tail.at(z=0.0), tail.at(z=-0.2), 0.05, 0.07, Slot.DARK)
    out.bone(tail, tail.at(z=-0.2), tail.turned("y", -0.25).at(z=-0.55), 0.07, 0.025, Slot.DARK)
    _legs(out, p, (0.115, 0.07, 0.05, 0.05), hoof=0.065)
    return Shaped(
        p.joints | {"tail": tail.at(z=-0.55)},
        Mounts(
            hat=p.head.moved(0.03, 0.0, 0.11),
            hat_radius_m=0.12,
            pack=p.trunk.moved(0.0, 0.0, 0.24),
            pack_half_m=(0.2, 0.21, 0.07),
            scarf=p.neck.moved(z=0.2),
            scarf_radius_m=0.145,
        ),
    )
