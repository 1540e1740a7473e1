"""Content-addressed artifacts behind a URL, with a local folder as cache.

Knows nothing of stages, videos or triplets.  The names below the URL are those of a local store, so that
a folder copied there is a store.  What counts is at the URL: bytes go up before ``put_file`` returns,
the record after its blobs, in one conditional put, so that of two writers the first one's record stays.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from data.bucket import Bucket, checked_url
from data.disk import disk_errors, file_sha256, sync_file
from data.errors import ConfigError
from data.schema import Blob
from data.store import Store, blob_name, record_from_bytes, record_name, record_to_bytes


def open_store(address: str | Path, cache: Path) -> Store:
    """The store at a folder, a ``file://`` URL or any fsspec URL (``s3://bucket/prefix``). Touches nothing.

    What comes from a URL is kept below ``cache``, which several stores and processes may share.
    Raises ``ConfigError`` for an address that is none, or that holds keys.
    """
    text = str(address)
    if "://" not in text:
        return Store(Path(text))
    if text.startswith("file://"):
        return Store(Path(text.removeprefix("file://")))
    return RemoteStore(text, cache)


class RemoteStore(Store):
    """A ``Store`` whose truth is at ``url``. It pickles: a worker elsewhere opens its own connections.

    Its folder is a cache: deleting it costs time only.  Beside the errors of ``Store`` every method raises
    ``BackendUnavailable`` when the service does not answer, and ``ConfigError`` when it refuses the keys.
    """

    def __init__(self, url: str, cache: Path, wait: Callable[[float], None] = time.sleep) -> None:
        self.url = checked_url(url)
        self.bucket = Bucket(self.url, wait)
        self._cache = Store(cache / hashlib.sha256(self.url.encode()).hexdigest()[:16])
        super().__init__(self._cache.root)

    def put_file(self, write: Callable[[Path], None], suffix: str) -> Blob:
        """Keep what ``write(path)`` writes to the temporary path it is given, here and at the URL."""
        blob = self._cache.put_file(write, suffix)
        if not self._is_remote(blob):
            self.bucket.upload(blob_name(blob), self._cache.path(blob))
        return blob

    def path(self, blob: Blob) -> Path:
        """A local file with the bytes of ``blob``, fetched and checked against the hash when it is not there.

        Raises ``ConfigError`` when the bytes at the URL were lost or changed.
        """
        if not self._cache.has(blob):
            self._fetch(blob)
        return self._cache.path(blob)

    def has(self, blob: Blob) -> bool:
        """Whether the bytes are in the cache or at the URL, in full length."""
        return self._cache.has(blob) or self._is_remote(blob)

    def read(self, blob: Blob) -> bytes:
        """The bytes of ``blob``, checked against its hash; a damaged copy in the cache is fetched anew."""
        try:
            return self._cache.read(blob)
        except ConfigError:
            self._fetch(blob)
            return self._cache.read(blob)

    def publish(self, stage: str, key: str, record: Mapping[str, Any]) -> None:
        """Write the record of a finished artifact, after its blobs, unless a whole one is there already.

        Ask ``find`` for the one that counts: it may be another writer's.
        """
        name, data = record_name(stage, key), record_to_bytes(record)
        while not self.bucket.create(name, data):
            there = self.bucket.stat(name)
            if self._download_record(stage, key) is not None:
                return
            if there is not None and self.bucket.replace(name, data, there.tag):
                break
        if all(map(self.has, record_from_bytes(data)[1])):
            self._cache.publish(stage, key, record)

    def find(self, stage: str, key: str) -> dict[str, Any] | None:
        """The record as it was published, or None when it or any blob it names is not there in full.

        A record comes into the cache when its blobs were all there, and is believed from then on.
        """
        record, _ = self._cache.published(stage, key)
        return record if record is not None else self._download_record(stage, key)

    def keys(self, stage: str) -> Iterator[str]:
        """The keys of all records of a stage at the URL, sorted."""
        for name in self.bucket.names(f"records/{stage}"):
            yield PurePosixPath(name).stem

    def check(self) -> bool:
        """Put, read and delete a small object, so that wrong keys are told before any work is done.

        Returns whether the service keeps two writers apart by conditional puts. Where it does not, only one
        run at a time should use the store: two would do the same work.
        """
        name = f"probes/{uuid.uuid4().hex}"
        self.bucket.create(name, b"first")
        self.bucket.create(name, b"second")
        kept = self.bucket.get(name)
        self.bucket.delete(name)
        return kept == b"first"

    def _is_remote(self, blob: Blob) -> bool:
        there = self.bucket.stat(blob_name(blob))
        return there is not None and there.num_bytes == blob.num_bytes

    def _download_record(self, stage: str, key: str) -> dict[str, Any] | None:
        data = self.bucket.get(record_name(stage, key))
        if data is None:
            return None
        record, blobs = record_from_bytes(data)
        if record is None or not all(map(self._is_remote, blobs)):
            return None
        self._cache.publish(stage, key, record)
        return record

    def _fetch(self, blob: Blob) -> None:
        """Bring the bytes into the cache, whole or not at all; each caller by a temporary file of its own."""
        found = True
        for _ in range(2):  # once more: a byte may have changed on the way
            with self.temporary(blob.suffix) as temporary, disk_errors(self.root):
                found = self.bucket.download(blob_name(blob), temporary)
                if found and file_sha256(temporary) == blob.sha256:
                    sync_file(temporary)
                    self._cache.adopt(temporary, blob)
                    return
        # Records in the cache may name these bytes: the next ``find`` looks at the URL again.
        for cached in (self.root / "records").rglob("*.json"):
            cached.unlink(missing_ok=True)
        place = f"{self.url}/{blob_name(blob)}"
        if found:
            raise ConfigError(
                f"{place} does not hold the bytes it was written with: "
                "delete it and run the same command again"
            )
        raise ConfigError(f"{place} is gone: run the same command again to make it anew")
