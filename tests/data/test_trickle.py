"""Bodies that trickle end in time; those that are whole in time come as they are."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2
import pytest

from data.trickle import MOST_SILENCES, whole_in_time


class Trickling(httpx2.SyncByteStream):
    """Parts of a body, each ``pause_seconds`` of a clock of its own after the one before."""

    def __init__(self, parts: list[bytes], pause_seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
        self._parts, self._pause_seconds, self._now = parts, pause_seconds, 1000.0
        self.given, self.closed = 0, False
        monkeypatch.setattr(time, "monotonic", lambda: self._now)

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            self._now += self._pause_seconds
            self.given += 1
            yield part

    def close(self) -> None:
        self.closed = True


def asked(body: Trickling, silence_seconds: float) -> httpx2.Response:
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, stream=body))
    with httpx2.Client(transport=transport, event_hooks=whole_in_time(silence_seconds)) as client:
        return client.get("http://vendor/answer")


def test_a_slow_body_that_is_whole_in_time_comes_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    body = Trickling([b" ", b'{"a"', b": 1}"], pause_seconds=0.9 * MOST_SILENCES / 3, monkeypatch=monkeypatch)

    assert asked(body, silence_seconds=1.0).json() == {"a": 1}
    assert body.closed


def test_a_body_that_never_ends_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    body = Trickling([b" "] * 1000, pause_seconds=1.0, monkeypatch=monkeypatch)

    with pytest.raises(httpx2.ReadTimeout, match="still coming after 10 s"):
        asked(body, silence_seconds=2.0)
    assert body.given == 2 * MOST_SILENCES + 1
    assert body.closed, "the connection would stay open"
