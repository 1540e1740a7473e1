"""Bodies without limbs: ball, crate, wheel and chest.

Turns channels into joints; knows neither colours nor cameras.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from data.schema import FloatArray
from generators.procedural.body import Joints, Shaped
from generators.procedural.channels import Channels
from generators.procedural.easing import ease
from generators.procedural.extents import lowest_m
from generators.procedural.gait import root_frame
from generators.procedural.rig import Frame, Sculpture, Slot

BALL_M = 0.42  # radius


def ball(channels: Channels, start: Frame, out: Sculpture) -> Shaped:
    """A ball of 0.84 m with a belt and caps, so that every turn of it is seen."""

    def shape(frame: Frame, out: Sculpture) -> Joints:
        body = _squashed(frame.turned("x", -channels["lean_rad"]), channels)
        core = body.moved(z=BALL_M).turned("y", channels["rolled_m"] / BALL_M)
        out.ellipsoid(core, (BALL_M, BALL_M, BALL_M), Slot.MAIN)
        out.cylinder(core, BALL_M + 0.006, 0.045, Slot.SECOND, axis="y")
        cap = 0.5 * BALL_M
        rise = np.sqrt(BALL_M**2 - cap**2)
        for way in (1.0, -1.0):
            out.ellipsoid(core, (cap, BALL_M - rise + 0.012, cap), Slot.WEAR, at=(0.0, way * rise, 0.0))
            out.ellipsoid(core, (0.13, 0.13, 0.05), Slot.LIGHT, at=(0.0, 0.0, way * (BALL_M - 0.025)))
            out.ellipsoid(core, (0.05, 0.13, 0.13), Slot.DARK, at=(way * (BALL_M - 0.025), 0.0, 0.0))
        return {
            "centre": core.origin,
            "front": core.at(x=BALL_M),
            "back": core.at(x=-BALL_M),
            "left": core.at(y=BALL_M),
            "right": core.at(y=-BALL_M),
            "top": core.at(z=BALL_M),
        }

    return _on_the_ground(channels, root_frame(channels, start), out, shape)


CRATE_M = 0.4  # half an edge


def crate(channels: Channels, start: Frame, out: Sculpture) -> Shaped:
    """A crate of 0.8 m with battens along its edges; it rolls by tumbling over them."""

    def shape(frame: Frame, out: Sculpture) -> Joints:
        tumbled, quarter = _tumbling(channels["rolled_m"], 2.0 * CRATE_M)
        # Over the front edge: in front of it lies the next face, behind it the turn that is under way.
        edge = frame.moved(x=tumbled + CRATE_M).turned("y", quarter).moved(x=-CRATE_M)
        body = _squashed(_rocked(edge, channels["lean_rad"], CRATE_M), channels)
        # Whole turns that lie behind belong to the crate itself.
        whole = np.round(tumbled / (2.0 * CRATE_M))
        core = body.moved(z=CRATE_M).turned("y", 0.5 * np.pi * whole)
        plank, half = 0.05, CRATE_M - 0.02
        out.box(core, (half, half, half), Slot.MAIN)
        side = CRATE_M - plank
        for a in (1.0, -1.0):
            for b in (1.0, -1.0):
                out.box(core, (CRATE_M, plank, plank), Slot.SECOND, at=(0.0, a * side, b * side))
                out.box(core, (plank, CRATE_M, plank), Slot.SECOND, at=(a * side, 0.0, b * side))
                out.box(core, (plank, plank, CRATE_M), Slot.SECOND, at=(a * side, b * side, 0.0))
        diagonal = (plank * 0.8, 0.012, 1.3 * CRATE_M)
        for way in (1.0, -1.0):
            face = core.moved(y=way * (CRATE_M - 0.018)).turned("y", way * 0.25 * np.pi)
            out.box(face, diagonal, Slot.SECOND)
        out.box(core, (0.012, 0.14, 0.1), Slot.LIGHT, at=(CRATE_M - 0.012, 0.0, 0.0))
        out.box(core, (0.012, 0.1, 0.03), Slot.DARK, at=(CRATE_M - 0.008, 0.0, 0.03))
        corners = {f"corner_{i}": core.at(*(CRATE_M * s for s in sign)) for i, sign in enumerate(_CORNERS)}
        return {"centre": core.origin} | corners

    c = channels
    root = root_frame(c, start)
    if c["rolled_m"].any():  # tumbling carries it along; the path gives only the heading
        root = root.placed(
            root_frame(c | {"forward_m": 0.0 * c["up_m"], "left_m": 0.0 * c["up_m"]}, start).origin
        )
        root = Frame(np.broadcast_to(start.rotation, root.rotation.shape), root.origin)
    return _on_the_ground(channels, root, out, shape)


_CORNERS = [(a, b, d) for a in (1.0, -1.0) for b in (1.0, -1.0) for d in (1.0, -1.0)]


def _tumbling(rolled_m: FloatArray, edge_m: float) -> tuple[FloatArray, FloatArray]:
    """Rolling of a box: ground covered by whole quarter turns, and the angle of the one under way.

    The distance is rounded to whole faces, so that the box comes to rest lying flat.
    """
    total = float(rolled_m[-1])
    faces = max(round(total / edge_m), 1)
    turns = rolled_m / total * faces if total > 0.0 else rolled_m
    whole = np.minimum(np.floor(turns + 1e-9), faces)
    # Heaved slowly over the edge, then falling: late in its quarter turn.
    part = np.clip(turns - whole, 0.0, 1.0)
    return whole * edge_m, 0.5 * np.pi * (0.7 * part**1.5 + 0.3 * ease(part))


WHEEL_M, TYRE_M = 0.46, 0.11  # radius, half width


def wheel(channels: Channels, start: Frame, out: Sculpture) -> Shaped:
    """A standing wheel of 0.92 m with tyre, rim, spokes and hub."""

    def shape(frame: Frame, out: Sculpture) -> Joints:
        body = _squashed(frame.turned("x", -channels["lean_rad"]), channels)
        hub = body.moved(z=WHEEL_M).turned("y", channels["rolled_m"] / WHEEL_M)
        out.cylinder(hub, WHEEL_M, 0.7 * TYRE_M, Slot.DARK, axis="y")
        out.cylinder(hub, WHEEL_M - 0.03, TYRE_M, Slot.DARK, axis="y")
        out.cylinder(hub, WHEEL_M - 0.11, TYRE_M + 0.006, Slot.MAIN, axis="y")
        for spoke in range(5):
            ray = hub.turned("y", 0.4 * np.pi * spoke)
            out.box(
                ray,
                (0.028, TYRE_M + 0.022, 0.5 * (WHEEL_M - 0.13)),
                Slot.SECOND,
                at=(0.0, 0.0, 0.5 * (WHEEL_M - 0.11)),
            )
        out.cylinder(hub, 0.1, TYRE_M + 0.045, Slot.METAL, axis="y")
        out.ellipsoid(hub, (0.05, TYRE_M + 0.075, 0.05), Slot.WEAR)
        for way in (1.0, -1.0):
            out.ellipsoid(hub, (0.03, 0.03, 0.045), Slot.LIGHT, at=(0.0, way * TYRE_M, WHEEL_M - 0.07))
        return {
            "hub": hub.origin,
            "left_cap": hub.at(y=TYRE_M),
            "right_cap": hub.at(y=-TYRE_M),
            "valve": hub.at(z=WHEEL_M),
            "rim_back": hub.at(z=-WHEEL_M),
            "rim_side": hub.at(x=WHEEL_M),
        }

    return _on_the_ground(channels, root_frame(channels, start), out, shape)


CHEST_X, CHEST_Y, CHEST_Z, LID_Z = (
    0.3,
    0.46,
    0.42,
    0.09,
)  # half depth, half width, height, half height of the lid


def chest(channels: Channels, start: Frame, out: Sculpture) -> Shaped:
    """A treasure chest of 0.9 m whose lid is hinged at the back."""

    def shape(frame: Frame, out: Sculpture) -> Joints:
        body = _squashed(_rocked(frame, channels["lean_rad"], CHEST_Y), channels)
        wall = 0.035
        out.box(body, (CHEST_X, CHEST_Y, wall), Slot.MAIN, at=(0.0, 0.0, wall))
        middle = 0.5 * CHEST_Z
        for way in (1.0, -1.0):
            out.box(body, (wall, CHEST_Y, middle), Slot.MAIN, at=(way * (CHEST_X - wall), 0.0, middle))
            out.box(body, (CHEST_X, wall, middle), Slot.MAIN, at=(0.0, way * (CHEST_Y - wall), middle))
            out.box(body, (CHEST_X + 0.012, 0.045, middle), Slot.METAL, at=(0.0, way * 0.3, middle + 0.002))
            out.ellipsoid(body, (0.2, 0.2, 0.1), Slot.WEAR, at=(0.02, way * 0.17, CHEST_Z - 0.1))
        out.box(body, (CHEST_X + 0.012, CHEST_Y + 0.012, 0.025), Slot.SECOND, at=(0.0, 0.0, 0.03))
        # A lid that is not held flaps a little whenever the chest leaps.
        lid = body.moved(x=-CHEST_X, z=CHEST_Z).turned(
            "y", -channels["hinge_rad"] - 0.9 * np.clip(channels["up_m"], 0.0, 0.4)
        )
        out.box(lid, (CHEST_X + 0.01, CHEST_Y + 0.01, 0.5 * LID_Z), Slot.MAIN, at=(CHEST_X, 0.0, 0.5 * LID_Z))
        out.box(
            lid, (CHEST_X - 0.05, CHEST_Y - 0.005, 0.5 * LID_Z), Slot.MAIN, at=(CHEST_X, 0.0, 1.5 * LID_Z)
        )
        for way in (1.0, -1.0):
            out.box(
                lid,
                (CHEST_X + 0.02, 0.045, 0.5 * LID_Z + 0.004),
                Slot.METAL,
                at=(CHEST_X, way * 0.3, 0.5 * LID_Z),
            )
            out.box(
                lid,
                (CHEST_X - 0.035, 0.045, 0.5 * LID_Z + 0.01),
                Slot.METAL,
                at=(CHEST_X, way * 0.3, 1.5 * LID_Z),
            )
        out.box(lid, (0.022, 0.07, 0.075), Slot.METAL, at=(2.0 * CHEST_X + 0.01, 0.0, 0.0))
        out.ellipsoid(lid, (0.012, 0.018, 0.028), Slot.DARK, at=(2.0 * CHEST_X + 0.032, 0.0, -0.01))
        return {
            "centre": body.at(z=middle),
            "hinge": lid.origin,
            "latch": lid.at(x=2.0 * CHEST_X),
            "lid_left": lid.at(2.0 * CHEST_X, CHEST_Y, 0.0),
            "lid_right": lid.at(2.0 * CHEST_X, -CHEST_Y, 0.0),
            "front_left": body.at(CHEST_X, CHEST_Y, 0.0),
            "front_right": body.at(CHEST_X, -CHEST_Y, 0.0),
            "back_left": body.at(-CHEST_X, CHEST_Y, 0.0),
        }

    return _on_the_ground(channels, root_frame(channels, start), out, shape)


def _squashed(frame: Frame, c: Channels) -> Frame:
    """Shorter and wider about the ground, at about the same volume."""
    tall = 1.0 - c["squash"]
    wide = 1.0 / np.sqrt(tall)
    return frame.stretched(wide, wide, tall)


def _rocked(frame: Frame, lean_rad: FloatArray, half_width_m: float) -> Frame:
    """Leaning over the edge of its foot, left or right, instead of through the ground."""
    edge = half_width_m * np.sign(lean_rad)
    return frame.moved(y=edge).turned("x", -lean_rad).moved(y=-edge)


def _on_the_ground(
    channels: Channels, root: Frame, out: Sculpture, shape: Callable[[Frame, Sculpture], Joints]
) -> Shaped:
    """Builds the shape so that its lowest point touches the ground, or flies ``up_m`` above it."""
    trial = Sculpture(len(channels["up_m"]))
    shape(root, trial)
    lift = channels["up_m"] - lowest_m(trial.primitives())
    return Shaped(shape(root.placed(root.origin + np.outer(lift, [0.0, 0.0, 1.0])), out))
