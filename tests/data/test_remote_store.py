"""Artifacts behind a URL: the same surface as in a folder, whole or absent there and in the cache."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from data.bucket import PART_BYTES, Bucket
from data.errors import ConfigError, ContractError
from data.remote_store import RemoteStore, open_store
from data.schema import Blob
from data.store import Store, blob_name, record_name
from tests.data.buckets import KEY, URL, files
from tests.s3_server import Server

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


def test_an_equal_blob_goes_up_once(fresh: Callable[[], RemoteStore], s3: Server) -> None:
    fresh().put_bytes(b"content", ".bin")
    fresh().put_bytes(b"content", ".bin")
    assert sum(line.startswith("PUT") for line in s3.log()) == 1


def test_a_cut_object_counts_as_absent_and_is_replaced(fresh: Callable[[], RemoteStore], s3: Server) -> None:
    blob = fresh().put_bytes(b"content", ".bin")
    s3.keep({f"some/prefix/{blob_name(blob)}": b"cont"})
    assert not fresh().has(blob)
    fresh().put_bytes(b"content", ".bin")
    assert fresh().read(blob) == b"content"


def test_what_is_in_the_cache_is_not_asked_for(store: RemoteStore, s3: Server) -> None:
    blob = store.put_bytes(b"content", ".bin")
    store.publish("clips", KEY, {"clip": blob})
    s3.post("/forget-log")
    assert store.find("clips", KEY) == {"clip": blob}
    assert store.has(blob)
    assert store.read(blob) == store.path(blob).read_bytes() == b"content"
    assert s3.log() == []


def test_a_record_is_enough_to_know_it_its_bytes_come_when_they_are_read(
    fresh: Callable[[], RemoteStore], s3: Server
) -> None:
    one, other = fresh(), fresh()
    one.publish("clips", KEY, {"clip": one.put_bytes(b"content", ".bin")})
    s3.post("/forget-log")
    other.find("clips", KEY)
    other.find("clips", KEY)
    assert [line.split()[0] for line in s3.log()] == ["GET", "HEAD"]


def test_many_threads_fetch_one_blob(fresh: Callable[[], RemoteStore]) -> None:
    blob, reader = fresh().put_bytes(b"c" * 100_000, ".bin"), fresh()
    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(lambda _: reader.path(blob), range(24)))
    assert files(reader) == list(paths)
    assert reader.read(blob) == b"c" * 100_000


def test_a_long_file_goes_up_in_parts(fresh: Callable[[], RemoteStore], s3: Server) -> None:
    content = os.urandom(2 * PART_BYTES)
    blob = fresh().put_bytes(content, ".mp4")
    assert sum("partNumber=" in line for line in s3.log()) == 2
    assert fresh().path(blob).read_bytes() == content


def test_listings_are_read_page_by_page(store: RemoteStore, s3: Server) -> None:
    keys = sorted(hashlib.sha256(str(number).encode()).hexdigest() for number in range(2100))
    s3.keep({f"some/prefix/{record_name('clips', key)}": b"{}" for key in keys})
    assert list(store.keys("clips")) == keys
    assert sum("list-type=2" in line for line in s3.log()) == 3


# --- two writers --------------------------------------------------------------------------------


def test_the_first_record_stays(fresh: Callable[[], RemoteStore]) -> None:
    one, other = fresh(), fresh()
    one.publish("clips", KEY, {"n": 1})
    other.publish("clips", KEY, {"n": 2})
    assert one.find("clips", KEY) == other.find("clips", KEY) == fresh().find("clips", KEY) == {"n": 1}


def test_a_damaged_record_is_replaced(fresh: Callable[[], RemoteStore], s3: Server) -> None:
    s3.keep({f"some/prefix/{record_name('clips', KEY)}": b'{"n": '})
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


def test_a_changed_object_is_not_handed_out(fresh: Callable[[], RemoteStore], s3: Server) -> None:
    writer, reader = fresh(), fresh()
    blob = writer.put_bytes(b"content", ".bin")
    writer.publish("clips", KEY, {"clip": blob})
    assert reader.find("clips", KEY) is not None
    s3.keep({f"some/prefix/{blob_name(blob)}": b"CONTENT"})
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


# --- processes ----------------------------------------------------------------------------------
def _put(store: Store, data: bytes) -> None:
    blob = store.put_bytes(data, ".bin")
    store.publish("clips", KEY, {"clip": blob})


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_store_crosses_to_another_process(method: Any, tmp_path: Path, s3: Server) -> None:
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


def test_a_store_pickles_as_its_address(tmp_path: Path, s3: Server) -> None:
    store = RemoteStore(URL, tmp_path)
    before = len(pickle.dumps(store))
    blob = store.put_bytes(b"content", ".bin")
    pickled = pickle.dumps(store)
    assert len(pickled) == before < 1000
    assert pickle.loads(pickled).read(blob) == b"content"
    assert pickle.loads(pickle.dumps(Bucket(URL))) == Bucket(URL)
