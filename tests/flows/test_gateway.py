"""The gateway: every answer paid once and kept, failures never, and books that balance with many threads."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from data.errors import (
    BackendUnavailable,
    BudgetReached,
    ConfigError,
    ContractError,
    GaveUp,
    SampleRejected,
    Throttled,
)
from data.paid import Call, Gateway, Reply, Usage
from data.store import Store
from flows.calls import bill, read
from flows.gateway import MAX_LOST, NoGateway
from flows.limits import Limits
from tests.flows.paid_calls import ACTUAL, EXPECTED, FakeClock, Vendor, paid_call
from tests.flows.paid_run import ACTUAL_USD, EXPECTED_USD, Batches, Run, batch
from tests.flows.paid_run import run as run


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


def test_a_gateway_for_estimates_refuses_to_be_used() -> None:
    gateway: Gateway = NoGateway()
    with pytest.raises(ContractError, match="write of view_0000"):
        gateway.ask(paid_call("a"), lambda _: Reply(b"", Usage(), ""))
    with pytest.raises(ContractError):
        gateway.ask_together(batch("a"), Batches().send, discount=0.5)
