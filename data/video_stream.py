"""A video file of any length as chunks of frames, decoded one after the other in bounded memory.

Knows nothing of what the frames are for. Every check of ``data.video`` is made here, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from data.errors import ContractError
from data.limits import require_room
from data.schema import Frames
from data.video import checked_frames, is_on_grid, opened, rgb, seconds_of, stated_rate, variable_frame_rate


def frame_chunks(path: Path, chunk_frames: int) -> Iterator[Frames]:
    """All frames of a file in their order: uint8 (t, H, W, 3) RGB, t = ``chunk_frames`` but for the last.

    Memory holds the chunk that is being filled; those given away belong to the caller.  The first chunk
    that is asked for opens the file.  Raises ``VideoError`` as ``data.video.decode`` does, as soon as the
    fault is met and thus perhaps after good chunks; ``ContractError`` for chunks of less than one frame.
    """
    if chunk_frames < 1:
        raise ContractError(f"a chunk needs at least one frame, got {chunk_frames}")
    with opened(path) as container:
        stream = container.streams.video[0]
        tick = stream.time_base or Fraction(1, 1000)
        filled = 0
        for index, frame in enumerate(checked_frames(container, path)):
            time = seconds_of(frame)
            if index == 0:
                first, rate = time, stated_rate(stream, path)
            if not is_on_grid(time, first, index, rate, tick):
                raise variable_frame_rate(path, rate)
            if filled == 0:
                require_room(path, chunk_frames, 3 * frame.width * frame.height)
                chunk = np.empty((chunk_frames, frame.height, frame.width, 3), np.uint8)
            chunk[filled] = rgb(frame)
            filled += 1
            if filled == chunk_frames:
                yield chunk
                filled = 0
        if filled:
            yield chunk[:filled]


def frame_rate(path: Path) -> float:
    """Frames a second as the file states them; raises ``VideoError`` for what is seen without decoding."""
    with opened(path) as container:
        return float(stated_rate(container.streams.video[0], path))
