"""Histograms of optical flow: direction, size and rest, whatever the resolution and the number of threads."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import torch

from moments.errors import FeatureError
from moments.hof import DIRECTIONS, REST_FLOOR, hof, hof_of_flow
from tests.moments import clips

RIGHT, DOWN, LEFT, UP, REST = 0, 2, 4, 6, 8


@pytest.fixture
def opencv_threads() -> Iterator[None]:
    threads = cv2.getNumThreads()
    yield
    cv2.setNumThreads(threads)


def sliding_disc(dx: float, dy: float, num_frames: int = 12) -> clips.Frames:
    steps = np.arange(num_frames)[:, None] - num_frames / 2
    return clips.moving_disc(0.5 + steps * np.array([dx, dy]))


def uniform_flow(dx_px: float, dy_px: float) -> np.ndarray:
    return np.tile(np.array([dx_px, dy_px], np.float32), (1, 128, 128, 1))


@pytest.mark.parametrize(
    ("dx", "dy", "direction"), [(0.02, 0, RIGHT), (0, 0.02, DOWN), (-0.02, 0, LEFT), (0, -0.02, UP)]
)
def test_a_disc_fills_the_bin_of_the_direction_in_which_it_moves(
    dx: float, dy: float, direction: int
) -> None:
    votes = hof(sliding_disc(dx, dy)).mean((0, 1))[:DIRECTIONS]
    assert votes.argmax() == direction
    assert votes[direction] > 0.6 * votes.sum()


def test_shape_type_and_place_of_the_moving_cells() -> None:
    features = hof(sliding_disc(0.01, 0))
    assert features.shape == (11, 256, 9)
    assert features.dtype == torch.float32
    rest = features.mean(0)[:, REST].reshape(16, 16)
    assert rest[8, 8] < 0.2  # under the disc
    assert rest[0, 0] == rest[15, 15] == 1.0


def test_a_uniform_flow_votes_with_its_speed_in_multiples_of_the_floor() -> None:
    features = hof_of_flow(uniform_flow(2.0, 0.0))
    expected = torch.zeros(256, 9)
    expected[:, RIGHT] = 2.0 / 128 / REST_FLOOR
    torch.testing.assert_close(features[0], expected)


def test_a_direction_between_two_bins_is_shared_and_the_circle_closes() -> None:
    angle = np.deg2rad(360 - 45 / 4)  # a quarter of the way from right to the bin above it
    features = hof_of_flow(uniform_flow(float(np.cos(angle)), float(np.sin(angle))))[0, 0]
    np.testing.assert_allclose(features[[RIGHT, 7]] * REST_FLOOR * 128, [0.75, 0.25], atol=1e-5)
    assert features.count_nonzero() == 2


def test_slower_than_the_floor_is_rest_and_half_a_cell_is_half_a_share() -> None:
    flow = uniform_flow(0.9 * REST_FLOOR * 128, 0.0)
    flow[:, :, 4:8] = 1.0  # half of every cell of the first column
    features = hof_of_flow(flow)[0].reshape(16, 16, 9)
    assert (features[:, 0, REST] == 0.5).all()
    assert (features[:, 1:, REST] == 1.0).all()
    assert (features[:, 1:, :DIRECTIONS] == 0.0).all()


def test_a_single_frame_is_at_rest_and_so_is_a_clip_without_motion() -> None:
    frames = clips.moving_disc(clips.rest(3))
    for features in (hof(frames[:1]), hof(frames)):
        assert (features[..., REST] == 1.0).all()
        assert (features[..., :DIRECTIONS] == 0.0).all()
    assert len(hof(frames[:1])) == 1
    assert len(hof(frames)) == 2


def test_resolution_changes_little() -> None:
    frames = sliding_disc(0.015, 0.01)
    large = frames.repeat(4, axis=1).repeat(4, axis=2)
    small_votes, large_votes = hof(frames).mean((0, 1)), hof(large).mean((0, 1))
    torch.testing.assert_close(large_votes, small_votes, rtol=0.15, atol=0.01)


def test_neither_threads_of_opencv_nor_our_own_change_a_bit(opencv_threads: None) -> None:
    frames = clips.moving_disc(clips.stop_and_go())
    cv2.setNumThreads(1)
    alone = hof(frames)
    cv2.setNumThreads(4)
    assert torch.equal(hof(frames), alone)
    with ThreadPoolExecutor(3) as pool:
        assert all(torch.equal(found, alone) for found in pool.map(hof, [frames] * 3))
    assert cv2.getNumThreads() == 4


def test_floats_are_refused() -> None:
    with pytest.raises(FeatureError, match="expected uint8"):
        hof(np.zeros((3, 16, 16, 3), np.float32))  # type: ignore[arg-type]
