"""Progress of a run for whoever watches: bars in a terminal, lines in a log elsewhere.

A stage reports counts only; this file decides how they are shown.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class StageProgress(Protocol):
    """What a flow tells of its stages. Safe to call from any thread."""

    def expect(self, stage: str, pieces: int) -> None:
        """So many pieces more are to be done."""

    def advance(self, stage: str) -> None:
        """One piece is done."""


class LogProgress:
    """A line in the log each time another tenth of a stage is done."""

    def __init__(self, logger: logging.Logger | logging.LoggerAdapter[logging.Logger]) -> None:
        self._logger = logger
        self._lock = threading.Lock()
        self._done: Counter[str] = Counter()
        self._expected: Counter[str] = Counter()

    def expect(self, stage: str, pieces: int) -> None:
        with self._lock:
            self._expected[stage] += pieces

    def advance(self, stage: str) -> None:
        with self._lock:
            self._done[stage] += 1
            done, expected = self._done[stage], self._expected[stage]
        if 10 * done // expected != 10 * (done - 1) // expected:
            self._logger.info("%s: %d of %d", stage, done, expected)


class BarProgress:
    """One bar a stage with its count, the time it took and the time left."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bars: dict[str, TaskID] = {}
        self._expected: Counter[str] = Counter()

    def expect(self, stage: str, pieces: int) -> None:
        self._expected[stage] += pieces
        if stage not in self._bars:
            self._bars[stage] = self._progress.add_task(stage, total=0)
        self._progress.update(self._bars[stage], total=self._expected[stage])

    def advance(self, stage: str) -> None:
        self._progress.advance(self._bars[stage])


watcher: ContextVar[StageProgress | None] = ContextVar("watcher", default=None)


@contextmanager
def bars(console: Console) -> Iterator[None]:
    """Show every flow that runs inside as bars on ``console``."""
    columns = (
        TextColumn("{task.description:<14}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("·"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        token = watcher.set(BarProgress(progress))
        try:
            yield
        finally:
            watcher.reset(token)
