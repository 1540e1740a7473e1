"""Footage to questions: what a video gives is made once, and what gives nothing is told with its reason."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from data.errors import ConfigError
from data.footage import SourceVideo
from flows import footage as stage
from flows.footage import FootageJob, choose, find_videos, prepare_video, require_backbone
from flows.real_recipe import FolderFootage, ManifestFootage, PexelsFootage, RealRecipe
from moments.errors import BackboneError, GalleryError
from tests.footage import PLACES, Camera, film, takes

MOTIONS = ("wave", "jump", "bow", "walk", "crouch")


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filmed")
    for number, place in enumerate(PLACES[:4]):
        motions = [MOTIONS[(number + shot) % len(MOTIONS)] for shot in range(3)]
        film(folder / f"{number}.mp4", takes(place, motions, 1.3, seed=number), Camera(24, 112, 80))
    (folder / "short.mp4").write_bytes(b"")
    return folder


def recipe(folder: Path, **changes: object) -> RealRecipe:
    values: dict[str, object] = {
        "name": "x",
        "footage": FolderFootage(path=folder),
        "format": {"size_px": 64, "duration_seconds": 1.0, "fps": 16},
        "items": 1,
        "candidates": 2,
    }
    return RealRecipe.model_validate(values | changes)


def test_a_second_run_cuts_nothing_and_chooses_the_same(
    filmed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = recipe(filmed)
    jobs = [FootageJob(tmp_path, own, video) for video in find_videos(own)]
    first = [prepare_video(job) for job in jobs]
    assert not any(each.reused for each in first if each.clips)
    (short,) = [each for each in first if each.video.video_id == "short.mp4"]
    assert (len(short.clips), len(short.rejects)) == (0, 1)
    monkeypatch.setattr(stage, "cut_video", None)
    again = [prepare_video(job) for job in reversed(jobs)]
    assert all(each.reused for each in again)
    one, other = choose(tmp_path, own, first), choose(tmp_path, own, again)
    assert one.items == other.items
    assert len(one.items) == 1
    item = one.items[0]
    assert one.clips[item.negative].video_id == one.clips[item.reference].video_id
    assert len({one.clips[sha256].video_id for sha256 in (item.reference, *item.candidates)}) == 3


def test_words_bring_videos_together_that_are_said_to_show_the_same(filmed: Path, tmp_path: Path) -> None:
    own = recipe(filmed)
    prepared = [prepare_video(FootageJob(tmp_path, own, video)) for video in find_videos(own)]
    plain = choose(tmp_path, own, prepared).items[0]
    strangers = [each.video.video_id for each in prepared if each.clips]
    clips = {clip.blob.sha256: clip.video_id for each in prepared for clip in each.clips}
    last = clips[plain.candidates[-1]]
    said = {clips[plain.reference]: "a skier jumps", last: "a skier jumps"}
    described = [
        dataclasses.replace(
            each,
            video=dataclasses.replace(each.video, description=said.get(each.video.video_id, "tea is poured")),
        )
        for each in prepared
    ]
    assert len(strangers) == 4
    assert clips[choose(tmp_path, own, described).items[0].candidates[0]] == last


def test_what_cannot_be_used_is_told(filmed: Path, tmp_path: Path) -> None:
    (gone,) = [
        prepare_video(FootageJob(tmp_path, recipe(filmed), SourceVideo("gone", Path("no"), "", _rights())))
    ]
    assert [reject.reason for reject in gone.rejects] == ["missing"]
    with pytest.raises(GalleryError, match="footage_rejects"):
        choose(tmp_path, recipe(filmed), [gone])
    with pytest.raises(ConfigError, match="author, licence"):
        find_videos(recipe(filmed, export="full"))
    with pytest.raises(ConfigError, match="machine learning"):
        find_videos(recipe(filmed, footage=PexelsFootage(queries=("dog",))))
    with pytest.raises(ConfigError, match="cannot read"):
        find_videos(recipe(filmed, footage=ManifestFootage(path=tmp_path / "no.csv")))
    with pytest.raises(BackboneError):
        require_backbone(recipe(filmed, backbone="hogg"))


def _rights() -> stage.Rights:
    return stage.Rights()
