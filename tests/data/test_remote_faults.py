"""Faults of the service behind a store: those that pass are waited out, those that stay are told."""

from __future__ import annotations

import hashlib
import os
import pickle
import signal
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from data.bucket import ATTEMPTS, FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS, PART_BYTES
from data.errors import BackendUnavailable, ConfigError
from data.remote_store import RemoteStore
from data.schema import Blob
from data.store import blob_name
from tests.data.buckets import KEY, URL, files, run_python
from tests.s3_server import Fault, Server


def assert_no_key_in(error: BaseException) -> None:
    assert "canary" not in "".join(traceback.format_exception(error)).lower()


# --- faults that pass ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["500 InternalError", "503 SlowDown", "reset", "done, then 500"])
@pytest.mark.parametrize("method", ["PUT", "HEAD", "GET"])
def test_a_passing_fault_is_waited_out(
    method: str, kind: str, fresh: Callable[[], RemoteStore], s3: Server, waits: list[float]
) -> None:
    s3.fail(Fault(method, "/store/", kind, times=3))
    writer = fresh()
    blob = writer.put_bytes(b"content", ".bin")
    writer.publish("clips", KEY, {"clip": blob})
    reader = fresh()
    assert reader.find("clips", KEY) == {"clip": blob}
    assert reader.read(blob) == b"content"
    assert waits
    assert all(FIRST_DELAY_SECONDS / 2 <= wait <= LONGEST_DELAY_SECONDS for wait in waits)


def test_a_download_that_breaks_off_is_begun_again(fresh: Callable[[], RemoteStore], s3: Server) -> None:
    content = os.urandom(300_000)
    blob, reader = fresh().put_bytes(content, ".bin"), fresh()
    s3.fail(Fault("GET", "/blobs/", "cut", times=2))
    assert reader.path(blob).read_bytes() == content
    assert files(reader) == [reader.path(blob)]


def test_an_upload_that_arrived_cut_is_noticed(fresh: Callable[[], RemoteStore], s3: Server) -> None:
    s3.fail(Fault("PUT", "/blobs/", "short"))
    blob = fresh().put_bytes(b"content", ".bin")
    assert fresh().read(blob) == b"content"


def test_a_part_that_fails_aborts_the_upload_before_the_next(store: RemoteStore, s3: Server) -> None:
    s3.fail(Fault("PUT", "partNumber=2", "500 InternalError"))
    blob = store.put_bytes(bytes(2 * PART_BYTES), ".mp4")
    assert store.bucket.stat(blob_name(blob)) is not None
    assert sum(line.startswith("DELETE") and "uploadId=" in line for line in s3.log()) == 1
    assert b"<UploadId>" not in s3.send("GET", "/store?uploads")


# --- faults that stay ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["500 InternalError", "503 SlowDown", "short"])
def test_a_service_that_does_not_recover_is_given_up(
    kind: str, fresh: Callable[[], RemoteStore], s3: Server, waits: list[float]
) -> None:
    s3.fail(Fault("PUT", "/blobs/", kind, times=1000))
    with pytest.raises(BackendUnavailable, match=f"cannot write blobs/.*{ATTEMPTS} times; run") as error:
        fresh().put_bytes(b"content", ".bin")
    assert_no_key_in(error.value)
    assert sum(line.startswith("PUT") for line in s3.log()) == ATTEMPTS
    assert len(waits) == ATTEMPTS - 1
    s3.fail()
    blob = fresh().put_bytes(b"content", ".bin")
    assert fresh().read(blob) == b"content"


def test_downloads_that_always_break_off_leave_nothing_in_the_cache(
    fresh: Callable[[], RemoteStore], s3: Server
) -> None:
    blob, reader = fresh().put_bytes(os.urandom(300_000), ".bin"), fresh()
    s3.fail(Fault("GET", "/blobs/", "cut", times=1000))
    with pytest.raises(BackendUnavailable, match="cannot read blobs/"):
        reader.path(blob)
    assert files(reader) == []


def test_a_service_that_is_not_there_is_told(store: RemoteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    elsewhere = RemoteStore("s3://store/elsewhere", store.root, lambda _: None)
    with pytest.raises(BackendUnavailable, match="Could not connect"):
        elsewhere.find("clips", KEY)


def test_a_missing_bucket_is_told(tmp_path: Path, s3: Server) -> None:
    missing = RemoteStore("s3://missing/prefix", tmp_path)
    for use in (lambda: missing.put_bytes(b"x", ".bin"), lambda: missing.find("clips", KEY), missing.check):
        with pytest.raises(ConfigError, match=r"s3://missing/prefix: NoSuchBucket; create the bucket"):
            use()


def test_keys_that_the_service_does_not_know_are_told_and_not_shown(store: RemoteStore, s3: Server) -> None:
    s3.ask_for_keys()
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


def test_no_keys_at_all_are_told(s3: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    status: str, remedy: str, store: RemoteStore, s3: Server, waits: list[float]
) -> None:
    s3.fail(Fault("PUT", "/store/", status, times=1000))
    with pytest.raises(ConfigError, match=remedy) as refusal:
        store.publish("clips", KEY, {})
    assert_no_key_in(refusal.value)
    assert not waits


def test_a_bad_bucket_name_is_told(s3: Server, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="correct the bucket's name"):
        RemoteStore("s3://no spaces here/x", tmp_path).find("clips", KEY)


def test_a_service_that_does_not_keep_writers_apart_is_found_out(store: RemoteStore, s3: Server) -> None:
    s3.fail(Fault("PUT", "/probes/", "unconditional", times=2))
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
    assert "File too large; raise the file size limit" in told
    assert not [path for path in (tmp_path / "full").rglob("*") if path.is_file()]


def test_a_store_that_can_be_used_passes_the_check_and_keeps_nothing_of_it(store: RemoteStore) -> None:
    assert store.check()
    assert store.check()
    assert list(store.bucket.names("")) == []


# --- a writer that dies -------------------------------------------------------------------------


def test_a_process_killed_in_mid_upload_leaves_nothing_to_be_seen(
    fresh: Callable[[], RemoteStore], s3: Server, tmp_path: Path
) -> None:
    script = """
        import sys
        from pathlib import Path
        from data.bucket import PART_BYTES
        from data.remote_store import open_store

        open_store(sys.argv[1], Path(sys.argv[2])).put_bytes(bytes(3 * PART_BYTES), ".mp4")
    """
    s3.fail(Fault("PUT", "partNumber=3", "hang"))
    process = run_python(script, URL, tmp_path / "killed")
    while not any("partNumber=3" in line for line in s3.log()):
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()

    content = bytes(3 * PART_BYTES)
    blob = Blob(hashlib.sha256(content).hexdigest(), len(content), ".mp4")
    store = fresh()
    assert not store.has(blob)
    assert list(store.bucket.names("")) == []
    assert b"<UploadId>" in s3.send("GET", "/store?uploads")
    assert store.put_bytes(content, ".mp4") == blob
    assert fresh().has(blob)
