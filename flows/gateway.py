"""The way out to services that cost money: each answer is paid for once, booked, and kept.

Knows no vendor: how a call is sent comes with the call. Its parts know the rest: ``flows.calls`` the
books and the budget, ``flows.limits`` the rates, ``flows.prices`` the dollars.
"""

from __future__ import annotations

import itertools
import logging
import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from data.errors import (
    AnswerLost,
    BackendUnavailable,
    ConfigError,
    ContractError,
    GaveUp,
    SampleRejected,
)
from data.paid import Answer, Call, Reply, Send, SendTogether, Usage
from data.secrets import without_secrets
from data.store import Store
from flows.calls import Books, Intent
from flows.limits import Clock, Limiter, Limits, SystemClock
from flows.prices import Prices

STAGE = "reply"  # under which the store keeps answers, by the keys of their calls

MAX_LOST = 3  # answers to one call that may be lost before it is given up: each may have been billed
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0

_log = logging.getLogger(__name__)


class PaidGateway:
    """``data.paid.Gateway`` over a store and a file of books. Safe for threads; one process at a time.

    ``limits`` are by provider. When no call of a provider succeeds for ``no_progress_seconds``, those
    that fail raise ``GaveUp``.  Making one reads the books and completes what a killed run left open.
    """

    def __init__(
        self,
        store: Store,
        ledger: Path,
        prices: Prices,
        limits: Mapping[str, Limits],
        budget_usd: float | None = None,
        no_progress_seconds: float = 600.0,
        clock: Clock | None = None,
    ) -> None:
        self._store = store
        self._books = Books(ledger, budget_usd)
        self._prices = prices
        self._limits = limits
        self._no_progress_seconds = no_progress_seconds
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._closed = False
        self._limiters: dict[str, Limiter] = {}
        self._asked: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()
        for intent in self._books.open_intents:
            self._complete(intent)

    def ask(self, call: Call, send: Send) -> Reply:
        """See ``data.paid.Gateway.ask``. A second thread with the same key waits for the first."""
        with self._alone([call.key]):
            return self._kept(call.key) or self._tried(call, send)

    def ask_together(self, calls: Sequence[Call], send: SendTogether, *, discount: float) -> list[Answer]:
        """See ``data.paid.Gateway.ask_together``.

        ``send`` must find again what it handed in: it is called anew when it fails as a whole, and by
        the next run after a kill, for the calls whose answers did not come.
        """
        asked = {call.key: call for call in calls}
        with self._alone(asked):
            answers: dict[str, Answer] = {}
            for key in asked:
                if (kept := self._kept(key)) is not None:
                    answers[key] = kept
            missing = [call for key, call in asked.items() if key not in answers]
            if missing:
                answers |= self._together(missing, send, discount)
        return [answers[call.key] for call in calls]

    def close(self) -> None:
        """Calls that wait for a turn or another try raise ``GaveUp`` at once, so that a run can end."""
        with self._lock:
            self._closed = True
            for limiter in self._limiters.values():
                limiter.close()

    def _tried(self, call: Call, send: Send) -> Reply:
        """The answer of the first try that gets one.

        The loop is our own: how long to wait is decided by all calls of a provider, not by this one.
        """
        limiter = self._limiter(call.provider)
        expected_usd = self._prices.usd(call.provider, call.model, call.expected)
        lost = 0
        for tries in itertools.count(1):
            try:
                with limiter.turn(_tokens(call.expected)) as turn:
                    reply = self._sent(call, send, expected_usd)
                    turn.tokens = _tokens(reply.usage)
                    return reply
            except GaveUp:
                raise
            except BackendUnavailable as error:
                lost += isinstance(error, AnswerLost)
                if lost == MAX_LOST:
                    raise GaveUp(
                        f"{call.purpose} of {call.item}: {lost} answers of {call.provider} were lost, and "
                        f"each may be billed; not asked again in this run. The last: {error}"
                    ) from error
                self._pause(limiter, call.provider, f"{call.purpose} of {call.item}", tries, error)
        raise ContractError("a call was neither answered nor given up")

    def _sent(self, call: Call, send: Send, expected_usd: float) -> Reply:
        """One try, with its two rows in the books."""
        (intent,) = self._books.intend([(call, expected_usd)])
        try:
            reply = send(intent.idempotency_id)
        except AnswerLost as error:
            self._books.lost(intent, str(error))
            raise
        except (SampleRejected, BackendUnavailable, ConfigError) as error:
            self._books.not_billed(intent, str(error))
            raise
        except BaseException as error:  # a bug or Ctrl-C: the request may have gone out
            self._books.lost(intent, without_secrets(f"{type(error).__name__}: {error}"))
            raise
        self._keep(intent, reply, discount=0.0)
        return reply

    def _together(self, calls: Sequence[Call], send: SendTogether, discount: float) -> dict[str, Answer]:
        """The answers by key. Rows stay open until an answer is there, since the batch may be too."""
        intents = self._batch_intents(calls, discount)
        limiter = self._limiter(calls[0].provider)
        answers: dict[str, Answer] = {}
        for tries in itertools.count(1):
            pending = [call for call in calls if call.key not in answers]
            try:
                for call, answer in zip(pending, send(pending), strict=True):
                    self._book(intents[call.key], answer, discount)
                    answers[call.key] = answer
                    limiter.succeeded()
                return answers
            except GaveUp:
                raise
            except BackendUnavailable as error:
                limiter.failed()
                self._pause(limiter, calls[0].provider, f"a batch of {len(pending)}", tries, error)
        raise ContractError("a batch was neither answered nor given up")

    def _batch_intents(self, calls: Sequence[Call], discount: float) -> dict[str, Intent]:
        """A row for each call; what a killed run handed in has one already, and is the same call still."""
        intents = {intent.key: intent for intent in self._books.open_intents if intent.batch}
        new = [
            (call, self._prices.usd(call.provider, call.model, call.expected, discount))
            for call in calls
            if call.key not in intents
        ]
        if new:
            intents |= {intent.key: intent for intent in self._books.intend(new, batch=True)}
        return intents

    def _book(self, intent: Intent, answer: Answer, discount: float) -> None:
        match answer:
            case Reply():
                self._keep(intent, answer, discount)
            case AnswerLost():
                self._books.lost(intent, str(answer))
            case SampleRejected() | BackendUnavailable():
                self._books.not_billed(intent, str(answer))

    def _keep(self, intent: Intent, reply: Reply, discount: float) -> None:
        """Put the answer into the store before its row into the books: a kill in between loses neither."""
        usd = self._prices.usd(intent.provider, intent.model, reply.usage, discount)
        try:
            record = {
                "body": self._store.put_bytes(reply.body, ".json"),
                "usage": asdict(reply.usage),
                "response_id": reply.response_id,
                "usd": usd,
                "intent_id": intent.intent_id,
            }
            self._store.publish(STAGE, intent.key, record)
        finally:  # paid it was, even if the disk is full
            self._books.paid(intent, reply.usage, usd, reply.response_id)

    def _kept(self, key: str) -> Reply | None:
        record = self._store.find(STAGE, key)
        if record is None:
            return None
        return Reply(self._store.read(record["body"]), Usage(**record["usage"]), record["response_id"])

    def _complete(self, intent: Intent) -> None:
        """The second row of a call whose answer was kept when its process was killed."""
        record = self._store.find(STAGE, intent.key)
        if record is not None and record["intent_id"] == intent.intent_id:
            self._books.paid(intent, Usage(**record["usage"]), record["usd"], record["response_id"])

    def _pause(
        self, limiter: Limiter, provider: str, what: str, tries: int, error: BackendUnavailable
    ) -> None:
        """Wait before the next try, or raise ``GaveUp`` when that would end past the deadline."""
        backoff = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(tries - 1, 10))
        # Not all at once: calls that failed together would otherwise come back together.
        seconds = max(limiter.seconds_to_rest, backoff * random.uniform(0.5, 1.0))
        if limiter.seconds_failing + seconds > self._no_progress_seconds:
            raise GaveUp(
                f"{what}: no call of {provider} succeeded for {limiter.seconds_failing:.0f} s, and the next "
                f"try would be in {seconds:.0f} s ({self._no_progress_seconds:.0f} s are allowed). Run the "
                "same command again when the service is well; what is finished is kept. Its last error: "
                f"{error}"
            ) from error
        _log.info("%s: %s; the next try is in %.0f s", what, error, seconds)
        limiter.pause(seconds)

    def _limiter(self, provider: str) -> Limiter:
        with self._lock:
            if provider not in self._limiters:
                limits = self._limits.get(provider, Limits())
                self._limiters[provider] = Limiter(limits, self._clock, self._no_progress_seconds)
                if self._closed:
                    self._limiters[provider].close()
            return self._limiters[provider]

    @contextmanager
    def _alone(self, keys: Sequence[str] | Mapping[str, Any]) -> Iterator[None]:
        """No other thread asks for any of ``keys`` meanwhile."""
        with ExitStack() as stack:
            for key in sorted(keys):  # in one order, so that no two wait for each other
                with self._lock:
                    lock = self._asked.setdefault(key, threading.Lock())
                stack.enter_context(lock)
            yield


class NoGateway:
    """Takes the place of a gateway where nothing may be paid, as in an estimate."""

    def ask(self, call: Call, send: Send) -> Reply:
        raise ContractError(f"{call.purpose} of {call.item} was asked of {call.provider} in an estimate")

    def ask_together(self, calls: Sequence[Call], send: SendTogether, *, discount: float) -> list[Answer]:
        raise ContractError(f"{len(calls)} calls were asked in an estimate")


def _tokens(usage: Usage) -> int:
    return usage.input + usage.output + usage.image_output
