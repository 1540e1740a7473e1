"""The procedural generator behind the two contracts of ``generators.base``: pictures and clips with truth.

Knows requests and results; scenes come from ``stage`` and pixels from ``render``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from data.schema import Category, Clip, ClipFormat, Factors, Image, Plan, Prompts, Role
from generators.base import BackendFacts, ImageRequest, OnStep, VideoRequest, VideoResult, ignored
from generators.procedural.render import render, render_frame
from generators.procedural.stage import stage

REVISION = 3  # to be raised with every change that alters a pixel or a trajectory

_FACTORS = Factors("person", "walk", "meadow", "trees", "crimson_plain", "shaded", "front")
_SAMPLE = Plan("sample", Category.VIEW, _FACTORS, _FACTORS, "wave", Prompts("", "", "", ""), seed=0)


class ProceduralGenerator:
    """Draws articulated 3-D scenes on the CPU. Satisfies ``ImageGenerator`` and ``VideoGenerator``.

    It draws from the plan's factors, so ``source`` and ``first_frames`` of a request are not looked at:
    the first frame of every clip is the image of the same role to the last bit.
    """

    @property
    def facts(self) -> BackendFacts:
        return BackendFacts("procedural", str(REVISION), needs_gpu=False, ai_generated=False)

    def open(self) -> None:
        """Compiles the drawing kernels by drawing one tiny picture."""
        render_frame(stage(_SAMPLE, Role.REFERENCE, ClipFormat(size_px=16), seed=0).scene, 16, 0)

    def images(self, requests: Sequence[ImageRequest]) -> Iterator[Image]:
        """First frames, uint8 (H, W, 3), in the order of the requests.

        Raises ``ConfigError`` for a plan whose factors cannot be drawn.
        """
        for request in requests:
            scene = stage(request.plan, request.role, request.format, request.seed).scene
            yield render_frame(scene, request.format.size_px, 0)

    def videos(self, requests: Sequence[VideoRequest], on_step: OnStep = ignored) -> Iterator[VideoResult]:
        """Clips and true trajectories of each request's roles, in order.

        Raises ``ConfigError`` for a plan whose factors cannot be drawn.
        """
        for request in requests:
            staged = [stage(request.plan, role, request.format, request.seed) for role in request.roles]
            clips = [Clip(render(each.scene, request.format.size_px), request.format.fps) for each in staged]
            yield VideoResult(tuple(clips), tuple(each.trajectory for each in staged))
