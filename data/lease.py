"""Work done once by runs that share a store: a lease per key, taken over when its holder died.

Knows nothing of what the work is.  A lease saves work and money; it is not what keeps results true: two
that both believe to hold one publish one record, the first.

In a folder a lease is a lock of the system, free as soon as its process is dead.  Behind a URL it is an
object that its holder keeps rewriting.  It is out when it was not rewritten for its time to live, by the
monotonic clock of the one who looks: clocks of two machines are never compared.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from data.bucket import Bucket
from data.disk import disk_errors
from data.errors import BackendUnavailable, ContractError, SimMotionError
from data.remote_store import RemoteStore
from data.store import Store

TTL_SECONDS = 60.0
BEATS_PER_TTL = 3
FIRST_POLL_SECONDS, LONGEST_POLL_SECONDS = 0.1, 5.0


class Lease(Protocol):
    """The right to do one piece of work. One object serves one thread of one process."""

    def acquire(self) -> bool:
        """Take it if it is free or out; False at once when another holds it. Call again to look again."""

    def release(self) -> None:
        """Let the next one in. Nothing when it was lost meanwhile."""


class Made(NamedTuple):
    """A finished record; ``reused`` when it was there before or another run made it."""

    record: dict[str, Any]
    reused: bool


def this_process() -> str:
    """Who holds a lease, for people to read."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def lease_of(
    store: Store,
    stage: str,
    key: str,
    holder: str = "",
    ttl_seconds: float = TTL_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Lease:
    """The lease on the artifact ``key`` of ``stage``, not taken yet."""
    name = f"leases/{stage}/{key[:2]}/{key}"
    if isinstance(store, RemoteStore):
        return RemoteLease(store.bucket, name, holder or this_process(), ttl_seconds, clock)
    return FolderLease(store.root / name, holder or this_process())


def run_once(
    store: Store,
    stage: str,
    key: str,
    make: Callable[[Store], Mapping[str, Any]],
    *,
    holder: str = "",
    ttl_seconds: float = TTL_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> Made:
    """The record of ``key``, made by ``make`` if no run that shares the store has made it or is at it.

    Waits, by ``wait`` with seconds, while another holds the lease.  What ``make`` raises goes on, and the
    lease is free again.  Raises as the store does.
    """
    made = run_each_once(
        store,
        stage,
        [key],
        lambda keys: ((key, make(store)) for key in keys),
        holder=holder,
        ttl_seconds=ttl_seconds,
        clock=clock,
        wait=wait,
    )
    return made[key]


def run_each_once(
    store: Store,
    stage: str,
    keys: Sequence[str],
    make: Callable[[list[str]], Iterable[tuple[str, Mapping[str, Any]]]],
    *,
    holder: str = "",
    ttl_seconds: float = TTL_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> dict[str, Made]:
    """``run_once`` for a batch: ``make`` gets the keys that are this run's to make.

    It yields keys with their records, each of which is published at once; keys that it leaves out are
    missing from the result too.  A batch holds no lease while it waits for one, so that two batches of the
    same keys in other orders cannot wait for each other.
    """
    done: dict[str, Made] = {}
    left = list(dict.fromkeys(keys))
    leases = {key: lease_of(store, stage, key, holder, ttl_seconds, clock) for key in left}
    poll_seconds = FIRST_POLL_SECONDS
    while True:
        done |= _found(store, stage, left)
        left = [key for key in left if key not in done]
        if not left:
            return done
        with ExitStack() as held:
            mine = [key for key in left if _taken(leases[key], held)]
            # Who held the lease a moment ago may have published since the first look.
            late = _found(store, stage, mine)
            done |= late
            open_keys = [key for key in mine if key not in late]
            for key, record in make(open_keys) if open_keys else ():
                store.publish(stage, key, record)
                done[key] = Made(_published(store, stage, key), reused=False)
        left = [key for key in left if key not in mine]
        if left and not mine:
            wait(poll_seconds)
            poll_seconds = min(2 * poll_seconds, LONGEST_POLL_SECONDS)


def _found(store: Store, stage: str, keys: Sequence[str]) -> dict[str, Made]:
    records = {key: store.find(stage, key) for key in keys}
    return {key: Made(record, reused=True) for key, record in records.items() if record is not None}


def _published(store: Store, stage: str, key: str) -> dict[str, Any]:
    """What counts after a publish: our record, or the one of a run that was faster."""
    record = store.find(stage, key)
    if record is None:
        raise ContractError(
            f"the {stage} record {key} names bytes that were not put into the store before it"
        )
    return record


def _taken(lease: Lease, held: ExitStack) -> bool:
    if not lease.acquire():
        return False
    held.callback(lease.release)
    return True


class FolderLease:
    """A lease as a lock on a file below the store; the system frees it when the process dies."""

    def __init__(self, path: Path, holder: str) -> None:
        self._path = path
        self._holder = holder
        self._descriptor = -1

    def acquire(self) -> bool:
        with disk_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return False
            if not _leads_to(self._path, descriptor):  # its holder removed the name after we had opened it
                os.close(descriptor)
                return False
            os.ftruncate(descriptor, 0)  # the name of one that was killed
            os.write(descriptor, self._holder.encode())
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        # The name goes first: a child that was forked meanwhile keeps the file locked, but not the next one.
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def _leads_to(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


@dataclass
class RemoteLease:
    """A lease as an object that a thread of its holder rewrites ``BEATS_PER_TTL`` times per time to live."""

    bucket: Bucket
    name: str
    holder: str
    ttl_seconds: float = TTL_SECONDS
    clock: Callable[[], float] = time.monotonic
    _nonce: str = field(default_factory=lambda: uuid.uuid4().hex)
    _beats: int = 0
    _held: bool = False
    _tag: str = ""  # of the object as this process wrote it last; asked for when it is first needed
    _renewed_at: float = 0.0
    _seen_tag: str | None = None
    _seen_at: float = 0.0
    _seen_ttl: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def acquire(self) -> bool:
        asked_at = self.clock()
        self._tag = ""
        if self.bucket.create(self.name, self._text()):
            return self._begin(asked_at)
        there = self.bucket.stat(self.name)
        if there is None:
            return False  # released this instant; the next look takes it
        if there.tag != self._seen_tag:
            self._seen_tag, self._seen_at = there.tag, self.clock()
            nonce, self._seen_ttl = _read(self.bucket.get(self.name), self.ttl_seconds)
            # Ours all the same when the answer to the first attempt was lost.
            return nonce == self._nonce and self._begin(asked_at)
        if self.clock() - self._seen_at < self._seen_ttl:
            return False
        self.bucket.replace(self.name, self._text(), there.tag)
        return self._is_ours() and self._begin(asked_at)

    def release(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if not self._held:
            return
        # Nobody takes over before the time is out; after it only what is still there as we wrote it is ours.
        with suppress(BackendUnavailable):  # the work is done all the same, and the lease runs out
            if self.clock() - self._renewed_at < self.ttl_seconds or self._is_ours():
                self.bucket.delete(self.name, still=self._is_ours)
        self._held = False

    def beat(self) -> bool:
        """Say once more that the holder lives; False when the lease was lost."""
        asked_at = self.clock()
        if self._held and (self._tag or self._is_ours()):
            self._beats += 1
            self.bucket.replace(self.name, self._text(), self._tag)
        # Looked at even when it was replaced: after a lost answer that is not known.
        self._held = self._held and self._is_ours()
        if self._held:
            self._renewed_at = asked_at
        return self._held

    def _begin(self, asked_at: float) -> bool:
        self._held, self._renewed_at = True, asked_at
        self._stop.clear()
        self._thread = threading.Thread(target=self._beat_until_stopped, name=self.name, daemon=True)
        self._thread.start()
        return True

    def _is_ours(self) -> bool:
        there = self.bucket.stat(self.name)  # before the text: an older tag is refused, never wrong
        if there is None or _read(self.bucket.get(self.name), 0.0)[0] != self._nonce:
            return False
        self._tag = there.tag
        return True

    def _beat_until_stopped(self) -> None:
        while not self._stop.wait(self.ttl_seconds / BEATS_PER_TTL):
            try:
                if not self.beat():
                    return
            except SimMotionError:
                continue  # the next beat may come through in time; if none does, another takes over

    def _text(self) -> bytes:
        content = {"holder": self.holder, "ttl_seconds": self.ttl_seconds}
        return json.dumps(content | {"nonce": self._nonce, "beat": self._beats}).encode()


def _read(data: bytes | None, default_ttl_seconds: float) -> tuple[str, float]:
    """Nonce and time to live of a lease object; of one that no lease wrote, none and the default."""
    try:
        content = json.loads(data or b"")
        return str(content["nonce"]), float(content["ttl_seconds"])
    except (ValueError, KeyError, TypeError):
        return "", default_ttl_seconds


@contextmanager
def lease(
    store: Store,
    stage: str,
    key: str,
    holder: str = "",
    ttl_seconds: float = TTL_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[Lease]:
    """Hold the lease on an artifact during the block; waits until it is free or out."""
    wanted = lease_of(store, stage, key, holder, ttl_seconds, clock)
    poll_seconds = FIRST_POLL_SECONDS
    while not wanted.acquire():
        wait(poll_seconds)
        poll_seconds = min(2 * poll_seconds, LONGEST_POLL_SECONDS)
    try:
        yield wanted
    finally:
        wanted.release()
