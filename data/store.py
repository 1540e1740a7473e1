"""Content-addressed artifacts on disk: blobs named by their hash, and small records that name blobs.

Knows nothing of stages, videos or triplets.  An artifact is a record under a key that hashes all that
determines the result; the record is written after its bytes, so a record that is there is true.

    <root>/blobs/<2 hex>/<sha256><suffix>          bytes
    <root>/records/<stage>/<2 hex>/<key>.json      what a stage made: numbers, texts, blobs
    <root>/tmp/                                    bytes on their way; empty between runs
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path
from typing import Any

from data.disk import disk_errors, file_sha256, sync_file, sync_folder
from data.errors import ConfigError, ContractError
from data.schema import Blob

DIRECTORY = "store"  # inside an output folder
_BLOB_FIELDS = frozenset(field.name for field in dataclasses.fields(Blob))


def artifact_key(stage: str, /, **determinants: object) -> str:
    """Hex SHA-256 of everything that determines an artifact: equal inputs, equal key, in any order.

    Determinants may be None, bool, int, finite float, str, enums, dataclasses, and lists, tuples and
    string-keyed mappings of these; ``ContractError`` for anything else, which would not repeat.
    """
    canonical = _canonical({"stage": stage, "determinants": determinants}, stage)
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: object, where: str) -> Any:
    match value:
        case Enum():
            return _canonical(value.value, where)
        case None | bool() | int() | str():
            return value
        case float():
            if value - value != 0:
                raise ContractError(f"{where} is {value}: only finite numbers can be part of a key")
            return float(value)
        case Mapping():
            bad = [key for key in value if not isinstance(key, str)]
            if bad:
                raise ContractError(f"{where} has the key {bad[0]!r}; keys must be strings")
            return {str(key): _canonical(item, f"{where}.{key}") for key, item in value.items()}
        case list() | tuple():
            return [_canonical(item, f"{where}[{index}]") for index, item in enumerate(value)]
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = dataclasses.fields(value)
            return {f.name: _canonical(getattr(value, f.name), f"{where}.{f.name}") for f in fields}
    raise ContractError(
        f"{where} is a {type(value).__name__}, which has no canonical text: pass its content or its sha256"
    )


class Store:
    """The artifacts under one folder. Constructing touches nothing; folders are made when needed.

    Safe for threads and processes that write side by side: equal content meets at one name.  Methods
    that write raise ``ConfigError`` when the disk is full, read-only or not ours.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def put_bytes(self, data: bytes, suffix: str) -> Blob:
        """Keep ``data``; ``suffix`` (".npz") goes into the file name."""
        return self.put_file(lambda path: _write(path, data), suffix)

    def put_file(self, write: Callable[[Path], None], suffix: str) -> Blob:
        """Keep what ``write(path)`` writes to the temporary path it is given (which ends in ``suffix``)."""
        with self.temporary(suffix) as temporary, disk_errors(self.root):
            write(temporary)
            if not temporary.is_file():
                raise ContractError(f"the writer of a {suffix} artifact returned without writing {temporary}")
            sync_file(temporary)
            blob = Blob(file_sha256(temporary), temporary.stat().st_size, suffix)
            if not self.has(blob):
                self.adopt(temporary, blob)
            return blob

    def adopt(self, temporary: Path, blob: Blob) -> None:
        """Move a synced file that holds the bytes of ``blob`` to where they belong."""
        _rename(temporary, self.root / blob_name(blob))

    def path(self, blob: Blob) -> Path:
        """Where the bytes of ``blob`` are, or would be."""
        return self.root / blob_name(blob)

    def has(self, blob: Blob) -> bool:
        """Whether the bytes are there in full length. The hash is left to ``read`` and to ``verify``."""
        try:
            return self.path(blob).stat().st_size == blob.num_bytes
        except FileNotFoundError:
            return False

    def read(self, blob: Blob) -> bytes:
        """The bytes of ``blob``, checked against its hash; ``ConfigError`` when they were lost or changed."""
        path = self.path(blob)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ConfigError(
                f"cannot read {path}: {error.strerror}; run the same command again to make it anew"
            ) from error
        if hashlib.sha256(data).hexdigest() != blob.sha256:
            raise ConfigError(
                f"{path} does not hold the bytes it was written with: "
                "delete it and run the same command again"
            )
        return data

    def publish(self, stage: str, key: str, record: Mapping[str, Any]) -> None:
        """Write the record of a finished artifact, after its blobs. It may hold ``Blob`` values anywhere."""
        data = record_to_bytes(record)
        with self.temporary(".json") as temporary, disk_errors(self.root):
            _write(temporary, data)
            sync_file(temporary)
            _rename(temporary, self.root / record_name(stage, key))

    def find(self, stage: str, key: str) -> dict[str, Any] | None:
        """The record as it was published, or None when it or any blob it names is not there in full."""
        record, blobs = self.published(stage, key)
        return record if all(map(self.has, blobs)) else None

    def published(self, stage: str, key: str) -> tuple[dict[str, Any] | None, list[Blob]]:
        """The record and the blobs it names, there or not; None and none when it is absent or damaged."""
        try:
            return record_from_bytes((self.root / record_name(stage, key)).read_bytes())
        except FileNotFoundError:
            return None, []

    @contextmanager
    def temporary(self, suffix: str) -> Iterator[Path]:
        """A fresh path on the store's disk, gone after the block unless it was renamed away."""
        folder = self.root / "tmp"
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{uuid.uuid4().hex}{suffix}"
        try:
            yield path
        finally:
            with suppress(OSError):  # of a folder that is ours no more; the next run sweeps it
                path.unlink(missing_ok=True)

    def keys(self, stage: str) -> Iterator[str]:
        """The keys of all records of a stage, sorted; whether their blobs are there is left to ``find``."""
        paths = (self.root / "records" / stage).glob("*/*.json")
        yield from sorted(path.stem for path in paths)

    def sweep(self, idle_seconds: float = 0.0) -> int:
        """Remove what killed processes left in ``tmp``, and count it.

        Only for the holder of a lock on the whole store; in a folder that several runs share,
        ``idle_seconds`` spares what was written to so recently that its process may live.
        """
        folder = self.root / "tmp"
        latest = time.time() - idle_seconds if idle_seconds else math.inf
        leftovers = [path for path in folder.glob("*") if _written_at(path) < latest]
        for leftover in leftovers:
            leftover.unlink(missing_ok=True)
        return len(leftovers)


def blob_name(blob: Blob) -> str:
    """Where the bytes of ``blob`` lie below the root of a store."""
    return f"blobs/{blob.sha256[:2]}/{blob.sha256}{blob.suffix}"


def record_name(stage: str, key: str) -> str:
    """Where a record lies below the root of a store."""
    return f"records/{stage}/{key[:2]}/{key}.json"


def record_to_bytes(record: Mapping[str, Any]) -> bytes:
    """A record as its file holds it. ``ContractError`` for what is neither a JSON value nor a ``Blob``."""
    return json.dumps(record, sort_keys=True, indent=1, default=_blob_to_json).encode()


def record_from_bytes(data: bytes) -> tuple[dict[str, Any] | None, list[Blob]]:
    """The record in ``data`` and the blobs it names; None and none when ``data`` is not a whole record."""
    blobs: list[Blob] = []

    def revive(item: dict[str, Any]) -> dict[str, Any] | Blob:
        if item.keys() != _BLOB_FIELDS:
            return item
        blobs.append(Blob(**item))
        return blobs[-1]

    try:
        record = json.loads(data, object_hook=revive)
    except ValueError:
        return None, []
    return (record, blobs) if isinstance(record, dict) else (None, [])


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _written_at(path: Path) -> float:
    """When a file was last written to, in seconds since 1970; infinite for one that has gone meanwhile."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def _rename(temporary: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary.replace(path)
    sync_folder(path.parent)


def _blob_to_json(value: object) -> dict[str, Any]:
    if isinstance(value, Blob):
        return dataclasses.asdict(value)
    raise ContractError(f"a record holds a {type(value).__name__}; it may hold JSON values and blobs only")
