"""Colour histograms see which colours there are, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from moments.colour import colour_histogram
from moments.errors import FeatureError


def random_clip(seed: int, num_frames: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (num_frames, 12, 16, 3), dtype=np.uint8)


def test_a_pure_colour_fills_the_bin_of_its_three_levels() -> None:
    frames = np.full((1, 4, 4, 3), (255, 64, 130), np.uint8)
    features = colour_histogram(frames)
    assert features.shape == (1, 1, 64)
    assert features.dtype == torch.float32
    assert features[0, 0, 16 * 3 + 4 * 1 + 2] == 1.0
    assert features.count_nonzero() == 1


def test_levels_change_at_multiples_of_64() -> None:
    for value, level in [(63, 0), (64, 1), (127, 1), (128, 2), (191, 2), (192, 3)]:
        assert colour_histogram(np.full((1, 2, 2, 3), value, np.uint8))[0, 0, 21 * level] == 1.0


@given(seed=st.integers(0, 1000))
def test_the_dot_product_is_the_bhattacharyya_coefficient(seed: int) -> None:
    first, second = random_clip(seed, 1), random_clip(seed + 1, 1)

    def shares(frames: np.ndarray) -> np.ndarray:
        edges = [(0, 64, 128, 192, 256)] * 3
        return np.histogramdd(frames.reshape(-1, 3), bins=edges)[0].ravel() / frames[0, ..., 0].size

    expected = np.sqrt(shares(first) * shares(second)).sum()
    found = colour_histogram(first)[0, 0] @ colour_histogram(second)[0, 0]
    assert float(found) == pytest.approx(expected, abs=1e-6)


@given(seed=st.integers(0, 1000))
def test_moving_pixels_about_changes_nothing(seed: int) -> None:
    frames = random_clip(seed)
    order = np.random.default_rng(seed).permutation(12 * 16)
    shuffled = frames.reshape(3, -1, 3)[:, order].reshape(frames.shape)
    assert torch.equal(colour_histogram(shuffled), colour_histogram(frames))


def test_reversed_views_and_tensors_are_taken() -> None:
    frames = random_clip(0)
    assert torch.equal(colour_histogram(frames[::-1]), colour_histogram(frames).flip(0))
    assert torch.equal(colour_histogram(torch.from_numpy(frames)), colour_histogram(frames))


@pytest.mark.parametrize(
    "frames", [np.zeros((2, 4, 4, 3)), np.zeros((4, 4, 3), np.uint8), np.zeros((0, 4, 4, 3), np.uint8)]
)
def test_other_types_shapes_and_no_frames_are_refused(frames: np.ndarray) -> None:
    with pytest.raises(FeatureError, match="expected uint8"):
        colour_histogram(frames)
