"""Clips as annotators get them: small, without sound, in the one codec that every browser plays.

Knows no server, and not what the clips are for.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import PIL.Image

from data.disk import file_sha256
from data.errors import ConfigError
from data.schema import Clip
from data.video import decode, encode

HEIGHT_PX = 320
_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi"})


def write_preview(clip: Path, out: Path) -> None:
    """Write ``clip`` to ``out`` as H.264 yuv420p MP4 of at most ``HEIGHT_PX`` rows, every frame kept.

    Raises ``VideoError`` for a file that is missing or cannot be read as a video, with its reason.
    """
    encode(_shrunk(decode(clip)), out)


def clips_below(folder: Path) -> dict[str, Path]:
    """Every video file in ``folder`` and below, by the sha256 of its bytes."""
    if not folder.is_dir():
        raise ConfigError(f"{folder} is no folder: name one with the clips of the items")
    return by_sha256(path for path in sorted(folder.rglob("*")) if path.suffix.lower() in _SUFFIXES)


def by_sha256(paths: Iterable[Path]) -> dict[str, Path]:
    """The files by the sha256 of their bytes."""
    return {file_sha256(path): path for path in paths}


def _shrunk(clip: Clip) -> Clip:
    _, height, width, _ = clip.frames.shape
    scale = min(1.0, HEIGHT_PX / height)
    # H.264 halves both sides, so they must be even; two pixels are the least.
    size = max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)
    if size == (width, height):
        return clip
    frames = [PIL.Image.fromarray(frame).resize(size, PIL.Image.Resampling.BOX) for frame in clip.frames]
    return Clip(np.stack([np.asarray(frame) for frame in frames]), clip.fps)
