"""Parts are begun batch after batch, a few ahead of those that are taken, whatever becomes of a batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import torch

from moments.embedder import Part
from moments.feed import Feed

AHEAD = 3


class Log:
    """Parts that write down when they were begun: (batch, part)."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._begun: list[tuple[int, int]] = []

    def parts(self, batch: int, number: int) -> deque[Part]:
        return deque(partial(self._compute, batch, part) for part in range(number))

    def begun(self) -> list[tuple[int, int]]:
        """All that was begun so far: the one thread of the pool is done with them when it comes to this."""
        return self._pool.submit(lambda: list(self._begun)).result(timeout=60)

    def _compute(self, batch: int, part: int) -> torch.Tensor:
        self._begun.append((batch, part))
        if part < 0:
            raise ValueError("no features")
        return torch.tensor([batch, part])


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as threads:
        yield threads


def test_a_batch_is_begun_after_all_of_the_one_before(pool: ThreadPoolExecutor) -> None:
    feed, log = Feed(pool, AHEAD), Log(pool)
    first, second = feed.chunks(log.parts(1, 5)), feed.chunks(log.parts(2, 4))
    assert log.begun() == [(1, 0), (1, 1), (1, 2)]
    taken = [chunk.tolist() for chunk in first]
    assert taken == [[1, part] for part in range(5)]
    assert log.begun() == [(1, part) for part in range(5)] + [(2, 0), (2, 1), (2, 2)]
    first.close()
    assert [chunk.tolist() for chunk in second] == [[2, part] for part in range(4)]


@pytest.mark.parametrize("taken", [0, 1, 4])
def test_a_batch_that_is_closed_early_leaves_its_room_to_the_next(
    taken: int, pool: ThreadPoolExecutor
) -> None:
    feed, log = Feed(pool, AHEAD), Log(pool)
    first, second = feed.chunks(log.parts(1, 9)), feed.chunks(log.parts(2, 4))
    for _, chunk in zip(range(taken), first, strict=False):
        assert chunk[0] == 1
    first.close()
    assert [part for part in log.begun() if part[0] == 2] == [(2, 0), (2, 1), (2, 2)]
    assert len(list(second)) == 4


def test_an_error_comes_where_its_features_are_taken_and_the_next_batch_goes_on(
    pool: ThreadPoolExecutor,
) -> None:
    feed, log = Feed(pool, AHEAD), Log(pool)
    first, second = feed.chunks(deque([partial(log._compute, 1, -1)])), feed.chunks(log.parts(2, 4))
    with pytest.raises(ValueError, match="no features"):
        next(iter(first))
    first.close()
    assert [chunk.tolist() for chunk in second] == [[2, part] for part in range(4)]
