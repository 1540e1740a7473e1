"""What every backend promises to whoever calls it. A new backend is one more row of ``BACKENDS``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import pytest

from data.schema import Category, ClipFormat, Role
from generators.base import ImageGenerator, ImageRequest, VideoGenerator, VideoRequest
from generators.procedural.generator import ProceduralGenerator
from tests.generators.plans import plan_of

FORMAT = ClipFormat(size_px=48, duration_seconds=1.0, fps=8)


class Backend(ImageGenerator, VideoGenerator, Protocol):
    """A backend that makes both, so that its pictures can be compared with its clips."""


BACKENDS: dict[str, Callable[[], Backend]] = {"procedural": ProceduralGenerator}


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    made = BACKENDS[request.param]()
    made.open()
    return made


def requests(seed: int = 3) -> list[VideoRequest]:
    """One request a category, all three roles, with blank first frames of the right size."""
    blank = np.zeros((FORMAT.size_px, FORMAT.size_px, 3), np.uint8)
    return [
        VideoRequest(plan_of(category), tuple(Role), (blank, blank, blank), FORMAT, seed)
        for category in (Category.VIEW, Category.DYNAMIC_OBJECT)
    ]


def test_facts_are_told_before_opening_and_can_be_a_key(backend: Backend) -> None:
    facts = type(backend)().facts

    assert facts == backend.facts
    assert {facts: 1}[backend.facts] == 1
    assert facts.name
    assert facts.revision


def test_clips_have_the_asked_format_in_the_asked_order(backend: Backend) -> None:
    wanted = requests()
    results = list(backend.videos(wanted))

    assert len(results) == len(wanted)
    for request, result in zip(wanted, results, strict=True):
        assert len(result.clips) == len(request.roles)
        for clip in result.clips:
            assert clip.frames.shape == (FORMAT.num_frames, FORMAT.size_px, FORMAT.size_px, 3)
            assert clip.frames.dtype == np.uint8
            assert clip.fps == FORMAT.fps
            assert not np.array_equal(clip.frames[0], clip.frames[FORMAT.num_frames // 2])
    alone = next(iter(backend.videos([wanted[1]])))
    np.testing.assert_array_equal(results[1].clips[0].frames, alone.clips[0].frames)


def test_an_image_is_the_first_frame_of_its_clip(backend: Backend) -> None:
    for request in requests():
        clips = next(iter(backend.videos([request]))).clips
        images = backend.images(
            [ImageRequest(request.plan, role, FORMAT, request.seed) for role in request.roles]
        )
        for image, clip in zip(images, clips, strict=True):
            assert image.dtype == np.uint8
            np.testing.assert_array_equal(image, clip.frames[0])


def test_the_negative_clip_starts_with_the_first_frame_of_the_reference(backend: Backend) -> None:
    for request in requests():
        reference, positive, negative = next(iter(backend.videos([request]))).clips
        np.testing.assert_array_equal(reference.frames[0], negative.frames[0])
        assert not np.array_equal(reference.frames[0], positive.frames[0])
        assert not np.array_equal(reference.frames[4], negative.frames[4])


def test_roles_may_be_asked_for_one_at_a_time(backend: Backend) -> None:
    together = requests()[0]
    alone = VideoRequest(together.plan, (Role.NEGATIVE,), together.first_frames[:1], FORMAT, together.seed)

    np.testing.assert_array_equal(
        next(iter(backend.videos([together]))).clips[2].frames,
        next(iter(backend.videos([alone]))).clips[0].frames,
    )


def test_a_seed_repeats_a_clip_and_another_seed_changes_it(backend: Backend) -> None:
    one, again, other = (next(iter(backend.videos(requests(seed)[:1]))).clips[0].frames for seed in (3, 3, 4))

    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_true_motion_comes_with_every_clip_or_with_none(backend: Backend) -> None:
    for result in backend.videos(requests()):
        if result.trajectories is not None:
            assert len(result.trajectories) == len(result.clips)
            for trajectory in result.trajectories:
                assert len(trajectory.joints) == FORMAT.num_frames
