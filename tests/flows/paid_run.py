"""A run's folder with its gateway, batches and deaths, for the tests of the gateway."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from data.errors import (
    BackendUnavailable,
    GaveUp,
    SampleRejected,
)
from data.paid import Answer, Call, Reply
from data.store import Store
from flows.calls import Books, bill, read
from flows.gateway import PaidGateway
from flows.limits import Limits
from flows.prices import Prices
from tests.flows.paid_calls import ACTUAL, EXPECTED, FakeClock, Vendor, error_of, paid_call

PRICES = Prices(date(2026, 11, 21))
ACTUAL_USD = PRICES.usd("openai", "gpt-4.1", ACTUAL)
EXPECTED_USD = PRICES.usd("openai", "gpt-4.1", EXPECTED)


@dataclass
class Run:
    """A folder of a run and the gateways that are made over it, one after the other."""

    folder: Path

    @property
    def ledger(self) -> Path:
        return self.folder / "calls.jsonl"

    def gateway(self, clock: FakeClock | None = None, **options: Any) -> PaidGateway:
        limits: dict[str, Limits] = options.pop("limits", {})
        store = Store(self.folder / "store")
        return PaidGateway(store, self.ledger, PRICES, limits, clock=clock or FakeClock(), **options)

    def kinds(self) -> list[str]:
        return [row.outcome.kind if row.outcome else "open" for row in read(self.ledger)]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


class Killed(BaseException):
    """The process is no more. Whatever it tries afterwards has no effect."""


class Machine:
    """Counts what a process does that outlives it, and kills it at step ``dies_at``.

    Of that step, nothing is done ("before"), all ("after"), or, of a row of the books, one half ("torn").
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps, self.dies_at, self.how = 0, -1, "before"
        self.dead = False
        monkeypatch.setattr(os, "fsync", lambda _: None)  # slow, and of no use to a test
        append = Books._append
        publish, put_bytes = Store.publish, Store.put_bytes

        def torn(books: Books, rows: Sequence[dict[str, Any]]) -> None:
            lines = "".join(f"\n{json.dumps(row)}\n" for row in rows)
            books._path.parent.mkdir(parents=True, exist_ok=True)
            with books._path.open("a") as file:
                file.write(lines[: len(lines) // 2])

        monkeypatch.setattr(Books, "_append", lambda *args: self.do(append, *args, half=torn))
        monkeypatch.setattr(Store, "publish", lambda *args: self.do(publish, *args))
        monkeypatch.setattr(Store, "put_bytes", lambda *args: self.do(put_bytes, *args))

    def do(self, step: Callable[..., Any], *args: Any, half: Callable[..., Any] | None = None) -> Any:
        if self.dead:
            raise Killed
        self.steps += 1
        if self.steps - 1 != self.dies_at:
            return step(*args)
        self.dead = True
        if self.how == "after":
            step(*args)
        elif self.how == "torn" and half:
            half(*args)
        raise Killed

    def restart(self, dies_at: int = -1, how: str = "before") -> None:
        self.steps, self.dies_at, self.how, self.dead = 0, dies_at, how, False


def to_the_end(run: Run, machine: Machine, vendor: Vendor, keys: Sequence[str]) -> None:
    gateway = run.gateway()
    for key in keys:
        call = paid_call(key)

        def send(idempotency_id: str, call: Call = call) -> Reply:
            reply: Reply = machine.do(vendor.answer, call, idempotency_id)
            return reply

        try:
            assert gateway.ask(call, send).body == f"answer to {key}".encode()
        except (SampleRejected, GaveUp):
            assert not machine.dead


def assert_balanced(run: Run, vendor: Vendor) -> None:
    """The vendor's bill lies between what is paid for certain and that with all that is possibly paid."""
    total = bill(read(run.ledger))
    billed_usd = len(vendor.billed) * ACTUAL_USD
    unknown = sum(kind in ("lost", "open") for kind in run.kinds())
    assert total.paid_usd <= billed_usd + 1e-9
    assert billed_usd <= total.paid_usd + unknown * ACTUAL_USD + 1e-9
    assert total.possibly_usd == pytest.approx(unknown * EXPECTED_USD)
    assert ACTUAL_USD < EXPECTED_USD


class Batches:
    """A vendor of batches that knows again what was handed in, as ``SendTogether`` asks."""

    def __init__(self, words: dict[str, str] | None = None) -> None:
        self.words = words or {}
        self.handed_in: list[str] = []
        self.sizes: list[int] = []

    def send(self, calls: Sequence[Call]) -> Iterator[Answer]:
        self.sizes.append(len(calls))
        self.handed_in += [call.key for call in calls if call.key not in self.handed_in]
        for call in calls:
            word = self.words.get(call.key, "ok")
            if word == "ok":
                yield Reply(f"answer to {call.key}".encode(), ACTUAL, f"response-{call.key}")
            else:
                error = error_of(word)
                assert isinstance(error, SampleRejected | BackendUnavailable)
                yield error


def batch(keys: str) -> list[Call]:
    return [paid_call(key) for key in keys]


def bodies(answers: Sequence[Answer]) -> list[object]:
    return [answer.body if isinstance(answer, Reply) else type(answer) for answer in answers]
