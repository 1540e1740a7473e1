"""Clips of rendered footage as records, with what truly moves in them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import numpy.typing as npt

from data.schema import Frames
from moments.batches import Load
from moments.classical import build_classical
from moments.real_clips import RealClip, real_clips
from tests.footage import PLACES, Camera, filmed, takes

MOTIONS = ("wave", "walk", "jump", "bow", "crouch", "run")
SHOTS_PER_VIDEO = 3
CLIPS_PER_SHOT = 2
CLIP_FRAMES = 24
FPS = 16


@dataclass(frozen=True)
class Truth:
    """Which video, which motion."""

    video: int
    motion: str


@cache
def pool(videos: int = 6) -> dict[str, tuple[Truth, Frames]]:
    """By clip id: two clips in a row of each of three shots of every video, each shot with its motion."""
    clips = {}
    for video in range(videos):
        for shot in range(SHOTS_PER_VIDEO):
            motion = MOTIONS[(video + shot) % len(MOTIONS)]
            (take,) = takes(PLACES[video], [motion], CLIPS_PER_SHOT * CLIP_FRAMES / FPS, seed=video)
            frames = filmed(take, Camera(FPS, 96, 96))
            for part in range(CLIPS_PER_SHOT):
                clip = frames[part * CLIP_FRAMES : (part + 1) * CLIP_FRAMES]
                clips[f"{video}-{shot}-{part}"] = Truth(video, motion), clip
    return clips


def records(clips: dict[str, Frames], videos: dict[str, str] | None = None) -> tuple[RealClip, ...]:
    """Records by HOG; a clip's video is the first part of its id unless ``videos`` says otherwise."""

    def loads() -> Iterator[tuple[str, str, Load]]:
        for clip_id, frames in clips.items():
            yield clip_id, (videos or {}).get(clip_id, clip_id.split("-")[0]), partial(_same, frames)

    return tuple(real_clips(loads(), build_classical("hog")))


def _same(frames: Frames) -> Frames:
    return frames


@cache
def pool_records(videos: int = 6) -> tuple[RealClip, ...]:
    return records({clip_id: frames for clip_id, (_, frames) in pool(videos).items()})


def record(
    clip_id: str,
    video_id: str,
    appearance: tuple[float, ...] = (1.0, 0.0),
    motion: tuple[float, ...] = (1.0, 0.0),
    seed: int | None = None,
    text: tuple[float, ...] | None = None,
) -> RealClip:
    """A record made by hand; its hashes are like no other's but those of the same ``seed``."""
    number = zlib.crc32(f"{clip_id} {video_id}".encode()) if seed is None else seed
    hashes = np.random.default_rng(number).integers(0, 2**64, 8, dtype=np.uint64)

    def unit(values: tuple[float, ...]) -> npt.NDArray[np.float32]:
        vector = np.array(values, np.float32)
        return (vector / np.linalg.norm(vector)).astype(np.float32)

    words = None if text is None else unit(text)
    return RealClip(clip_id, video_id, unit(appearance), unit(motion), hashes, words)
