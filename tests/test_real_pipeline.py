"""From a folder of footage to items for people and back from references, twice the same, byte for byte."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path

from annotation.items import RankingItem
from data import references
from data.cutting import CutClip, FootageReject, cut_video
from data.footage import Rights, SourceVideo, from_folder, require_full_export
from data.schema import ClipFormat, Frames
from data.store import Store
from data.video import decode
from moments.classical import build_classical
from moments.hard_negatives import hard_negatives
from moments.nearest import distinct
from moments.real_clips import real_clips
from moments.real_items import choose_items
from moments.usable import unusable
from tests.footage import PLACES, Camera, converted, film, takes

FORMAT = ClipFormat(size_px=64, duration_seconds=1.0, fps=16)
RIGHTS = Rights("the team", "CC-BY-4.0", "our own recording", "2026-11-20")
MOTIONS = ("wave", "jump", "bow", "walk", "crouch")
CAMERAS = (Camera(24, 112, 80), Camera(25, 80, 112, sound=True), Camera(30, 96, 96), Camera(16, 112, 96))


def footage(folder: Path) -> Path:
    """Six videos of three shots, a copy of one of them, one that is damaged, and notes."""
    folder.mkdir()
    for number, place in enumerate(PLACES[:6]):
        motions = [MOTIONS[(number + shot) % len(MOTIONS)] for shot in range(3)]
        film(folder / f"{number}.mp4", takes(place, motions, 1.3, seed=number), CAMERAS[number % 4])
    converted(folder / "2.mp4", folder / "a copy of 2.mov", "-crf", "26", "-vf", "scale=80:80")
    (folder / "damaged.mp4").write_bytes((folder / "0.mp4").read_bytes()[:2000])
    (folder / "notes.txt").write_text("not a video")
    return folder


def built(folder: Path, out: Path) -> tuple[list[RankingItem], dict[str, CutClip], dict[str, SourceVideo]]:
    """Everything that happens before people are asked."""
    store = Store(out / "store")
    videos = {video.video_id: video for video in from_folder(folder, RIGHTS)}
    require_full_export(videos.values())
    clips: dict[str, CutClip] = {}
    rejects: list[FootageReject] = []
    for video in videos.values():
        assert video.path is not None
        made = cut_video(video, video.path, store, FORMAT)
        rejects += made.rejects
        clips |= {clip.blob.sha256: clip for clip in made.clips}

    def frames_of(clip: CutClip) -> Frames:
        return decode(store.path(clip.blob)).frames

    usable = [clip for clip in clips.values() if not unusable(frames_of(clip), FORMAT.fps)]
    loads = ((clip.blob.sha256, clip.video_id, partial(frames_of, clip)) for clip in usable)
    kept = distinct(tuple(real_clips(loads, build_classical("hog"))))
    chosen = choose_items(kept.clips, hard_negatives(kept.clips), kept.groups, most=2, num_candidates=2)
    items = [RankingItem(f"real-{n}", item.reference, item.candidates) for n, item in enumerate(chosen)]
    rows = [
        references.reference_of(f"real-{n}", role, clips[sha256], videos[clips[sha256].video_id], FORMAT)
        for n, item in enumerate(chosen)
        for role, sha256 in (("reference", item.reference), ("negative", item.negative))
    ]
    references.write(rows, out / references.FILENAME)
    (out / "items.json").write_text(json.dumps([asdict(item) for item in chosen]))
    (out / "rejects.json").write_text(json.dumps([asdict(reject) for reject in rejects]))
    return items, clips, videos


def everything(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_footage_becomes_items_twice_the_same(tmp_path: Path) -> None:
    folder = footage(tmp_path / "footage")
    items, clips, _ = built(folder, tmp_path / "one")
    built(folder, tmp_path / "two")
    assert everything(tmp_path / "one") == everything(tmp_path / "two")

    assert len(items) == 2
    videos = [clips[clip].video_id for item in items for clip in (item.reference, *item.candidates)]
    assert len({"2.mp4" if "copy" in video else video for video in videos}) == len(videos) == 6
    (damaged,) = [
        row for row in json.loads((tmp_path / "one" / "rejects.json").read_text()) if row["shot"] is None
    ]
    assert damaged["video_id"] == "damaged.mp4"
    assert damaged["reason"]

    rows = references.read(tmp_path / "one" / references.FILENAME)
    again = list(references.recut(rows, lambda row: folder / row.address, Store(tmp_path / "again")))
    assert len(again) == 4
    assert {result.outcome for result in again} == {"same"}
    for negative, reference in zip(rows[::2], rows[1::2], strict=True):
        assert (negative.role, reference.role) == ("negative", "reference")
        assert negative.address == reference.address
