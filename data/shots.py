"""Where the shots of a video begin and end, to the frame.

Knows nothing of clips. PySceneDetect sees cuts; the frames come from ``data.video``, with all its checks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from scenedetect import AdaptiveDetector, FrameTimecode  # type: ignore[import-untyped]

from data.errors import SampleRejected
from data.schema import Image
from data.video import checked_frames, is_on_grid, opened, seconds_of, stated_rate, variable_frame_rate

# A cut changes a frame several times as much as its neighbours change; a pan or a fast motion changes
# them all.  The second number, in levels of 0-255, keeps noise in still pictures from counting.
ADAPTIVE_RATIO = 3.0
MIN_CHANGE = 4.0
DETECTION_PX = 256
"""Longer side of the pictures in which cuts are looked for."""

DETECTOR = f"adaptive ratio={ADAPTIVE_RATIO} change={MIN_CHANGE} side={DETECTION_PX}"
"""All that decides where shots are found, for cache keys beside PySceneDetect's version."""

_HDR_TRANSFERS = frozenset({16, 18})  # PQ and HLG in ITU-T H.273: as SDR they look grey
_WINDOW_FRAMES = 2  # on both sides of the frame that is compared with them


@dataclass(frozen=True)
class Shot:
    """Frames ``begin`` to ``end`` of a video, counted from 0 and without ``end``."""

    begin: int
    end: int

    def __len__(self) -> int:
        return self.end - self.begin


@dataclass(frozen=True)
class ShotList:
    """All shots of a video in their order, without gaps: the last ends with the video."""

    fps: Fraction
    shots: tuple[Shot, ...]


def find_shots(path: Path) -> ShotList:
    """The shots of a file, found by decoding it once; memory holds a few small pictures.

    Hard cuts are found; a dissolve belongs to one shot or both.  Raises ``VideoError`` as
    ``data.video.decode`` does, and ``SampleRejected`` with the reason ``interlaced`` or
    ``high_dynamic_range`` for pictures that would not look right.
    """
    detector = AdaptiveDetector(
        adaptive_threshold=ADAPTIVE_RATIO,
        min_content_val=MIN_CHANGE,
        window_width=_WINDOW_FRAMES,
        min_scene_len=1,  # a cut soon after another one is still a cut
    )
    cuts = [0]
    num_frames = 0
    with opened(path) as container:
        rate = stated_rate(container.streams.video[0], path)
        for frame in even_frames(container, path):
            timecode = FrameTimecode(num_frames, fps=rate)
            cuts += [cut.frame_num for cut in detector.process_frame(timecode, _small_bgr(frame))]
            num_frames += 1
    ends = [*cuts[1:], num_frames]
    return ShotList(rate, tuple(Shot(begin, end) for begin, end in zip(cuts, ends, strict=True)))


def even_frames(container: InputContainer, path: Path) -> Iterator[VideoFrame]:
    """Every frame, checked as ``data.video.decode`` does and for what a normalised clip cannot show right."""
    stream = container.streams.video[0]
    rate = stated_rate(stream, path)
    tick = stream.time_base or Fraction(1, 1000)
    first = None
    for index, frame in enumerate(checked_frames(container, path)):
        time = seconds_of(frame)
        first = time if index == 0 else first
        if not is_on_grid(time, first, index, rate, tick):
            raise variable_frame_rate(path, rate)
        if frame.interlaced_frame:
            raise SampleRejected(
                "interlaced",
                f"{path}: frame {index} is interlaced; deinterlace it (ffmpeg -vf bwdif)",
                "none",
            )
        if frame.color_trc in _HDR_TRANSFERS:
            raise SampleRejected(
                "high_dynamic_range", f"{path} is HDR; map its tones to SDR (ffmpeg -vf tonemap)", "none"
            )
        yield frame


def _small_bgr(frame: VideoFrame) -> Image:
    scale = min(1.0, DETECTION_PX / max(frame.width, frame.height))
    small = frame.reformat(
        width=max(2, round(frame.width * scale)),
        height=max(2, round(frame.height * scale)),
        format="bgr24",
        interpolation=Interpolation.AREA,
    )
    return small.to_ndarray().astype(np.uint8, copy=False)
