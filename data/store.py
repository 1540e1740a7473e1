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
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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
                _rename(temporary, self.path(blob))
            return blob

    def path(self, blob: Blob) -> Path:
        """Where the bytes of ``blob`` are, or would be."""
        return self.root / "blobs" / blob.sha256[:2] / f"{blob.sha256}{blob.suffix}"

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
        text = json.dumps(record, sort_keys=True, indent=1, default=_blob_to_json)
        with self.temporary(".json") as temporary, disk_errors(self.root):
            _write(temporary, text.encode())
            sync_file(temporary)
            _rename(temporary, self._record_path(stage, key))

    def find(self, stage: str, key: str) -> dict[str, Any] | None:
        """The record as it was published, or None when it or any blob it names is not there in full."""
        blobs: list[Blob] = []

        def revive(item: dict[str, Any]) -> dict[str, Any] | Blob:
            if item.keys() != _BLOB_FIELDS:
                return item
            blobs.append(Blob(**item))
            return blobs[-1]

        try:
            record = json.loads(self._record_path(stage, key).read_bytes(), object_hook=revive)
        except (FileNotFoundError, ValueError):
            return None
        return record if isinstance(record, dict) and all(map(self.has, blobs)) else None

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
            path.unlink(missing_ok=True)

    def sweep(self) -> int:
        """Remove what killed processes left in ``tmp``, and count it. Only for the holder of the run lock."""
        folder = self.root / "tmp"
        leftovers = list(folder.iterdir()) if folder.is_dir() else []
        for leftover in leftovers:
            leftover.unlink(missing_ok=True)
        return len(leftovers)

    def _record_path(self, stage: str, key: str) -> Path:
        return self.root / "records" / stage / key[:2] / f"{key}.json"


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _rename(temporary: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary.replace(path)
    sync_folder(path.parent)


def _blob_to_json(value: object) -> dict[str, Any]:
    if isinstance(value, Blob):
        return dataclasses.asdict(value)
    raise ContractError(f"a record holds a {type(value).__name__}; it may hold JSON values and blobs only")
