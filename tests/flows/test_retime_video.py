"""``simmotion retime`` from outside: a hard change of speed becomes even, and bad input is told in a line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from data.schema import Clip, ClipFormat, Frames, Role
from data.video import decode, encode, probe
from generators.base import ImageRequest, VideoRequest
from generators.inbetween import frames_at
from generators.procedural.generator import ProceduralGenerator
from moments.fidelity import temporal_steadiness
from tests.flows.commands import simmotion, simmotion_here
from tests.flows.conftest import Prefect
from tests.flows.turning import rush, turning_bar
from tests.generators.plans import plan_of

FPS = 16.0
HOG = ("--backbone", "hog")
Retime = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def retime(prefect: Prefect) -> Retime:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return simmotion_here("retime", *HOG, *arguments, environment=prefect.environment)

    return run


@pytest.fixture(scope="module")
def rushed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bar that makes 95 % of its way in 3 of 40 frames."""
    return write(tmp_path_factory.mktemp("rushed") / "rushed.mp4", turning_bar(rush()))


def write(path: Path, frames: Frames, fps: float = FPS) -> Path:
    encode(Clip(frames, fps), path)
    return path


def ffmpeg(*arguments: object) -> None:
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y", *map(str, arguments)], check=True
    )


def report_of(run: subprocess.CompletedProcess[str], path: Path) -> dict[str, Any]:
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_a_hard_change_of_speed_becomes_even(rushed: Path, tmp_path: Path, prefect: Prefect) -> None:
    out, figures, picture = (tmp_path / name for name in ("out.mp4", "report.json", "plot.png"))
    run = simmotion(
        *("retime", rushed, "--to", out, "--json", figures, "--plot", picture, *HOG),
        environment=prefect.environment,
    )
    report = report_of(run, figures)
    assert report["after"]["rms_deviation"] <= report["before"]["rms_deviation"] / 5
    assert report["before"]["rms_deviation"] > 0.15
    facts = probe(out)
    assert (facts.num_frames, facts.fps, facts.width_px) == (40, FPS, 96)
    assert facts.constant_frame_rate
    with Image.open(picture) as plot:
        assert plot.size[0] > 500
    assert "not semantic" in run.stdout
    assert "steadiness: how little a frame differs from the last" in run.stdout
    for side, path in (("before", rushed), ("after", out)):
        assert report[side]["fidelity"]["temporal_steadiness"] == temporal_steadiness(decode(path).frames)
        assert 0.9 < report[side]["fidelity"]["motion_smoothness"] < 1
        assert f"{report[side]['rms_deviation']:.4f}" in run.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mp4", "plot.png", "report.json"]


def test_so_it_does_by_segments_and_their_joins_are_whole(
    rushed: Path, retime: Retime, tmp_path: Path
) -> None:
    out, figures = tmp_path / "out.mp4", tmp_path / "report.json"
    report = report_of(retime(rushed, "--to", out, "--segments", 3, "--json", figures), figures)
    assert report["after"]["rms_deviation"] <= report["before"]["rms_deviation"] / 5
    assert report["keyframes"] == [0, 18, 21, 39]
    assert len(report["budgets"]) == 3
    positions = np.array(report["positions"])
    assert len(positions) == probe(out).num_frames == 40 == sum(report["budgets"]) - 2
    assert (np.diff(positions) > 0).all()
    assert set(report["keyframes"]) <= set(np.round(positions, 9))


def test_segments_may_follow_from_a_penalty(rushed: Path, retime: Retime, tmp_path: Path) -> None:
    figures = tmp_path / "report.json"
    run = retime(rushed, "--to", tmp_path / "out.mp4", "--penalty", 0.02, "--json", figures)
    assert len(report_of(run, figures)["budgets"]) > 1


def test_a_rendered_scene_with_a_jump_becomes_even(retime: Retime, tmp_path: Path) -> None:
    out, figures = tmp_path / "out.mp4", tmp_path / "report.json"
    source = write(tmp_path / "jump.mp4", rendered_with_a_jump())
    report = report_of(retime(source, "--to", out, "--json", figures, "--passes", 4), figures)
    assert report["after"]["rms_deviation"] <= report["before"]["rms_deviation"] / 5


def rendered_with_a_jump() -> Frames:
    """A procedural clip played slowly, then most of it at once, then slowly."""
    backend = ProceduralGenerator()
    backend.open()
    plan, shape = plan_of(), ClipFormat(size_px=96)
    first = next(iter(backend.images([ImageRequest(plan, Role.REFERENCE, shape, 5)])))
    made = next(iter(backend.videos([VideoRequest(plan, (Role.REFERENCE,), (first,), shape, 5)])))
    frames = made.clips[0].frames
    time = np.linspace(0, 1, 40)
    return frames_at(frames, np.interp(time, [0, 0.45, 0.5, 1], [0, 0.05, 0.95, 1]) * (len(frames) - 1))


def test_the_ends_of_the_clip_stay(rushed: Path, retime: Retime, tmp_path: Path) -> None:
    run = retime(rushed, "--to", tmp_path / "out.mp4")
    assert run.returncode == 0, run.stderr
    before, after = decode(rushed).frames, decode(tmp_path / "out.mp4").frames
    for end in (0, -1):
        assert np.abs(before[end].astype(int) - after[end]).mean() < 5
        assert np.abs(before[end].astype(int) - after[-1 - end]).mean() > 10


def test_length_and_frame_rate_are_those_asked_for(rushed: Path, retime: Retime, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    assert retime(rushed, "--to", out, "--seconds", 4, "--fps", 25).returncode == 0
    facts = probe(out)
    assert (facts.num_frames, facts.fps) == (100, 25.0)
    assert retime(rushed, "--to", out, "--fps", 24).returncode == 0
    assert probe(out).num_frames == 60  # as long as the source


def test_a_file_may_say_what_pace_is_wanted(rushed: Path, retime: Retime, tmp_path: Path) -> None:
    figures, curve = tmp_path / "report.json", tmp_path / "curve.csv"
    curve.write_text("time,progress\n0,0\n1,0.8\n2,1\n")
    run = retime(rushed, "--to", tmp_path / "out.mp4", "--target", curve, "--json", figures, "--passes", 5)
    report = report_of(run, figures)
    assert report["after"]["rms_deviation"] < 0.05
    assert report["after"]["progress"][20] == pytest.approx(0.8, abs=0.1)


def test_two_frames_have_one_step_whose_pace_is_even(retime: Retime, tmp_path: Path) -> None:
    figures = tmp_path / "report.json"
    source = write(tmp_path / "two.mp4", turning_bar(np.array([0.0, 1])))
    run = retime(source, "--to", tmp_path / "out.mp4", "--seconds", 1, "--json", figures)
    report = report_of(run, figures)
    assert report["before"]["rms_deviation"] == 0
    assert probe(tmp_path / "out.mp4").num_frames == 16


def test_odd_sizes_gain_a_row_or_column(retime: Retime, tmp_path: Path) -> None:
    source, even = tmp_path / "odd.mkv", write(tmp_path / "even.mp4", turning_bar(rush()))
    ffmpeg("-i", even, "-vf", "format=gbrp,crop=95:93", "-c:v", "ffv1", "-pix_fmt", "bgr0", source)
    assert decode(source).frames.shape[1:3] == (93, 95)
    run = retime(source, "--to", tmp_path / "out.mp4")
    assert run.returncode == 0, run.stderr
    assert decode(tmp_path / "out.mp4").frames.shape == (40, 94, 96, 3)


@pytest.mark.parametrize(("sound", "streams"), [("drop", 0), ("keep", 1), ("stretch", 1)])
def test_sound_is_dropped_unless_it_is_asked_for(
    sound: str, streams: int, rushed: Path, retime: Retime, tmp_path: Path
) -> None:
    source, out = tmp_path / "loud.mp4", tmp_path / "out.mp4"
    ffmpeg("-i", rushed, "-f", "lavfi", "-i", "sine=duration=2.5", "-c:v", "copy", source)
    run = retime(
        source, "--to", out, *(() if sound == "drop" else ("--sound", sound)), "--resample", "nearest"
    )
    assert run.returncode == 0, run.stderr
    assert f"sound: {sound if streams else 'none'}" in run.stdout
    with av.open(str(out)) as container:
        assert len(container.streams.audio) == streams


def test_a_still_clip_has_no_pace_to_change(retime: Retime, tmp_path: Path) -> None:
    source = write(tmp_path / "still.mp4", turning_bar(np.zeros(20)))
    told(retime(source, "--to", tmp_path / "out.mp4"), "pace is noise", tmp_path / "out.mp4")


def test_one_frame_has_no_pace(retime: Retime, tmp_path: Path) -> None:
    source = write(tmp_path / "one.mp4", turning_bar(np.zeros(1)))
    told(retime(source, "--to", tmp_path / "out.mp4", "--seconds", 1), "pace is noise", tmp_path / "out.mp4")


def test_a_variable_frame_rate_is_refused_with_a_remedy(rushed: Path, retime: Retime, tmp_path: Path) -> None:
    source = tmp_path / "variable.mp4"
    ffmpeg("-i", rushed, "-vf", "setpts='if(lt(N,20),N,2*N-20)/16/TB'", "-fps_mode", "vfr", source)
    told(retime(source, "--to", tmp_path / "out.mp4"), "-fps_mode cfr", tmp_path / "out.mp4")


def test_sound_alone_is_no_video(retime: Retime, tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "sine=duration=1", tmp_path / "tone.mp4")
    told(retime(tmp_path / "tone.mp4", "--to", tmp_path / "out.mp4"), "no video stream", tmp_path / "out.mp4")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--target", "faster"), "neither a file nor one of linear"),
        (("--segments", 3, "--penalty", 0.1), "were both given"),
        (("--segments", 40), "40 segments"),
        (("--segments", 20, "--seconds", 0.5), "fewer segments or more frames"),
        (("--penalty", 0), "positive"),
        (("--seconds", 0.01), "at least 2 frames"),
        (("--seconds", "nan"), "at least 2 frames"),
        (("--fps", -1), "at least 2 frames"),
        (("--backbone", "hof"), "joins frames"),
        (("--backbone", "nothing"), "no backbone of this name"),
    ],
)
def test_what_cannot_be_done_is_told(
    arguments: tuple[object, ...], message: str, rushed: Path, retime: Retime, tmp_path: Path
) -> None:
    told(retime(rushed, "--to", tmp_path / "out.mp4", *arguments), message, tmp_path / "out.mp4")


def test_a_pacing_that_falls_is_told(rushed: Path, retime: Retime, tmp_path: Path) -> None:
    (tmp_path / "curve.txt").write_text("0\n0.6\n0.5\n1\n")
    run = retime(rushed, "--to", tmp_path / "out.mp4", "--target", tmp_path / "curve.txt")
    told(run, "never falls", tmp_path / "out.mp4")


def test_the_source_is_not_overwritten(rushed: Path, retime: Retime, tmp_path: Path) -> None:
    before = rushed.read_bytes()
    told(retime(rushed, "--to", rushed), "would be overwritten", tmp_path / "none")
    assert rushed.read_bytes() == before
    told(
        retime(rushed, "--to", tmp_path / "out.mp4", "--json", rushed),
        "would be overwritten",
        tmp_path / "none",
    )
    assert rushed.read_bytes() == before


def test_results_that_could_not_be_written_are_told_before_any_work(
    rushed: Path, retime: Retime, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    told(retime(rushed, "--to", tmp_path / "out.avi"), "ends in .mp4", tmp_path / "out.avi")
    told(retime(rushed, "--to", out, "--plot", tmp_path / "plot.doc"), "ends in .png", out)
    told(retime(rushed, "--to", out, "--json", tmp_path), "is a folder", out)
    told(retime(rushed, "--to", out, "--json", out), "would be overwritten", out)


def told(run: subprocess.CompletedProcess[str], message: str, absent: Path) -> None:
    assert run.returncode == 2, run.stderr
    assert message in run.stderr
    assert not absent.exists()


def test_without_weights_the_error_names_the_ways_out(
    rushed: Path, prefect: Prefect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    run = simmotion_here("retime", rushed, "--to", tmp_path / "out.mp4", environment=prefect.environment)
    assert run.returncode == 2
    for words in ("siglip2-base-patch16-512", "NAME=FOLDER", "--backbone hog"):
        assert words in run.stderr
    assert not (tmp_path / "out.mp4").exists()
