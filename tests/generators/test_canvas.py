"""Panels on one canvas: together and apart again, in order, whatever the layout."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import ContractError
from generators.canvas import GUARD_GREY, Canvas
from generators.wan_config import Layout

LAYOUTS: tuple[Layout, ...] = get_args(Layout)


def picture(value: int, size: int = 16) -> np.ndarray:
    return np.full((size, size, 3), value, np.uint8)


@given(
    layout=st.sampled_from(LAYOUTS),
    panels=st.integers(1, 4),
    size=st.integers(1, 9),
    guard=st.integers(0, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_what_is_joined_comes_apart_in_its_order(
    layout: Layout, panels: int, size: int, guard: int, seed: int
) -> None:
    images = np.random.default_rng(seed).integers(0, 256, (panels, size, size, 3), dtype=np.uint8)
    canvas = Canvas(layout, panels, size, guard)

    joined = canvas.joined(list(images))
    parts = canvas.split(np.stack([joined, 255 - joined]))

    assert joined.shape == (canvas.height_px, canvas.width_px, 3)
    assert len(parts) == panels
    for image, part in zip(images, parts, strict=True):
        np.testing.assert_array_equal(part, np.stack([image, 255 - image]))
        assert part.flags.c_contiguous


def test_the_first_panel_is_left_or_above() -> None:
    dark, light = picture(10), picture(200)

    beside = Canvas("side_by_side", 2, 16).joined([dark, light])
    above = Canvas("stacked", 2, 16).joined([dark, light])

    assert beside.shape == (16, 32, 3)
    assert (beside[:, :16] == 10).all()
    assert (beside[:, 16:] == 200).all()
    assert above.shape == (32, 16, 3)
    assert (above[:16] == 10).all()
    assert (above[16:] == 200).all()


def test_a_guard_band_of_grey_lies_between_the_panels_and_is_cut_off() -> None:
    canvas = Canvas("side_by_side", 2, 16, guard_px=32)

    joined = canvas.joined([picture(10), picture(200)])

    assert canvas.width_px == 64
    assert (joined[:, 16:48] == GUARD_GREY).all()
    left, right = canvas.split(joined[None])
    assert (left == 10).all()
    assert (right == 200).all()


def test_the_papers_canvas_is_1024_by_512() -> None:
    canvas = Canvas("side_by_side", 2, 512)

    assert (canvas.width_px, canvas.height_px) == (1024, 512)


def test_images_and_frames_of_another_shape_are_our_bug() -> None:
    canvas = Canvas("side_by_side", 2, 16)

    with pytest.raises(ContractError, match="1 images"):
        canvas.joined([picture(0)])
    with pytest.raises(ContractError, match=r"\(8, 8, 3\)"):
        canvas.joined([picture(0), picture(0, size=8)])
    with pytest.raises(ContractError, match=r"\(T, 16, 32, 3\)"):
        canvas.split(np.zeros((2, 16, 16, 3), np.uint8))
