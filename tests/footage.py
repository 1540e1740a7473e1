"""Rendered footage: videos of several known shots joined with hard cuts, in any size and frame rate."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from data.schema import Category, ClipFormat, Factors, Frames, Plan, Prompts, Role
from generators.base import VideoRequest
from generators.procedural.generator import ProceduralGenerator

SOUND_HZ = 48_000
_AAC_SAMPLES = 1024
_NO_PROMPTS = Prompts("", "", "", "")

PLACES = (
    Factors("person", "wave", "meadow", "trees", "crimson_plain", "shaded", "front"),
    Factors("robot", "wave", "desert", "rocks", "polished_gold", "shaded", "three_quarter_left"),
    Factors("person", "wave", "snowfield", "fence", "navy_stripes", "shaded", "three_quarter_right"),
    Factors("robot", "wave", "street", "lamp_posts", "green_checks", "shaded", "front"),
    Factors("person", "wave", "gym", "benches", "yellow_dots", "shaded", "front"),
    Factors("person", "wave", "beach", "empty", "violet_scarf", "shaded", "three_quarter_left"),
    Factors("robot", "wave", "warehouse", "barrels", "crimson_plain", "shaded", "front"),
    Factors("person", "wave", "forest_clearing", "rocks", "mint_stripes", "shaded", "three_quarter_right"),
)
"""Who is where, and how they look: each is one video's, whose shots show different motions."""


@dataclass(frozen=True)
class Take:
    """One shot: who moves how and where, for how long. The same take is the same to the last bit."""

    factors: Factors
    seconds: float
    seed: int = 0


@dataclass(frozen=True)
class Camera:
    """What a video was filmed with."""

    fps: int = 24
    width_px: int = 112
    height_px: int = 80
    sound: bool = False


def takes(place: Factors, motions: Sequence[str], seconds: float, seed: int = 0) -> list[Take]:
    """One shot for each motion, all in the same place by the same seed."""
    return [Take(replace(place, motion=motion), seconds, seed) for motion in motions]


@cache
def filmed(take: Take, camera: Camera) -> Frames:
    """The frames of one shot, uint8 (T, height, width, 3), read only: they are drawn once."""
    side = -(-max(camera.width_px, camera.height_px) // 16) * 16
    plan = Plan("take", Category.VIEW, take.factors, take.factors, "bow", _NO_PROMPTS, take.seed)
    request = VideoRequest(
        plan, (Role.REFERENCE,), (), ClipFormat(side, take.seconds, camera.fps), seed=take.seed
    )
    (result,) = ProceduralGenerator().videos([request])
    frames = result.clips[0].frames
    left, top = (side - camera.width_px) // 2, (side - camera.height_px) // 2
    frames.flags.writeable = False
    return frames[:, top : top + camera.height_px, left : left + camera.width_px]


def film(path: Path, shots: Sequence[Take], camera: Camera | None = None) -> list[int]:
    """Write the shots one after the other as H.264, and tell the frames at which they begin."""
    camera = camera or Camera()
    parts = [filmed(take, camera) for take in shots]
    write_film(path, np.concatenate(parts), camera)
    return [0, *np.cumsum([len(part) for part in parts])[:-1].tolist()]


def converted(source: Path, target: Path, *options: str) -> Path:
    """``source`` as ffmpeg rewrites it with these options of its command line."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-i", str(source), *options]
    subprocess.run([*command, str(target)], check=True)
    return target


def write_film(path: Path, frames: Frames, camera: Camera) -> None:
    """H.264 of good quality in whatever the suffix says, with a tone when the camera records sound."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=camera.fps, options={"crf": "16", "preset": "veryfast"})
        video.width, video.height, video.pix_fmt = camera.width_px, camera.height_px, "yuv420p"
        video.codec_context.thread_count = 1
        sound = container.add_stream("aac", rate=SOUND_HZ, layout="mono") if camera.sound else None
        for picture in frames:
            frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None:
            for start in range(0, len(frames) * SOUND_HZ // camera.fps, _AAC_SAMPLES):
                times = np.arange(start, start + _AAC_SAMPLES) / SOUND_HZ
                tone = np.sin(2 * np.pi * 440 * times, dtype=np.float32)[None]
                heard = AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
                heard.sample_rate, heard.pts, heard.time_base = SOUND_HZ, start, Fraction(1, SOUND_HZ)
                container.mux(sound.encode(heard))
            container.mux(sound.encode(None))
