"""Small pictures of finished clips for a page: a triplet side by side, and a still.

Knows nothing of triplets or pages.  Works on files that ``data.video`` wrote; anything that cannot be
read is a ``VideoError``, as there.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import ffmpeg
import imageio_ffmpeg
import PIL.Image

from data.disk import disk_errors
from data.errors import ConfigError, ContractError
from data.limits import INPUT_OPTIONS
from data.schema import Image
from data.video import decode, opened, probe

_TRIAL_BYTES = 1 << 20  # written where ffmpeg failed, to learn why
# A plain ffmpeg reports success on a damaged file and conceals what it cannot read.
_STRICT = ("-hide_banner", "-nostdin", "-loglevel", "error", "-xerror", "-filter_complex_threads", "1")


def side_by_side(paths: Sequence[Path], out: Path, height_px: int) -> None:
    """Write one MP4 to ``out`` that plays the clips next to each other, each ``height_px`` high.

    The clips share a frame rate; the shortest sets the length.  H.264 yuv420p, index in front, no
    sound, small rather than fine.  Raises ``VideoError`` when a clip cannot be read (``out`` is then
    removed), ``ConfigError`` when ``out`` cannot be written or is one of the clips, ``ContractError`` for
    fewer than two clips or an odd height.
    """
    if len(paths) < 2 or height_px < 2 or height_px % 2:
        raise ContractError(f"side by side needs two clips and an even height, got {len(paths)}, {height_px}")
    if out.resolve() in [path.resolve() for path in paths]:
        raise ConfigError(f"{out} is one of the clips to show and would be overwritten: name another file")
    for path in paths:
        opened(path).close()  # refuses what ffmpeg had better not see
    scaled = [
        # ffmpeg-python merges equal inputs and then refuses the graph; the queue size tells them apart.
        ffmpeg.input(
            str(path.absolute()), threads=1, thread_queue_size=8 + index, **INPUT_OPTIONS
        ).video.filter(
            "scale", w=-2, h=height_px, flags="accurate_rnd+full_chroma_int+full_chroma_inp+bicubic"
        )
        for index, path in enumerate(paths)
    ]
    graph = ffmpeg.filter(scaled, "hstack", inputs=len(scaled), shortest=1).output(
        str(out.absolute()),
        format="mp4",
        vcodec="libx264",
        preset="veryfast",
        crf=26,
        pix_fmt="yuv420p",
        threads=1,
        movflags="+faststart",
        fflags="+bitexact",
        **{"flags:v": "+bitexact", "x264-params": "mbtree=0"},  # bytes repeat, see data.video
    )
    try:
        ffmpeg.run(
            graph.global_args(*_STRICT),
            cmd=imageio_ffmpeg.get_ffmpeg_exe(),
            capture_stderr=True,
            overwrite_output=True,
        )
    except ffmpeg.Error as error:
        with suppress(OSError):
            out.unlink()
        for path in paths:
            probe(path)  # says which clip it is, and why
        with disk_errors(out):  # ffmpeg has words for what a write of our own tells by its kind
            out.write_bytes(bytes(_TRIAL_BYTES))
            out.unlink()
        said = error.stderr.decode(errors="replace").strip().splitlines()
        raise ConfigError(f"cannot write {out}: ffmpeg says {said[-1] if said else error}") from error


def poster(path: Path, out: Path, height_px: int) -> None:
    """Write the middle frame of a clip to ``out`` as a JPEG ``height_px`` high."""
    frame = decode(path, [probe(path).num_frames // 2]).frames[0]
    with disk_errors(out):
        out.write_bytes(jpeg(frame, height_px))


def jpeg(frame: Image, height_px: int) -> bytes:
    """One frame, uint8 (H, W, 3) RGB, as a JPEG ``height_px`` high."""
    picture = PIL.Image.fromarray(frame)
    width_px = round(picture.width * height_px / picture.height)
    data = io.BytesIO()
    picture.resize((width_px, height_px), PIL.Image.Resampling.LANCZOS).save(data, "jpeg", quality=82)
    return data.getvalue()
