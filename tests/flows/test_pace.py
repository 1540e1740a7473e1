"""``simmotion pace`` from outside: figures, curves and plots of the very frames, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from data.schema import Clip, Frames
from data.video import decode, encode
from flows.pace_report import short_names, shortened
from moments.classical import build_classical
from moments.frame_embeddings import frame_embeddings
from moments.progress import semantic_progress
from tests.data.bad_videos import write_video
from tests.flows.commands import simmotion_here
from tests.flows.conftest import Prefect
from tests.moments.backbones.checkpoints import save
from tests.moments.clips import ground, moving_disc, rest, stop_and_go

FPS = 16.0
CUT = 25


def cut() -> Frames:
    """A disc that moves a little, and another world from frame 25 on."""
    frames = moving_disc(stop_and_go())
    frames[CUT:] = moving_disc(stop_and_go(), ground_seed=5, disc_seed=6)[CUT:]
    return frames


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pace")
    frames = {"cut": cut(), "even": moving_disc(stop_and_go()), "static": moving_disc(rest())}
    paths = {}
    for name, own in frames.items():
        paths[name] = folder / f"{name}.mp4"
        encode(Clip(own, FPS), paths[name])
    return paths


@pytest.fixture(scope="module")
def siglip2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save("siglip2", tmp_path_factory.mktemp("weights") / "siglip2")


def _paced(prefect: Prefect, *arguments: object) -> str:
    run = simmotion_here("pace", *arguments, environment=prefect.environment)
    assert run.returncode == 0, run.stderr
    return run.stdout


def _refused(prefect: Prefect, *arguments: object) -> str:
    run = simmotion_here("pace", *arguments, environment=prefect.environment)
    assert run.returncode == 2, run.stderr
    return run.stderr


def _records(path: Path) -> list[dict[str, Any]]:
    found = json.loads(path.read_text(encoding="utf-8"))
    assert list(found) == ["videos"]
    records: list[dict[str, Any]] = found["videos"]
    return records


def test_one_video_has_the_figures_and_curves_of_its_frames(
    videos: dict[str, Path], tmp_path: Path, prefect: Prefect
) -> None:
    to = tmp_path / "spf.json"
    told = _paced(prefect, videos["cut"], "--backbone", "hog", "--json", to)
    (record,) = _records(to)
    wanted = semantic_progress(frame_embeddings([decode(videos["cut"]).frames], build_classical("hog")))
    assert record["path"] == str(videos["cut"])
    assert (record["fps"], record["num_frames"], record["duration_seconds"]) == (16.0, 40, 2.5)
    assert record["interpretable"] is True
    np.testing.assert_allclose(record["raw_radians"], wanted.raw, atol=1e-5)
    np.testing.assert_allclose(record["progress"], wanted.progress, atol=1e-5)
    for name in ("range_radians", "rms_deviation", "max_deviation", "mean_deviation"):
        assert record[name] == pytest.approx(getattr(wanted, name), abs=1e-5)
    jump = record["largest_jump"]
    assert (jump["frame"], jump["seconds"]) == (CUT, CUT / FPS)
    assert jump["share"] == pytest.approx(wanted.largest_jump, abs=1e-5)
    assert "cut.mp4" in told
    assert f"{jump['share']:.0%} at 1.56 s" in told


def test_a_descriptor_without_weights_is_called_not_semantic(
    videos: dict[str, Path], tmp_path: Path, prefect: Prefect
) -> None:
    told = _paced(prefect, videos["even"], "--backbone", "hog", "--json", tmp_path / "spf.json")
    backbone = _records(tmp_path / "spf.json")[0]["backbone"]
    assert (backbone["name"], backbone["semantic"]) == ("hog", False)
    assert "HOG, not semantic" in told


def test_siglip2_says_which_weights_and_is_semantic(
    videos: dict[str, Path], siglip2: Path, tmp_path: Path, prefect: Prefect
) -> None:
    to = tmp_path / "spf.json"
    told = _paced(prefect, videos["cut"], "--backbone", f"siglip2-pooled={siglip2}", "--json", to)
    (record,) = _records(to)
    assert record["backbone"]["weights"].startswith("sha256:")
    assert record["backbone"]["semantic"] is True
    assert record["num_frames"] == 40  # all of them, although evaluations take 32
    assert record["largest_jump"]["frame"] == CUT
    assert "not semantic" not in told


def test_a_static_clip_is_not_judged(videos: dict[str, Path], tmp_path: Path, prefect: Prefect) -> None:
    to, plot = tmp_path / "spf.json", tmp_path / "spf.png"
    told = _paced(prefect, videos["static"], "--backbone", "hog", "--json", to, "--plot", plot)
    (record,) = _records(to)
    assert record["interpretable"] is False
    assert record["range_radians"] < record["range_floor_radians"] == 0.05
    for name in ("rms_deviation", "max_deviation", "mean_deviation", "largest_jump", "progress"):
        assert record[name] is None
    assert len(record["raw_radians"]) == 40
    assert "too little change to judge pace" in told
    assert plot.exists()


def test_a_single_frame_is_not_judged(tmp_path: Path, prefect: Prefect) -> None:
    encode(Clip(moving_disc(rest(1)), FPS), tmp_path / "one.mp4")
    told = _paced(prefect, tmp_path / "one.mp4", "--backbone", "hog", "--plot", tmp_path / "one.png")
    assert "too little change" in told


def test_several_videos_each_have_a_row_a_record_and_one_plot(
    videos: dict[str, Path], tmp_path: Path, prefect: Prefect
) -> None:
    to, plot = tmp_path / "spf.json", tmp_path / "new" / "spf.png"
    told = _paced(prefect, *videos.values(), "--backbone", "hog", "--json", to, "--plot", plot)
    assert [record["path"] for record in _records(to)] == list(map(str, videos.values()))
    rows = [line for line in told.splitlines() if ".mp4" in line]
    assert len(rows) == 3
    with Image.open(plot) as picture:
        assert (picture.format, picture.width) == ("PNG", 1400)
        assert len(picture.getcolors(1 << 24) or ()) > 100  # curves, not an empty page


def test_the_plot_of_one_video_shows_its_pictures(
    videos: dict[str, Path], tmp_path: Path, prefect: Prefect
) -> None:
    plot = tmp_path / "spf.png"
    _paced(prefect, videos["cut"], "--backbone", "hog", "--plot", plot)
    with Image.open(plot) as picture:
        strip = np.asarray(picture.convert("RGB"))[-90, 110:1350].astype(int)
    first, last = (ground(seed).mean(axis=(0, 1)) for seed in (0, 5))
    for part, colour in ((strip[:600], first), (strip[-400:], last)):
        assert np.abs(part.mean(axis=0) - colour).max() < 30


def test_without_weights_the_error_names_the_ways_out(
    videos: dict[str, Path], prefect: Prefect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    told = _refused(prefect, videos["cut"])
    assert "siglip2-base-patch16-512" in told
    assert "hf download" in told
    assert "NAME=FOLDER" in told
    assert "--backbone hog" in told


def test_backbones_that_join_frames_are_refused(
    videos: dict[str, Path], videomae: Path, prefect: Prefect
) -> None:
    assert "joins frames" in _refused(prefect, videos["cut"], "--backbone", f"videomae={videomae}")


def test_files_that_are_no_videos_are_named_before_anything_is_measured(
    videos: dict[str, Path], tmp_path: Path, prefect: Prefect
) -> None:
    bad, to = tmp_path / "notes.mp4", tmp_path / "spf.json"
    bad.write_text("no video at all\n" * 50)
    told = _refused(prefect, videos["cut"], bad, "--backbone", "hog", "--json", to)
    assert "notes.mp4: is not a video" in told
    assert not to.exists()


def test_a_variable_frame_rate_is_refused(tmp_path: Path, prefect: Prefect) -> None:
    path = write_video(tmp_path / "vfr.mp4", [0, 1, 2, 5, 6, 7, 12, 13, 20, 21])
    assert "constant rate" in _refused(prefect, path, "--backbone", "hog")


def test_results_never_replace_a_video_and_are_what_their_name_says(
    videos: dict[str, Path], tmp_path: Path, prefect: Prefect
) -> None:
    before = videos["cut"].read_bytes()
    hog = ("--backbone", "hog")
    assert "overwritten" in _refused(prefect, videos["cut"], *hog, "--json", videos["cut"])
    assert "ends in .png" in _refused(prefect, videos["cut"], *hog, "--plot", tmp_path / "spf.jpg")
    assert "is a folder" in _refused(prefect, videos["cut"], *hog, "--json", tmp_path)
    assert videos["cut"].read_bytes() == before


def test_names_that_hold_markup_and_formulas_are_printed_as_they_are(
    videos: dict[str, Path], tmp_path: Path, prefect: Prefect
) -> None:
    odd = tmp_path / "_$a_{[red]$.mp4"
    odd.write_bytes(videos["even"].read_bytes())
    told = _paced(prefect, odd, videos["cut"], "--backbone", "hog", "--plot", tmp_path / "spf.png")
    assert odd.name in told
    _paced(prefect, odd, "--backbone", "hog", "--plot", tmp_path / "spf.png")


def test_long_names_lose_their_middle() -> None:
    assert shortened("short.mp4", 9) == "short.mp4"
    assert shortened("a_rather_long_name_of_a_take_07.mp4", 15) == "a_rathe…_07.mp4"
    assert len(shortened("x" * 100, 20)) == 20


def test_names_that_come_twice_are_told_apart_by_their_folders() -> None:
    paths = [Path("wan/cat.mp4"), Path("ltx/cat.mp4"), Path("ltx/dog.mp4")]
    assert short_names(paths, 40) == ["wan/cat.mp4", "ltx/cat.mp4", "dog.mp4"]
