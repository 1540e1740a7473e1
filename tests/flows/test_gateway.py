"""The gateway: every answer paid once and kept, failures never, and books that balance whatever happens."""

import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import (
    AnswerLost,
    BackendUnavailable,
    BudgetReached,
    ConfigError,
    ContractError,
    GaveUp,
    SampleRejected,
    Throttled,
)
from data.paid import Answer, Call, Gateway, Reply, Usage
from data.store import Store
from flows.calls import Books, bill, read
from flows.gateway import MAX_LOST, NoGateway, PaidGateway
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


def test_an_answer_is_paid_once_and_kept_for_every_later_run(run: Run) -> None:
    vendor, call = Vendor(), paid_call("a")
    first = run.gateway().ask(call, vendor.send(call))
    assert first == Reply(b"answer to a", ACTUAL, "response-0")
    gateway = run.gateway()
    assert gateway.ask(call, vendor.send(call)) == first
    assert gateway.ask(call, vendor.send(call)) == first
    assert len(vendor.ids) == 1
    total = bill(read(run.ledger))
    assert (total.sent, total.paid) == (1, 1)
    assert total.paid_usd == pytest.approx(ACTUAL_USD)
    assert total.usage == ACTUAL


@pytest.mark.parametrize("word", ["throttled", "rest", "away", "lost_before"])
def test_what_may_answer_later_is_asked_again_and_no_failure_is_kept(run: Run, word: str) -> None:
    clock = FakeClock()
    vendor, call = Vendor([word]), paid_call("a")
    assert run.gateway(clock).ask(call, vendor.send(call)).body == b"answer to a"
    assert run.kinds() == ["lost" if word == "lost_before" else "not_billed", "paid"]
    assert clock.time >= (20.0 if word == "rest" else 0.5)
    assert clock.time <= (20.0 if word == "rest" else 1.0)


def test_pauses_double_up_to_a_minute(run: Run) -> None:
    clock, times = FakeClock(), list[float]()

    def send(_: str) -> Reply:
        times.append(clock.time)
        if len(times) == 9:
            return Reply(b"{}", ACTUAL, "r")
        raise BackendUnavailable("503")

    run.gateway(clock).ask(paid_call("a"), send)
    pauses = [after - before for before, after in pairwise(times)]
    for pause, longest in zip(pauses, (1, 2, 4, 8, 16, 32, 60, 60), strict=True):
        assert longest / 2 <= pause <= longest


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (SampleRejected("image_safety", "no"), "not_billed"),
        (ConfigError("no key"), "not_billed"),
        (ValueError("a bug of ours"), "lost"),
        (KeyboardInterrupt(), "lost"),
    ],
)
def test_what_nobody_can_retry_passes_through_booked_and_not_kept(
    run: Run, error: BaseException, kind: str
) -> None:
    def fail(_: str) -> Reply:
        raise error

    call, vendor = paid_call("a"), Vendor()
    with pytest.raises(type(error)):
        run.gateway().ask(call, fail)
    assert run.kinds() == [kind]
    assert run.gateway().ask(call, vendor.send(call)).body == b"answer to a"


def test_no_progress_fails_loudly_with_the_last_error_and_then_at_once(run: Run) -> None:
    clock = FakeClock()
    vendor = Vendor(["away"] * 100)
    gateway = run.gateway(clock, no_progress_seconds=100)
    with pytest.raises(GaveUp, match=r"write of view_0000: no call of openai succeeded .*error: 503"):
        gateway.ask(paid_call("a"), vendor.send(paid_call("a")))
    assert clock.time <= 100
    sent = len(vendor.ids)
    assert sent > 4
    clock.time = 100
    with pytest.raises(GaveUp):
        gateway.ask(paid_call("b"), vendor.send(paid_call("b")))
    assert len(vendor.ids) == sent + 1
    other = paid_call("c", provider="google")
    assert gateway.ask(other, Vendor().send(other)).body == b"answer to c"


def test_progress_of_any_call_puts_the_deadline_off(run: Run) -> None:
    clock = FakeClock()
    gateway = run.gateway(clock, no_progress_seconds=100)
    good = Vendor()

    def stubborn(_: str) -> Reply:
        call = paid_call(f"other {clock.time}")
        gateway.ask(call, good.send(call))
        if clock.time > 1000:
            return Reply(b"{}", ACTUAL, "late")
        raise BackendUnavailable("503")

    assert gateway.ask(paid_call("a"), stubborn).response_id == "late"


def test_a_rest_past_the_deadline_is_not_waited_for(run: Run) -> None:
    clock = FakeClock()

    def send(_: str) -> Reply:
        raise Throttled("429", retry_after_seconds=3600)

    with pytest.raises(GaveUp, match="3600 s"):
        run.gateway(clock).ask(paid_call("a"), send)
    assert clock.time == 0


def test_an_hour_of_silence_is_no_hour_of_failures(run: Run) -> None:
    clock = FakeClock()
    gateway = run.gateway(clock, no_progress_seconds=100)
    away = Vendor(["away"] * 100)
    with pytest.raises(GaveUp):
        gateway.ask(paid_call("a"), away.send(paid_call("a")))
    clock.time += 3600
    vendor = Vendor(["away"])
    assert gateway.ask(paid_call("b"), vendor.send(paid_call("b"))).body == b"answer to b"


def test_a_closed_gateway_sends_nothing_more_but_gives_what_it_has(run: Run) -> None:
    gateway, vendor = run.gateway(), Vendor()
    gateway.ask(paid_call("a"), vendor.send(paid_call("a")))
    gateway.close()
    for call in (paid_call("b"), paid_call("c", provider="google")):
        with pytest.raises(GaveUp, match="stopped"):
            gateway.ask(call, vendor.send(call))
    assert gateway.ask(paid_call("a"), vendor.send(paid_call("a"))).body == b"answer to a"
    assert run.kinds() == ["paid"]


def test_closing_ends_a_pause_between_two_tries(run: Run) -> None:
    gateway = run.gateway()

    def send(_: str) -> Reply:
        gateway.close()
        raise BackendUnavailable("503")

    with pytest.raises(GaveUp, match="stopped"):
        gateway.ask(paid_call("a"), send)
    assert run.kinds() == ["not_billed"]


def test_a_call_whose_answers_get_lost_is_given_up_since_each_may_be_billed(run: Run) -> None:
    vendor, call = Vendor(["lost_after"] * 100), paid_call("a")
    with pytest.raises(GaveUp, match="the line broke"):
        run.gateway().ask(call, vendor.send(call))
    assert len(vendor.ids) == MAX_LOST
    assert len(set(vendor.ids)) == 1  # a vendor that honours ids bills one
    assert bill(read(run.ledger)).possibly_usd == pytest.approx(MAX_LOST * EXPECTED_USD)


def test_who_gave_up_inside_is_not_asked_again(run: Run) -> None:
    tries = list[str]()

    def send(idempotency_id: str) -> Reply:
        tries.append(idempotency_id)
        raise GaveUp("asked for long")

    with pytest.raises(GaveUp, match="asked for long"):
        run.gateway().ask(paid_call("a"), send)
    assert len(tries) == 1


def test_tokens_that_were_not_used_leave_room_for_the_next_call(run: Run) -> None:
    clock, vendor = FakeClock(), Vendor()
    used, expected = ACTUAL.input + ACTUAL.output, EXPECTED.input
    gateway = run.gateway(clock, limits={"openai": Limits(tokens_per_minute=used + expected)})
    for call in (paid_call("a"), paid_call("b")):
        gateway.ask(call, vendor.send(call))
    assert clock.time == 0
    gateway.ask(paid_call("c"), vendor.send(paid_call("c")))
    assert clock.time == 60


def test_a_budget_stops_before_the_call_that_it_does_not_cover_and_a_larger_one_goes_on(run: Run) -> None:
    vendor = Vendor()
    keys = [paid_call(str(number)) for number in range(4)]
    budget_usd = 2 * ACTUAL_USD + EXPECTED_USD * 0.99
    gateway = run.gateway(budget_usd=budget_usd)
    for call in keys[:2]:
        gateway.ask(call, vendor.send(call))
    for _ in range(2):
        with pytest.raises(BudgetReached, match="budget_usd"):
            gateway.ask(keys[2], vendor.send(keys[2]))
    assert len(vendor.ids) == 2
    assert gateway.ask(keys[0], vendor.send(keys[0])).body == b"answer to 0"  # free
    with pytest.raises(BudgetReached):
        run.gateway(budget_usd=budget_usd).ask(keys[2], vendor.send(keys[2]))
    assert run.gateway(budget_usd=budget_usd + 1).ask(keys[2], vendor.send(keys[2])).body == b"answer to 2"


def test_a_model_without_a_price_is_refused_before_it_is_asked(run: Run) -> None:
    vendor = Vendor()
    call = Call("openai", "nameless", "write", "view_0000", "a", EXPECTED)
    with pytest.raises(ConfigError, match="nameless"):
        run.gateway().ask(call, vendor.send(call))
    assert not vendor.ids
    assert not run.ledger.exists()


def test_a_full_disk_after_an_answer_still_books_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise ConfigError("cannot write: no space left")

    vendor, call = Vendor(), paid_call("a")
    gateway = run.gateway()
    monkeypatch.setattr(Store, "publish", full)
    with pytest.raises(ConfigError, match="no space"):
        gateway.ask(call, vendor.send(call))
    assert bill(read(run.ledger)).paid_usd == pytest.approx(ACTUAL_USD)


# Threads


def test_two_threads_with_one_question_send_it_once(run: Run) -> None:
    gateway, vendor, call = run.gateway(), Vendor(), paid_call("a")
    all_here = threading.Barrier(8)

    def ask(_: int) -> Reply:
        all_here.wait(timeout=30)
        return gateway.ask(call, vendor.send(call))

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1
    assert len(vendor.ids) == 1


def test_a_thread_that_waited_for_one_that_failed_asks_itself(run: Run) -> None:
    gateway, vendor, call = run.gateway(), Vendor(["rejected"]), paid_call("a")
    both_here = threading.Barrier(2)

    def ask(_: int) -> bytes:
        both_here.wait(timeout=30)
        try:
            return gateway.ask(call, vendor.send(call)).body
        except SampleRejected as error:
            return error.reason.encode()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(ask, range(2))) == [b"answer to a", b"image_safety"]


def test_many_threads_and_many_failures_leave_books_that_balance(run: Run) -> None:
    words = ["ok", "throttled", "away", "lost_before", "lost_after", "rejected", "ok"]
    script = [words[number * 5 % len(words)] for number in range(60)]
    gateway = run.gateway(limits={"openai": Limits(max_concurrency=6)})
    lock, vendor = threading.Lock(), Vendor(script)

    def ask(number: int) -> bool:
        call = paid_call(str(number % 20))

        def send(idempotency_id: str) -> Reply:
            with lock:
                return vendor.answer(call, idempotency_id)

        try:
            gateway.ask(call, send)
        except (SampleRejected, GaveUp):
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert any(pool.map(ask, range(60)))
    total = bill(read(run.ledger))
    lost = run.kinds().count("lost")
    assert total.sent == len(vendor.ids)
    assert total.possibly_usd == pytest.approx(lost * EXPECTED_USD)
    assert total.paid_usd == pytest.approx(ACTUAL_USD * total.paid)
    assert total.paid <= len(vendor.billed) <= total.paid + lost


# Kills


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


@pytest.mark.parametrize("honours_ids", [False, True])
@pytest.mark.parametrize("how", ["before", "after", "torn"])
def test_a_kill_at_any_step_loses_no_answer_and_no_dollar(
    run: Run, monkeypatch: pytest.MonkeyPatch, how: str, honours_ids: bool
) -> None:
    machine = Machine(monkeypatch)
    script = ["ok", "throttled", "ok", "lost_after", "ok"]
    to_the_end(Run(run.folder / "whole"), machine, Vendor([*script], honours_ids), "abc")
    for step in range(machine.steps):
        here = Run(run.folder / str(step))
        vendor = Vendor([*script], honours_ids)
        machine.restart(dies_at=step, how=how)
        with pytest.raises(Killed):
            to_the_end(here, machine, vendor, "abc")
        assert_balanced(here, vendor)
        machine.restart()
        to_the_end(here, machine, vendor, "abc")
        assert_balanced(here, vendor)
        sent = len(vendor.ids)
        to_the_end(here, machine, vendor, "abc")
        assert len(vendor.ids) == sent  # all is there: nothing is sent any more
        if honours_ids:
            assert len(vendor.billed) == 3
            assert bill(read(here.ledger)).paid_usd == pytest.approx(3 * ACTUAL_USD)
        machine.restart()


def test_an_answer_that_was_kept_before_a_kill_gets_its_row_when_the_run_goes_on(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine, vendor = Machine(monkeypatch), Vendor()
    machine.restart(dies_at=4)  # intent, send, bytes, record | outcome
    with pytest.raises(Killed):
        to_the_end(run, machine, vendor, "a")
    assert run.kinds() == ["open"]
    machine.restart()
    run.gateway()
    assert run.kinds() == ["paid"]
    assert bill(read(run.ledger)).usage == ACTUAL
    run.gateway()
    assert run.kinds() == ["paid"]


words = st.sampled_from(["ok", "throttled", "rest", "away", "lost_before", "lost_after", "rejected"])


@settings(max_examples=60)
@given(
    script=st.lists(words, max_size=12),
    kills=st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["before", "after", "torn"])), max_size=4),
    honours_ids=st.booleans(),
)
def test_whatever_happens_the_books_balance(
    tmp_path_factory: pytest.TempPathFactory,
    script: list[str],
    kills: list[tuple[int, str]],
    honours_ids: bool,
) -> None:
    run, vendor = Run(tmp_path_factory.mktemp("run")), Vendor([*script], honours_ids)
    with pytest.MonkeyPatch.context() as monkeypatch:
        machine = Machine(monkeypatch)
        for dies_at, how in kills:
            machine.restart(dies_at, how)
            try:
                to_the_end(run, machine, vendor, "abcd")
            except Killed:
                assert machine.dead
            assert_balanced(run, vendor)
        machine.restart()
        to_the_end(run, machine, vendor, "abcd")
    assert_balanced(run, vendor)


# Batches


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


def test_a_batch_is_paid_at_its_discount_and_only_what_is_missing_is_sent(run: Run) -> None:
    gateway, vendor = run.gateway(), Batches()
    gateway.ask(paid_call("b"), Vendor().send(paid_call("b")))
    answers = gateway.ask_together(batch("abca"), vendor.send, discount=0.5)
    assert bodies(answers) == [b"answer to a", b"answer to b", b"answer to c", b"answer to a"]
    assert vendor.handed_in == ["a", "c"]
    assert bill(read(run.ledger)).paid_usd == pytest.approx(2 * ACTUAL_USD)  # one whole, two halves
    assert [row.intent.batch for row in read(run.ledger)] == [False, True, True]
    assert read(run.ledger)[1].intent.expected_usd == pytest.approx(EXPECTED_USD / 2)
    assert gateway.ask(paid_call("c"), NoGateway().ask).body == b"answer to c"  # type: ignore[arg-type]


def test_nothing_missing_sends_nothing(run: Run) -> None:
    gateway, vendor = run.gateway(), Batches()
    gateway.ask_together(batch("ab"), vendor.send, discount=0.5)
    gateway.ask_together(batch("ba"), vendor.send, discount=0.5)
    assert gateway.ask_together([], vendor.send, discount=0.5) == []
    assert vendor.sizes == [2]


def test_failures_in_a_batch_are_answers_booked_and_not_kept(run: Run) -> None:
    vendor = Batches({"b": "rejected", "c": "away", "d": "lost_before"})
    answers = run.gateway().ask_together(batch("abcd"), vendor.send, discount=0.5)
    assert bodies(answers) == [b"answer to a", SampleRejected, BackendUnavailable, AnswerLost]
    assert run.kinds() == ["paid", "not_billed", "not_billed", "lost"]
    again = Batches()
    run.gateway().ask_together(batch("abcd"), again.send, discount=0.5)
    assert again.handed_in == ["b", "c", "d"]


def test_a_batch_that_fails_on_the_way_is_asked_for_the_rest(run: Run) -> None:
    vendor, tries = Batches(), list[int]()

    def send(calls: Sequence[Call]) -> Iterator[Answer]:
        tries.append(len(calls))
        for number, answer in enumerate(vendor.send(calls)):
            if number == 2 and len(tries) == 1:
                raise BackendUnavailable("503")
            yield answer

    answers = run.gateway().ask_together(batch("abcd"), send, discount=0.5)
    assert bodies(answers) == [f"answer to {key}".encode() for key in "abcd"]
    assert tries == [4, 2]
    assert run.kinds() == ["paid"] * 4


def test_progress_within_a_batch_puts_the_deadline_off(run: Run) -> None:
    def one_at_a_time(calls: Sequence[Call]) -> Iterator[Answer]:
        yield next(Batches().send(calls))
        if len(calls) > 1:
            raise BackendUnavailable("503")

    clock = FakeClock()
    gateway = run.gateway(clock, no_progress_seconds=100)
    gateway.ask_together(batch("abcdefghijkl"), one_at_a_time, discount=0.5)
    assert clock.time > 100
    assert run.kinds() == ["paid"] * 12


def test_batches_in_opposite_orders_do_not_wait_for_each_other_for_ever(run: Run) -> None:
    gateway, vendor = run.gateway(), Batches()
    gateway.ask_together(batch("abcdef"), vendor.send, discount=0.5)

    def ask(keys: str) -> None:
        for _ in range(50):
            gateway.ask_together(batch(keys), vendor.send, discount=0.5)

    threads = [threading.Thread(target=ask, args=(keys,), daemon=True) for keys in ("abcdef", "fedcba") * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
        assert not thread.is_alive()
    assert vendor.sizes == [6]


def test_a_batch_that_stays_away_is_given_up_and_stays_open_for_the_next_run(run: Run) -> None:
    def away(_: Sequence[Call]) -> Iterator[Answer]:
        raise BackendUnavailable("503")

    with pytest.raises(GaveUp, match=r"a batch of 3.*503"):
        run.gateway().ask_together(batch("abc"), away, discount=0.5)
    assert run.kinds() == ["open"] * 3
    assert Books(run.ledger).possibly_usd == pytest.approx(1.5 * EXPECTED_USD)
    run.gateway().ask_together(batch("abc"), Batches().send, discount=0.5)
    assert run.kinds() == ["paid"] * 3


def test_a_batch_beyond_the_budget_is_not_sent_at_all(run: Run) -> None:
    vendor = Batches()
    gateway = run.gateway(budget_usd=1.4 * EXPECTED_USD)
    with pytest.raises(BudgetReached, match="and 2 more"):
        gateway.ask_together(batch("abc"), vendor.send, discount=0.5)
    assert not vendor.sizes
    gateway.ask_together(batch("ab"), vendor.send, discount=0.5)


@pytest.mark.parametrize("how", ["before", "after", "torn"])
def test_a_batch_killed_at_any_step_is_paid_once(run: Run, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    machine = Machine(monkeypatch)
    Run(run.folder / "whole").gateway().ask_together(batch("abc"), Batches().send, discount=0.5)
    for step in range(machine.steps):
        here, vendor = Run(run.folder / str(step)), Batches()
        machine.restart(dies_at=step, how=how)
        with pytest.raises(Killed):
            here.gateway().ask_together(batch("abc"), vendor.send, discount=0.5)
        machine.restart()
        answers = here.gateway().ask_together(batch("abc"), vendor.send, discount=0.5)
        assert bodies(answers) == [f"answer to {key}".encode() for key in "abc"]
        total = bill(read(here.ledger))
        assert (total.paid, total.possibly_usd) == (3, 0)
        assert total.paid_usd == pytest.approx(3 * ACTUAL_USD / 2)
        machine.restart()


def test_batches_and_single_calls_of_one_key_do_not_both_send_it(run: Run) -> None:
    gateway, vendor, single = run.gateway(), Batches(), Vendor()
    both_here = threading.Barrier(2)

    def together() -> object:
        both_here.wait(timeout=30)
        return bodies(gateway.ask_together(batch("cab"), vendor.send, discount=0.5))

    def alone() -> object:
        both_here.wait(timeout=30)
        return gateway.ask(paid_call("a"), single.send(paid_call("a"))).body

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(together), pool.submit(alone)
        assert first.result(timeout=30) == [b"answer to c", b"answer to a", b"answer to b"]
        assert second.result(timeout=30) == b"answer to a"
    assert len(single.ids) + vendor.handed_in.count("a") == 1


def test_a_gateway_for_estimates_refuses_to_be_used() -> None:
    gateway: Gateway = NoGateway()
    with pytest.raises(ContractError, match="write of view_0000"):
        gateway.ask(paid_call("a"), lambda _: Reply(b"", Usage(), ""))
    with pytest.raises(ContractError):
        gateway.ask_together(batch("a"), Batches().send, discount=0.5)
