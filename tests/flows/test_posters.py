"""Strips of a few frames of the clips that a page shows."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from data.collection import ClipCollection, load, open_collection, reversed_references
from data.schema import FloatArray
from flows.posters import posters
from tests.flows.videos import write_triplets


def _pictures(strip: tuple[bytes, ...]) -> list[FloatArray]:
    return [np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")).astype(float) for jpeg in strip]


def _frames(clips: ClipCollection, clip_id: str) -> npt.NDArray[np.uint8]:
    ((clip, content),) = clips.contents([own.sha256 for own in clips.clips if own.clip_id == clip_id])
    return load(clip, content, range).frames


def test_five_frames_from_the_first_to_the_last_of_the_clips_that_are_named(tmp_path: Path) -> None:
    clips = open_collection(write_triplets(tmp_path / "clips", {"view": 2}))
    name = "view/clip_1/negative"
    strips = posters([clips], {name, "unknown"})
    assert set(strips) == {name}
    pictures = _pictures(strips[name])
    assert {len(picture) for picture in pictures} == {96}
    frames = [_enlarged(frame) for frame in _frames(clips, name)]
    for picture, index in zip(pictures, (0, 2, 4, 5, 7), strict=True):
        apart = [np.abs(picture - frame).mean() for frame in frames]
        assert np.argmin(apart) == index


def _enlarged(frame: npt.NDArray[np.uint8]) -> FloatArray:
    return np.asarray(Image.fromarray(frame).resize((96, 96))).astype(float)


def test_a_clip_backwards_is_shown_backwards(tmp_path: Path) -> None:
    clips = open_collection(write_triplets(tmp_path / "clips", {"view": 1}))
    backwards = reversed_references(clips)
    strips = posters([clips, backwards], {clip.clip_id for own in (clips, backwards) for clip in own.clips})
    assert len(strips) == 4
    reversal = strips["view/clip_0/reference backwards"]
    assert reversal[0] == strips["view/clip_0/reference"][-1]
    assert reversal[-1] == strips["view/clip_0/reference"][0]
    assert reversal[0] != reversal[-1]
