"""A lease has one holder at a time, and is free again in bounded time when its holder died."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from data.bucket import Bucket
from data.errors import BackendUnavailable, ConfigError
from data.lease import LONGEST_POLL_SECONDS, FolderLease, RemoteLease, lease, lease_of
from data.remote_store import RemoteStore, open_store
from data.store import Store
from tests.data.buckets import KEY, URL, Clock
from tests.s3_server import Fault, Server

OTHER = "cd" * 32

# So long that no lease is renewed but by hand: a thread that did would write into the tests that follow.
TTL_SECONDS = 3600.0


@pytest.fixture
def bucket(s3: Server) -> Bucket:
    return Bucket(URL, lambda seconds: None)


@pytest.fixture(params=["memory", "s3"])
def any_bucket(request: pytest.FixtureRequest, s3: Server) -> Bucket:
    return Bucket({"memory": f"memory://{uuid.uuid4().hex}/store", "s3": URL}[request.param])


def remote_lease(bucket: Bucket, clock: Clock, holder: str = "someone") -> RemoteLease:
    return RemoteLease(bucket, "leases/clips/key", holder, TTL_SECONDS, clock)


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
def test_lost_answers_lose_no_lease(kind: str, bucket: Bucket, s3: Server) -> None:
    ours = remote_lease(bucket, Clock())
    s3.fail(Fault("PUT", "/leases/", kind))
    assert ours.acquire()
    s3.fail(Fault("PUT", "/leases/", kind))
    assert ours.beat()
    assert ours.beat()
    s3.fail(Fault("DELETE", "/leases/", kind))
    ours.release()
    assert bucket.stat(ours.name) is None


def test_a_release_whose_answer_is_lost_does_not_take_the_lease_of_the_next(s3: Server) -> None:
    next_one = remote_lease(Bucket(URL), Clock(), "the next")
    ours = remote_lease(Bucket(URL, lambda seconds: _assert_taken(next_one)), Clock())
    assert ours.acquire()
    s3.fail(Fault("DELETE", "/leases/", "done, then 500"))
    ours.release()
    assert next_one.beat(), "it was taken away"
    next_one.release()


def _assert_taken(wanted: RemoteLease) -> None:
    assert wanted.acquire()


def test_a_beat_that_does_not_come_through_is_made_up_for(bucket: Bucket, s3: Server) -> None:
    ours = remote_lease(bucket, Clock())
    assert ours.acquire()
    s3.fail(Fault("HEAD", "/leases/", "500 InternalError", times=1000))
    with pytest.raises(BackendUnavailable):
        ours.beat()
    s3.fail()
    assert ours.beat()
    ours.release()
