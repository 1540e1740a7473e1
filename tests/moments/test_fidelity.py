"""Smoothness and steadiness fall where clips stutter and flicker, and not where they only move."""

from __future__ import annotations

import numpy as np
import pytest

from moments.errors import FeatureError
from moments.fidelity import Fidelity, fidelity, motion_smoothness, temporal_steadiness
from tests.moments.clips import NUM_FRAMES, moving_disc, rest


def straight(steps: np.ndarray) -> np.ndarray:
    return moving_disc(np.stack([0.25 + 0.5 * steps, np.full(len(steps), 0.5)], axis=1))


def test_a_still_clip_is_perfect() -> None:
    still = moving_disc(rest())
    assert motion_smoothness(still) == pytest.approx(1.0, abs=1e-3)
    assert temporal_steadiness(still) == 1.0


def test_a_stutter_is_less_smooth_than_even_motion() -> None:
    even = np.linspace(0, 1, NUM_FRAMES)
    stutter = even[np.arange(NUM_FRAMES) // 4 * 4]
    assert motion_smoothness(straight(stutter)) < motion_smoothness(straight(even))


def test_flicker_is_less_steady() -> None:
    clip = straight(np.linspace(0, 1, NUM_FRAMES))
    flickering = clip.copy()
    flickering[::2] = np.clip(flickering[::2].astype(int) + 20, 0, 255).astype(np.uint8)
    assert temporal_steadiness(flickering) < temporal_steadiness(clip) - 0.03


@pytest.mark.parametrize("frames", [np.zeros((2, 8, 8, 3), np.uint8), np.zeros((5, 8, 8, 3))])
def test_too_few_frames_and_other_types_are_refused(frames: np.ndarray) -> None:
    with pytest.raises(FeatureError, match=r"expected uint8 \(T, H, W, 3\) with T ≥ 3"):
        motion_smoothness(frames)


def test_of_two_frames_none_lies_between() -> None:
    clip = straight(np.linspace(0, 1, NUM_FRAMES))
    assert fidelity(clip) == Fidelity(motion_smoothness(clip), temporal_steadiness(clip))
    assert fidelity(clip[:2]) == Fidelity(None, temporal_steadiness(clip[:2]))


def test_steadiness_is_what_is_left_of_the_mean_change() -> None:
    grey = np.array([10, 14, 4], np.uint8)[:, None, None, None] * np.ones((1, 9, 7, 3), np.uint8)
    assert temporal_steadiness(grey) == pytest.approx(1 - (4 + 10) / 2 / 255)
