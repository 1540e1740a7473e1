"""The end of a run in which nothing moves any more: no piece of work ends and no step is taken.

A thread that hangs in a library cannot be stopped, its process can: nothing finished is lost by that. Knows
no stage. Work that waits for people or for a vendor's batch is not watched; paid calls have a deadline of
their own.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flows.progress import StageProgress, watcher
from flows.terminal import console

AGAIN = 1  # the exit code for what may go better another time


class Moving:
    """Passes progress on, and remembers when there last was any."""

    def __init__(self, shown: StageProgress) -> None:
        self._shown = shown
        self.last = time.monotonic()
        self.stage = ""

    def expect(self, stage: str, pieces: int) -> None:
        self._shown.expect(stage, pieces)

    def advance(self, stage: str) -> None:
        self.last, self.stage = time.monotonic(), stage
        self._shown.advance(stage)


def leave(message: str) -> None:
    """End the process at once, whatever its threads do."""
    console.print(f"not available now: {message}", style="red", markup=False, highlight=False, soft_wrap=True)
    os._exit(AGAIN)


@contextmanager
def moving(
    shown: StageProgress, minutes: float, end: Callable[[str], None] = leave
) -> Iterator[StageProgress]:
    """Progress for the block, also for the steps of backends; ``end`` when there is none for ``minutes``."""
    progress, over = Moving(shown), threading.Event()

    def watch() -> None:
        while not over.wait(min(5.0, 6.0 * minutes)):  # a tenth of a short deadline
            silent = (time.monotonic() - progress.last) / 60
            if silent > minutes:
                after = f" after {progress.stage}" if progress.stage else ""
                end(
                    f"no progress for {silent:.0f} min{after}: a backend hangs. Run the same command again; "
                    "what is finished is kept. Where that is not enough time, raise no_progress_minutes in "
                    "the recipe"
                )
                return

    threading.Thread(target=watch, name="no-progress", daemon=True).start()
    token = watcher.set(progress)
    try:
        yield progress
    finally:
        watcher.reset(token)
        over.set()
