"""The gateway with batches: paid at their discount, once, and found again after a death."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from data.errors import (
    AnswerLost,
    BackendUnavailable,
    BudgetReached,
    GaveUp,
    SampleRejected,
)
from data.paid import Answer, Call
from flows.calls import Books, bill, read
from flows.gateway import NoGateway
from tests.flows.paid_calls import FakeClock, Vendor, paid_call
from tests.flows.paid_run import ACTUAL_USD, EXPECTED_USD, Batches, Killed, Machine, Run, batch, bodies
from tests.flows.paid_run import run as run


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
