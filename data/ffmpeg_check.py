"""Whether clips can be written and read here: an ffmpeg that runs and encodes H.264, and the disk's room.

It writes nothing.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import av
import imageio_ffmpeg

from data.finding import Finding

GB = 1e9
TIMEOUT_SECONDS = 20


def check_ffmpeg() -> Finding:
    """The program that previews and real footage need, and the library that clips are written with."""
    try:
        program = imageio_ffmpeg.get_ffmpeg_exe()
        asked = [program, "-hide_banner", "-encoders"]
        answer = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=TIMEOUT_SECONDS)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        return Finding(
            "ffmpeg",
            False,
            f"no ffmpeg runs here: {error}",
            "install ffmpeg, or name one in IMAGEIO_FFMPEG_EXE",
        )
    if "libx264" not in answer.stdout or "libx264" not in av.codecs_available:
        lacking = "PyAV" if "libx264" in answer.stdout else program
        return Finding("ffmpeg", False, f"{lacking} has no libx264", "install one with libx264")
    return Finding("ffmpeg", True, f"{program} and PyAV {av.__version__}, both with libx264")


def check_disk(folder: Path, wanted_bytes: float) -> Finding:
    """Room where ``folder`` lies or will lie."""
    standing = folder.absolute()
    while not standing.exists():
        standing = standing.parent
    free = shutil.disk_usage(standing).free
    enough = free >= wanted_bytes
    wanted = f", about {wanted_bytes / GB:.1f} GB wanted" if wanted_bytes else ""
    return Finding(
        "disk",
        enough,
        f"{standing}: {free / GB:.1f} GB free{wanted}",
        "" if enough else "free some space, or choose another folder with --out",
    )
