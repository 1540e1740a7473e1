"""Work that two runs want is done once, and still done when the one that had begun it dies."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from data import lease as lease_module
from data.errors import BackendUnavailable, ContractError
from data.lease import LONGEST_POLL_SECONDS, TTL_SECONDS, Made, lease_of, run_each_once, run_once
from data.remote_store import RemoteStore, open_store
from data.schema import Blob
from data.store import Store
from tests.data.buckets import KEY, URL, Clock, run_python
from tests.s3_server import Fault, Server

OTHER, THIRD = "cd" * 32, "ef" * 32


def never(seconds: float) -> None:
    raise AssertionError(f"nobody should have waited for {seconds} s")


# --- once ---------------------------------------------------------------------------------------


def test_what_is_there_is_not_made(stores: Callable[[], Store]) -> None:
    stores().publish("clips", KEY, {"n": 1})
    assert run_once(stores(), "clips", KEY, lambda store: {"n": 2}, wait=never) == Made({"n": 1}, reused=True)


def test_what_is_not_there_is_made_and_found_by_the_next(stores: Callable[[], Store]) -> None:
    def make(store: Store) -> dict[str, Any]:
        return {"clip": store.put_bytes(b"content", ".mp4")}

    made = run_once(stores(), "clips", KEY, make, wait=never)
    assert not made.reused
    assert run_once(stores(), "clips", KEY, make, wait=never) == Made(made.record, reused=True)


def test_a_second_run_waits_for_the_first_and_takes_its_record(stores: Callable[[], Store]) -> None:
    begun, waited, calls = threading.Event(), threading.Event(), list[str]()

    def make(store: Store) -> dict[str, Any]:
        calls.append("first")
        begun.set()
        assert waited.wait(60)
        return {"n": 1}

    def second() -> Made:
        assert begun.wait(60)
        return run_once(stores(), "clips", KEY, lambda store: {"n": 2}, wait=wait)

    def wait(seconds: float) -> None:
        waited.set()
        first.result(60)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(run_once, stores(), "clips", KEY, make)
        assert pool.submit(second).result() == Made({"n": 1}, reused=True)
        assert first.result() == Made({"n": 1}, reused=False)
    assert calls == ["first"]


def test_what_was_finished_just_before_the_lease_was_got_is_not_made(
    stores: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    class FreedByItsHolder:
        def acquire(self) -> bool:
            stores().publish("clips", KEY, {"by": "its holder"})
            return True

        def release(self) -> None:
            pass

    monkeypatch.setattr(lease_module, "lease_of", lambda *_: FreedByItsHolder())
    made = run_once(stores(), "clips", KEY, lambda store: {"by": "us"}, wait=never)
    assert made == Made({"by": "its holder"}, reused=True)


def test_work_that_fails_is_free_for_the_next(stores: Callable[[], Store]) -> None:
    def fail(store: Store) -> dict[str, Any]:
        raise BackendUnavailable("away")

    with pytest.raises(BackendUnavailable, match="away"):
        run_once(stores(), "clips", KEY, fail, wait=never)
    assert run_once(stores(), "clips", KEY, lambda store: {"n": 1}, wait=never).record == {"n": 1}


def test_a_record_of_bytes_that_were_never_put_is_our_bug(stores: Callable[[], Store]) -> None:
    def make(store: Store) -> dict[str, Any]:
        return {"clip": Blob("0" * 64, 1, ".mp4")}

    with pytest.raises(ContractError, match="clips record"):
        run_once(stores(), "clips", KEY, make, wait=never)


def test_two_that_both_believe_to_hold_it_end_with_one_record(s3: Server, tmp_path: Path) -> None:
    clock = Clock()
    one, other = RemoteStore(URL, tmp_path / "one"), RemoteStore(URL, tmp_path / "other")

    def late(seconds: float) -> None:
        clock.seconds += TTL_SECONDS

    def make(store: Store) -> dict[str, Any]:
        """Paused for so long that another run took over and finished."""
        options = {"clock": clock, "wait": late}
        taken = run_once(other, "clips", KEY, lambda _: {"by": "other"}, **options)  # type: ignore[arg-type]
        assert not taken.reused
        return {"by": "one"}

    assert run_once(one, "clips", KEY, make, clock=Clock()).record == {"by": "other"}


def test_short_work_costs_few_requests(s3: Server, tmp_path: Path) -> None:
    run_once(RemoteStore(URL, tmp_path), "clips", KEY, lambda store: {"n": 1}, wait=never)
    assert [line.split()[0] for line in s3.log()] == ["GET", "PUT", "GET", "PUT", "DELETE"]


def test_finished_work_counts_though_its_lease_cannot_be_let_go(s3: Server, tmp_path: Path) -> None:
    store = RemoteStore(URL, tmp_path, lambda seconds: None)
    s3.fail(Fault("DELETE", "/leases/", "500 InternalError", times=1000))
    assert run_once(store, "clips", KEY, lambda _: {"n": 1}, wait=never) == Made({"n": 1}, reused=False)


# --- batches ------------------------------------------------------------------------------------


def numbered(keys: list[str]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    return [(key, {"of": key}) for key in keys]


def test_a_batch_makes_what_is_missing(stores: Callable[[], Store]) -> None:
    asked = list[str]()

    def make(keys: list[str]) -> Iterable[tuple[str, Mapping[str, Any]]]:
        asked.extend(keys)
        return numbered(keys)

    stores().publish("clips", OTHER, {"of": "before"})
    made = run_each_once(stores(), "clips", [KEY, OTHER, THIRD, KEY], make, wait=never)
    assert asked == [KEY, THIRD]
    assert made[OTHER] == Made({"of": "before"}, reused=True)
    assert made[KEY] == Made({"of": KEY}, reused=False)
    assert set(made) == {KEY, OTHER, THIRD}


def test_a_batch_publishes_each_record_as_it_comes(stores: Callable[[], Store]) -> None:
    def make(keys: list[str]) -> Iterable[tuple[str, Mapping[str, Any]]]:
        yield keys[0], {"n": 1}
        assert stores().find("clips", keys[0]) == {"n": 1}
        raise BackendUnavailable("the second did not come")

    with pytest.raises(BackendUnavailable):
        run_each_once(stores(), "clips", [KEY, OTHER], make, wait=never)
    assert stores().find("clips", KEY) == {"n": 1}


def test_what_a_batch_does_not_make_is_left_out_and_free(stores: Callable[[], Store]) -> None:
    made = run_each_once(stores(), "clips", [KEY, OTHER], lambda keys: numbered(keys[:1]), wait=never)
    assert set(made) == {KEY}
    assert set(run_each_once(stores(), "clips", [OTHER], numbered, wait=never)) == {OTHER}


def test_a_batch_that_waits_holds_nothing(stores: Callable[[], Store]) -> None:
    """Otherwise two batches of the same keys in other orders would wait for each other for ever."""
    held = lease_of(stores(), "clips", KEY)
    held.acquire()

    def wait(seconds: float) -> None:
        free = lease_of(stores(), "clips", OTHER)
        assert free.acquire()
        free.release()
        stores().publish("clips", KEY, {"by": "the other"})

    made = run_each_once(stores(), "clips", [OTHER, KEY], numbered, wait=wait)
    assert made == {OTHER: Made({"of": OTHER}, reused=False), KEY: Made({"by": "the other"}, reused=True)}
    held.release()


# --- processes ----------------------------------------------------------------------------------

CHILD = """
    import os, sys, threading
    from pathlib import Path
    from data.lease import run_once
    from data.remote_store import open_store

    address, cache, log, ending = sys.argv[1:]

    def make(store):
        with open(log, "a") as file:
            file.write(f"{os.getpid()}\\n")
        if ending == "hang":
            print("at work", flush=True)
            threading.Event().wait()
        return {"by": os.getpid()}

    store = open_store(address, Path(cache))
    print(run_once(store, "clips", "ab" * 32, make).record["by"])
"""


def start(address: object, cache: Path, log: Path, ending: str) -> subprocess.Popen[str]:
    return run_python(CHILD, address, cache, log, ending)


def test_two_processes_do_the_work_once(address: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    children = [start(address, tmp_path / str(number), log, "end") for number in range(2)]
    told = {child.communicate()[0].strip() for child in children}
    assert [child.returncode for child in children] == [0, 0]
    assert [log.read_text().strip()] == list(told)


def test_after_a_kill_another_takes_over(address: str, tmp_path: Path) -> None:
    child = start(address, tmp_path / "child", tmp_path / "log", "hang")
    assert child.stdout is not None
    assert child.stdout.readline() == "at work\n"
    store, clock, waits = open_store(address, tmp_path / "ours"), Clock(), list[float]()

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if child.poll() is None:
            child.send_signal(signal.SIGKILL)
            child.communicate()
        clock.seconds += seconds

    made = run_once(store, "clips", KEY, lambda _: {"by": os.getpid()}, clock=clock, wait=wait)
    assert made == Made({"by": os.getpid()}, reused=False)
    if isinstance(store, RemoteStore):
        assert TTL_SECONDS <= sum(waits) < TTL_SECONDS + 3 * LONGEST_POLL_SECONDS
    else:
        assert len(waits) == 1  # the system frees the lock of a dead process at once
