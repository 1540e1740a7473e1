"""Files that others wrote: odd time stamps, and every kind of damage with the reason it must be given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from tests.data.samples import clip


def write_video(
    path: Path,
    pts: Sequence[int],
    codec: str = "libx264",
    container_format: str = "mp4",
    height: int = 64,
    width: int = 96,
) -> Path:
    """A file with chosen time stamps, in ticks of 1/16 s."""
    options = {"avoid_negative_ts": "disabled"}  # an edit list then hides what comes before 0
    with av.open(str(path), "w", format=container_format, options=options) as container:
        stream = container.add_stream(codec, rate=16)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 16)
        for time, pixels in zip(
            pts, clip(num_frames=len(pts), height=height, width=width).frames, strict=True
        ):
            frame = VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 16)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def sound_only(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=48000)
        frame = AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def no_frames(path: Path) -> None:
    options = {"movflags": "+empty_moov"}
    with av.open(str(path), "w", format="mp4", container_options=options) as container:
        stream = container.add_stream("mpeg4", rate=16)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        container.start_encoding()


def cut_to(share: float) -> Callable[[Path, bytes], object]:
    return lambda path, data: path.write_bytes(data[: int(len(data) * share)])


def cut_between_pictures(path: Path, data: bytes) -> None:
    """What is there is sound; only the index in front knows that more was meant."""
    path.write_bytes(data)
    with av.open(str(path)) as container:
        starts = [packet.pos for packet in container.demux(video=0)]
    path.write_bytes(data[: starts[12]])


def flipped(num_bytes: int) -> Callable[[Path, bytes], object]:
    def write(path: Path, data: bytes) -> None:
        damaged = bytearray(data)
        start = data.index(b"mdat") + 3000  # behind the parameters, inside pictures
        for place in np.random.default_rng(num_bytes).integers(start, len(data), num_bytes):
            damaged[place] ^= 0xFF
        path.write_bytes(damaged)

    return write


BAD_FILES = {
    "missing": ("missing", lambda path, data: None),
    "folder": ("not_a_file", lambda path, data: path.mkdir()),
    "empty": ("empty", lambda path, data: path.touch()),
    "text": ("not_a_video", lambda path, data: path.write_text("no video at all\n" * 50)),
    "noise": ("not_a_video", lambda path, data: path.write_bytes(np.random.default_rng(0).bytes(4000))),
    "picture": ("not_a_video", lambda path, data: save_png(path)),
    "sound": ("no_video_stream", lambda path, data: sound_only(path)),
    "no frames": ("no_frames", lambda path, data: no_frames(path)),
    "half": ("truncated", cut_to(0.5)),
    "nine tenths": ("truncated", cut_to(0.9)),
    "all but 1 %": ("truncated", cut_to(0.99)),
    "cut between pictures": ("truncated", cut_between_pictures),
    "flips": ("corrupt", flipped(40)),
}


def save_png(path: Path) -> None:
    from PIL import Image

    Image.fromarray(clip().frames[0]).save(path, "png")
