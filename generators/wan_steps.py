"""Denoising steps told to whoever watches: each once for every clip, also where clips are begun anew.

It knows neither model nor progress bar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from generators.base import OnStep


class Steps:
    """Of the clips of one request to the model, whatever the number of them in a call."""

    def __init__(self, on_step: OnStep) -> None:
        self._on_step = on_step
        self._taken = 0
        self._repeated = 0

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Steps taken inside are not told again by later attempts when this one fails."""
        self._taken = 0
        try:
            yield
        except BaseException:
            self._repeated += self._taken
            raise

    def of(self, clips: int) -> Callable[..., dict[str, Any]]:
        """What diffusers calls after each step of a call that makes so many clips."""

        def callback(*_: Any) -> dict[str, Any]:
            for _clip in range(clips):
                self._taken += 1
                if self._repeated:
                    self._repeated -= 1
                else:
                    self._on_step()
            return {}

        return callback
