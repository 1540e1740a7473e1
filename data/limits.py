"""What a file from elsewhere may cost: how large pictures may be, how much is held, what ffmpeg may open.

Knows nothing of what files show.  Every limit lies above any honest use; beyond it a file is refused before
its pictures take memory, by what its header says and again by what is in it, for headers lie.
"""

from __future__ import annotations

from pathlib import Path

from data.errors import VideoError

MAX_IMAGE_PIXELS = 2**25
"""Of a still picture, which is not unpacked beyond: twice as many as any image model makes today."""

MAX_FRAME_PIXELS = 35_651_584
"""Of one frame: the largest picture of level 6.2 of H.264 and H.265 and of level 6.3 of AV1, which is 8K in
every shape. In RGB such a frame takes 107 MB."""

MAX_FRAMES = 24 * 60 * 60 * 60
"""Of one video: a day at 60 fps. Reading it frame by frame takes time, not memory; this bounds the time."""

MAX_HELD_BYTES = 6 * 2**30
"""Of decoded frames in memory at once: ten seconds of 4K at 24 fps. Longer footage is read in chunks."""

INPUT_OPTIONS = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,matroska,avi",
    "max_pixels": str(MAX_FRAME_PIXELS),
}
"""What libav and the program ffmpeg are told of every file they open.

A playlist (HLS, DASH, ffconcat, SDP, a pattern of images) can name other files and addresses, whatever it is
called itself; only containers that hold their own pictures are opened: MP4 and MOV, Matroska and WebM, AVI.
``max_pixels`` stops a decoder before it allocates a picture, also where the container told another size.
"""


def require_size(path: Path, width_px: int, height_px: int) -> None:
    """Raises ``VideoError`` (too_large) for frames beyond ``MAX_FRAME_PIXELS``."""
    if width_px * height_px > MAX_FRAME_PIXELS:
        raise VideoError(
            path,
            "too_large",
            f"has frames of {width_px}×{height_px} px; at most {MAX_FRAME_PIXELS / 1e6:.1f} megapixels (8K) "
            "are read: scale it down",
        )


def require_length(path: Path, num_frames: int) -> None:
    """Raises ``VideoError`` (too_long) beyond ``MAX_FRAMES``."""
    if num_frames > MAX_FRAMES:
        raise VideoError(
            path, "too_long", f"has more than {MAX_FRAMES:,} frames, a day at 60 fps: cut it into parts"
        )


def require_room(path: Path, num_frames: int, frame_bytes: int) -> None:
    """Raises ``VideoError`` (too_large) when so many frames are beyond ``MAX_HELD_BYTES``."""
    if num_frames * frame_bytes > MAX_HELD_BYTES:
        raise VideoError(
            path,
            "too_large",
            f"{num_frames} frames of {frame_bytes / 1e6:.1f} MB were asked for at once, more than "
            f"{MAX_HELD_BYTES / 2**30:g} GiB: cut it into parts or scale it down",
        )
