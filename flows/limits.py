"""How fast a vendor may be asked: requests and tokens a minute, calls at once, and rests that it asks for.

Knows no vendor, no call and no price. Nothing here sends or repeats anything.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from data.errors import BackendUnavailable, GaveUp, SampleRejected, Throttled

_CUT = 0.75  # what is left of the concurrency when a vendor says that it was too much


@dataclass(frozen=True)
class Limits:
    """What a vendor's account allows; None is without limit. ``max_concurrency`` is where growth ends."""

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    max_concurrency: int | None = None


class Clock(Protocol):
    """Time, and passing it."""

    def now(self) -> float:
        """Seconds since any moment; never goes back."""

    def wait(self, changed: threading.Condition, seconds: float | None) -> None:
        """Until ``changed`` is notified, or so many seconds have passed. The caller holds its lock."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        return time.monotonic()

    def wait(self, changed: threading.Condition, seconds: float | None) -> None:
        changed.wait(seconds)


@dataclass(eq=False)
class Share:
    """What one call takes of a window, and when that is given back."""

    until: float
    amount: float


class Window:
    """Never more than ``per_minute`` in any sixty seconds.

    A window that slides, and not a bucket that refills: a full bucket lets twice the limit through in
    its first minute, which vendors that count by the minute refuse.  Less than one a minute is one in
    a longer time.  What alone is more than the limit takes the whole window.
    """

    def __init__(self, per_minute: float | None) -> None:
        self._most = math.inf if per_minute is None else max(1.0, per_minute)
        self._seconds = 60.0 if per_minute is None else 60.0 * max(1.0, 1.0 / per_minute)
        self._taken: deque[Share] = deque()
        self._total = 0.0

    def seconds_until(self, now: float, amount: float) -> float:
        """How long until ``amount`` may be taken, 0 when it may be now."""
        self._forget(now)
        excess = self._total + amount - self._most
        until = now
        for share in self._taken:
            if excess <= 0:
                break
            excess -= share.amount
            until = share.until
        return until - now

    def take(self, now: float, amount: float) -> Share:
        share = Share(now + self._seconds, amount)
        self._taken.append(share)
        self._total += amount
        return share

    def correct(self, now: float, share: Share, amount: float) -> None:
        """``share`` took so much in truth."""
        self._forget(now)
        if share.until > now:
            self._total += amount - share.amount
            share.amount = amount

    def _forget(self, now: float) -> None:
        while self._taken and self._taken[0].until <= now:
            self._total -= self._taken.popleft().amount


@dataclass(eq=False)
class Turn:
    """A call that is under way. Whoever makes it sets ``tokens`` to what it took."""

    tokens: float
    share: Share
    cut: int


class Limiter:
    """Gives turns to the calls of one vendor. Safe for threads.

    Concurrency begins at its limit, or without one. A vendor that throttles takes away a quarter of the
    calls that were under way, once for all that began before; as many successes as there may be calls
    give one back.  So it settles just below what the vendor bears.  Failures that lie further apart
    than ``unrelated_seconds`` have nothing to do with each other: nobody asked in between.
    """

    def __init__(self, limits: Limits, clock: Clock, unrelated_seconds: float = 600.0) -> None:
        self._clock = clock
        self._unrelated_seconds = unrelated_seconds
        self._requests = Window(limits.requests_per_minute)
        self._tokens = Window(limits.tokens_per_minute)
        self._most: float = math.inf if limits.max_concurrency is None else max(1, limits.max_concurrency)
        self._concurrency = self._most
        self._changed = threading.Condition()
        self._under_way = 0
        self._successes = 0
        self._cuts = 0
        self._resting_until = -math.inf
        self._failing_since: float | None = None
        self._last_failure = -math.inf
        self._closed = False

    @property
    def concurrency(self) -> float:
        """Calls that may be under way at once; infinite until a vendor without limits throttles."""
        with self._changed:
            return self._concurrency

    @property
    def seconds_to_rest(self) -> float:
        """How much longer the vendor wants to be left alone."""
        with self._changed:
            return max(0.0, self._resting_until - self._clock.now())

    @property
    def seconds_failing(self) -> float:
        """Since the first of the failures after the last success; 0 while all is well."""
        with self._changed:
            return 0.0 if self._failing_since is None else self._clock.now() - self._failing_since

    @contextmanager
    def turn(self, expected_tokens: float) -> Iterator[Turn]:
        """Waits until a call of so many tokens may be sent, and learns from what is raised inside.

        Raises ``GaveUp`` when it is closed meanwhile.
        """
        turn = self._begin(expected_tokens)
        try:
            yield turn
        except Throttled as error:
            with self._changed:
                self._throttled(turn, error.retry_after_seconds)
            raise
        except BackendUnavailable:
            with self._changed:
                self._failed()
            raise
        except SampleRejected:
            with self._changed:
                self._succeeded()
            raise
        else:
            with self._changed:
                self._succeeded()
                self._tokens.correct(self._clock.now(), turn.share, turn.tokens)
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def failed(self) -> None:
        """Something outside of any turn failed, as a batch does."""
        with self._changed:
            self._failed()

    def succeeded(self) -> None:
        """Something outside of any turn went well."""
        with self._changed:
            self._failing_since = None

    def pause(self, seconds: float) -> None:
        """Waits so long before another try; ``GaveUp`` when it is closed meanwhile."""
        with self._changed:
            until = self._clock.now() + seconds
            self._raise_if_closed()
            while (left := until - self._clock.now()) > 0:
                self._clock.wait(self._changed, left)
                self._raise_if_closed()

    def close(self) -> None:
        """Nobody waits any more; calls that are under way end as they do."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _raise_if_closed(self) -> None:
        if self._closed:
            raise GaveUp(
                "the run was stopped while this call waited for its turn; run the same command again"
            )

    def _begin(self, tokens: float) -> Turn:
        with self._changed:
            self._raise_if_closed()
            while (seconds := self._seconds_to_wait(tokens)) != 0:
                self._clock.wait(self._changed, seconds)
                self._raise_if_closed()
            self._under_way += 1
            now = self._clock.now()
            self._requests.take(now, 1)
            return Turn(tokens, self._tokens.take(now, tokens), self._cuts)

    def _seconds_to_wait(self, tokens: float) -> float | None:
        """None: until a call that is under way ends."""
        if self._under_way >= self._concurrency:
            return None
        now = self._clock.now()
        return max(
            0.0,
            self._resting_until - now,
            self._requests.seconds_until(now, 1),
            self._tokens.seconds_until(now, tokens),
        )

    def _succeeded(self) -> None:
        self._failing_since = None
        self._successes += 1
        if self._successes >= self._concurrency:
            self._successes = 0
            self._concurrency = min(self._most, self._concurrency + 1)

    def _throttled(self, turn: Turn, retry_after_seconds: float | None) -> None:
        self._failed()
        if retry_after_seconds is not None:
            self._resting_until = max(self._resting_until, self._clock.now() + retry_after_seconds)
        if turn.cut == self._cuts:  # calls that began before the last cut say what is known already
            self._cuts += 1
            self._successes = 0
            self._concurrency = max(1, math.floor(min(self._concurrency, self._under_way) * _CUT))

    def _failed(self) -> None:
        now = self._clock.now()
        if self._failing_since is None or now - self._last_failure > self._unrelated_seconds:
            self._failing_since = now
        self._last_failure = now
