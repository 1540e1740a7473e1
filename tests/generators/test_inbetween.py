"""Frames between frames: whole positions are the frames themselves, half way lies half way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import ContractError
from data.schema import Frames
from generators.inbetween import Resampling, SourceFrames, frames_at
from tests.moments.clips import moving_disc

WAYS: tuple[Resampling, ...] = ("nearest", "blend", "motion")
SLIDE = moving_disc(np.stack([np.linspace(0.3, 0.5, 9), np.linspace(0.5, 0.55, 9)], axis=1), disc_seed=3)


def psnr_db(one: Frames, other: Frames) -> float:
    return float(10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2)))


@pytest.mark.parametrize("way", WAYS)
def test_whole_positions_give_the_frames_themselves(way: Resampling) -> None:
    positions = np.array([0.0, 3, 3, 8, 1])  # in any order
    np.testing.assert_array_equal(frames_at(SLIDE, positions, way), SLIDE[positions.astype(int)])


@pytest.mark.parametrize("gap", [2, 4])
def test_a_disc_at_half_way_is_half_way(gap: int) -> None:
    pairs = SLIDE[::gap]
    halves = np.arange(len(pairs) - 1, dtype=np.float64) + 0.5
    truth = SLIDE[gap // 2 :: gap]
    moved, faded = frames_at(pairs, halves, "motion"), frames_at(pairs, halves, "blend")
    assert psnr_db(moved, truth) > psnr_db(faded, truth) + 2


def test_other_shares_of_the_way_are_nearer_to_the_truth_than_a_fade() -> None:
    shares = np.array([0.25, 0.5, 0.75])
    moved, faded = (frames_at(SLIDE[[0, 4]], shares, way) for way in ("motion", "blend"))
    for own, other, truth in zip(moved, faded, SLIDE[1:4], strict=True):
        assert psnr_db(own, truth) > psnr_db(other, truth) + 1


def test_what_does_not_move_stays_as_it_is() -> None:
    still = np.repeat(SLIDE[:1], 2, axis=0)
    np.testing.assert_allclose(frames_at(still, np.array([0.3]), "motion")[0], SLIDE[0], atol=1)


def test_what_was_covered_comes_from_the_frame_that_shows_it() -> None:
    """The ground that the disc leaves free is seen in the later frame only: no shade of the disc stays."""
    path = np.array([[0.35, 0.5], [0.45, 0.5], [0.55, 0.5]])
    clip = moving_disc(path, disc_seed=3, radius=0.2)
    moved, faded = (frames_at(clip[[0, 2]], np.array([0.5]), way)[0] for way in ("motion", "blend"))
    left_free = (slice(40, 56), slice(15, 20))  # in the disc of the first frame, beside the true one
    off, off_faded = (
        np.abs(one[left_free].astype(float) - clip[1][left_free]).mean() for one in (moved, faded)
    )
    assert off < off_faded / 1.5


def test_a_cut_is_faded_rather_than_torn() -> None:
    other = moving_disc(np.array([[0.6, 0.3]]), ground_seed=5, disc_seed=8)
    cut = np.concatenate([SLIDE[:1], other])
    moved, faded = (frames_at(cut, np.array([0.5]), way) for way in ("motion", "blend"))
    np.testing.assert_array_equal(moved, faded)


def test_what_appears_from_nowhere_is_faded_in_while_the_rest_moves() -> None:
    pair, truth = SLIDE[[0, 2]].copy(), SLIDE[1]
    pair[1, 64:88, 64:88] = np.random.default_rng(2).integers(0, 256, (24, 24, 3))
    moved, faded = (frames_at(pair, np.array([0.5]), way)[0] for way in ("motion", "blend"))
    assert psnr_db(moved[66:86, 66:86], faded[66:86, 66:86]) > 20
    assert psnr_db(moved[:60], truth[:60]) > psnr_db(faded[:60], truth[:60]) + 2


def test_a_blend_is_the_weighted_mean() -> None:
    found = frames_at(SLIDE, np.array([2.25]), "blend")[0]
    np.testing.assert_array_equal(found, np.rint(0.75 * SLIDE[2].astype(float) + 0.25 * SLIDE[3]))


def test_the_nearest_is_the_earlier_at_half_way() -> None:
    found = frames_at(SLIDE, np.array([0.49, 0.5, 0.51, 1.5]), "nearest")
    np.testing.assert_array_equal(found, SLIDE[[0, 0, 1, 1]])


@pytest.mark.parametrize("way", WAYS)
def test_one_frame_is_that_frame_as_often_as_asked_for(way: Resampling) -> None:
    np.testing.assert_array_equal(frames_at(SLIDE[:1], np.zeros(3), way), SLIDE[[0, 0, 0]])


@pytest.mark.parametrize("size", [(7, 5), (2, 3), (33, 17)])
def test_small_and_odd_pictures(size: tuple[int, int]) -> None:
    frames = np.random.default_rng(1).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    assert frames_at(frames, np.array([0.5]), "motion").shape == (1, *size, 3)


@given(st.lists(st.floats(0, 8), max_size=4))
def test_every_position_gives_a_frame_between_its_neighbours(positions: list[float]) -> None:
    asked = np.array(positions, dtype=np.float64)
    found = frames_at(SLIDE, asked, "blend")
    low, high = np.floor(asked).astype(int), np.ceil(asked).astype(int)
    assert (found >= np.minimum(SLIDE[low], SLIDE[high])).all()
    assert (found <= np.maximum(SLIDE[low], SLIDE[high])).all()


def test_the_same_question_has_the_same_answer() -> None:
    positions = np.linspace(0, 8, 20, dtype=np.float64)
    np.testing.assert_array_equal(frames_at(SLIDE, positions), frames_at(SLIDE, positions))
    np.testing.assert_array_equal(frames_at(SLIDE, positions)[7:8], frames_at(SLIDE, positions[7:8]))


def test_the_in_betweener_of_source_frames_is_the_source_at_the_positions() -> None:
    positions = np.linspace(0, 8, 5, dtype=np.float64)
    found = SourceFrames("motion").between(SLIDE, positions)
    np.testing.assert_array_equal(found, frames_at(SLIDE, positions, "motion"))


@pytest.mark.parametrize("position", [-0.1, 8.1, np.nan, np.inf])
def test_positions_outside_are_refused(position: float) -> None:
    with pytest.raises(ContractError, match="0–8"):
        frames_at(SLIDE, np.array([1.0, position]))


@pytest.mark.parametrize("frames", [SLIDE[:0], SLIDE[0], SLIDE.astype(np.float32), SLIDE[..., :1]])
def test_other_arrays_than_frames_are_refused(frames: Frames) -> None:
    with pytest.raises(ContractError, match="uint8"):
        frames_at(frames, np.array([0.0]))
