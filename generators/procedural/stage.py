"""From a plan to a scene: all that is the same in the three clips of a triplet is decided once, here.

Knows the order of decisions (bodies, camera, scenery) and nothing of how pixels are made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.schema import ClipFormat, Factors, FloatArray, Plan, Role, Trajectory
from generators.procedural.appearances import accessory_of, surfaces
from generators.procedural.bodies import Body, Place, build_body
from generators.procedural.cameras import framed, middle_of
from generators.procedural.channels import CHANNEL_NAMES
from generators.procedural.layout import lay_out
from generators.procedural.lights import light_of
from generators.procedural.motions import motion_channels
from generators.procedural.projection import project
from generators.procedural.scene import Environment, Scene
from generators.procedural.scenery import Paints

_MOTION, _PLACE, _LIGHT, _LAYOUT, _GROUND = range(5)  # streams of chance that do not disturb each other


@dataclass(frozen=True)
class Staged:
    """What a clip shows, and the motion that it truly shows."""

    scene: Scene
    trajectory: Trajectory


def stage(plan: Plan, role: Role, clip_format: ClipFormat, seed: int) -> Staged:
    """The scene of one clip of the triplet. Same plan, format and seed: same scene, to the last bit.

    The three roles share heading, start place, framing, light, ground and places of scenery; only what
    the factors of the role name differs. Raises ``ConfigError`` for a factor that cannot be drawn.
    """
    factors = plan.factors_of(role)

    def chance(stream: int) -> list[int]:
        return [plan.seed, seed, stream]

    channels = {
        each: motion_channels(
            plan.factors_of(each).motion, clip_format.num_frames, clip_format.fps, chance(_MOTION)
        )[0]
        for each in Role
    }
    heading = float(np.random.default_rng(chance(_PLACE)).uniform(-0.2, 0.2))
    trial = _cast(plan, channels, Place(0.0, 0.0, heading))
    x, y, _ = middle_of([body.primitives for body in trial.values()])
    bodies = _cast(plan, channels, Place(-float(x), -float(y), heading))
    moving = [body.primitives for body in bodies.values()]

    # The two viewpoints of a ``view`` triplet look at one and the same scenery.
    views = {
        name: framed(name, moving, clip_format.num_frames)
        for name in (plan.factors.camera, plan.positive.camera)
    }
    paints = Paints(surfaces(factors.subject, factors.appearance))
    static = lay_out(factors.scenery, moving, list(views.values()), paints, chance(_LAYOUT))
    camera = views[factors.camera]
    ground_seed = int(np.random.default_rng(chance(_GROUND)).integers(2**31))
    body = bodies[role]
    scene = Scene(
        environment=Environment(factors.setting, light_of(factors.setting, chance(_LIGHT)), ground_seed),
        static=static,
        moving=body.primitives,
        materials=tuple(paints.materials),
        camera=camera,
        style=factors.style,
        num_frames=clip_format.num_frames,
    )
    pixels = project(camera, body.joints, clip_format.size_px)
    return Staged(scene, Trajectory(channels[role], CHANNEL_NAMES, body.joints, body.joint_names, pixels))


def _cast(plan: Plan, channels: dict[Role, FloatArray], place: Place) -> dict[Role, Body]:
    """The moving body of every role, all starting from one place."""

    def body(factors: Factors, role: Role) -> Body:
        worn = accessory_of(factors.appearance)
        return build_body(factors.subject, factors.motion, channels[role], place, worn)

    return {role: body(plan.factors_of(role), role) for role in Role}
