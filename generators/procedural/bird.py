"""A tall walking bird with wings that fold against the body and spread to wave and to flap.

Turns channels into joints; knows neither colours nor cameras.
"""

from __future__ import annotations

import numpy as np

from data.schema import FloatArray
from generators.procedural.body import Joints, Mounts, Shaped, drop_within_reach
from generators.procedural.channels import Channels
from generators.procedural.easing import ease
from generators.procedural.gait import root_frame, steps
from generators.procedural.rig import Frame, Sculpture, Slot, two_bone

SIDES = (("left", 1.0), ("right", -1.0))
THIGH_M, SHANK_M, ANKLE_M, HIP_M = 0.38, 0.38, 0.05, 0.1
ARM_M, HAND_M = 0.34, 0.4  # inner and outer wing


def bird(channels: Channels, start: Frame, out: Sculpture) -> Shaped:
    """A heron-like bird of about 1.6 m, whose legs bend backwards."""
    c = channels
    root = root_frame(c, start)
    airborne = np.clip(c["up_m"] / 0.15, 0.0, 1.0)
    feet = {}
    for side, way in SIDES:
        s = steps(c, start, (0.0, way * HIP_M), 0.0 if way > 0 else 0.5)
        toes_down = 0.5 * s.lift + 0.6 * airborne
        feet[side] = s.foot.moved(z=ANKLE_M + 0.2 * s.lift + 0.07 * airborne).turned("y", toes_down)

    def body_at(drop: FloatArray) -> Frame:
        return (
            root.moved(-0.03 * c["crouch"], 0.08 * c["sway"], ANKLE_M + 0.93 * (THIGH_M + SHANK_M) - drop)
            .turned("x", -0.6 * c["lean_rad"])
            .turned("y", 0.55 * c["bend_rad"] + 0.1 * c["crouch"])
        )

    drop = 0.4 * c["crouch"]
    hips = [body_at(drop).at(0.0, way * HIP_M, 0.0) for _, way in SIDES]
    drop = drop + drop_within_reach(hips, [feet[s].origin for s, _ in SIDES], 0.995 * (THIGH_M + SHANK_M))
    hip = body_at(drop)
    trunk = hip.moved(0.03, 0.0, 0.1).turned("y", -0.25)

    joints: Joints = {"trunk": trunk.origin}
    for side, way in SIDES:
        top = hip.moved(y=way * HIP_M)
        knee, ankle = two_bone(top.origin, feet[side].origin, THIGH_M, SHANK_M, -top.rotation[..., 0])
        foot = feet[side].placed(ankle)
        out.bone(top, top.origin, knee, 0.07, 0.028, Slot.MAIN)
        out.bone(top, knee, ankle, 0.028, 0.024, Slot.SKIN)
        for toe in (-0.45, 0.0, 0.45):
            ray = foot.turned("z", toe)
            out.bone(
                ray.turned("y", -0.5 * np.pi),
                ray.at(0.0, 0.0, -0.02),
                ray.at(0.15, 0.0, -0.035),
                0.02,
                0.014,
                Slot.SKIN,
            )
        joints |= {f"{side}_hip": top.origin, f"{side}_knee": knee, f"{side}_foot": ankle}

    out.ellipsoid(trunk, (0.32, 0.19, 0.2), Slot.MAIN)
    out.ellipsoid(trunk, (0.22, 0.15, 0.13), Slot.SECOND, at=(0.09, 0.0, -0.085))
    tail = trunk.moved(-0.24, 0.0, 0.02).turned("y", -0.2 - 0.4 * c["bend_rad"] - 0.3 * airborne)
    out.ellipsoid(tail, (0.2, 0.1, 0.03), Slot.DARK, at=(-0.12, 0.0, 0.0))
    joints["tail"] = tail.at(-0.3)

    for side, way in SIDES:
        inner, outer = _wing(c, trunk.moved(0.13, way * 0.15, 0.08), side, way)
        out.ellipsoid(inner, (0.14, 0.5 * ARM_M + 0.04, 0.026), Slot.MAIN, at=(-0.06, way * 0.5 * ARM_M, 0.0))
        out.ellipsoid(
            outer, (0.115, 0.5 * HAND_M + 0.03, 0.018), Slot.DARK, at=(-0.07, way * 0.5 * HAND_M, 0.0)
        )
        joints |= {f"{side}_wing": inner.at(y=way * ARM_M), f"{side}_wing_tip": outer.at(y=way * HAND_M)}

    neck = trunk.moved(0.26, 0.0, 0.08).turned("y", 0.6 + 0.35 * c["head_pitch_rad"] - 0.1 * c["crouch"])
    step_bob = 0.12 * c["gait_lift"] * np.sin(4.0 * np.pi * c["gait_cycles"])
    upper = neck.moved(z=0.26).turned("y", -0.62 + 0.45 * c["head_pitch_rad"] + step_bob)
    upper = upper.turned("x", 0.4 * c["lean_rad"])
    head = (
        upper.moved(z=0.32)
        .turned("y", 0.25 + 0.2 * c["head_pitch_rad"] - step_bob)
        .turned("z", c["head_yaw_rad"])
    )
    out.bone(neck, neck.at(z=0.26), neck.at(z=-0.05), 0.06, 0.11, Slot.MAIN)
    out.bone(upper, upper.at(z=0.32), upper.at(), 0.05, 0.06, Slot.MAIN)
    out.ellipsoid(head, (0.1, 0.075, 0.08), Slot.MAIN, at=(0.03, 0.0, 0.02))
    beak = head.turned("y", -0.5 * np.pi)
    out.bone(beak, head.at(0.1, 0.0, 0.015), head.at(0.34, 0.0, -0.02), 0.04, 0.01, Slot.SKIN)
    out.ellipsoid(head, (0.07, 0.018, 0.025), Slot.DARK, at=(-0.07, 0.0, 0.065))
    for way in (1.0, -1.0):
        out.ellipsoid(head, (0.018, 0.014, 0.018), Slot.DARK, at=(0.075, way * 0.063, 0.04))
    joints |= {"neck": upper.origin, "head": head.origin, "beak": head.at(0.34, 0.0, -0.02)}
    return Shaped(
        joints,
        Mounts(
            hat=head.moved(0.02, 0.0, 0.085),
            hat_radius_m=0.08,
            pack=trunk.moved(-0.02, 0.0, 0.19),
            pack_half_m=(0.15, 0.12, 0.07),
            scarf=upper.moved(z=0.12),
            scarf_radius_m=0.062,
        ),
    )


def _wing(c: Channels, shoulder: Frame, side: str, way: float) -> tuple[Frame, Frame]:
    """Inner and outer wing, each growing sideways from its joint; folded back along the body at rest."""
    raised = c[f"{side}_raise_rad"]
    spread = ease(raised / 1.0)
    folded = 1.0 - spread
    lift = spread * (raised - 1.25)
    inner = (
        shoulder.turned("y", 0.25 * spread)
        .turned("x", way * (lift - 1.25 * folded))
        .turned("z", way * 1.45 * folded)
    )
    bent = spread * (0.6 * c[f"{side}_curl_rad"])
    outer = (
        inner.moved(y=way * ARM_M).turned("x", way * bent).turned("z", way * (0.05 * folded + 0.25 * spread))
    )
    return inner, outer
