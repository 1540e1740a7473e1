"""Bodies that stand where they are put: a robot arm, a pendulum in its stand, a door in its frame.

Turns channels into joints; knows neither colours nor cameras.
"""

from __future__ import annotations

import numpy as np

from generators.procedural.body import Shaped
from generators.procedural.channels import Channels
from generators.procedural.gait import root_frame
from generators.procedural.rig import Frame, Sculpture, Slot

UPPER_M, FORE_M, PEDESTAL_M = 0.56, 0.5, 0.34


def robot_arm(channels: Channels, start: Frame, out: Sculpture) -> Shaped:
    """A serial arm of about 1.3 m on a pedestal: turret, shoulder, elbow, wrist, two fingers."""
    c = channels
    side = c["left_curl_rad"] - c["right_curl_rad"]
    raised = (
        (c["left_raise_rad"] + c["right_raise_rad"]) * (c["left_curl_rad"] + c["right_curl_rad"] > 0.0) / 1.9
    )
    stretch = np.abs(c["yaw_rad"]).clip(0.0, 0.5)  # reaches out while it spins

    turret = start.moved(z=PEDESTAL_M).turned("z", c["yaw_rad"] + c["swing_rad"] + 0.5 * c["head_yaw_rad"])
    shoulder = (
        turret.moved(z=0.16)
        .turned("x", -1.4 * c["lean_rad"])
        .turned("y", -0.3 + 0.25 * raised + 0.6 * c["bend_rad"] - 0.55 * c["crouch"] + 0.6 * stretch)
    )
    elbow = shoulder.moved(z=UPPER_M).turned(
        "y", 1.75 - 1.1 * raised + 0.1 * c["bend_rad"] + 0.85 * c["crouch"] - 0.7 * stretch
    )
    elbow = elbow.turned("x", -0.9 * side)
    wrist = elbow.moved(z=FORE_M).turned(
        "y", 0.5 + 1.15 * c["head_pitch_rad"] - 0.8 * raised - 0.3 * c["crouch"]
    )
    wrist = wrist.turned("x", -0.6 * side)

    out.cylinder(start, 0.3, 0.04, Slot.DARK, at=(0.0, 0.0, 0.04))
    out.cylinder(start, 0.19, 0.5 * PEDESTAL_M - 0.03, Slot.SECOND, at=(0.0, 0.0, 0.5 * PEDESTAL_M + 0.02))
    out.cylinder(turret, 0.2, 0.05, Slot.METAL, at=(0.0, 0.0, 0.04))
    for way in (1.0, -1.0):
        out.box(turret, (0.1, 0.03, 0.12), Slot.MAIN, at=(0.0, way * 0.12, 0.14))
    out.cylinder(shoulder, 0.1, 0.17, Slot.DARK, axis="y")
    out.bone(shoulder, shoulder.at(z=UPPER_M), shoulder.origin, 0.075, 0.105, Slot.MAIN)
    out.cylinder(shoulder, 0.085, 0.11, Slot.DARK, at=(0.0, 0.0, UPPER_M), axis="y")
    out.bone(elbow, elbow.at(z=FORE_M), elbow.at(z=0.02), 0.055, 0.082, Slot.MAIN)
    out.cylinder(elbow, 0.068, 0.03, Slot.SECOND, at=(0.0, 0.0, 0.75 * FORE_M))
    out.ellipsoid(wrist, (0.07, 0.07, 0.07), Slot.DARK)
    out.cylinder(wrist, 0.05, 0.05, Slot.METAL, at=(0.0, 0.0, 0.08))
    out.box(wrist, (0.05, 0.11, 0.025), Slot.SECOND, at=(0.0, 0.0, 0.14))
    for way in (1.0, -1.0):
        out.box(wrist, (0.035, 0.018, 0.075), Slot.WEAR, at=(0.0, way * 0.085, 0.23))
    return Shaped(
        {
            "turret": turret.origin,
            "shoulder": shoulder.origin,
            "elbow": elbow.origin,
            "wrist": wrist.origin,
            "tip": wrist.at(z=0.3),
            "left_finger": wrist.at(0.0, 0.085, 0.3),
            "right_finger": wrist.at(0.0, -0.085, 0.3),
        }
    )


ROD_M, AXLE_M, BOB_M = 0.98, 1.42, 0.19


def pendulum(channels: Channels, start: Frame, out: Sculpture) -> Shaped:
    """A bob on a rod in an A-shaped stand of about 1.5 m, which rocks on its feet when it sways."""
    c = channels
    # Its plane lies across the stage, where most cameras see it move.
    base = root_frame(c, start).turned("z", -1.19)
    tilt = 0.55 * c["lean_rad"]
    edge = 0.46 * np.sign(tilt)
    stand = base.moved(x=edge).turned("y", tilt).moved(x=-edge)
    arm = stand.moved(z=AXLE_M).turned("y", -c["swing_rad"] - 2.2 * c["lean_rad"])

    out.box(stand, (0.46, 0.05, 0.045), Slot.SECOND, at=(0.0, 0.36, 0.045))
    out.box(stand, (0.46, 0.05, 0.045), Slot.SECOND, at=(0.0, -0.36, 0.045))
    out.box(stand, (0.05, 0.31, 0.03), Slot.SECOND, at=(0.0, 0.0, 0.03))
    for y in (0.36, -0.36):
        for x in (0.38, -0.38):
            out.bone(stand, stand.at(0.0, y, AXLE_M), stand.at(x, y, 0.07), 0.04, 0.045, Slot.SECOND)
        out.ellipsoid(stand, (0.07, 0.06, 0.07), Slot.DARK, at=(0.0, y, AXLE_M))
    out.cylinder(stand, 0.035, 0.36, Slot.METAL, at=(0.0, 0.0, AXLE_M), axis="y")
    out.cylinder(arm, 0.06, 0.06, Slot.DARK, axis="y")
    out.bone(arm, arm.origin, arm.at(z=-ROD_M), 0.022, 0.022, Slot.METAL)
    out.ellipsoid(arm, (BOB_M, BOB_M, BOB_M), Slot.MAIN, at=(0.0, 0.0, -ROD_M))
    out.cylinder(arm, BOB_M + 0.012, 0.025, Slot.METAL, at=(0.0, 0.0, -ROD_M))
    return Shaped(
        {
            "axle": stand.at(z=AXLE_M),
            "rod_middle": arm.at(z=-0.5 * ROD_M),
            "bob": arm.at(z=-ROD_M),
            "left_foot": stand.at(0.42, 0.36),
            "right_foot": stand.at(-0.42, -0.36),
        }
    )


LEAF_M, DOOR_M = 0.82, 1.66


def door(channels: Channels, start: Frame, out: Sculpture) -> Shaped:
    """A panelled leaf in a frame of about 1.8 m that stands on feet of its own."""
    c = channels
    tilt = 0.2 * c["lean_rad"]
    edge = 0.5 * np.sign(tilt)
    frame = root_frame(c, start).turned("z", 0.35).moved(y=edge).turned("x", -tilt).moved(y=-edge)
    jamb = 0.5 * LEAF_M + 0.055
    angle = c["swing_rad"] + c["hinge_rad"]
    leaf = frame.moved(0.0, 0.5 * LEAF_M, 0.07).turned("z", angle)  # hinged on the left, opens forward

    for way in (1.0, -1.0):
        out.box(
            frame, (0.07, 0.05, 0.5 * DOOR_M + 0.07), Slot.SECOND, at=(0.0, way * jamb, 0.5 * DOOR_M + 0.07)
        )
        out.box(frame, (0.3, 0.07, 0.03), Slot.SECOND, at=(0.0, way * jamb, 0.03))
    out.box(frame, (0.075, jamb + 0.05, 0.06), Slot.SECOND, at=(0.0, 0.0, DOOR_M + 0.16))
    out.box(frame, (0.06, jamb, 0.02), Slot.DARK, at=(0.0, 0.0, 0.02))
    out.box(leaf, (0.03, 0.5 * LEAF_M - 0.01, 0.5 * DOOR_M), Slot.MAIN, at=(0.0, -0.5 * LEAF_M, 0.5 * DOOR_M))
    for half, height in ((0.3, 1.2), (0.24, 0.5)):
        out.box(leaf, (0.042, 0.27, half), Slot.MAIN, at=(0.0, -0.5 * LEAF_M, height))
        out.box(leaf, (0.048, 0.2, half - 0.07), Slot.SECOND, at=(0.0, -0.5 * LEAF_M, height))
    for way in (1.0, -1.0):
        grip = (way * 0.085, -LEAF_M + 0.1, 0.82)
        out.cylinder(leaf, 0.018, 0.03, Slot.METAL, at=(way * 0.055, grip[1], grip[2]), axis="x")
        out.ellipsoid(leaf, (0.04, 0.045, 0.045), Slot.METAL, at=grip)
    for height in (0.3, 1.4):
        out.cylinder(leaf, 0.028, 0.07, Slot.METAL, at=(0.035, 0.0, height))
    return Shaped(
        {
            "top_hinge": leaf.at(z=DOOR_M),
            "bottom_hinge": leaf.origin,
            "top_corner": leaf.at(0.0, -LEAF_M, DOOR_M),
            "bottom_corner": leaf.at(0.0, -LEAF_M, 0.0),
            "handle": leaf.at(0.085, -LEAF_M + 0.1, 0.82),
            "left_post": frame.at(0.0, jamb, 0.0),
            "right_post": frame.at(0.0, -jamb, 0.0),
        }
    )
