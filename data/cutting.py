"""Clips of one format cut from footage, each within one shot, with the place they came from.

Knows nothing of what a clip shows. A video or a shot that gives no clip is a recorded reject.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image as Pictures

from data.disk import file_sha256
from data.errors import SampleRejected, VideoError
from data.footage import SourceVideo
from data.schema import Blob, Clip, ClipFormat, Image
from data.shots import ShotList, even_frames, find_shots
from data.store import Store
from data.video import encode, opened, rgb, stated_rate

MARGIN_FRAMES = 2
"""Left out at both ends of a shot: conversions of the frame rate blend the pictures around a cut."""


@dataclass(frozen=True)
class CutClip:
    """One clip and its place: source frame ``first_frame`` of shot ``shot``, both counted from 0.

    ``start_seconds`` and ``end_seconds`` are that place in time, ``source_sha256`` the source file's hash.
    """

    video_id: str
    source_sha256: str
    shot: int
    first_frame: int
    start_seconds: float
    end_seconds: float
    blob: Blob


@dataclass(frozen=True)
class FootageReject:
    """A video (``shot`` is None) or a shot that gave no clip, and why; ``reason`` is a stable word."""

    video_id: str
    shot: int | None
    reason: str
    detail: str


@dataclass(frozen=True)
class FootageCut:
    """All that came of one video."""

    clips: tuple[CutClip, ...]
    rejects: tuple[FootageReject, ...]


def cut_video(video: SourceVideo, path: Path, store: Store, format_: ClipFormat) -> FootageCut:
    """Every clip that fits into the shots of ``video``, whose file lies at ``path``, put into ``store``.

    Clips do not overlap and lie in the middle of their shots.  Equal files give equal bytes.  Reasons of
    rejects are those of ``VideoError`` and of ``find_shots``, ``low_frame_rate`` and ``too_small`` (either
    would have to be invented), and for shots ``shot_too_short``.  Raises ``ConfigError`` when the disk
    refuses.
    """
    try:
        found = find_shots(path)
        starts = clip_starts(path, found, format_)
        source_sha256 = file_sha256(path)
        fps = found.fps
        places = [(shot, first) for shot, firsts in enumerate(starts) for first in firsts]
        clips = cut(path, [first for _, first in places], format_)
        made = tuple(
            CutClip(
                video_id=video.video_id,
                source_sha256=source_sha256,
                shot=shot,
                first_frame=first,
                start_seconds=float(first / fps),
                end_seconds=float(first / fps + Fraction(format_.num_frames, format_.fps)),
                blob=store.put_file(partial(encode, clip, origin="footage"), ".mp4"),
            )
            for (shot, first), clip in zip(places, clips, strict=True)
        )
    except VideoError as error:
        detail = str(error).removeprefix(f"{error.path}: ")
        return FootageCut((), (FootageReject(video.video_id, None, error.reason, detail),))
    except SampleRejected as error:
        return FootageCut((), (FootageReject(video.video_id, None, error.reason, error.detail),))
    needed = span_frames(fps, format_) + 2 * MARGIN_FRAMES
    rejects = tuple(
        FootageReject(
            video.video_id, index, "shot_too_short", f"{len(shot)} of {needed} frames from {shot.begin} on"
        )
        for index, (shot, firsts) in enumerate(zip(found.shots, starts, strict=True))
        if not firsts
    )
    return FootageCut(made, rejects)


def span_frames(fps: Fraction, format_: ClipFormat) -> int:
    """How many source frames lie within the duration of one clip."""
    return math.ceil(Fraction(format_.num_frames, format_.fps) * fps)


def clip_starts(path: Path, found: ShotList, format_: ClipFormat) -> tuple[tuple[int, ...], ...]:
    """The first source frames of all clips of each shot. Raises ``SampleRejected``: ``low_frame_rate``."""
    if found.fps < format_.fps:
        raise SampleRejected(
            "low_frame_rate",
            f"{path} has {float(found.fps):g} fps; clips of {format_.fps} would repeat frames",
            "none",
        )
    span = span_frames(found.fps, format_)
    starts = []
    for shot in found.shots:
        usable = len(shot) - 2 * MARGIN_FRAMES
        number = max(0, usable // span)
        first = shot.begin + MARGIN_FRAMES + (usable - number * span) // 2
        starts.append(tuple(first + index * span for index in range(number)))
    return tuple(starts)


def cut(path: Path, first_frames: Sequence[int], format_: ClipFormat) -> Iterator[Clip]:
    """The clips that begin at these source frames, which ascend and lie at least a clip apart.

    A clip's frame k is the source frame on screen k / fps seconds after its first.  Every frame is turned
    upright, cut to its central square and resampled; memory holds one clip.  Raises ``VideoError`` as
    ``data.video.decode`` does and for a clip that goes beyond the end (``missing_frame``);
    ``SampleRejected`` as ``find_shots`` and for pictures smaller than a clip (``too_small``).
    """
    waiting = iter(first_frames)
    first = next(waiting, None)
    taken: list[Image] = []
    with opened(path) as container:
        stream = container.streams.video[0]
        rate = stated_rate(stream, path)
        shape = stream.sample_aspect_ratio or Fraction(1)
        for index, frame in enumerate(even_frames(container, path)):
            if first is None:
                return
            if index < first + math.floor(len(taken) * rate / format_.fps):
                continue
            taken.append(_normalised(path, rgb(frame), shape, frame.rotation, format_.size_px))
            if len(taken) == format_.num_frames:
                yield Clip(np.stack(taken), format_.fps)
                taken = []
                first = next(waiting, None)
    if first is not None:
        raise VideoError(
            path,
            "missing_frame",
            f"ends within the clip that begins with frame {first}: is it the same file?",
        )


def _normalised(path: Path, picture: Image, shape: Fraction, rotation: int, size_px: int) -> Image:
    """The central square as the video is shown. ``shape`` is the width of a pixel over its height."""
    height, width, _ = picture.shape
    side = min(width * shape, Fraction(height))
    if side < size_px:
        raise SampleRejected(
            "too_small", f"{path} is {width}×{height} px; a clip of {size_px} px would be enlarged", "none"
        )
    across, down = float(side / shape), float(side)
    left, top = (width - across) / 2, (height - down) / 2
    # Pillow computes in integers, alike on every machine, and averages over all pixels when it shrinks.
    square = Pictures.fromarray(picture).resize(
        (size_px, size_px), Pictures.Resampling.LANCZOS, box=(left, top, left + across, top + down)
    )
    return np.rot90(np.asarray(square), rotation // 90)
