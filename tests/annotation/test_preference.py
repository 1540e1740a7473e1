"""A study of preference: every pair once, either side as often, and nothing that tells which is whose."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from annotation.preference import LOCAL_FILES, QUESTION, draw, export_study
from data.errors import ConfigError
from data.schema import Clip, Frames
from data.video import decode, encode
from flows.cli import app

FOLDERS = ("before", "after")
names = st.lists(st.text("abc_", min_size=1, max_size=5), min_size=1, max_size=30, unique=True)


@given(names, st.integers(0, 2**32))
def test_every_name_is_drawn_once_and_either_folder_is_left_as_often(names: list[str], seed: int) -> None:
    drawn = draw(names, FOLDERS, QUESTION, seed)
    assert sorted(own.answer.name for own in drawn) == sorted(names)
    assert all({own.answer.a, own.answer.b} == set(FOLDERS) for own in drawn)
    assert abs(2 * sum(own.answer.a == "before" for own in drawn) - len(names)) <= 1
    files = [path for own in drawn for path in (own.pair.a, own.pair.b)]
    assert len(set(files)) == 2 * len(names)
    assert len({own.pair.pair_id for own in drawn}) == len(names)


@given(names, st.integers(0, 2**32))
def test_a_draw_repeats_and_does_not_hang_on_the_order_of_names(names: list[str], seed: int) -> None:
    assert draw(names, FOLDERS, QUESTION, seed) == draw(names[::-1], FOLDERS, QUESTION, seed)


def test_neither_order_nor_side_follow_the_names() -> None:
    draws = [draw([f"{n:02d}" for n in range(9)], FOLDERS, QUESTION, seed) for seed in range(40)]
    assert len({tuple(own.answer.name for own in drawn) for drawn in draws}) == 40
    assert {sum(own.answer.a == "before" for own in drawn) for drawn in draws} == {4, 5}
    assert 8 < sum(drawn[0].answer.a == "before" for drawn in draws) < 32


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Three clips each; those of ``after`` are lighter."""
    made = (tmp_path / "before", tmp_path / "after")
    for folder, light in zip(made, (40, 200), strict=True):
        for number in range(3):
            write(folder / f"clip_{number}.mp4", light + 10 * number)
    return made


def write(path: Path, grey: int, side_px: int = 32) -> None:
    path.parent.mkdir(exist_ok=True)
    frames: Frames = np.full((4, side_px, side_px, 3), grey, np.uint8)
    encode(Clip(frames, 8.0), path)


def rows(study: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (study / "pairs.jsonl").read_text().splitlines()]


def test_the_key_says_which_clip_is_whose(folders: tuple[Path, Path], tmp_path: Path) -> None:
    arguments = ["preference", *folders, "--to", tmp_path / "to", "--seed", 3]
    run = CliRunner().invoke(app, list(map(str, arguments)))
    assert run.exit_code == 0, run.output
    assert "3 pairs" in run.output
    study = tmp_path / "to" / "study"
    key = json.loads((tmp_path / "to" / "key.json").read_text())
    assert sorted(answer["name"] for answer in key["answers"].values()) == [f"clip_{n}.mp4" for n in range(3)]
    for row in rows(study):
        answer = key["answers"][row["pair_id"]]
        for side in ("a", "b"):
            shown, made = decode(study / row[side]), decode(Path(answer[side]) / answer["name"])
            assert abs(shown.frames.mean() - made.frames.mean()) < 2


def test_nothing_handed_out_tells_which_is_whose(folders: tuple[Path, Path], tmp_path: Path) -> None:
    drawn = export_study(*folders, tmp_path / "to", 0)
    study = tmp_path / "to" / "study"
    handed_out = sorted(path for path in study.rglob("*") if path.is_file())
    assert len(handed_out) == 2 + 2 * len(drawn)
    for path in handed_out:
        for word in (b"before", b"after", b"clip_"):
            assert word not in path.read_bytes() + path.name.encode()


def test_tasks_are_the_pairs_with_addresses(folders: tuple[Path, Path], tmp_path: Path) -> None:
    export_study(*folders, tmp_path / "to", 0, "Which one?")
    study = tmp_path / "to" / "study"
    for task, row in zip(json.loads((study / "tasks.json").read_text()), rows(study), strict=True):
        assert task == {
            "data": {
                "pair_id": row["pair_id"],
                "question": "Which one?",
                "a": LOCAL_FILES + row["a"],
                "b": LOCAL_FILES + row["b"],
            }
        }


def test_odd_sizes_are_made_even(tmp_path: Path) -> None:
    clips = (tmp_path / "one", tmp_path / "two")
    for folder, colour in zip(clips, ("red", "blue"), strict=True):
        folder.mkdir()
        source = f"color={colour}:size=33x35:rate=8:duration=0.5"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-f", "lavfi", "-i", source]
        subprocess.run([*command, "-pix_fmt", "yuv444p", folder / "x.mp4"], check=True)
    (drawn,) = export_study(*clips, tmp_path / "to", 0)
    assert decode(tmp_path / "to" / "study" / drawn.pair.a).frames.shape == (4, 36, 34, 3)


def test_what_cannot_be_compared_is_refused_and_leaves_nothing(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    before, after = folders
    to = tmp_path / "to"

    def refused(words: str, first: Path = before, second: Path = after) -> None:
        with pytest.raises(ConfigError, match=words):
            export_study(first, second, to, 0)
        assert sorted(path.name for path in tmp_path.iterdir()) == there

    there = sorted(path.name for path in tmp_path.iterdir())
    refused("given twice", before, before)
    refused("is no folder", before, tmp_path / "nowhere")
    write(after / "clip_1.mp4", 210, 48)
    refused(r"32×32 px in .* 48×48 px in|48×48 px in .* 32×32 px in")
    write(after / "clip_1.mp4", 50)
    refused("clip_1.mp4 is the same clip")
    (after / "clip_2.mp4").unlink()
    refused("after lacks clip_2.mp4,")
    for path in (*before.iterdir(), *after.iterdir()):
        path.unlink()
    refused("hold no MP4 files")


def test_a_folder_in_use_is_refused(folders: tuple[Path, Path]) -> None:
    with pytest.raises(ConfigError, match="not empty"):
        export_study(*folders, folders[0], 0)
