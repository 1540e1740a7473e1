"""Clips made again at a wanted pace: what is measured, what is corrected, and where it ends."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from data.schema import Category, ClipFormat, Frames, Role
from flows.pacing import joint_progress, pace_towards, paced
from generators.base import Positions, VideoRequest, VideoResult
from generators.wan import WanVideos
from generators.wan_config import PacingConfig, WanConfig
from moments.backbones.catalogue import build_embedder
from moments.embedder import Embedder
from moments.pacing import PACINGS
from moments.progress import semantic_progress
from tests.generators.plans import plan_of

TWO_PASSES = PacingConfig(passes=2)
FRAMES = 17


def hog() -> Embedder:
    eyes = build_embedder("hog")
    eyes.open()
    return eyes


def arc(pacing: npt.NDArray[np.float64], radians: float = 1.5) -> npt.NDArray[np.float64]:
    """Unit vectors (T, 2) along a circle, at the given shares of an arc."""
    return np.stack([np.cos(radians * pacing), np.sin(radians * pacing)], axis=1)


def bar(positions_px: npt.NDArray[np.float64]) -> Frames:
    """A white bar on black, 64 × 64, at one place a frame."""
    frames = np.zeros((len(positions_px), 64, 64, 3), np.uint8)
    for frame, x in zip(frames, positions_px, strict=True):
        frame[:, int(x) : int(x) + 8] = 255
    return frames


def test_a_clip_that_is_already_even_is_left_alone() -> None:
    progress = semantic_progress(arc(np.linspace(0, 1, 17)))
    pace = pace_towards(progress, PACINGS["linear"], 17)

    assert pace.deviation < 1e-3
    np.testing.assert_allclose(pace.tau_frames, np.arange(17), atol=0.1)


def test_where_change_comes_late_tau_runs_ahead() -> None:
    progress = semantic_progress(arc(np.linspace(0, 1, 17) ** 2))
    pace = pace_towards(progress, PACINGS["linear"], 17)

    # Half of a quadratic course is reached at the root of a half of its time.
    assert pace.tau_frames[8] == pytest.approx(16 * 0.5**0.5, abs=0.2)
    assert pace.deviation > 0.1


def test_frames_that_are_made_and_not_kept_count_as_in_time() -> None:
    pace = pace_towards(semantic_progress(arc(np.linspace(0, 1, 16))), PACINGS["linear"], 17)

    assert pace.tau_frames.shape == (17,)
    assert pace.tau_frames[-1] == 16
    assert (np.diff(pace.tau_frames) >= 0).all()


def test_a_clip_that_does_not_change_has_no_pace_to_mend() -> None:
    still = np.tile([1.0, 0.0], (17, 1))
    assert pace_towards(semantic_progress(still), PACINGS["linear"], 17).deviation == 0


def test_two_clips_share_one_progress() -> None:
    """One clip changes in the first half only and one in the second: together they are even."""
    eyes = hog()
    early = bar(np.concatenate([np.linspace(0, 48, 9), np.full(8, 48)]))
    late = bar(np.concatenate([np.full(8, 0), np.linspace(0, 48, 9)]))

    alone = joint_progress([early], eyes).rms_deviation
    together = joint_progress([early, late], eyes).rms_deviation
    assert together < alone / 2


def test_positions_reach_the_generator_and_the_best_pass_is_kept() -> None:
    asked: list[Positions | None] = []

    def generate(positions: Positions | None) -> Frames:
        asked.append(positions)
        power = 3.0 if positions is None else 1.0
        return bar(48 * np.linspace(0, 1, FRAMES) ** power)

    made = paced(
        generate,
        lambda frames: [frames],
        TWO_PASSES,
        target=PACINGS["linear"],
        eyes=hog(),
        bands=4,
        num_generated=FRAMES,
    )

    assert asked[0] is None
    assert made.deviations[made.best] == min(made.deviations)
    assert made.deviations[1] < made.deviations[0]
    first_warp = asked[1]
    assert first_warp is not None
    positions = first_warp(1.0)
    assert positions.shape == (4, 5)
    # Change comes late in the plain clip, so a latent in the middle says that it lies further on.
    assert (positions[:, 2] > 2).all()


def test_a_pair_of_wan_is_made_anew_with_its_time_bent(tiny_wan_folder: Path) -> None:
    generator = WanVideos(WanConfig(model=str(tiny_wan_folder), steps=2))
    generator.open()
    draw = np.random.default_rng(0)
    first = tuple(draw.integers(0, 255, (64, 64, 3), np.uint8) for _ in range(2))
    plan = plan_of(Category.VIEW)
    request = VideoRequest(plan, (Role.REFERENCE, Role.POSITIVE), first, ClipFormat(64, 1.0, 16), seed=3)
    steps: list[int] = []

    def generate(positions: Positions | None) -> VideoResult:
        (result,) = generator.videos([replace(request, positions=positions)], lambda: steps.append(1))
        return result

    plain = generate(None)
    made = paced(
        generate,
        lambda result: [clip.frames for clip in result.clips],
        TWO_PASSES,
        target=PACINGS["linear"],
        eyes=hog(),
        bands=generator.temporal_bands,
        num_generated=generator.num_generated_frames(request.format),
    )
    assert len(made.deviations) >= 2, "a clip of random weights is not even"
    assert len(steps) == 2 * (1 + len(made.deviations))
    assert made.clip.clips[0].frames.shape == (16, 64, 64, 3)
    same = np.array_equal(made.clip.clips[0].frames, plain.clips[0].frames)
    assert same == (made.best == 0)
