"""What crosses the seam is seen; what happens at both edges by itself, or to the whole picture, is not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from moments.bleeding import SEAMS, Seam, bleeding
from moments.errors import FeatureError

NUM_FRAMES, SIZE_PX = 40, 96
Canvas = npt.NDArray[np.float64]


def canvas(seed: int = 0) -> Canvas:
    """Two textured halves side by side that do not change, (T, 96, 192)."""
    blocks = np.random.default_rng(seed).uniform(60, 200, (12, 24))
    return np.tile(blocks.repeat(8, axis=0).repeat(8, axis=1), (NUM_FRAMES, 1, 1))


def with_disc(
    pictures: Canvas, columns: npt.NDArray[np.float64], row: float = 40, luma: float = 20
) -> Canvas:
    """A disc of radius 10 px that is at ``columns`` over time."""
    y, x = np.mgrid[: pictures.shape[1], : pictures.shape[2]]
    covered = np.hypot(y - row, x - columns[:, None, None]) < 10
    found: Canvas = np.where(covered, luma, pictures)
    return found


def split(pictures: Canvas, seam: Seam = "side_by_side") -> tuple[Canvas, Canvas]:
    first, second = pictures[:, :, :SIZE_PX], pictures[:, :, SIZE_PX:]
    return (first, second) if seam == "side_by_side" else (first.swapaxes(1, 2), second.swapaxes(1, 2))


def path(start: float, end: float) -> npt.NDArray[np.float64]:
    return start + (end - start) / (NUM_FRAMES - 1) * np.arange(NUM_FRAMES, dtype=np.float64)


@pytest.mark.parametrize("seam", SEAMS)
def test_a_disc_that_crosses_is_seen_at_the_seam_it_crosses_and_at_no_other(seam: Seam) -> None:
    halves = split(with_disc(canvas(), path(60, 130)), seam)
    (other,) = set(SEAMS) - {seam}
    assert bleeding(*halves, seam) > 0.7
    assert bleeding(*halves, other) < 0.05


@pytest.mark.parametrize("strength", [0.1, 0.2, 0.3])
def test_content_mixed_over_the_seam_is_seen(strength: float) -> None:
    first, second = (half.copy() for half in split(canvas()))
    share = strength * np.minimum(np.arange(NUM_FRAMES) / 8, 1)[:, None]
    left, right = first[:, :, -1].copy(), second[:, :, 0].copy()
    first[:, :, -1] += share * (right - left)
    second[:, :, 0] += share * (left - right)
    assert bleeding(first, second, "side_by_side") > 0.7


def test_clean_halves_do_not_bleed() -> None:
    assert bleeding(*split(canvas()), "side_by_side") == 0


def test_a_body_that_is_cut_by_the_seam_does_not_bleed() -> None:
    pictures = canvas()
    first = with_disc(pictures[:, :, :SIZE_PX], path(60, 130))
    assert bleeding(first, pictures[:, :, SIZE_PX:], "side_by_side") == 0


def test_two_bodies_that_reach_the_seam_at_other_heights_do_not_bleed() -> None:
    first, second = split(canvas())
    first, second = with_disc(first, path(60, 100), row=20), with_disc(second, path(40, -5), row=70)
    assert bleeding(first, second, "side_by_side") < 0.05


def test_light_that_flickers_over_both_halves_does_not_bleed() -> None:
    light = 1 + 0.05 * np.random.default_rng(3).normal(size=(NUM_FRAMES, 1, 1))
    assert bleeding(*split(canvas() * light), "side_by_side") < 0.2


def test_a_disc_that_crosses_is_seen_under_flickering_light() -> None:
    light = 10 * np.random.default_rng(3).normal(size=(NUM_FRAMES, 1, 1))
    assert bleeding(*split(with_disc(canvas(), path(60, 130)) + light), "side_by_side") > 0.5


def test_what_happens_at_the_far_edges_too_is_taken_off() -> None:
    first, second = split(canvas())
    for column in (0, SIZE_PX - 1):
        first = with_disc(first, np.full(NUM_FRAMES, column + 0.0) - 30 * (np.arange(NUM_FRAMES) == 0))
        second = with_disc(second, np.full(NUM_FRAMES, column + 0.0) - 30 * (np.arange(NUM_FRAMES) == 0))
    alone = with_disc(split(canvas())[0], np.full(NUM_FRAMES, 95.0) - 30 * (np.arange(NUM_FRAMES) == 0))
    touched = with_disc(split(canvas())[1], np.full(NUM_FRAMES, 0.0) - 30 * (np.arange(NUM_FRAMES) == 0))
    assert bleeding(first, second, "side_by_side") < 0.3 < bleeding(alone, touched, "side_by_side")


def test_a_longer_half_is_compared_where_the_two_overlap() -> None:
    first, second = split(with_disc(canvas(), path(60, 130)))
    assert bleeding(first, second[:30], "side_by_side") == bleeding(first[:30], second[:30], "side_by_side")


def test_halves_of_other_sizes_are_refused() -> None:
    first, second = split(canvas())
    with pytest.raises(FeatureError, match="one size"):
        bleeding(first, second[:, :-1], "side_by_side")
    with pytest.raises(FeatureError, match="one size"):
        bleeding(first[:0], second, "side_by_side")
