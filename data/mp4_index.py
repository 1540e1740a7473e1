"""What the index of an MP4 or MOV file claims, looked at before libav makes an entry for each claim.

Knows nothing of what the samples are.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

from data.errors import VideoError

_OTHERS = (b"\x1aE\xdf\xa3", b"RIFF")  # Matroska and AVI list what they hold, entry by entry
_MEDIA = b"mdat"
_COMPRESSED = b"cmov"
# Boxes that claim any number of samples in a few bytes, and how far behind their name the number stands.
_CLAIMS = {b"stsz": 12, b"stz2": 12, b"trun": 8}


def require_honest_index(path: Path) -> None:
    """Raises ``VideoError`` (corrupt) when more samples are claimed than the file has bytes.

    A kilobyte could otherwise take gigabytes, and half a minute, when it is opened.  Also refused is an
    index that is compressed, which no camera has written for twenty years.  The file must not be empty.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[:4] in _OTHERS:
            return
        claimed = 0
        for begin, end in _headers(data):
            if _found(data, _COMPRESSED, begin, end):
                raise VideoError(path, "corrupt", "its index is compressed: rewrite it (ffmpeg -c copy)")
            claimed += sum(
                _claim(data, place, behind)
                for name, behind in _CLAIMS.items()
                for place in _found(data, name, begin, end)
            )
        if claimed > len(data):
            raise VideoError(
                path, "corrupt", f"its index claims {claimed:,} samples, and the file has {len(data):,} bytes"
            )


def _headers(data: mmap.mmap) -> Iterator[tuple[int, int]]:
    """Where the boxes of the outermost level begin and end, but for those of media."""
    begin = 0
    while begin + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, begin)
        if length == 1 and begin + 16 <= len(data):
            (length,) = struct.unpack_from(">Q", data, begin + 8)
        end = min(begin + length, len(data)) if length >= 8 else len(data)
        if name != _MEDIA:
            yield begin, end
        begin = end


def _found(data: mmap.mmap, name: bytes, begin: int, end: int) -> list[int]:
    """Wherever ``name`` stands. Boxes are not walked, for libav looks for them in unlikely places, too."""
    places = []
    while (begin := data.find(name, begin, end)) >= 0:
        places.append(begin)
        begin += len(name)
    return places


def _claim(data: mmap.mmap, place: int, behind: int) -> int:
    long_size = _number(data, place - 4) == 1  # eight bytes of size then follow the name
    return _number(data, place + behind + 8 * long_size)


def _number(data: mmap.mmap, place: int) -> int:
    """Four bytes; none where the file ends before."""
    return int.from_bytes(data[place : place + 4], "big") if 0 <= place <= len(data) - 4 else 0
