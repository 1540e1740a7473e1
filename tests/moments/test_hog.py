"""The patch descriptor against a slow one in numpy, and what it must not depend on."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from moments.errors import FeatureError
from moments.hog import hog, hog_of_luma, luma
from tests.moments.clips import moving_disc, stop_and_go


def reference_hog(picture: np.ndarray) -> np.ndarray:
    """One (128, 128) luma picture -> (256, 9), pixel by pixel in float64."""
    padded = np.pad(picture.astype(np.float64), 1, mode="edge")
    cells = np.zeros((16, 16, 9))
    for y in range(128):
        for x in range(128):
            dx = (padded[y + 1, x + 2] - padded[y + 1, x]) / 2
            dy = (padded[y + 2, x + 1] - padded[y, x + 1]) / 2
            position = (math.atan2(dy, dx) % math.pi) / math.pi * 9
            low = math.floor(position)
            for bin_, share in ((low % 9, 1 - (position - low)), ((low + 1) % 9, position - low)):
                cells[y // 8, x // 8, bin_] += share * math.hypot(dx, dy) / 64
    energy = (cells**2).sum(2)
    around = np.empty_like(energy)
    for y in range(16):
        for x in range(16):
            around[y, x] = energy[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].mean()
    return (cells / np.sqrt(around + 4.0**2)[..., None]).reshape(256, 9)


def test_matches_a_slow_descriptor_in_float64() -> None:
    pictures = np.random.default_rng(0).uniform(0, 255, (2, 128, 128)).astype(np.float32)
    expected = np.stack([reference_hog(picture) for picture in pictures])
    np.testing.assert_allclose(hog_of_luma(torch.from_numpy(pictures)).numpy(), expected, atol=2e-6)


def test_luma_is_the_weighted_mean_of_the_pixels_of_each_area() -> None:
    frames = np.random.default_rng(1).integers(0, 256, (2, 256, 384, 3), dtype=np.uint8)
    blocks = (frames.astype(np.float64) @ (np.array([77, 150, 29]) / 256)).reshape(2, 128, 2, 128, 3)
    np.testing.assert_allclose(luma(frames).numpy(), blocks.mean((2, 4)), rtol=1e-6)


def test_a_horizontal_ramp_votes_for_the_first_orientation_only() -> None:
    ramp = torch.arange(128.0).repeat(1, 128, 1) * 2
    descriptor = hog_of_luma(ramp).reshape(16, 16, 9)
    assert (descriptor[..., 0] > 0.3).all()
    assert descriptor[..., 1:].abs().max() == 0


def test_a_flat_picture_has_a_descriptor_of_zeros() -> None:
    assert hog(np.full((3, 64, 64, 3), 127, np.uint8)).abs().max() == 0


def test_half_the_contrast_gives_nearly_the_same_descriptor() -> None:
    frames = moving_disc(stop_and_go(8))
    softer = (frames // 2 + 64).astype(np.uint8)
    full, half = hog(frames), hog(softer)
    cosine = torch.nn.functional.cosine_similarity(full.flatten(1), half.flatten(1))
    assert cosine.min() > 0.97


def test_reversed_and_read_only_arrays_are_read_like_any_other() -> None:
    frames = moving_disc(stop_and_go(8))
    frozen = frames.copy()
    frozen.flags.writeable = False
    assert torch.equal(hog(frames[::-1]), hog(frames).flip(0))
    assert torch.equal(hog(frozen), hog(frames))


def test_the_number_of_threads_does_not_show_in_a_single_bit() -> None:
    frames = np.random.default_rng(2).integers(0, 256, (13, 128, 160, 3), dtype=np.uint8)
    threads, found = torch.get_num_threads(), []
    try:
        for count in (1, 2, 3, 5):
            torch.set_num_threads(count)
            found.append(hog(frames))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(found[0], other) for other in found)


@pytest.mark.parametrize(
    "frames",
    [
        np.zeros((4, 32, 32, 3), np.float32),
        np.zeros((32, 32, 3), np.uint8),
        np.zeros((4, 3, 32, 32), np.uint8),
        np.zeros((0, 32, 32, 3), np.uint8),
    ],
)
def test_anything_but_a_clip_of_bytes_is_refused_with_what_came(frames: np.ndarray) -> None:
    with pytest.raises(FeatureError, match=r"expected uint8 \(T, H, W, 3\)"):
        hog(frames)
