"""The edge where clips become H.264 files and files become clips, frame-exact and colour-exact.

Knows nothing of triplets, of the store, or of what a clip shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from data.disk import disk_errors
from data.errors import ConfigError, ContractError, VideoError
from data.limits import INPUT_OPTIONS, require_length, require_room, require_size
from data.mp4_index import require_honest_index
from data.provenance import Origin, marking
from data.schema import Clip, Image

# Measured on one rendered clip of 512×512: luma 47.3 dB; in RGB 39.3 dB, of which 4:2:0 alone allows 41.6.
# Preset medium gains 0.7 dB of luma there and took about twice as long or more on a shared machine.
# With x264's macroblock tree the bytes of equal clips differed from run to run, on one thread too, at 6 of
# 14 sizes tried, all up to 160 px; without it never. Files of equal quality grow by up to a half.
CRF = 14
PRESET = "veryfast"
_X264_PARAMS = "mbtree=0"
ENCODER = (
    f"libx264 crf={CRF} preset={PRESET} {_X264_PARAMS} yuv420p bt709 faststart bitexact threads=1; "
    f"PyAV {av.__version__}, libavcodec {'.'.join(map(str, av.library_versions['libavcodec']))}"
)
"""Identity of everything but the frames that decides the bytes of a file: part of every cache key."""

# swscale's fast default is about one level too dark in every channel of 4:2:0; these flags have no bias.
_ACCURATE = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
)
_BT709, _LIMITED_RANGE = 1, 1  # code points of ITU-T H.273 and of libavutil


@dataclass(frozen=True)
class VideoFacts:
    """What a video file is. ``num_frames`` are the frames that decode, not what its header claims."""

    width_px: int
    height_px: int
    fps: float
    num_frames: int
    duration_seconds: float
    codec: str
    pixel_format: str
    constant_frame_rate: bool


def encode(clip: Clip, path: Path, *, origin: Origin = "rendered") -> None:
    """Write ``clip`` to exactly ``path`` as H.264 yuv420p MP4; the same clip gives the same bytes.

    ``path`` must be a real file on a disk (the index is moved to the front afterwards); what stood
    there is replaced.  The metadata says where the pictures come from, see ``data.provenance``.
    Raises ``ConfigError`` for odd sizes and for a disk that refuses, ``ContractError`` for no frames.
    """
    num_frames, height, width, _ = clip.frames.shape
    if num_frames == 0:
        raise ContractError(f"cannot encode {path}: the clip has no frames")
    if width % 2 or height % 2:
        raise ConfigError(
            f"cannot encode {path}: {width}×{height} px, but yuv420p halves both sides: "
            f"use even sizes such as {width + width % 2}×{height + height % 2}"
        )
    container_options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with (
        disk_errors(path),
        av.open(str(path), "w", format="mp4", container_options=container_options) as container,
    ):
        container.metadata["comment"] = marking(origin)
        options = {"preset": PRESET, "crf": str(CRF), "x264-params": _X264_PARAMS, "flags": "+bitexact"}
        stream = container.add_stream("libx264", rate=_as_fraction(clip.fps), options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.thread_count = 1  # x264 splits its work by threads, and so do the bytes
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED_RANGE
        reformatter = VideoReformatter()
        for pixels in clip.frames:
            picture = reformatter.reformat(
                VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24"),
                format="yuv420p",
                dst_colorspace=Colorspace.ITU709,
                interpolation=_ACCURATE,
            )
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def decode(path: Path, indices: Sequence[int] | None = None) -> Clip:
    """Read a file: all frames, or exactly those at ``indices`` in the order and number asked for.

    Returns uint8 (T, H, W, 3) RGB, T = ``len(indices)``, at the file's own fps (also when frames are
    picked).  Memory holds the asked frames only, once.  Rotation and pixel aspect flags are not applied.
    Raises ``VideoError`` with a ``reason`` of: missing, not_a_file, unreadable, empty, not_a_video,
    wrong_extension, no_video_stream, no_frames, corrupt, truncated, size_changes,
    no_frame_rate, variable_frame_rate, missing_frame, unknown_codec, and too_large or too_long for what is
    beyond ``data.limits``; ``ContractError`` for no or negative indices.
    """
    if indices is None:
        return decode_sampled(path, range)
    read = _complete(path, indices, _read(path, indices))
    return Clip(read.frames, read.fps)


def decode_sampled(path: Path, sample: Callable[[int], Sequence[int]]) -> Clip:
    """Read the frames that ``sample`` picks when it is told how many the file has; else as ``decode``.

    Only the picked frames are turned into RGB and held, so that a long file costs no memory.
    """
    read = _sampled(path, sample)
    return Clip(read.frames, read.fps)


def decode_each(
    path: Path, sample: Callable[[int], Sequence[int]], made: Callable[[Image], npt.NDArray[Any]]
) -> npt.NDArray[Any]:
    """What ``made`` makes of each frame that ``sample`` picks, (T, …); else as ``decode_sampled``.

    Of the frames themselves one at a time is held, so that a large picture costs no memory either.
    """
    return _sampled(path, sample, made).frames


def probe(path: Path) -> VideoFacts:
    """Facts about a file, found by decoding it whole (about 50 ms for 80 frames of 512×512).

    Variable frame rates are reported, not refused; every other ``VideoError`` of ``decode`` is raised.
    """
    with opened(path) as container:
        stream = container.streams.video[0]
        num_frames, constant = 0, True
        for _, on_grid in _timed_frames(container, path):
            num_frames += 1
            constant = constant and on_grid
        rate = stated_rate(stream, path)
        context = stream.codec_context
        return VideoFacts(
            width_px=context.width,
            height_px=context.height,
            fps=float(rate),
            num_frames=num_frames,
            duration_seconds=num_frames / float(rate),
            codec=context.name,
            pixel_format=context.pix_fmt or "unknown",
            constant_frame_rate=constant,
        )


@dataclass(frozen=True)
class _Read:
    """The asked frames, of which those that the file does not have are left undefined."""

    frames: npt.NDArray[Any]
    num_frames: int
    fps: float


def _as_decoded(image: Image) -> Image:
    return image


def _sampled(
    path: Path,
    sample: Callable[[int], Sequence[int]],
    made: Callable[[Image], npt.NDArray[Any]] = _as_decoded,
) -> _Read:
    expected = num_packets(path)
    indices = sample(expected) if expected else [0]
    read = _read(path, indices, made)
    if read.num_frames != expected:  # an edit list, for one, hides pictures that the file holds
        indices = sample(read.num_frames)
        read = _read(path, indices, made)
    return _complete(path, indices, read)


def _read(
    path: Path, indices: Sequence[int], made: Callable[[Image], npt.NDArray[Any]] = _as_decoded
) -> _Read:
    """Decode the whole file, which alone shows damage, and keep each asked frame in its place at once."""
    if len(indices) == 0 or min(indices) < 0:
        raise ContractError(f"frame indices must be non-negative and not empty, got {list(indices)}")
    places: dict[int, list[int]] = {}
    for place, index in enumerate(indices):
        places.setdefault(index, []).append(place)
    frames: npt.NDArray[Any] | None = None
    num_frames, constant = 0, True
    with opened(path) as container:
        for index, (frame, on_grid) in enumerate(_timed_frames(container, path)):
            num_frames += 1
            constant = constant and on_grid
            if index in places:
                image = made(rgb(frame))
                if frames is None:  # only now is the size known
                    require_room(path, len(indices), image.nbytes)
                    frames = np.empty((len(indices), *image.shape), image.dtype)
                frames[places[index]] = image
        rate = stated_rate(container.streams.video[0], path)
    if not constant:
        raise variable_frame_rate(path, rate)
    return _Read(np.empty(0) if frames is None else frames, num_frames, float(rate))


def _complete(path: Path, indices: Sequence[int], read: _Read) -> _Read:
    absent = [index for index in indices if index >= read.num_frames]
    if absent:
        raise VideoError(
            path,
            "missing_frame",
            f"frame {absent[0]} was asked for, but the file has {read.num_frames} frames",
        )
    return read


def num_packets(path: Path) -> int:
    """How many frames a file seems to have, found without decoding."""
    count = 0
    with opened(path) as container, suppress(av.FFmpegError, OSError):  # decoding will name the damage
        for packet in container.demux(container.streams.video[0]):
            count += packet.size > 0
            require_length(path, count)
    return count


def opened(path: Path) -> InputContainer:
    """The container of a file that holds a video stream and is named after what it is."""
    try:
        if path.is_dir():
            raise VideoError(path, "not_a_file", "is a folder; name a video file")
        if path.stat().st_size == 0:
            raise VideoError(path, "empty", "the file is empty (0 bytes)")
        require_honest_index(path)
        # Titles are often not UTF-8. A file may be named "http:…", and only an absolute path is no address.
        container = av.open(str(path.absolute()), options=INPUT_OPTIONS, metadata_errors="replace")
    except FileNotFoundError as error:
        raise VideoError(path, "missing", "there is no such file") from error
    except OSError as error:
        raise VideoError(path, "unreadable", f"cannot be opened: {error.strerror}") from error
    except av.FFmpegError as error:
        raise VideoError(
            path,
            "not_a_video",
            f"is not a video in MP4, MOV, Matroska, WebM or AVI, or its index is damaged ({error.strerror})",
        ) from error
    try:
        known = container.format.extensions
        if path.suffix.lower().removeprefix(".") not in known | {"m4v"}:
            raise VideoError(
                path,
                "wrong_extension",
                f"is named {path.suffix or 'without a suffix'} but holds {container.format.long_name}: "
                "rename it after what it holds",
            )
        if not container.streams.video:
            raise VideoError(path, "no_video_stream", "has no video stream (sound only?)")
        stream = container.streams.video[0]
        if stream.codec_context is None:
            raise VideoError(path, "unknown_codec", "no decoder here knows how its pictures are coded")
        require_size(path, stream.width, stream.height)
        require_length(path, stream.frames)
    except VideoError:
        container.close()
        raise
    context = stream.codec_context
    context.options = {"max_pixels": INPUT_OPTIONS["max_pixels"]}
    # With more threads it depends on their timing whether damage is reported; measured, they are no faster.
    context.thread_count = 1
    return container


def checked_frames(container: InputContainer, path: Path) -> Iterator[VideoFrame]:
    """Every decoded frame in display order, checked for damage, for completeness and for one size."""
    stream = container.streams.video[0]
    num_packets = num_frames = 0
    size = None
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt:
                raise VideoError(path, "truncated", f"the file is cut off in picture {num_packets}")
            num_packets += packet.size > 0
            for frame in packet.decode():
                size = size or (frame.width, frame.height)
                if frame.is_corrupt:
                    raise VideoError(path, "corrupt", f"frame {num_frames} is damaged")
                if (frame.width, frame.height) != size:
                    change = f"{size[0]}×{size[1]} to {frame.width}×{frame.height}"
                    raise VideoError(path, "size_changes", f"changes from {change} px at frame {num_frames}")
                num_frames += 1
                require_length(path, num_frames)
                yield frame
    except (av.FFmpegError, OSError) as error:
        detail = f"damaged or cut off after frame {num_frames}, or larger than 8K ({error.strerror})"
        raise VideoError(path, "corrupt", detail) from error
    if num_frames == 0:
        raise VideoError(path, "no_frames", "has a video stream without a single frame")
    if "mp4" not in container.format.extensions:
        return  # other containers do not say how many pictures they hold, or say it wrongly (AVI)
    if num_packets < stream.frames:
        detail = f"the file is cut off: it holds {num_packets} of {stream.frames} pictures"
        raise VideoError(path, "truncated", detail)


def stated_rate(stream: VideoStream, path: Path) -> Fraction:
    """The frame rate that the file states, or that libav guesses."""
    rate = stream.average_rate or stream.guessed_rate
    if not rate:
        raise VideoError(path, "no_frame_rate", "states no frame rate and none can be guessed")
    return rate


def seconds_of(frame: VideoFrame) -> Fraction | None:
    """Exact presentation time, or None where the container gives none."""
    if frame.pts is None or frame.time_base is None:
        return None
    return frame.pts * frame.time_base


def _timed_frames(container: InputContainer, path: Path) -> Iterator[tuple[VideoFrame, bool]]:
    """Every checked frame, and whether its time is on the grid; no list of times, however long the file."""
    stream = container.streams.video[0]
    tick = stream.time_base or Fraction(1, 1000)
    for index, frame in enumerate(checked_frames(container, path)):
        time = seconds_of(frame)
        if index == 0:
            first, rate = time, stated_rate(stream, path)
        yield frame, is_on_grid(time, first, index, rate, tick)


def is_on_grid(
    time: Fraction | None, first: Fraction | None, index: int, rate: Fraction, tick: Fraction
) -> bool:
    """Whether a frame's time is where ``rate`` puts it, within the container's tick and 5 % of a frame."""
    if time is None or first is None:
        return False
    return abs(time - first - index / rate) <= tick + 1 / (20 * rate)


def variable_frame_rate(path: Path, rate: Fraction) -> VideoError:
    """What to say of frames that are not on the grid."""
    return VideoError(
        path,
        "variable_frame_rate",
        f"frames are not evenly spaced at {float(rate):g} fps; re-encode it at a constant rate "
        "(ffmpeg -fps_mode cfr -r RATE)",
    )


def rgb(frame: VideoFrame) -> Image:
    """A decoded frame as RGB, without the bias of swscale's fast default."""
    return frame.to_ndarray(format="rgb24", interpolation=_ACCURATE).astype(np.uint8, copy=False)


def _as_fraction(fps: float) -> Fraction:
    """29.97 as 30000/1001 would be a guess; 16.0 and every rate a file can hold come back unchanged."""
    return Fraction(fps).limit_denominator(1001 * 1000)
