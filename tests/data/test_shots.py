"""Shots of rendered footage are found to the frame, and nothing else is taken for a cut."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from data.errors import SampleRejected, VideoError
from data.shots import Shot, find_shots
from tests.data.bad_videos import write_video
from tests.footage import PLACES, Camera, Take, converted, film, filmed, write_film

CUT = [
    Take(replace(place, motion=motion), 0.9, seed)
    for seed, (place, motion) in enumerate(zip(PLACES, ("wave", "run", "jump", "bow", "walk"), strict=False))
]


@pytest.mark.parametrize(
    ("camera", "name"),
    [
        (Camera(24, 112, 80), "a.mp4"),
        (Camera(25, 80, 112, sound=True), "a.mov"),
        (Camera(30, 128, 96), "a.mkv"),
        (Camera(60, 64, 64), "a.mp4"),
    ],
)
def test_every_cut_is_found_to_the_frame(camera: Camera, name: str, tmp_path: Path) -> None:
    begins = film(tmp_path / name, CUT, camera)
    found = find_shots(tmp_path / name)
    length = round(0.9 * camera.fps)
    assert found.fps == Fraction(camera.fps)
    assert found.shots == tuple(Shot(begin, begin + length) for begin in begins)


def test_cuts_within_one_place_are_found(tmp_path: Path) -> None:
    """The same person at the same spot, who moves otherwise after each cut."""
    shots = [
        Take(replace(PLACES[0], motion=motion, camera=camera), 0.9, 3)
        for motion, camera in (("run", "front"), ("jump", "side"), ("wave", "front"), ("bow", "high"))
    ]
    begins = film(tmp_path / "a.mp4", shots)
    assert [shot.begin for shot in find_shots(tmp_path / "a.mp4").shots] == begins


@pytest.mark.parametrize("motion", ["run", "jump", "spin", "hop_sideways"])
def test_one_shot_stays_one_whatever_moves_in_it(motion: str, tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", [Take(replace(PLACES[1], motion=motion), 2.5)])
    assert find_shots(tmp_path / "a.mp4").shots == (Shot(0, 60),)


def test_noise_and_a_moving_camera_are_no_cuts(tmp_path: Path) -> None:
    frames = filmed(CUT[0], Camera(24, 176, 112))
    panned = np.stack([frame[:96, 3 * index : 3 * index + 96] for index, frame in enumerate(frames)])
    noisy = panned + np.random.default_rng(0).normal(0, 8, panned.shape)
    write_film(tmp_path / "a.mp4", noisy.clip(0, 255).astype(np.uint8), Camera(24, 96, 96))
    assert find_shots(tmp_path / "a.mp4").shots == (Shot(0, len(frames)),)


def test_a_cut_that_follows_another_at_once_is_found(tmp_path: Path) -> None:
    parts = [filmed(take, Camera()) for take in CUT[:3]]
    write_film(tmp_path / "a.mp4", np.concatenate([parts[0], parts[1][:4], parts[2]]), Camera())
    length = len(parts[0])
    assert [shot.begin for shot in find_shots(tmp_path / "a.mp4").shots] == [0, length, length + 4]


def test_uneven_frames_are_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", [0, 1, 2, 5, 6, 7, 12, 13])
    with pytest.raises(VideoError) as raised:
        find_shots(path)
    assert raised.value.reason == "variable_frame_rate"


def test_a_still_video_is_one_shot(tmp_path: Path) -> None:
    write_film(tmp_path / "a.mp4", np.full((30, 64, 64, 3), 90, np.uint8), Camera(24, 64, 64))
    assert find_shots(tmp_path / "a.mp4").shots == (Shot(0, 30),)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["-x264-params", "tff=1:interlaced=1", "-flags", "+ildct+ilme"], "interlaced"),
        (
            ["-c", "copy", "-bsf:v", "h264_metadata=transfer_characteristics=16"],
            "high_dynamic_range",
        ),
    ],
)
def test_pictures_that_would_look_wrong_are_rejected(options: list[str], reason: str, tmp_path: Path) -> None:
    film(tmp_path / "plain.mp4", CUT[:1])
    converted(tmp_path / "plain.mp4", tmp_path / "a.mp4", *options)
    with pytest.raises(SampleRejected) as raised:
        find_shots(tmp_path / "a.mp4")
    assert raised.value.reason == reason
