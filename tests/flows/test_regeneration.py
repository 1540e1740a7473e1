"""Footage made anew by WAN: how long and how large it gets, what is kept of it, and what its pace becomes."""

import functools
from pathlib import Path

import numpy as np
import pytest

from data.errors import ConfigError
from data.schema import Clip, Frames
from data.video import decode, encode
from flows.regeneration import Regeneration, regenerate
from flows.retime_video import measured
from generators.wan_segments import WanSegments, fitted
from moments.backbones.catalogue import build_embedder
from moments.embedder import Embedder
from moments.pacing import PACINGS
from moments.segments import segments_by_count
from tests.flows.commands import simmotion_here
from tests.flows.conftest import Prefect


@pytest.fixture(scope="module")
def hog() -> Embedder:
    eyes = build_embedder("hog")
    eyes.open()
    return eyes


def jumping_bar(num_frames: int = 20, height: int = 64, width: int = 64) -> Frames:
    """A bar that creeps, leaps in the middle and creeps on."""
    frames = np.full((num_frames, height, width, 3), 30, np.uint8)
    for index, frame in enumerate(frames):
        x = index if index < num_frames // 2 else index + 30
        frame[10:50, x % (width - 8) : x % (width - 8) + 8] = 230
    return frames


def test_whole_it_has_the_nearest_length_that_the_model_makes(tiny_wan_folder: Path, hog: Embedder) -> None:
    source, measure = jumping_bar(), functools.partial(measured, eyes=hog)
    steps: list[int] = []
    made = regenerate(
        source,
        measure(source),
        PACINGS["linear"],
        20,
        (),
        Regeneration(str(tiny_wan_folder), "a bar runs", seed=1, steps=1),
        hog,
        measure,
        passes=1,
        on_step=lambda: steps.append(1),
    )
    assert made.frames.shape == (21, 64, 64, 3)
    assert made.positions.size == 0, "no frame is the source's"
    assert len(steps) == len(made.deviations) == 2
    assert made.pace.progress.shape == (21,)


def test_in_segments_the_keyframes_are_the_sources_own_and_shown_once(
    tiny_wan_folder: Path, hog: Embedder
) -> None:
    source, measure = jumping_bar(), functools.partial(measured, eyes=hog)
    pace = measure(source)
    segments = segments_by_count(pace.unsmoothed, 2)
    made = regenerate(
        source,
        pace,
        PACINGS["linear"],
        20,
        segments,
        Regeneration(str(tiny_wan_folder), "a bar runs", seed=1, steps=1),
        hog,
        measure,
        passes=1,
    )
    assert all(budget % 4 == 1 and budget >= 5 for budget in made.budgets)
    assert len(made.frames) == sum(made.budgets) - (len(segments) - 1)
    ends = np.cumsum([0, *(budget - 1 for budget in made.budgets)])
    for place, keyframe in zip(ends, [0, *(segment.end for segment in segments)], strict=True):
        np.testing.assert_array_equal(made.frames[place], source[keyframe])


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(64, 64, (64, 64)), (70, 130, (64, 128)), (1080, 1920, (480, 848)), (10, 200, (16, 192))],
)
def test_footage_gets_the_nearest_size_that_the_model_makes(
    height: int, width: int, expected: tuple[int, int]
) -> None:
    frames = fitted(np.zeros((1, height, width, 3), np.uint8), 16)
    assert frames.shape == (1, *expected, 3)


def test_a_segment_keeps_its_two_ends_bit_for_bit(tiny_wan_folder: Path) -> None:
    from flows.regeneration import opened

    source = jumping_bar(9)
    model = opened(Regeneration(str(tiny_wan_folder), "", steps=1))
    made = WanSegments(model, "a bar runs", seed=0).between(source, np.linspace(0, 8, 5))
    assert made.shape == (5, 64, 64, 3)
    np.testing.assert_array_equal(made[[0, -1]], source[[0, -1]])
    with pytest.raises(ConfigError, match="Nearest are 5 and 9"):
        WanSegments(model, "a bar runs", seed=0).between(source, np.linspace(0, 8, 6))


@pytest.mark.parametrize("segments", [(), ("--segments", "2")])
def test_the_command_writes_a_video_and_says_how_it_was_made(
    tiny_wan_folder: Path, prefect: Prefect, tmp_path: Path, segments: tuple[str, ...]
) -> None:
    encode(Clip(jumping_bar(), 16), tmp_path / "bar.mp4")
    made = ("--regenerate", tiny_wan_folder, "--prompt", "a bar runs", "--steps", "1", "--passes", "1")
    run = simmotion_here(
        "retime",
        tmp_path / "bar.mp4",
        "--to",
        tmp_path / "new.mp4",
        "--backbone",
        "hog",
        *made,
        *segments,
        environment=prefect.environment,
    )
    assert run.returncode == 0, run.stderr
    assert "made anew by" in run.stdout
    assert len(decode(tmp_path / "new.mp4").frames) == 21


def test_without_words_the_model_is_not_asked(
    tiny_wan_folder: Path, prefect: Prefect, tmp_path: Path
) -> None:
    encode(Clip(jumping_bar(), 16), tmp_path / "bar.mp4")
    run = simmotion_here(
        "retime",
        tmp_path / "bar.mp4",
        "--to",
        tmp_path / "new.mp4",
        "--regenerate",
        tiny_wan_folder,
        environment=prefect.environment,
    )
    assert run.returncode == 2
    assert "--regenerate needs --prompt" in run.stderr
