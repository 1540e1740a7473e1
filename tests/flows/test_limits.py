"""Limits: never faster than allowed, fewer at once when a vendor complains, more again when it does not."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import BackendUnavailable, ConfigError, GaveUp, SampleRejected, Throttled
from flows.limits import Limiter, Limits, SystemClock, Turn, Window
from tests.flows.paid_calls import FakeClock


class Calls:
    """Turns of one limiter that are under way, so that one thread can end them in any order."""

    def __init__(self, limiter: Limiter, number: int) -> None:
        self._turns: list[AbstractContextManager[Turn]] = [limiter.turn(1) for _ in range(number)]
        for turn in self._turns:
            turn.__enter__()

    def end(self, error: Exception | None = None) -> None:
        self._turns.pop().__exit__(type(error) if error else None, error, None)

    def end_all(self, error: Exception | None = None) -> None:
        while self._turns:
            self.end(error)


def succeed(limiter: Limiter, times: int) -> None:
    for _ in range(times):
        with limiter.turn(1):
            pass


@given(st.floats(1, 50), st.lists(st.tuples(st.floats(0, 90), st.integers(1, 30)), max_size=60))
def test_no_minute_holds_more_than_its_limit(limit: float, asked: list[tuple[float, int]]) -> None:
    window, now = Window(limit), 0.0
    taken: list[tuple[float, float]] = []
    for gap, wanted in asked:
        amount = min(float(wanted), limit)
        now += gap
        while seconds := window.seconds_until(now, amount):
            now += seconds
        window.take(now, amount)
        taken.append((now, amount))
    for start, _ in taken:
        assert sum(amount for at, amount in taken if start <= at < start + 60 - 1e-6) <= limit + 1e-6


@given(st.integers(1, 50), st.integers(1, 200))
def test_a_window_waits_no_longer_than_it_must(limit: int, calls: int) -> None:
    window, now = Window(limit), 0.0
    for _ in range(calls):
        now += window.seconds_until(now, 1)
        window.take(now, 1)
    assert now == pytest.approx(60.0 * ((calls - 1) // limit))


def test_less_than_one_a_minute_is_one_in_a_longer_time() -> None:
    window = Window(0.5)
    assert window.seconds_until(0, 1) == 0
    window.take(0, 1)
    assert window.seconds_until(0, 1) == 120


def test_what_is_more_than_the_limit_waits_for_an_empty_window_and_not_for_ever() -> None:
    window = Window(100)
    window.take(0, 1)
    assert window.seconds_until(10, 5000) == 50
    window.take(60, 5000)
    assert window.seconds_until(70, 1) == 50


def test_what_a_call_took_in_truth_corrects_what_was_expected() -> None:
    window = Window(100)
    share = window.take(0, 60)
    assert window.seconds_until(1, 60) == 59
    window.correct(1, share, 40)
    assert window.seconds_until(1, 60) == 0
    window.correct(1, share, 90)
    assert window.seconds_until(1, 60) == 59
    window.correct(61, share, 1000)  # long forgotten
    window.take(61, 10)
    assert window.seconds_until(62, 90) == 0


def test_without_limits_nothing_waits() -> None:
    clock = FakeClock()
    succeed(Limiter(Limits(), clock), 1000)
    assert clock.time == 0


def test_turns_are_spread_over_minutes_by_requests_and_by_tokens() -> None:
    clock = FakeClock()
    succeed(Limiter(Limits(requests_per_minute=10), clock), 25)
    assert clock.time == 120
    clock = FakeClock()
    limiter = Limiter(Limits(tokens_per_minute=1000), clock)
    for _ in range(5):
        with limiter.turn(400) as turn:
            turn.tokens = 400
    assert clock.time == 120
    for _ in range(2):  # 500 expected, 100 in truth: both fit beside the 400
        with limiter.turn(500) as turn:
            turn.tokens = 100
    assert clock.time == 120


def test_a_throttled_vendor_gets_a_quarter_less_once_a_burst_and_more_again_after_successes() -> None:
    limiter = Limiter(Limits(max_concurrency=16), FakeClock())
    calls = Calls(limiter, 16)
    calls.end(Throttled("429"))
    assert limiter.concurrency == 12
    for _ in range(15):
        calls.end(Throttled("429"))  # they began before the cut
    assert limiter.concurrency == 12
    succeed(limiter, 11)
    assert limiter.concurrency == 12
    succeed(limiter, 1)
    assert limiter.concurrency == 13
    succeed(limiter, 13 + 14 + 15)
    assert limiter.concurrency == 16
    succeed(limiter, 100)
    assert limiter.concurrency == 16
    calls = Calls(limiter, 16)
    calls.end(Throttled("429"))
    assert limiter.concurrency == 12
    calls.end_all()


def test_a_call_that_began_after_the_cut_cuts_again() -> None:
    limiter = Limiter(Limits(max_concurrency=16), FakeClock())
    for expected in (12, 9, 6, 4, 3, 2, 1, 1):
        calls = Calls(limiter, int(limiter.concurrency))
        calls.end(Throttled("429"))
        assert limiter.concurrency == expected
        calls.end_all(ConfigError("stopped"))  # which gives nothing back


def test_without_a_limit_the_cut_starts_from_what_was_under_way() -> None:
    limiter = Limiter(Limits(), FakeClock())
    calls = Calls(limiter, 8)
    calls.end(Throttled("429"))
    assert limiter.concurrency == 6
    calls.end_all()
    succeed(limiter, 6)
    assert limiter.concurrency == 8  # six of the seven, and these: the limit keeps growing


@given(
    st.integers(1, 12),
    st.lists(st.tuples(st.integers(1, 12), st.sampled_from(["ok", "throttled", "away", "rejected", "bug"]))),
)
def test_concurrency_stays_between_one_and_its_limit(most: int, ends: list[tuple[int, str]]) -> None:
    errors = {
        "ok": None,
        "throttled": Throttled("429"),
        "away": BackendUnavailable("503"),
        "rejected": SampleRejected("image_safety", "no"),
        "bug": ValueError("bug"),
    }
    limiter = Limiter(Limits(max_concurrency=most), FakeClock())
    for number, word in ends:
        under_way = min(number, int(limiter.concurrency))
        calls = Calls(limiter, under_way)
        for _ in range(under_way):
            calls.end(errors[word])
        assert 1 <= limiter.concurrency <= most


def test_all_rest_for_as_long_as_the_vendor_asks() -> None:
    clock = FakeClock()
    limiter = Limiter(Limits(), clock)
    calls = Calls(limiter, 2)
    calls.end(Throttled("429", retry_after_seconds=20))
    clock.time = 5.0
    calls.end(Throttled("429", retry_after_seconds=3))  # asks for less; the longer rest holds
    assert limiter.seconds_to_rest == 15
    succeed(limiter, 1)
    assert clock.time == 20
    assert limiter.seconds_to_rest == 0


def test_failing_is_counted_from_the_first_failure_after_the_last_success() -> None:
    clock = FakeClock()
    limiter = Limiter(Limits(), clock)
    clock.time = 1000.0
    assert limiter.seconds_failing == 0
    for seconds in (0.0, 7.0):
        calls = Calls(limiter, 1)
        clock.time = 1000.0 + seconds
        calls.end(BackendUnavailable("503"))
        assert limiter.seconds_failing == seconds
    calls = Calls(limiter, 1)
    calls.end(ConfigError("no key"))  # neither a failure of the vendor nor a success
    assert limiter.seconds_failing == 7
    calls = Calls(limiter, 1)
    calls.end(SampleRejected("image_safety", "no"))  # it answered
    assert limiter.seconds_failing == 0


def test_failures_with_a_long_silence_between_them_are_unrelated() -> None:
    clock = FakeClock()
    limiter = Limiter(Limits(), clock, unrelated_seconds=600)
    for at, failing in ((0.0, 0.0), (600.0, 600.0), (1200.0, 1200.0), (1801.0, 0.0), (1900.0, 99.0)):
        clock.time = at
        Calls(limiter, 1).end(BackendUnavailable("503"))
        assert limiter.seconds_failing == failing


def test_a_pause_lasts_as_long_as_it_is_meant_to_whoever_else_comes_and_goes() -> None:
    class Restless(FakeClock):
        """Wakes all who wait long before their time."""

        def wait(self, changed: threading.Condition, seconds: float | None) -> None:
            assert seconds is not None
            super().wait(changed, min(seconds, 0.7))

    clock = Restless()
    Limiter(Limits(), clock).pause(10)
    assert clock.time == pytest.approx(10)


def test_who_waits_gives_up_when_it_is_closed_and_who_is_under_way_ends() -> None:
    class Closing(FakeClock):
        """Closes the limiter while somebody waits."""

        def wait(self, changed: threading.Condition, seconds: float | None) -> None:
            limiter.close()

    clock = Closing()
    limiter = Limiter(Limits(max_concurrency=1), clock)
    calls = Calls(limiter, 1)
    with pytest.raises(GaveUp, match="run the same command again"), limiter.turn(1):
        pass
    calls.end()
    for _ in range(2):
        with pytest.raises(GaveUp):
            limiter.pause(10)
        with pytest.raises(GaveUp), limiter.turn(1):
            pass
    limiter = Limiter(Limits(), clock)
    with pytest.raises(GaveUp):
        limiter.pause(10)
    assert clock.time == 0


def test_threads_are_never_more_than_allowed_and_as_many_as_allowed() -> None:
    limiter = Limiter(Limits(max_concurrency=4), FakeClock())
    four = threading.Barrier(4)  # breaks unless four are inside together
    inside, most, lock = 0, 0, threading.Lock()

    def work(_: int) -> None:
        nonlocal inside, most
        with limiter.turn(1):
            with lock:
                inside += 1
                most = max(most, inside)
            four.wait(timeout=30)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(24)))
    assert most == 4


def test_the_machine_s_clock_goes_on_and_wakes_when_notified() -> None:
    clock, changed = SystemClock(), threading.Condition()
    before = clock.now()
    with changed:
        clock.wait(changed, 0.0)
    assert clock.now() >= before
