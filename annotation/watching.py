"""Looking at a study again and again: a poll at an interval, earlier when a hint came, until all is answered.

Knows no terminal. Polling is the source of truth: without hints everything is noticed, only later.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from annotation.answers import answers
from annotation.pull import pull
from annotation.server import Connection
from annotation.status import Standing, standing
from annotation.studio import Studio
from annotation.study import Study
from annotation.webhook import Hints, register, unregister
from data.errors import BackendUnavailable, ConfigError

GAP_SECONDS = 5.0
"""Hints bring no two polls nearer together than this: many people may submit at once."""
RETRY_SECONDS = 30.0
"""A server that is away is asked again after this, or after the interval if that is shorter."""


@dataclass(frozen=True)
class Look:
    """What one poll found.

    ``num_new`` answers came since the last one. ``trouble`` says why a poll could not be finished, None where
    it could; ``deaf``, once, why hints are not to be had. ``hinted`` is whether a hint brought it forward,
    and ``next_seconds`` the time to the next one, None after the last.
    """

    standing: Standing
    num_new: int
    trouble: str | None
    deaf: str | None
    hinted: bool
    next_seconds: float | None


def watch(
    folder: Path,
    connect: Callable[[], Connection],
    *,
    every_seconds: float,
    until_complete: bool,
    sleep: Callable[[float], object] = time.sleep,
) -> Generator[Look, None, None]:
    """Look at the study in ``folder`` now, and again every so often, for ever or until all is answered.

    ``connect`` is asked before each poll, so that a server that was started anew elsewhere is found. A server
    that is away is asked again and again. What only the user can mend ends it at the first poll by
    ``ConfigError``; later on, when others go on answering, it is told and looked at again.
    """
    study = Study(folder)
    before = standing(study, answers(study)).num_answered
    with ExitStack() as stack:
        ear = _Ear(stack, study, sleep)
        stack.callback(ear.close, connect)
        hinted, begun, told = False, False, False
        while True:
            trouble = None
            try:
                with Studio(connect()) as studio:
                    ear.listen(studio, Study(folder))
                    pull(studio, folder)
                    begun = True
            except BackendUnavailable as error:
                trouble = str(error)
            except ConfigError as error:
                if not begun:
                    raise
                trouble = str(error)
            study = Study(folder)
            now = standing(study, answers(study))  # also after trouble: the other projects were copied
            over = until_complete and now.num_answered >= now.num_slots
            pause = min(every_seconds, RETRY_SECONDS) if trouble else every_seconds
            new, before = now.num_answered - before, now.num_answered
            deaf, told = (None if told else ear.deaf), told or ear.deaf is not None
            yield Look(now, new, trouble, deaf, hinted, None if over else pause)
            if over:
                return
            sleep(min(pause, GAP_SECONDS))
            hinted = ear.wait(max(pause - GAP_SECONDS, 0.0))


class _Ear:
    """Hints where they are to be had; ``deaf`` says why not. Without them it sleeps."""

    def __init__(self, stack: ExitStack, study: Study, sleep: Callable[[float], object]) -> None:
        self.deaf: str | None = None
        self._sleep = sleep
        self._hints: Hints | None = None
        try:
            self._hints = stack.enter_context(Hints(study))
        except OSError as error:
            self.deaf = f"no address of this machine's own to listen on ({error.strerror})"

    def listen(self, studio: Studio, study: Study) -> None:
        """Have the server send hints of all projects, also of those that were added since."""
        if self._hints is not None and self.deaf is None:
            try:
                register(studio, self._hints, study.projects.values())
            except ConfigError as error:
                self.deaf = str(error)

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until a hint comes; whether one did."""
        if self._hints is not None and self.deaf is None:
            return self._hints.wait(seconds)
        self._sleep(seconds)
        return False

    def close(self, connect: Callable[[], Connection]) -> None:
        if self._hints is not None and self._hints.projects:
            try:
                with Studio(connect()) as studio:
                    unregister(studio, self._hints)
            except (BackendUnavailable, ConfigError):
                pass  # hints that nobody hears are no harm; the next receiver removes them
