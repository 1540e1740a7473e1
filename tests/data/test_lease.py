"""Work that two runs want is done once, and still done when the one that had begun it dies."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from data import lease as lease_module
from data.bucket import Bucket
from data.errors import BackendUnavailable, ConfigError, ContractError
from data.lease import (
    LONGEST_POLL_SECONDS,
    FolderLease,
    Made,
    RemoteLease,
    lease,
    lease_of,
    run_each_once,
    run_once,
)
from data.remote_store import RemoteStore, open_store
from data.schema import Blob
from data.store import Store
from tests.s3_server import Fault, Server, serving

URL = "s3://store/prefix"
KEY, OTHER, THIRD = "ab" * 32, "cd" * 32, "ef" * 32
TTL_SECONDS = 60.0


class Clock:
    """A monotonic clock of one machine, set by hand."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def server(running: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    running.prepare(monkeypatch)
    return running


@pytest.fixture(params=["folder", "memory", "s3"])
def stores(request: pytest.FixtureRequest, server: Server, tmp_path: Path) -> Callable[[], Store]:
    memory = f"memory://{uuid.uuid4().hex}/store"
    address: dict[str, str | Path] = {"folder": tmp_path / "store", "memory": memory, "s3": URL}
    return lambda: open_store(address[request.param], tmp_path / uuid.uuid4().hex)


@pytest.fixture(params=["folder", "s3"])
def address(request: pytest.FixtureRequest, server: Server, tmp_path: Path) -> str:
    return {"folder": str(tmp_path / "store"), "s3": URL}[request.param]


@pytest.fixture
def bucket(server: Server) -> Bucket:
    return Bucket(URL, lambda seconds: None)


@pytest.fixture(params=["memory", "s3"])
def any_bucket(request: pytest.FixtureRequest, server: Server) -> Bucket:
    return Bucket({"memory": f"memory://{uuid.uuid4().hex}/store", "s3": URL}[request.param])


def remote_lease(bucket: Bucket, clock: Clock, holder: str = "someone") -> RemoteLease:
    return RemoteLease(bucket, "leases/clips/key", holder, TTL_SECONDS, clock)


def never(seconds: float) -> None:
    raise AssertionError(f"nobody should have waited for {seconds} s")


# --- one holder ---------------------------------------------------------------------------------


def test_a_lease_has_one_holder_at_a_time(stores: Callable[[], Store]) -> None:
    one, other = lease_of(stores(), "clips", KEY), lease_of(stores(), "clips", KEY)
    assert one.acquire()
    assert not other.acquire()
    assert not other.acquire()
    one.release()
    assert other.acquire()
    assert not one.acquire()
    other.release()
    assert one.acquire()
    one.release()


def test_leases_of_other_keys_and_stages_are_others(stores: Callable[[], Store]) -> None:
    store = stores()
    leases = [lease_of(store, *of) for of in (("clips", KEY), ("clips", OTHER), ("verdict", KEY))]
    assert all(each.acquire() for each in leases)
    for each in leases:
        each.release()


def test_a_released_lease_leaves_nothing(stores: Callable[[], Store]) -> None:
    store = stores()
    with lease(store, "clips", KEY):
        pass
    if isinstance(store, RemoteStore):
        assert list(store.bucket.names("")) == []
    else:
        assert not [path for path in store.root.rglob("*") if path.is_file()]


def test_of_many_that_ask_at_once_one_gets_it(address: str, tmp_path: Path) -> None:
    leases = [lease_of(open_store(address, tmp_path / "cache"), "clips", KEY) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda each: each.acquire(), leases))
    assert sum(got) == 1
    leases[got.index(True)].release()


def test_waiting_for_a_lease_ends_when_it_is_free(stores: Callable[[], Store]) -> None:
    held, waits = lease_of(stores(), "clips", KEY), list[float]()
    held.acquire()

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 9:
            held.release()

    with lease(stores(), "clips", KEY, wait=wait):
        assert not held.acquire()
    assert len(waits) == 9
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_POLL_SECONDS


def test_who_holds_it_can_be_read(tmp_path: Path, bucket: Bucket) -> None:
    local, remote = FolderLease(tmp_path / "lease", "run on a"), remote_lease(bucket, Clock(), "run on b")
    (tmp_path / "lease").write_text("a longer name, of one that was killed")
    assert local.acquire()
    assert remote.acquire()
    assert (tmp_path / "lease").read_text() == "run on a"
    assert json.loads(bucket.get(remote.name) or b"")["holder"] == "run on b"
    local.release()
    remote.release()


def test_a_lock_on_a_name_that_was_given_up_meanwhile_is_no_lease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = FolderLease(tmp_path / "lease", "late")

    def lock(descriptor: int, operation: int) -> None:
        """Between the opening and the lock its holder lets the lease go, which removes the name."""
        (tmp_path / "lease").unlink()

    monkeypatch.setattr(fcntl, "flock", lock)
    assert not late.acquire()


def test_a_child_that_outlives_the_lease_does_not_hold_it(tmp_path: Path) -> None:
    held, end = FolderLease(tmp_path / "lease", "parent"), multiprocessing.get_context("fork").Event()
    assert held.acquire()
    child = multiprocessing.get_context("fork").Process(target=end.wait)
    child.start()
    held.release()
    after = FolderLease(tmp_path / "lease", "next")
    assert after.acquire()
    after.release()
    end.set()
    child.join()


def test_a_folder_that_takes_no_leases_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="choose another output folder"):
        FolderLease(tmp_path / "file" / "lease", "me").acquire()


# --- expiry, judged by the clock of the one who looks -------------------------------------------


def test_a_lease_is_out_when_it_was_not_renewed_for_its_time_to_live(any_bucket: Bucket) -> None:
    theirs, ours = Clock(7e9), Clock(5)
    holder, observer = remote_lease(any_bucket, theirs), remote_lease(any_bucket, ours)
    assert holder.acquire()
    assert not observer.acquire()
    ours.seconds += TTL_SECONDS - 1
    assert not observer.acquire()
    assert holder.beat()
    ours.seconds += TTL_SECONDS - 1
    assert not observer.acquire()
    ours.seconds += TTL_SECONDS - 1
    assert not observer.acquire()
    ours.seconds += 1
    assert observer.acquire()
    observer.release()


def test_who_was_taken_over_notices_and_takes_nothing_away(any_bucket: Bucket) -> None:
    theirs, ours = Clock(), Clock()
    holder, observer = remote_lease(any_bucket, theirs), remote_lease(any_bucket, ours)
    holder.acquire()
    observer.acquire()
    ours.seconds += TTL_SECONDS
    theirs.seconds += TTL_SECONDS
    assert observer.acquire()
    holder.release()
    assert not remote_lease(any_bucket, ours).acquire()
    assert observer.beat()
    observer.release()

    assert holder.acquire()
    observer.acquire()
    ours.seconds += TTL_SECONDS
    assert observer.acquire()
    assert not holder.beat()
    holder.release()
    assert observer.beat()
    observer.release()
    assert list(any_bucket.names("leases")) == []


def test_of_many_that_find_it_out_one_takes_it_over(bucket: Bucket) -> None:
    dead, clock = remote_lease(bucket, Clock()), Clock()
    assert dead.acquire()
    observers = [remote_lease(bucket, clock) for _ in range(6)]
    assert not any(each.acquire() for each in observers)
    clock.seconds += TTL_SECONDS
    with ThreadPoolExecutor(6) as pool:
        got = list(pool.map(lambda each: each.acquire(), observers))
    assert sum(got) == 1
    assert not dead.beat()
    dead.release()
    observers[got.index(True)].release()


def test_a_wall_clock_that_jumps_changes_nothing(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    holder, observer = remote_lease(bucket, Clock()), remote_lease(bucket, Clock())
    assert holder.acquire()
    assert not observer.acquire()
    for jump_seconds in (1e7, -1e7):
        now = time.time() + jump_seconds
        monkeypatch.setattr(time, "time", lambda now=now: now)
        assert not observer.acquire()
    assert holder.beat()
    holder.release()


def test_the_time_to_live_is_the_holders(bucket: Bucket) -> None:
    clock = Clock()
    patient = RemoteLease(bucket, "leases/clips/key", "a", 1000.0, Clock())
    hasty = RemoteLease(bucket, "leases/clips/key", "b", 1.0, clock)
    patient.acquire()
    assert not hasty.acquire()
    clock.seconds += 999
    assert not hasty.acquire()
    patient.release()


def test_an_object_that_is_no_lease_is_taken_over_in_time(bucket: Bucket) -> None:
    clock = Clock()
    bucket.create("leases/clips/key", b"not ours")
    ours = remote_lease(bucket, clock)
    assert not ours.acquire()
    clock.seconds += TTL_SECONDS
    assert ours.acquire()
    ours.release()


def test_the_holder_renews_by_itself(any_bucket: Bucket) -> None:
    lively = RemoteLease(any_bucket, "leases/clips/key", "me", 0.01)
    assert lively.acquire()
    before = any_bucket.get(lively.name)
    pause = threading.Event()
    while any_bucket.get(lively.name) == before:
        pause.wait(0.005)
    lively.release()
    assert any_bucket.stat(lively.name) is None
    assert lively._thread is not None
    assert not lively._thread.is_alive()


# --- a service that fails -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["500 InternalError", "done, then 500", "reset"])
def test_lost_answers_lose_no_lease(kind: str, bucket: Bucket, server: Server) -> None:
    ours = remote_lease(bucket, Clock())
    server.fail(Fault("PUT", "/leases/", kind))
    assert ours.acquire()
    server.fail(Fault("PUT", "/leases/", kind))
    assert ours.beat()
    assert ours.beat()
    server.fail(Fault("DELETE", "/leases/", kind))
    ours.release()
    assert bucket.stat(ours.name) is None


def test_a_beat_that_does_not_come_through_is_made_up_for(bucket: Bucket, server: Server) -> None:
    ours = remote_lease(bucket, Clock())
    assert ours.acquire()
    server.fail(Fault("HEAD", "/leases/", "500 InternalError", times=1000))
    with pytest.raises(BackendUnavailable):
        ours.beat()
    server.fail()
    assert ours.beat()
    ours.release()


def test_finished_work_counts_though_its_lease_cannot_be_let_go(server: Server, tmp_path: Path) -> None:
    store = RemoteStore(URL, tmp_path, lambda seconds: None)
    server.fail(Fault("DELETE", "/leases/", "500 InternalError", times=1000))
    assert run_once(store, "clips", KEY, lambda _: {"n": 1}, wait=never) == Made({"n": 1}, reused=False)


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


def test_two_that_both_believe_to_hold_it_end_with_one_record(server: Server, tmp_path: Path) -> None:
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


def test_short_work_costs_few_requests(server: Server, tmp_path: Path) -> None:
    run_once(RemoteStore(URL, tmp_path), "clips", KEY, lambda store: {"n": 1}, wait=never)
    assert [line.split()[0] for line in server.log()] == ["GET", "PUT", "GET", "PUT", "DELETE"]


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
    command = [sys.executable, "-c", textwrap.dedent(CHILD), *map(str, (address, cache, log, ending))]
    root = Path(__file__).parents[2]
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)


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
