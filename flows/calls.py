"""The books of paid calls: a row before each call is sent, and one of what became of it.

Knows no vendor and no price. A call without a second row (its process was killed) may have been
billed; it counts as possibly paid at what it was expected to cost.
"""

from __future__ import annotations

import json
import os
import threading
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from data.disk import disk_errors, sync_folder
from data.errors import BudgetReached, ConfigError
from data.paid import Call, Usage

FILENAME = "calls.jsonl"

_attempt: ContextVar[int | None] = ContextVar("attempt", default=None)


@dataclass(frozen=True)
class Intent:
    """A call that is about to be sent. ``intent_id`` is the row's own.

    ``idempotency_id`` is what the vendor is told; a call whose answer was lost is sent with the same one
    again.  ``attempt`` is the attempt at the triplet that the call served, None for its prompts.
    """

    intent_id: str
    time: str
    provider: str
    model: str
    purpose: str
    item: str
    attempt: int | None
    key: str
    idempotency_id: str
    expected_usd: float
    batch: bool


@dataclass(frozen=True)
class Outcome:
    """What became of an intent: ``paid``, ``lost`` (possibly paid) or ``not_billed``; ``detail`` says why."""

    intent_id: str
    time: str
    kind: Literal["paid", "lost", "not_billed"]
    usd: float = 0.0
    usage: Usage = field(default_factory=Usage)
    response_id: str = ""
    detail: str = ""


@dataclass(frozen=True)
class PaidCall:
    """An intent with its outcome, None as long as that is not known."""

    intent: Intent
    outcome: Outcome | None

    @property
    def paid_usd(self) -> float:
        return self.outcome.usd if self.outcome else 0.0

    @property
    def possibly_usd(self) -> float:
        unknown = self.outcome is None or self.outcome.kind == "lost"
        return self.intent.expected_usd if unknown else 0.0


@dataclass(frozen=True)
class Bill:
    """The sum of some calls: how many were sent and paid, what they took, and what they may have cost."""

    sent: int = 0
    paid: int = 0
    usage: Usage = field(default_factory=Usage)
    paid_usd: float = 0.0
    possibly_usd: float = 0.0


@contextmanager
def attempt_of(number: int) -> Iterator[None]:
    """Calls that this thread makes inside are booked to attempt ``number`` at their triplet."""
    token = _attempt.set(number)
    try:
        yield
    finally:
        _attempt.reset(token)


def read(path: Path) -> list[PaidCall]:
    """All calls in the order in which they were sent. A line that a power failure cut is passed over.

    That is safe: an intent that was not written whole was never sent, and a call whose outcome was not
    written whole counts as possibly paid.  ``ConfigError`` for a whole row that is none of ours.
    """
    intents, outcomes = dict[str, Intent](), dict[str, Outcome]()
    for row in _rows(path):
        try:
            if "kind" in row:
                outcomes[row["intent_id"]] = Outcome(**{**row, "usage": Usage(**row["usage"])})
            else:
                intents[row["intent_id"]] = Intent(**row)
        except (KeyError, TypeError) as error:
            raise ConfigError(f"{path} holds a row that is none of a paid call ({error}): {row}") from error
    return [PaidCall(intent, outcomes.get(name)) for name, intent in intents.items()]


def bill(calls: Iterable[PaidCall]) -> Bill:
    """The sum of ``calls``."""
    rows = list(calls)
    outcomes = [row.outcome for row in rows if row.outcome]
    names = Usage.__dataclass_fields__
    return Bill(
        sent=len(rows),
        paid=sum(outcome.kind == "paid" for outcome in outcomes),
        usage=Usage(**{name: sum(getattr(outcome.usage, name) for outcome in outcomes) for name in names}),
        paid_usd=sum(row.paid_usd for row in rows),
        possibly_usd=sum(row.possibly_usd for row in rows),
    )


def bills(calls: Iterable[PaidCall], name_of: Callable[[PaidCall], str]) -> dict[str, Bill]:
    """The sums by the name that ``name_of`` gives each call: its purpose, provider or item."""
    groups: dict[str, list[PaidCall]] = defaultdict(list)
    for call in calls:
        groups[name_of(call)].append(call)
    return {name: bill(group) for name, group in groups.items()}


class Books:
    """The file while a run writes to it, and what it adds up to. Safe for threads of one process.

    Each row is on the disk before the method returns.  Raises ``ConfigError`` when the disk is full or
    not ours.
    """

    def __init__(self, path: Path, budget_usd: float | None = None) -> None:
        self._path = path
        self._budget_usd = budget_usd
        self._lock = threading.Lock()
        self._open: dict[str, Intent] = {}
        self._answered: set[tuple[str, str]] = set()
        self._refusals: Counter[str] = Counter()  # by key
        self._lost_keys: set[str] = set()
        self._paid_usd = self._lost_usd = 0.0
        for call in read(path):
            self._open[call.intent.intent_id] = call.intent
            if call.outcome:
                self._count(call.intent, call.outcome)
            else:
                self._lost_keys.add(call.intent.key)

    @property
    def open_intents(self) -> tuple[Intent, ...]:
        """Calls whose outcome is not known: under way, or of a run that was killed."""
        with self._lock:
            return tuple(self._open.values())

    @property
    def paid_usd(self) -> float:
        with self._lock:
            return self._paid_usd

    @property
    def possibly_usd(self) -> float:
        """Lost calls, those of killed runs and those under way, at what they were expected to cost."""
        with self._lock:
            return self._possibly_usd()

    def intend(self, calls: Sequence[tuple[Call, float]], *, batch: bool = False) -> list[Intent]:
        """Rows for calls that are about to be sent, each with the dollars that it may cost.

        Raises ``BudgetReached``, and writes nothing, when the budget does not cover all of them.
        """
        with self._lock:
            self._check_budget(calls)
            intents = [self._intent(call, expected_usd, batch) for call, expected_usd in calls]
            self._append([asdict(intent) for intent in intents])
            self._open.update({intent.intent_id: intent for intent in intents})
            return intents

    def paid(self, intent: Intent, usage: Usage, usd: float, response_id: str) -> None:
        """The call was answered. The same answer given again, as its id says, is not billed again."""
        with self._lock:
            again = (intent.key, response_id) in self._answered
            self._settle(
                Outcome(
                    intent.intent_id,
                    _now(),
                    "paid",
                    0.0 if again else usd,
                    Usage() if again else usage,
                    response_id,
                    "the answer of an earlier call, billed once" if again else "",
                )
            )

    def lost(self, intent: Intent, detail: str) -> None:
        """Nobody knows whether the call was carried out."""
        with self._lock:
            self._settle(Outcome(intent.intent_id, _now(), "lost", detail=detail))

    def not_billed(self, intent: Intent, detail: str) -> None:
        """The vendor refused the call."""
        with self._lock:
            self._settle(Outcome(intent.intent_id, _now(), "not_billed", detail=detail))

    def _intent(self, call: Call, expected_usd: float, batch: bool) -> Intent:
        return Intent(
            intent_id=uuid.uuid4().hex,
            time=_now(),
            provider=call.provider,
            model=call.model,
            purpose=call.purpose,
            item=call.item,
            attempt=_attempt.get(),
            key=call.key,
            idempotency_id=_idempotency_id(call.key, self._refusals[call.key]),
            expected_usd=expected_usd,
            batch=batch,
        )

    def _check_budget(self, calls: Sequence[tuple[Call, float]]) -> None:
        expected_usd = sum(usd for _, usd in calls)
        possibly_usd = self._possibly_usd()
        if self._budget_usd is None or self._paid_usd + possibly_usd + expected_usd <= self._budget_usd:
            return
        first = calls[0][0]
        asked = f"{first.purpose} of {first.item}" + (f" and {len(calls) - 1} more" if len(calls) > 1 else "")
        raise BudgetReached(
            f"budget_usd of ${self._budget_usd:.2f} does not cover {asked} (about ${expected_usd:.4f}): "
            f"${self._paid_usd:.4f} are paid, and up to ${possibly_usd:.4f} more for calls under way "
            f"or without an answer (see {self._path}). Raise budget_usd and run the same command again; "
            "what is finished is kept"
        )

    def _settle(self, outcome: Outcome) -> None:
        self._append([asdict(outcome)])
        self._count(self._open[outcome.intent_id], outcome)

    def _count(self, intent: Intent, outcome: Outcome) -> None:
        del self._open[intent.intent_id]
        self._paid_usd += outcome.usd
        match outcome.kind:
            case "paid":
                if outcome.response_id:
                    self._answered.add((intent.key, outcome.response_id))
            case "lost":
                self._lost_usd += intent.expected_usd
                self._lost_keys.add(intent.key)
            case "not_billed":
                # A vendor may answer an id that it refused with the same refusal for ever; but one whose
                # answer was lost may be under way still, and another id would be billed beside it.
                if intent.key not in self._lost_keys:
                    self._refusals[intent.key] += 1

    def _possibly_usd(self) -> float:
        return self._lost_usd + sum(intent.expected_usd for intent in self._open.values())

    def _append(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write rows through to the disk itself.

        Each begins with a line break too, so that a line cut by a power failure cannot swallow the next.
        """
        data = "".join(f"\n{json.dumps(row, sort_keys=True)}\n" for row in rows).encode()
        with disk_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new = not self._path.exists()
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                while data:  # a disk that is nearly full takes a part, and refuses the rest
                    data = data[os.write(descriptor, data) :]
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if new:
                sync_folder(self._path.parent)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    for line in path.read_bytes().splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield row


def _idempotency_id(key: str, refusals: int) -> str:
    return f"simmotion-{sha256(f'{key}/{refusals}'.encode()).hexdigest()[:32]}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
