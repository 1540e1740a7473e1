"""A few pictures of a stream: evenly spaced whatever its length, small, and few at any time."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from data.schema import Frames
from flows.filmstrip import PICTURE_PX, Filmstrip


def numbered(start: int, num_frames: int) -> Frames:
    """Tiny frames that carry their number in two colours."""
    frames = np.zeros((num_frames, 2, 3, 3), np.uint8)
    for offset, frame in enumerate(frames):
        frame[..., 0], frame[..., 1] = divmod(start + offset, 256)
    return frames


@settings(max_examples=40, deadline=None)
@given(num_frames=st.integers(1, 700), chunk=st.integers(1, 90), wanted=st.integers(1, 9))
def test_pictures_lie_in_the_middle_of_equal_parts(num_frames: int, chunk: int, wanted: int) -> None:
    strip = Filmstrip()
    for start in range(0, num_frames, chunk):
        strip.add(numbered(start, min(chunk, num_frames - start)))
    pictures = strip.pictures(wanted)
    assert len(pictures) == min(wanted, num_frames)
    middles = (np.arange(len(pictures)) + 0.5) * num_frames / len(pictures) - 0.5
    found = np.array([picture.frame for picture in pictures])
    assert np.abs(found - middles).max() <= max(0.5, num_frames / 32)
    assert (np.diff(found) > 0).all()
    for picture in pictures:
        assert tuple(picture.pixels[0, 0, :2]) == divmod(picture.frame, 256)


def test_pictures_are_small_and_keep_their_shape() -> None:
    strip = Filmstrip()
    strip.add(np.zeros((2, 400, 800, 3), np.uint8))
    assert {picture.pixels.shape for picture in strip.pictures(2)} == {(PICTURE_PX // 2, PICTURE_PX, 3)}


def test_a_strip_without_frames_has_no_pictures() -> None:
    assert Filmstrip().pictures(8) == ()
