"""A silent video joined with the sound of the file it was made from.

Knows nothing of frames or pacing.  Nothing is encoded again but the sound.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import ffmpeg
import imageio_ffmpeg

from data.disk import disk_errors
from data.errors import ConfigError
from data.limits import INPUT_OPTIONS
from data.video import opened, probe

Sound = Literal["drop", "keep", "stretch"]

_SLOWEST = 0.5  # of one atempo filter; slower takes several
_STRICT = ("-hide_banner", "-nostdin", "-loglevel", "error", "-xerror")
_RETIMED = "Footage re-timed by SimMotion; frames in between are computed."


def remux(video: Path, source: Path, out: Path, sound: Sound) -> bool:
    """Write ``video`` to ``out`` (MP4) with the sound of ``source``; True when there is any in the result.

    ``drop`` leaves it out.  ``keep`` takes it as it is, cut off or followed by silence where the video
    is shorter or longer.  ``stretch`` changes its tempo, not its pitch, by the ratio of the two videos'
    lengths; it does so evenly, and does not follow changes of pace within the video.  A source without
    sound gives none.  The comment of ``source`` is kept behind a remark on what was done, for it may say
    that a model made the pictures.

    Raises ``VideoError`` when either cannot be read, ``ConfigError`` when ``out`` cannot be written or
    is one of the two.
    """
    if out.resolve() in (video.resolve(), source.resolve()):
        raise ConfigError(f"{out} is one of the files to join and would be overwritten: name another file")
    facts = probe(video)
    comment, has_sound = _about(source)
    streams = [ffmpeg.input(str(video.absolute()), **INPUT_OPTIONS).video]
    if sound != "drop" and has_sound:
        heard = ffmpeg.input(str(source.absolute()), thread_queue_size=1024, **INPUT_OPTIONS).audio
        if sound == "stretch":
            for tempo in tempos(probe(source).duration_seconds / facts.duration_seconds):
                heard = heard.filter("atempo", tempo)
        streams.append(heard.filter("apad").filter("atrim", duration=facts.duration_seconds))
    graph = ffmpeg.output(
        *streams,
        str(out.absolute()),
        format="mp4",
        vcodec="copy",
        acodec="aac",
        movflags="+faststart",
        fflags="+bitexact",
        metadata=f"comment={_RETIMED} {comment}".strip(),
        **{"flags:a": "+bitexact"},
    )
    with disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    try:
        ffmpeg.run(
            graph.global_args(*_STRICT),
            cmd=imageio_ffmpeg.get_ffmpeg_exe(),
            capture_stderr=True,
            overwrite_output=True,
        )
    except ffmpeg.Error as error:
        out.unlink(missing_ok=True)
        said = error.stderr.decode(errors="replace").strip().splitlines()
        raise ConfigError(f"cannot write {out}: ffmpeg says {said[-1] if said else error}") from error
    return len(streams) > 1


def tempos(factor: float) -> list[float]:
    """Tempos, each no slower than one filter can be, whose product is ``factor`` (above 0)."""
    slow = []
    while factor < _SLOWEST:
        slow.append(_SLOWEST)
        factor /= _SLOWEST
    return [*slow, factor]


def _about(source: Path) -> tuple[str, bool]:
    """The comment in a file, and whether it has sound."""
    with opened(source) as container:
        return container.metadata.get("comment", ""), bool(container.streams.audio)
