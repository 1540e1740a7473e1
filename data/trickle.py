"""An end to answers that trickle in for ever: the body of an HTTP answer is whole in time, or lost.

A client's own timeout bounds each silence alone, and servers exist that send blanks while they work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx2

MOST_SILENCES = 5
"""A whole body may take so many times as long as its server may stay silent."""


class _Bounded(httpx2.SyncByteStream):
    """The parts of ``stream`` as they come, for ``seconds``; then ``httpx2.ReadTimeout``."""

    def __init__(self, stream: httpx2.SyncByteStream, seconds: float) -> None:
        self._stream = stream
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def __iter__(self) -> Iterator[bytes]:
        for part in self._stream:
            if time.monotonic() > self._end:
                raise httpx2.ReadTimeout(f"the answer was still coming after {self._seconds:.0f} s")
            yield part

    def close(self) -> None:
        self._stream.close()


def whole_in_time(silence_seconds: float) -> dict[str, list[Callable[[httpx2.Response], None]]]:
    """The ``event_hooks`` of an ``httpx2.Client`` whose timeout for a silence is ``silence_seconds``."""

    def bound(response: httpx2.Response) -> None:
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _Bounded(response.stream, MOST_SILENCES * silence_seconds)

    return {"response": [bound]}
