"""Artifacts behind a URL: whole or absent there and in the cache, through every fault of the service."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import traceback
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from data.bucket import ATTEMPTS, FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS, PART_BYTES, Bucket
from data.errors import BackendUnavailable, ConfigError, ContractError
from data.remote_store import RemoteStore, open_store
from data.schema import Blob
from data.store import Store, blob_name, record_name
from tests.s3_server import Fault, Server, serving

URL = "s3://store/some/prefix"
KEY = "ab" * 32


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def server(running: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    running.prepare(monkeypatch)
    return running


@pytest.fixture
def fresh(server: Server, tmp_path: Path, waits: list[float]) -> Callable[[], RemoteStore]:
    """Makes stores of one URL, each with a cache of its own, as of workers on other machines."""
    return lambda: RemoteStore(URL, tmp_path / uuid.uuid4().hex, waits.append)


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def store(fresh: Callable[[], RemoteStore]) -> RemoteStore:
    return fresh()


@pytest.fixture(params=["folder", "memory", "s3"])
def stores(request: pytest.FixtureRequest, server: Server, tmp_path: Path) -> Callable[[], Store]:
    memory = f"memory://{uuid.uuid4().hex}/store"
    address: dict[str, str | Path] = {"folder": tmp_path / "store", "memory": memory, "s3": URL}
    return lambda: open_store(address[request.param], tmp_path / uuid.uuid4().hex)


def files(store: Store) -> list[Path]:
    return sorted(path for path in store.root.rglob("*") if path.is_file())


def run_python(script: str, *arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE)


def assert_no_key_in(error: BaseException) -> None:
    assert "canary" not in "".join(traceback.format_exception(error)).lower()


# --- the same surface wherever the bytes are ----------------------------------------------------


def test_what_one_puts_another_reads(stores: Callable[[], Store]) -> None:
    one, other = stores(), stores()
    blob = one.put_bytes(b"content", ".bin")
    assert blob == Blob(hashlib.sha256(b"content").hexdigest(), 7, ".bin")
    assert other.has(blob)
    assert other.read(blob) == b"content"
    assert other.path(blob).read_bytes() == b"content"
    assert other.path(blob).name == f"{blob.sha256}.bin"


def test_a_record_comes_back_as_it_was_published(stores: Callable[[], Store]) -> None:
    one, other = stores(), stores()
    record = {"clips": {"a": one.put_bytes(b"a", ".mp4")}, "psnr": float("inf"), "deep": [{"x": None}]}
    assert other.find("clips", KEY) is None
    one.publish("clips", KEY, record)
    assert one.find("clips", KEY) == record
    assert other.find("clips", KEY) == record
    assert other.find("verdict", KEY) is None
    assert stores().find("clips", KEY) == record


def test_a_record_without_its_blobs_counts_as_absent_and_is_made_anew(stores: Callable[[], Store]) -> None:
    lost = Blob("0" * 64, 3, ".bin")
    stores().publish("clips", KEY, {"clip": lost})
    assert stores().find("clips", KEY) is None
    again = {"clip": stores().put_bytes(b"new", ".bin")}
    stores().publish("clips", KEY, again)
    assert stores().find("clips", KEY) == again


def test_the_keys_of_a_stage_are_listed(stores: Callable[[], Store]) -> None:
    keys = ["ff" * 32, "00" * 32, "0a" * 32]
    for key in keys:
        stores().publish("clips", key, {})
    stores().publish("verdict", KEY, {})
    assert list(stores().keys("clips")) == sorted(keys)
    assert list(stores().keys("plan")) == []


def test_a_failing_writer_leaves_nothing(stores: Callable[[], Store]) -> None:
    def write(path: Path) -> None:
        path.write_bytes(b"half")
        raise RuntimeError("encoder died")

    store = stores()
    with pytest.raises(RuntimeError, match="encoder died"):
        store.put_file(write, ".mp4")
    with pytest.raises(ContractError, match="holds a PosixPath"):
        store.publish("clips", KEY, {"where": Path("x")})
    assert files(store) == []
    assert list(store.keys("clips")) == []


# --- addresses ----------------------------------------------------------------------------------


def test_an_address_opens_the_store_that_it_names(tmp_path: Path) -> None:
    for local in (tmp_path, str(tmp_path), f"file://{tmp_path}"):
        store = open_store(local, tmp_path / "cache")
        assert (type(store), store.root) == (Store, tmp_path)
    remote = open_store("s3://bucket/prefix/", tmp_path / "cache")
    assert isinstance(remote, RemoteStore)
    assert remote.url == "s3://bucket/prefix"
    assert remote.root.parent == tmp_path / "cache"
    assert remote.root != open_store("s3://bucket/other", tmp_path / "cache").root
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    "url", ["s3://", "s3:///", "sss://bucket/x", "s3://b/x?versionId=1", "s3://b::zip://x"]
)
def test_an_address_that_is_none_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SCHEME://BUCKET/PREFIX"):
        open_store(url, tmp_path)


def test_keys_in_an_address_are_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="AWS_ACCESS_KEY_ID") as refusal:
        open_store("s3://CANARYKEYID:canary-secret@bucket/prefix", tmp_path)
    assert "canary" not in str(refusal.value).lower()


# --- what goes over the wire --------------------------------------------------------------------


def test_an_equal_blob_goes_up_once(fresh: Callable[[], RemoteStore], server: Server) -> None:
    fresh().put_bytes(b"content", ".bin")
    fresh().put_bytes(b"content", ".bin")
    assert sum(line.startswith("PUT") for line in server.log()) == 1


def test_a_cut_object_counts_as_absent_and_is_replaced(
    fresh: Callable[[], RemoteStore], server: Server
) -> None:
    blob = fresh().put_bytes(b"content", ".bin")
    server.keep({f"some/prefix/{blob_name(blob)}": b"cont"})
    assert not fresh().has(blob)
    fresh().put_bytes(b"content", ".bin")
    assert fresh().read(blob) == b"content"


def test_what_is_in_the_cache_is_not_asked_for(store: RemoteStore, server: Server) -> None:
    blob = store.put_bytes(b"content", ".bin")
    store.publish("clips", KEY, {"clip": blob})
    server.post("/forget-log")
    assert store.find("clips", KEY) == {"clip": blob}
    assert store.has(blob)
    assert store.read(blob) == store.path(blob).read_bytes() == b"content"
    assert server.log() == []


def test_a_record_is_enough_to_know_it_its_bytes_come_when_they_are_read(
    fresh: Callable[[], RemoteStore], server: Server
) -> None:
    one, other = fresh(), fresh()
    one.publish("clips", KEY, {"clip": one.put_bytes(b"content", ".bin")})
    server.post("/forget-log")
    other.find("clips", KEY)
    other.find("clips", KEY)
    assert [line.split()[0] for line in server.log()] == ["GET", "HEAD"]


def test_many_threads_fetch_one_blob(fresh: Callable[[], RemoteStore]) -> None:
    blob, reader = fresh().put_bytes(b"c" * 100_000, ".bin"), fresh()
    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(lambda _: reader.path(blob), range(24)))
    assert files(reader) == list(paths)
    assert reader.read(blob) == b"c" * 100_000


def test_a_long_file_goes_up_in_parts(fresh: Callable[[], RemoteStore], server: Server) -> None:
    content = os.urandom(2 * PART_BYTES)
    blob = fresh().put_bytes(content, ".mp4")
    assert sum("partNumber=" in line for line in server.log()) == 2
    assert fresh().path(blob).read_bytes() == content


def test_listings_are_read_page_by_page(store: RemoteStore, server: Server) -> None:
    keys = sorted(hashlib.sha256(str(number).encode()).hexdigest() for number in range(2100))
    server.keep({f"some/prefix/{record_name('clips', key)}": b"{}" for key in keys})
    assert list(store.keys("clips")) == keys
    assert sum("list-type=2" in line for line in server.log()) == 3


# --- two writers --------------------------------------------------------------------------------


def test_the_first_record_stays(fresh: Callable[[], RemoteStore]) -> None:
    one, other = fresh(), fresh()
    one.publish("clips", KEY, {"n": 1})
    other.publish("clips", KEY, {"n": 2})
    assert one.find("clips", KEY) == other.find("clips", KEY) == fresh().find("clips", KEY) == {"n": 1}


def test_a_damaged_record_is_replaced(fresh: Callable[[], RemoteStore], server: Server) -> None:
    server.keep({f"some/prefix/{record_name('clips', KEY)}": b'{"n": '})
    assert fresh().find("clips", KEY) is None
    fresh().publish("clips", KEY, {"n": 1})
    assert fresh().find("clips", KEY) == {"n": 1}


def test_of_many_writers_of_one_record_all_see_the_same(fresh: Callable[[], RemoteStore]) -> None:
    stores = [fresh() for _ in range(8)]

    def publish(number: int) -> Any:
        stores[number].publish("clips", KEY, {"n": number})
        return stores[number].find("clips", KEY)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(publish, range(8)))
    assert found == [fresh().find("clips", KEY)] * 8


# --- bytes that changed -------------------------------------------------------------------------


def test_a_changed_object_is_not_handed_out(fresh: Callable[[], RemoteStore], server: Server) -> None:
    writer, reader = fresh(), fresh()
    blob = writer.put_bytes(b"content", ".bin")
    writer.publish("clips", KEY, {"clip": blob})
    assert reader.find("clips", KEY) is not None
    server.keep({f"some/prefix/{blob_name(blob)}": b"CONTENT"})
    for fetch in (reader.path, reader.read):
        with pytest.raises(ConfigError, match=f"{URL}/blobs/.*delete it"):
            fetch(blob)
    assert files(reader) == []
    reader.bucket.delete(blob_name(blob))
    with pytest.raises(ConfigError, match="is gone"):
        reader.path(blob)
    assert reader.find("clips", KEY) is None


def test_a_changed_file_in_the_cache_is_fetched_anew(store: RemoteStore) -> None:
    blob = store.put_bytes(b"content", ".bin")
    store.path(blob).write_bytes(b"CONTENT")
    assert store.read(blob) == b"content"
    assert store.path(blob).read_bytes() == b"content"
    store.path(blob).write_bytes(b"con")
    assert store.path(blob).read_bytes() == b"content"


# --- faults that pass ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["500 InternalError", "503 SlowDown", "reset", "done, then 500"])
@pytest.mark.parametrize("method", ["PUT", "HEAD", "GET"])
def test_a_passing_fault_is_waited_out(
    method: str, kind: str, fresh: Callable[[], RemoteStore], server: Server, waits: list[float]
) -> None:
    server.fail(Fault(method, "/store/", kind, times=3))
    writer = fresh()
    blob = writer.put_bytes(b"content", ".bin")
    writer.publish("clips", KEY, {"clip": blob})
    reader = fresh()
    assert reader.find("clips", KEY) == {"clip": blob}
    assert reader.read(blob) == b"content"
    assert waits
    assert all(FIRST_DELAY_SECONDS / 2 <= wait <= LONGEST_DELAY_SECONDS for wait in waits)


def test_a_download_that_breaks_off_is_begun_again(fresh: Callable[[], RemoteStore], server: Server) -> None:
    content = os.urandom(300_000)
    blob, reader = fresh().put_bytes(content, ".bin"), fresh()
    server.fail(Fault("GET", "/blobs/", "cut", times=2))
    assert reader.path(blob).read_bytes() == content
    assert files(reader) == [reader.path(blob)]


def test_an_upload_that_arrived_cut_is_noticed(fresh: Callable[[], RemoteStore], server: Server) -> None:
    server.fail(Fault("PUT", "/blobs/", "short"))
    blob = fresh().put_bytes(b"content", ".bin")
    assert fresh().read(blob) == b"content"


def test_a_part_that_fails_aborts_the_upload_before_the_next(store: RemoteStore, server: Server) -> None:
    server.fail(Fault("PUT", "partNumber=2", "500 InternalError"))
    blob = store.put_bytes(bytes(2 * PART_BYTES), ".mp4")
    assert store.bucket.stat(blob_name(blob)) is not None
    assert sum(line.startswith("DELETE") and "uploadId=" in line for line in server.log()) == 1
    assert b"<UploadId>" not in server.send("GET", "/store?uploads")


# --- faults that stay ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["500 InternalError", "503 SlowDown", "short"])
def test_a_service_that_does_not_recover_is_given_up(
    kind: str, fresh: Callable[[], RemoteStore], server: Server, waits: list[float]
) -> None:
    server.fail(Fault("PUT", "/blobs/", kind, times=1000))
    with pytest.raises(BackendUnavailable, match=f"cannot write blobs/.*{ATTEMPTS} times; run") as error:
        fresh().put_bytes(b"content", ".bin")
    assert_no_key_in(error.value)
    assert sum(line.startswith("PUT") for line in server.log()) == ATTEMPTS
    assert len(waits) == ATTEMPTS - 1
    server.fail()
    blob = fresh().put_bytes(b"content", ".bin")
    assert fresh().read(blob) == b"content"


def test_downloads_that_always_break_off_leave_nothing_in_the_cache(
    fresh: Callable[[], RemoteStore], server: Server
) -> None:
    blob, reader = fresh().put_bytes(os.urandom(300_000), ".bin"), fresh()
    server.fail(Fault("GET", "/blobs/", "cut", times=1000))
    with pytest.raises(BackendUnavailable, match="cannot read blobs/"):
        reader.path(blob)
    assert files(reader) == []


def test_a_service_that_is_not_there_is_told(store: RemoteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    elsewhere = RemoteStore("s3://store/elsewhere", store.root, lambda _: None)
    with pytest.raises(BackendUnavailable, match="Could not connect"):
        elsewhere.find("clips", KEY)


def test_a_missing_bucket_is_told(tmp_path: Path, server: Server) -> None:
    missing = RemoteStore("s3://missing/prefix", tmp_path)
    for use in (lambda: missing.put_bytes(b"x", ".bin"), lambda: missing.find("clips", KEY), missing.check):
        with pytest.raises(ConfigError, match=r"s3://missing/prefix: NoSuchBucket; create the bucket"):
            use()


def test_keys_that_the_service_does_not_know_are_told_and_not_shown(
    store: RemoteStore, server: Server
) -> None:
    server.ask_for_keys()
    uses: list[Callable[[], object]] = [
        lambda: store.put_bytes(b"x", ".bin"),
        lambda: store.find("clips", KEY),
        lambda: store.publish("clips", KEY, {}),
        store.check,
    ]
    for use in uses:
        with pytest.raises(ConfigError, match="AWS_ACCESS_KEY_ID") as refusal:
            use()
        assert_no_key_in(refusal.value)


def test_no_keys_at_all_are_told(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(ConfigError, match="no keys were found; set AWS_ACCESS_KEY_ID"):
        RemoteStore("s3://store/without-keys", tmp_path).find("clips", KEY)


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        ("403 AccessDenied", "let these keys list the bucket"),
        ("403 InvalidAccessKeyId", "does not know the access key"),
        ("403 SignatureDoesNotMatch", "the secret does not belong to the access key"),
        ("400 ExpiredToken", "log in again"),
        ("403 RequestTimeTooSkewed", "the clock of this machine is wrong"),
        ("400 AuthorizationHeaderMalformed", "set AWS_REGION"),
        ("404 NoSuchBucket", "create the bucket"),
        ("400 InvalidBucketName", "correct the bucket's name"),
        ("405 MethodNotAllowed", "check the store's address"),
    ],
)
def test_what_only_the_user_can_mend_is_told_at_once(
    status: str, remedy: str, store: RemoteStore, server: Server, waits: list[float]
) -> None:
    server.fail(Fault("PUT", "/store/", status, times=1000))
    with pytest.raises(ConfigError, match=remedy) as refusal:
        store.publish("clips", KEY, {})
    assert_no_key_in(refusal.value)
    assert not waits


def test_a_bad_bucket_name_is_told(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="correct the bucket's name"):
        RemoteStore("s3://no spaces here/x", tmp_path).find("clips", KEY)


def test_a_service_that_does_not_keep_writers_apart_is_found_out(store: RemoteStore, server: Server) -> None:
    server.fail(Fault("PUT", "/probes/", "unconditional", times=2))
    assert not store.check()


def test_a_full_disk_under_the_cache_is_told_and_leaves_no_trace(
    fresh: Callable[[], RemoteStore], tmp_path: Path
) -> None:
    """A file size limit stands in for the full disk: the same path through the download, another errno."""
    script = """
        import pickle, resource, sys
        from pathlib import Path
        from data.errors import ConfigError
        from data.remote_store import open_store

        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
        try:
            open_store(sys.argv[1], Path(sys.argv[2])).path(pickle.loads(bytes.fromhex(sys.argv[3])))
        except ConfigError as error:
            print(error)
    """
    blob = fresh().put_bytes(bytes(100_000), ".bin")
    told, _ = run_python(script, URL, tmp_path / "full", pickle.dumps(blob).hex()).communicate()
    assert b"File too large; raise the file size limit" in told
    assert not [path for path in (tmp_path / "full").rglob("*") if path.is_file()]


def test_a_store_that_can_be_used_passes_the_check_and_keeps_nothing_of_it(store: RemoteStore) -> None:
    assert store.check()
    assert store.check()
    assert list(store.bucket.names("")) == []


# --- processes ----------------------------------------------------------------------------------


def test_a_process_killed_in_mid_upload_leaves_nothing_to_be_seen(
    fresh: Callable[[], RemoteStore], server: Server, tmp_path: Path
) -> None:
    script = """
        import sys
        from pathlib import Path
        from data.bucket import PART_BYTES
        from data.remote_store import open_store

        open_store(sys.argv[1], Path(sys.argv[2])).put_bytes(bytes(3 * PART_BYTES), ".mp4")
    """
    server.fail(Fault("PUT", "partNumber=3", "hang"))
    process = run_python(script, URL, tmp_path / "killed")
    while not any("partNumber=3" in line for line in server.log()):
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()

    content = bytes(3 * PART_BYTES)
    blob = Blob(hashlib.sha256(content).hexdigest(), len(content), ".mp4")
    store = fresh()
    assert not store.has(blob)
    assert list(store.bucket.names("")) == []
    assert b"<UploadId>" in server.send("GET", "/store?uploads")
    assert store.put_bytes(content, ".mp4") == blob
    assert fresh().has(blob)


def _put(store: Store, data: bytes) -> None:
    blob = store.put_bytes(data, ".bin")
    store.publish("clips", KEY, {"clip": blob})


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_store_crosses_to_another_process(method: Any, tmp_path: Path, server: Server) -> None:
    store = RemoteStore(URL, tmp_path / "one")
    store.put_bytes(b"connections are open", ".bin")
    process = multiprocessing.get_context(method).Process(target=_put, args=(store, b"by the child"))
    process.start()
    process.join()
    assert process.exitcode == 0
    found = RemoteStore(URL, tmp_path / "other").find("clips", KEY)
    assert found is not None
    assert RemoteStore(URL, tmp_path / "other").read(found["clip"]) == b"by the child"
    assert store.read(store.put_bytes(b"the parent's still work", ".bin")) == b"the parent's still work"


def test_a_store_pickles_as_its_address(tmp_path: Path, server: Server) -> None:
    store = RemoteStore(URL, tmp_path)
    before = len(pickle.dumps(store))
    blob = store.put_bytes(b"content", ".bin")
    pickled = pickle.dumps(store)
    assert len(pickled) == before < 1000
    assert pickle.loads(pickled).read(blob) == b"content"
    assert pickle.loads(pickle.dumps(Bucket(URL))) == Bucket(URL)
