"""The parts of batch after batch in a pool of threads: begun in order, a few ahead of whoever takes them.

It knows nothing of what a part computes.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from torch import Tensor

from moments.embedder import Part


class Feed:
    """At any time at most ``ahead`` parts are begun whose features are not yet taken.

    Those of a batch are begun after all of the one before, so that what parts share is in memory for one
    batch at a time, and features do not pile up where describing is slow.  Batches are taken in order.
    """

    def __init__(self, pool: ThreadPoolExecutor, ahead: int) -> None:
        self._pool = pool
        self._room = ahead
        self._lock = threading.Lock()
        self._left: deque[Chunks] = deque()

    def chunks(self, parts: deque[Part]) -> Chunks:
        """The features of all parts in their order; each is taken out as it is begun."""
        chunks = Chunks(self, parts)
        with self._lock:
            self._left.append(chunks)
            self._begin()
        return chunks

    def take(self, chunks: Chunks) -> None:
        """The first features of a batch are taken: there is room for another part."""
        with self._lock:
            chunks.begun.popleft()
            self._room += 1
            self._begin()

    def drop(self, chunks: Chunks) -> None:
        """Begin no more of a batch; what is begun of it takes no room any more."""
        with self._lock:
            chunks.parts.clear()
            self._room += len(chunks.begun)
            chunks.begun.clear()
            self._begin()

    def _begin(self) -> None:
        while self._room and self._left:
            first = self._left[0]
            if first.parts:
                first.begun.append(self._pool.submit(first.parts.popleft()))
                self._room -= 1
            else:
                self._left.popleft()


class Chunks:
    """What a feed has of one batch; ``close`` it, taken to the end or not, for the next one waits for it."""

    def __init__(self, feed: Feed, parts: deque[Part]) -> None:
        self.parts = parts
        self.begun: deque[Future[Tensor]] = deque()
        self._feed = feed

    def __iter__(self) -> Iterator[Tensor]:
        while self.begun:
            features = self.begun[0].result()
            self._feed.take(self)
            yield features

    def close(self) -> None:
        self._feed.drop(self)
