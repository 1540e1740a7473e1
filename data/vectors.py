"""Vectors of clips in Parquet beside the shards, so that nothing is embedded twice.

Knows nothing of what a vector means.  A vector is found by the sha256 of its clip, by the name of its
variant, and by the whole identity of the embedder that made it: another checkpoint, another number of
frames or another precision is another folder.

    <root>/vectors/<name>-<key>/part-<hash>.parquet      some clips each, never changed afterwards
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from data.disk import write_atomically
from data.errors import ConfigError

DIRECTORY = "vectors"  # inside a data set's folder
PARTS = "part-*.parquet"
IDENTITY = b"simmotion.embedder"  # key of the embedder's identity in the metadata of every file

Vectors = npt.NDArray[np.float32]

_SCHEMA = pa.schema(
    [
        ("clip_sha256", pa.string()),
        ("variant", pa.string()),
        ("rows", pa.int32()),
        ("vector", pa.list_(pa.float32())),  # rows × dimensions, row by row
    ]
)


class VectorStore:
    """The vectors that one embedder made, under one folder. Constructing touches nothing.

    Safe for processes that write side by side: a part is named after what it holds, and appears whole.
    """

    def __init__(self, root: Path, name: str, identity: str) -> None:
        self.folder = root / DIRECTORY / f"{name}-{_key(identity.encode())}"
        self._identity = identity

    def missing(self, clips: Collection[str], variants: Collection[str]) -> set[str]:
        """Those of ``clips``, by sha256, that lack any of ``variants``. Raises as ``read`` does."""
        known: set[tuple[str, str]] = set()
        for path in self._parts():
            table = _read_part(path, ["clip_sha256", "variant"])
            known.update(zip(table["clip_sha256"].to_pylist(), table["variant"].to_pylist(), strict=True))
        return {clip for clip in clips if any((clip, variant) not in known for variant in variants)}

    def write(self, vectors: Mapping[str, Mapping[str, Vectors]]) -> None:
        """Keep float32 (R, D) for each clip's sha256 and each variant, in one new part, whole or not at all.

        Raises ``ConfigError`` for a disk that refuses.
        """
        cells = [(clip, variant, rows) for clip, own in vectors.items() for variant, rows in own.items()]
        if not cells:
            return
        columns = [
            pa.array([clip for clip, _, _ in cells]),
            pa.array([variant for _, variant, _ in cells]),
            pa.array([len(rows) for _, _, rows in cells], pa.int32()),
            pa.array([rows.astype(np.float32).ravel() for _, _, rows in cells], pa.list_(pa.float32())),
        ]
        schema = _SCHEMA.with_metadata({IDENTITY: self._identity.encode()})
        file = pa.BufferOutputStream()
        pq.write_table(
            pa.Table.from_arrays(columns, schema=schema),
            file,
            compression={"vector.list.element": "none"} | dict.fromkeys(_SCHEMA.names[:3], "zstd"),
            use_dictionary=["variant"],
        )
        name = hashlib.sha256(repr([cell[:2] for cell in cells]).encode()).hexdigest()[:16]
        write_atomically(self.folder / f"part-{name}.parquet", file.getvalue().to_pybytes())

    def read(self, clips: Sequence[str], variant: str) -> Vectors:
        """One variant of every clip in the order of ``clips``: float32 (N, R, D), N ≥ 1.

        Raises ``ConfigError`` for a clip that is not there, for vectors of different sizes, and for a
        part that is damaged or was made by another embedder.
        """
        found = dict(self.each(set(clips), variant))
        absent = [clip for clip in clips if clip not in found]
        if absent:
            raise ConfigError(
                f"{self.folder} has no {variant} of {len(absent)} clips, the first is {absent[0]}"
            )
        sizes = {found[clip].shape for clip in clips}
        if len(sizes) > 1:
            raise ConfigError(
                f"{self.folder}: {variant} has vectors of the sizes {_listed(sizes)}; expected one"
            )
        return np.stack([found[clip] for clip in clips])

    def each(self, clips: Collection[str], variant: str) -> Iterator[tuple[str, Vectors]]:
        """One variant of those of ``clips`` that are there, (sha256, (R, D)), part by part."""
        for path in self._parts():
            table = _read_part(path, _SCHEMA.names)
            shas, variants = table["clip_sha256"].to_pylist(), table["variant"].to_pylist()
            rows = table["rows"].to_pylist()
            for index, (clip, name) in enumerate(zip(shas, variants, strict=True)):
                if name == variant and clip in clips:
                    flat = table["vector"][index].values.to_numpy()
                    yield clip, flat.reshape(rows[index], -1)

    def _parts(self) -> list[Path]:
        return sorted(self.folder.glob(PARTS))


def clips_of_part(path: Path) -> set[str]:
    """The clips, by sha256, of which one file of a store holds vectors.

    Raises ``ConfigError`` for a file that is damaged or was made by another embedder than its folder says.
    """
    return set(_read_part(path, _SCHEMA.names)["clip_sha256"].to_pylist())


def _read_part(path: Path, columns: Sequence[str]) -> pa.Table:
    try:
        table = pq.read_table(path, columns=list(columns), partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise ConfigError(
            f"cannot read the vectors {path}: {error}; delete this file, they are made again"
        ) from error
    identity = (table.schema.metadata or {}).get(IDENTITY, b"")
    if not path.parent.name.endswith(f"-{_key(identity)}"):
        raise ConfigError(f"{path} was made by another embedder than its folder says: delete this file")
    return table


def _key(identity: bytes) -> str:
    return hashlib.sha256(identity).hexdigest()[:16]


def read_brought(path: Path) -> dict[str, Vectors]:
    """Vectors that were computed elsewhere: one row a clip, by ``clip_sha256`` or by ``clip_id``.

    The file has one of these two columns (of both, ``clip_sha256`` counts) and ``vector``, a list of
    numbers (D,), or a list of lists (K, D) for moments that are kept apart.  Returns float32 (K, D), K = 1
    for plain vectors.

    Raises ``ConfigError`` for a file of another shape, for clips without a name or that come twice, for
    vectors of different lengths (the first clip that differs is named), and for numbers that are not
    finite in float32.
    """
    try:
        table = pq.read_table(path, partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise ConfigError(f"cannot read the vectors {path}: {error}") from error
    keys = [name for name in ("clip_sha256", "clip_id") if name in table.schema.names]
    if not keys or "vector" not in table.schema.names:
        raise ConfigError(
            f"{path} has the columns {', '.join(table.schema.names)}; "
            "expected vector, and clip_sha256 or clip_id"
        )
    kind = table.schema.field("vector").type
    if not _of_numbers(kind):
        raise ConfigError(f"{path}: vector is a column of {kind}; expected lists of numbers")
    vectors: dict[str, Vectors] = {}
    shape: tuple[int, ...] | None = None
    for clip, value in zip(table[keys[0]].to_pylist(), table["vector"].to_pylist(), strict=True):
        if not isinstance(clip, str):
            raise ConfigError(f"{path}: {keys[0]} is {clip!r} in row {len(vectors)}; expected text")
        try:
            with np.errstate(over="ignore"):  # what overflows is not finite, and named below
                rows = np.atleast_2d(np.asarray(value or [], dtype=np.float32))
        except ValueError as error:
            raise ConfigError(f"{path}: the rows of {clip} differ in length") from error
        if rows.size == 0:
            raise ConfigError(f"{path}: the vector of {clip} is empty")
        shape = shape or rows.shape
        if rows.shape != shape:
            raise ConfigError(
                f"{path}: the vector of {clip} has the size {_listed([rows.shape])}; "
                f"expected {_listed([shape])} like the first"
            )
        if not np.isfinite(rows).all():
            raise ConfigError(f"{path}: the vector of {clip} is not finite")
        if clip in vectors:
            raise ConfigError(f"{path} has two vectors of {clip}")
        vectors[clip] = rows
    return vectors


def _of_numbers(kind: pa.DataType) -> bool:
    """Whether an Arrow type is a list of numbers, or a list of such lists."""
    for _ in range(2):
        if not isinstance(kind, pa.ListType | pa.LargeListType | pa.FixedSizeListType):
            return False
        kind = kind.value_type
        if pa.types.is_floating(kind) or pa.types.is_integer(kind):
            return True
    return False


def _listed(sizes: Collection[tuple[int, ...]]) -> str:
    return ", ".join("×".join(map(str, size)) for size in sorted(sizes))
