"""Clips cut from rendered footage: within one shot, normalised, repeatable, and rejects with reasons."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.cutting import MARGIN_FRAMES, clip_starts, cut, cut_video, span_frames
from data.errors import SampleRejected, VideoError
from data.footage import Rights, SourceVideo
from data.schema import ClipFormat, Frames
from data.shots import Shot, ShotList, find_shots
from data.store import Store
from data.video import decode, probe
from tests.data.bad_videos import write_video
from tests.footage import PLACES, Camera, Take, converted, film, filmed, write_film

FORMAT = ClipFormat(size_px=64, duration_seconds=1.0, fps=16)
SHOTS = [
    Take(replace(place, motion="jump"), seconds, 1)
    for place, seconds in zip(PLACES, (1.4, 2.6, 0.9), strict=False)
]


def of(path: Path) -> SourceVideo:
    return SourceVideo(path.name, path, "", Rights())


def stripes(num_frames: int, width: int = 96, height: int = 96) -> Frames:
    """Every frame is one grey, 3 levels lighter than the last, so that a frame tells its number."""
    return np.broadcast_to(
        (20 + 3 * np.arange(num_frames, dtype=np.uint8))[:, None, None, None], (num_frames, height, width, 3)
    )


def test_every_clip_lies_within_one_shot_and_every_shot_is_accounted_for(tmp_path: Path) -> None:
    begins = film(tmp_path / "a.mp4", SHOTS, Camera(sound=True))
    made = cut_video(of(tmp_path / "a.mp4"), tmp_path / "a.mp4", Store(tmp_path / "store"), FORMAT)
    ends = [*begins[1:], begins[-1] + round(0.9 * 24)]
    assert [clip.shot for clip in made.clips] == [0, 1, 1]
    for clip in made.clips:
        assert begins[clip.shot] + MARGIN_FRAMES <= clip.first_frame
        assert clip.first_frame + 24 <= ends[clip.shot] - MARGIN_FRAMES
        assert clip.start_seconds == clip.first_frame / 24
        assert clip.end_seconds == pytest.approx(clip.start_seconds + 1)
    assert [(reject.shot, reject.reason) for reject in made.rejects] == [(2, "shot_too_short")]


def test_clips_have_the_canonical_form_and_show_their_source(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", SHOTS, Camera(24, 128, 80))
    store = Store(tmp_path / "store")
    clip = cut_video(of(tmp_path / "a.mp4"), tmp_path / "a.mp4", store, FORMAT).clips[0]
    facts = probe(store.path(clip.blob))
    assert (facts.width_px, facts.height_px, facts.fps, facts.num_frames) == (64, 64, 16.0, 16)
    assert (facts.codec, facts.pixel_format, facts.constant_frame_rate) == ("h264", "yuv420p", True)
    source = filmed(SHOTS[0], Camera(24, 128, 80))[:, :, 24:104]  # the central square
    frames = decode(store.path(clip.blob)).frames.astype(float)
    for index in (0, 7, 15):
        number = clip.first_frame + index * 24 // 16
        small = source[number].reshape(16, 5, 16, 5, 3).mean(axis=(1, 3))
        came = frames[index].reshape(16, 4, 16, 4, 3).mean(axis=(1, 3))
        assert np.abs(came - small).mean() < 4


@pytest.mark.parametrize("fps", [16, 24, 25, 30, 60])
def test_a_clip_shows_the_frame_that_is_on_screen_at_each_instant(fps: int, tmp_path: Path) -> None:
    write_film(tmp_path / "a.mp4", stripes(70), Camera(fps, 96, 96))
    clips = list(
        cut(tmp_path / "a.mp4", [3, 3 + span_frames(Fraction(fps), FORMAT)][: 1 + (fps < 60)], FORMAT)
    )
    for number, clip in enumerate(clips):
        first = 3 + number * span_frames(Fraction(fps), FORMAT)
        shown = np.rint((clip.frames.mean(axis=(1, 2, 3)) - 20) / 3)
        assert shown.tolist() == [first + k * fps // 16 for k in range(16)]


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", SHOTS, Camera(30, 80, 112))
    first, second = (
        cut_video(of(tmp_path / "a.mp4"), tmp_path / "a.mp4", Store(tmp_path / name), FORMAT) for name in "xy"
    )
    assert first == second
    assert len(first.clips) >= 3


@pytest.mark.parametrize(("turn", "k"), [("90", 1), ("270", -1), ("180", 2)])
def test_a_turned_phone_is_turned_upright(turn: str, k: int, tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", SHOTS[:1], Camera(16, 96, 96))
    path = tmp_path / "turned.mp4"
    converted_input(tmp_path / "a.mp4", path, turn)
    (upright,) = cut(tmp_path / "a.mp4", [2], FORMAT)
    (turned,) = cut(path, [2], FORMAT)
    np.testing.assert_array_equal(turned.frames, np.rot90(upright.frames, k, axes=(1, 2)))


def converted_input(source: Path, target: Path, turn: str) -> None:
    """The same pictures with a flag that says by how many degrees to turn them, counter-clockwise."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-display_rotation", turn]
    subprocess.run([*command, "-i", str(source), "-c", "copy", str(target)], check=True)


def test_pixels_that_are_not_square_are_shown_as_wide_as_they_are(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", SHOTS[:1], Camera(16, 128, 128))
    wide = converted(tmp_path / "a.mp4", tmp_path / "b.mp4", "-vf", "scale=64:128,setsar=2", "-crf", "10")
    (plain,) = cut(tmp_path / "a.mp4", [2], FORMAT)
    (same,) = cut(wide, [2], FORMAT)
    assert np.abs(plain.frames.astype(float) - same.frames).mean() < 6


def _damaged(path: Path) -> Path:
    film(path, SHOTS[:1])
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    return path


def _of_rate(fps: int) -> Callable[[Path], object]:
    return lambda path: film(path, SHOTS[:1], Camera(fps))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: write_video(path, [0, 1, 2, 5, 6, 7, 12, 13]), "variable_frame_rate"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_bytes(b"this is no video at all" * 50), "not_a_video"),
        (_damaged, "not_a_video"),
        (lambda path: None, "missing"),
        (_of_rate(12), "low_frame_rate"),
        (lambda path: film(path, SHOTS[:1], Camera(24, 96, 48)), "too_small"),
    ],
)
def test_a_video_that_gives_no_clip_is_recorded_with_its_reason(
    make: Callable[[Path], object], reason: str, tmp_path: Path
) -> None:
    make(tmp_path / "a.mp4")
    made = cut_video(of(tmp_path / "a.mp4"), tmp_path / "a.mp4", Store(tmp_path / "store"), FORMAT)
    assert made.clips == ()
    (reject,) = made.rejects
    assert (reject.video_id, reject.shot, reject.reason) == ("a.mp4", None, reason)
    assert reject.detail


def test_a_clip_beyond_the_end_is_refused(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", SHOTS[:1])
    with pytest.raises(VideoError) as raised:
        list(cut(tmp_path / "a.mp4", [30], FORMAT))
    assert raised.value.reason == "missing_frame"


@given(
    lengths=st.lists(st.integers(1, 400), min_size=1, max_size=6),
    fps=st.sampled_from(
        [Fraction(16), Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60)]
    ),
)
def test_windows_stay_in_their_shots_do_not_overlap_and_are_as_many_as_fit(
    lengths: list[int], fps: Fraction
) -> None:
    ends = np.cumsum(lengths).tolist()
    shots = tuple(Shot(end - length, end) for end, length in zip(ends, lengths, strict=True))
    starts = clip_starts(Path("a"), ShotList(fps, shots), FORMAT)
    span = span_frames(fps, FORMAT)
    for shot, firsts in zip(shots, starts, strict=True):
        usable = len(shot) - 2 * MARGIN_FRAMES
        assert len(firsts) == max(0, usable // span)
        assert all(second - first >= span for first, second in pairwise(firsts))
        if firsts:
            assert firsts[0] >= shot.begin + MARGIN_FRAMES
            last = firsts[-1] + (FORMAT.num_frames - 1) * fps // FORMAT.fps
            assert last < shot.end - MARGIN_FRAMES


def test_a_rate_below_the_clips_own_is_refused() -> None:
    with pytest.raises(SampleRejected, match=r"23\.976"):
        clip_starts(Path("a"), ShotList(Fraction(24000, 1001), (Shot(0, 99),)), ClipFormat(64, 1.0, 24))


def test_ntsc_rates_are_exact(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", SHOTS[:1], Camera(30))
    path = converted(tmp_path / "a.mp4", tmp_path / "b.mp4", "-r", "30000/1001")
    assert find_shots(path).fps == Fraction(30000, 1001)
