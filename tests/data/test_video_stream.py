"""Videos in chunks: the very frames of ``decode``, in bounded memory, and the same faults by name."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import ContractError, VideoError
from data.video import decode, encode
from data.video_stream import frame_chunks, frame_rate
from tests.data.bad_videos import BAD_FILES, write_video
from tests.data.samples import clip

FRAMES = 11


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stream") / "good.mp4"
    encode(clip(seed=3, num_frames=FRAMES, height=48, width=64, fps=30000 / 1001), path)
    return path


@settings(max_examples=15, deadline=None)
@given(chunk_frames=st.integers(1, FRAMES + 3))
def test_chunks_in_a_row_are_the_decoded_clip(good: Path, chunk_frames: int) -> None:
    chunks = list(frame_chunks(good, chunk_frames))
    whole, rest = divmod(FRAMES, chunk_frames)
    assert [len(chunk) for chunk in chunks] == [chunk_frames] * whole + [rest] * (rest > 0)
    assert np.array_equal(np.concatenate(chunks), decode(good).frames)
    assert all(chunk.dtype == np.uint8 for chunk in chunks)


def test_the_rate_is_known_before_a_frame_is_decoded(good: Path) -> None:
    assert frame_rate(good) == pytest.approx(30000 / 1001)
    assert frame_rate(good) == decode(good).fps


def test_chunks_given_away_are_not_written_to_again(good: Path) -> None:
    chunks = frame_chunks(good, 4)
    first = next(chunks)
    before = first.copy()
    next(chunks)
    assert np.array_equal(first, before)


def test_memory_holds_two_chunks_however_long_the_video_is(tmp_path: Path) -> None:
    encode(clip(num_frames=120, height=96, width=128), tmp_path / "long.mp4")
    chunk_bytes = 4 * 96 * 128 * 3
    gc.collect()
    tracemalloc.start()
    try:
        frames = sum(len(chunk) for chunk in frame_chunks(tmp_path / "long.mp4", 4))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert frames == 120
    assert peak_bytes < 4 * chunk_bytes  # thirty of them in all


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_has_the_reason_that_decode_gives(kind: str, noisy: bytes, tmp_path: Path) -> None:
    reason, spoil = BAD_FILES[kind]
    path = tmp_path / "given.mp4"
    spoil(path, noisy)
    with pytest.raises(VideoError, match=r"given\.mp4") as caught:
        list(frame_chunks(path, 5))
    assert caught.value.reason == reason


@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "text", "picture", "sound"])
def test_what_is_no_video_is_told_with_the_rate_already(kind: str, noisy: bytes, tmp_path: Path) -> None:
    reason, spoil = BAD_FILES[kind]
    path = tmp_path / "given.mp4"
    spoil(path, noisy)
    with pytest.raises(VideoError) as caught:
        frame_rate(path)
    assert caught.value.reason == reason


def test_a_variable_frame_rate_is_refused_at_the_frame_that_shows_it(tmp_path: Path) -> None:
    path = write_video(tmp_path / "vfr.mp4", [0, 1, 2, 5, 6, 7, 12, 13, 20, 21])
    with pytest.raises(VideoError, match="constant rate") as caught:
        list(frame_chunks(path, 3))
    assert caught.value.reason == "variable_frame_rate"


def test_pictures_before_the_start_are_left_out_as_decode_does(tmp_path: Path) -> None:
    path = write_video(tmp_path / "shortened.mp4", range(-8, 16))
    assert np.array_equal(np.concatenate(list(frame_chunks(path, 7))), decode(path).frames)


@pytest.mark.parametrize("chunk_frames", [0, -2])
def test_a_chunk_without_frames_is_our_bug(good: Path, chunk_frames: int) -> None:
    with pytest.raises(ContractError, match="at least one frame"):
        next(frame_chunks(good, chunk_frames))
