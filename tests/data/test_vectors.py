"""Vectors come back as they were kept, and those of another embedder or of a damaged file never do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data.errors import ConfigError
from data.vectors import VectorStore, clips_of_part, read_brought

IDENTITY = '{"name": "vit", "num_frames": 12}'
CLIPS = ["3a", "0b", "7c"]


@pytest.fixture
def store(tmp_path: Path) -> VectorStore:
    """Three clips, two variants of different sizes, in two parts."""
    store = VectorStore(tmp_path, "vit", IDENTITY)
    store.write({clip: {"mean": mean(clip), "sm": sm(clip)} for clip in CLIPS[:2]})
    store.write({clip: {"mean": mean(clip), "sm": sm(clip)} for clip in CLIPS[2:]})
    return store


def mean(clip: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(int(clip, 16)).normal(size=(1, 4)).astype(np.float32)


def sm(clip: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(int(clip, 16) + 1).normal(size=(3, 2)).astype(np.float32)


def parts(store: VectorStore) -> list[Path]:
    return sorted(store.folder.iterdir())


# --- round trips -------------------------------------------------------------------------------

finite = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(data=st.data(), rows=st.integers(1, 3), dimensions=st.integers(1, 4), split=st.integers(0, 4))
def test_vectors_come_back_bit_for_bit_in_the_order_asked(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, rows: int, dimensions: int, split: int
) -> None:
    clips = data.draw(st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=4, unique=True))
    made = {clip: data.draw(arrays(np.float32, (rows, dimensions), elements=finite)) for clip in clips}
    store = VectorStore(tmp_path_factory.mktemp("out"), "vit", IDENTITY)
    for some in (clips[:split], clips[split:]):
        store.write({clip: {"mean": made[clip]} for clip in some})
    asked = data.draw(st.permutations(clips))
    got = store.read(asked, "mean")
    assert got.dtype == np.float32
    assert got.tobytes() == np.stack([made[clip] for clip in asked]).tobytes()
    assert store.missing([*clips, "never written"], ["mean"]) == {"never written"}


def test_variants_keep_their_own_sizes(store: VectorStore) -> None:
    assert np.array_equal(store.read(["7c", "3a"], "mean"), np.stack([mean("7c"), mean("3a")]))
    assert np.array_equal(store.read(["7c", "3a"], "sm"), np.stack([sm("7c"), sm("3a")]))


def test_each_yields_the_wanted_that_are_there(store: VectorStore) -> None:
    got = dict(store.each({"7c", "0b", "ff"}, "sm"))
    assert got.keys() == {"7c", "0b"}
    assert np.array_equal(got["0b"], sm("0b"))
    assert dict(store.each(CLIPS, "rhythm")) == {}


def test_a_clip_is_missing_when_any_variant_is(store: VectorStore) -> None:
    store.write({"0b": {"rhythm": mean("0b")}})
    assert store.missing(CLIPS, ["mean", "sm"]) == set()
    assert store.missing(CLIPS, ["mean", "rhythm"]) == {"3a", "7c"}
    assert store.missing(["ff"], []) == set()


def test_nothing_is_missing_from_nothing(tmp_path: Path) -> None:
    store = VectorStore(tmp_path, "vit", IDENTITY)
    store.write({})
    store.write({"3a": {}})
    assert store.missing(CLIPS, ["mean"]) == set(CLIPS)
    assert list(tmp_path.iterdir()) == []


def test_equal_clips_meet_at_one_part_and_the_last_counts(store: VectorStore) -> None:
    before = parts(store)
    store.write({"7c": {"mean": -mean("7c"), "sm": sm("7c")}})
    assert parts(store) == before
    assert np.array_equal(store.read(["7c"], "mean")[0], -mean("7c"))


def test_equal_writes_give_equal_bytes(store: VectorStore, tmp_path: Path) -> None:
    again = VectorStore(tmp_path / "again", "vit", IDENTITY)
    again.write({"7c": {"mean": mean("7c"), "sm": sm("7c")}})
    (part,) = parts(again)
    assert part.read_bytes() == (store.folder / part.name).read_bytes()


def test_double_precision_is_kept_as_single(tmp_path: Path) -> None:
    store = VectorStore(tmp_path, "vit", IDENTITY)
    store.write({"3a": {"mean": np.array([[0.1, 0.2]])}})  # type: ignore[dict-item]
    assert np.array_equal(store.read(["3a"], "mean"), np.array([[[0.1, 0.2]]], np.float32))


# --- whose vectors they are --------------------------------------------------------------------


def test_every_identity_has_a_folder_of_its_own(store: VectorStore, tmp_path: Path) -> None:
    other = VectorStore(tmp_path, "vit", IDENTITY.replace("12", "16"))
    assert other.folder.parent == store.folder.parent == tmp_path / "vectors"
    assert other.folder.name != store.folder.name
    assert other.missing(CLIPS, ["mean"]) == set(CLIPS)
    key = hashlib.sha256(IDENTITY.encode()).hexdigest()[:16]
    assert store.folder.name == f"vit-{key}"


READS: list[Callable[[VectorStore], object]] = [
    lambda store: store.read(CLIPS[:2], "mean"),
    lambda store: store.missing(CLIPS, ["mean"]),
    lambda store: list(store.each(CLIPS, "mean")),
    lambda store: [clips_of_part(path) for path in parts(store)],
]


@pytest.mark.parametrize("read", READS)
def test_a_part_that_was_moved_from_another_folder_is_refused(
    store: VectorStore, read: Callable[[VectorStore], object], tmp_path: Path
) -> None:
    foreign = VectorStore(tmp_path, "vit", "another")
    foreign.write({"0b": {"mean": mean("0b")}})
    (part,) = parts(foreign)
    part.rename(store.folder / "part-moved.parquet")
    with pytest.raises(ConfigError, match=r"part-moved\.parquet was made by another embedder"):
        read(store)


@pytest.mark.parametrize("read", READS)
def test_a_damaged_part_is_named_with_what_to_do(
    store: VectorStore, read: Callable[[VectorStore], object]
) -> None:
    part = parts(store)[0]
    part.write_bytes(part.read_bytes()[:-9])
    with pytest.raises(ConfigError, match=rf"{part.name}.*delete this file, they are made again"):
        read(store)


def test_a_part_without_an_embedder_is_refused(store: VectorStore) -> None:
    plain = pq.read_table(parts(store)[0]).replace_schema_metadata(None)
    pq.write_table(plain, store.folder / "part-plain.parquet")
    with pytest.raises(ConfigError, match=r"part-plain\.parquet was made by another embedder"):
        store.missing(CLIPS, ["mean"])


def test_a_part_of_other_columns_is_refused(store: VectorStore) -> None:
    part = parts(store)[0]
    pq.write_table(pq.read_table(part).drop_columns("variant"), part)
    with pytest.raises(ConfigError, match=rf"cannot read the vectors .*{part.name}.*variant"):
        store.missing(CLIPS, ["mean"])


def test_a_part_lists_its_clips(store: VectorStore) -> None:
    assert [clips_of_part(path) for path in parts(store)] in ([{"3a", "0b"}, {"7c"}], [{"7c"}, {"3a", "0b"}])


def test_a_store_under_a_folder_named_like_a_partition_is_read(tmp_path: Path) -> None:
    store = VectorStore(tmp_path / "variant=none", "vit", IDENTITY)
    store.write({"3a": {"mean": mean("3a")}})
    assert np.array_equal(store.read(["3a"], "mean")[0], mean("3a"))


# --- what cannot be answered -------------------------------------------------------------------


def test_a_missing_clip_is_named(store: VectorStore) -> None:
    with pytest.raises(ConfigError, match="no mean of 2 clips, the first is fe"):
        store.read(["3a", "fe", "ff"], "mean")


def test_vectors_of_different_sizes_are_not_stacked(store: VectorStore) -> None:
    store.write({"ff": {"mean": np.zeros((1, 5), np.float32)}})
    with pytest.raises(ConfigError, match="sizes 1×4, 1×5; expected one"):
        store.read(["3a", "ff"], "mean")


def test_a_disk_that_refuses_is_explained(tmp_path: Path) -> None:
    (tmp_path / "vectors").touch()
    with pytest.raises(ConfigError, match=r"cannot write .*vectors.*choose another output folder"):
        VectorStore(tmp_path, "vit", IDENTITY).write({"3a": {"mean": mean("3a")}})


# --- vectors that were computed elsewhere ------------------------------------------------------


def brought(path: Path, vectors: list[Any], kind: pa.DataType | None = None, **keys: list[Any]) -> Path:
    keys = keys or {"clip_sha256": CLIPS[: len(vectors)]}
    pq.write_table(pa.table({**keys, "vector": pa.array(vectors, kind)}), path / "brought.parquet")
    return path / "brought.parquet"


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.float32()),
        pa.list_(pa.float64()),
        pa.list_(pa.float32(), 2),
        pa.large_list(pa.float16()),
        pa.list_(pa.int8()),
    ],
    ids=str,
)
def test_lists_of_any_numbers_are_one_row(kind: pa.DataType, tmp_path: Path) -> None:
    values = np.array([[1, 2], [3, 4]], np.float16)
    numbers = values.astype(int).tolist() if kind == pa.list_(pa.int8()) else list(map(list, values))
    got = read_brought(brought(tmp_path, numbers, kind))
    assert list(got) == ["3a", "0b"]
    assert all(rows.dtype == np.float32 for rows in got.values())
    assert np.array_equal(np.stack([*got.values()]), [[[1, 2]], [[3, 4]]])


@given(data=st.data(), shape=st.tuples(st.integers(1, 3), st.integers(1, 4)))
def test_lists_of_lists_keep_their_rows(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, shape: tuple[int, int]
) -> None:
    made = [data.draw(arrays(np.float32, shape, elements=finite)) for _ in range(2)]
    path = brought(tmp_path_factory.mktemp("b"), [rows.tolist() for rows in made])
    assert [rows.tobytes() for rows in read_brought(path).values()] == [rows.tobytes() for rows in made]


def test_clips_are_known_by_hash_or_else_by_id(tmp_path: Path) -> None:
    vectors = [[1.0], [2.0]]
    assert list(read_brought(brought(tmp_path, vectors, clip_id=["a/ref", "b/ref"]))) == ["a/ref", "b/ref"]
    both = {"clip_id": ["a/ref", "b/ref"], "clip_sha256": ["3a", "0b"]}
    assert list(read_brought(brought(tmp_path, vectors, **both))) == ["3a", "0b"]


BAD: dict[str, tuple[list[Any], dict[str, list[Any]], str]] = {
    "other length": ([[1.0, 2.0], [3.0, 4.0], [5.0]], {}, "7c has the size 1×1; expected 1×2 like the first"),
    "other rows": ([[[1.0]], [[1.0], [2.0]]], {}, "0b has the size 2×1; expected 1×1"),
    "ragged": ([[[1.0], [2.0]], [[1.0, 2.0], [3.0]]], {}, "the rows of 0b differ in length"),
    "not a number": ([[1.0], [float("nan")]], {}, "vector of 0b is not finite"),
    "no number": ([[1.0], [None]], {}, "vector of 0b is not finite"),
    "infinite": ([[1.0], [float("-inf")]], {}, "vector of 0b is not finite"),
    "too large": ([[1.0], [1e300]], {}, "vector of 0b is not finite"),
    "empty": ([[1.0], []], {}, "vector of 0b is empty"),
    "absent": ([[1.0], None], {}, "vector of 0b is empty"),
    "twice": ([[1.0], [2.0]], {"clip_id": ["a", "a"]}, "two vectors of a"),
    "no name": ([[1.0], [2.0]], {"clip_id": ["a", None]}, "clip_id is None in row 1"),
    "a number as name": ([[1.0]], {"clip_id": [7]}, "clip_id is 7 in row 0"),
    "plain numbers": ([1.0, 2.0], {}, "column of double; expected lists of numbers"),
    "texts": ([["1"], ["2"]], {}, r"column of list<.*string>; expected lists of numbers"),
    "too deep": ([[[[1.0]]]], {}, "expected lists of numbers"),
    "no key": ([[1.0]], {"name": ["a"]}, "columns name, vector; expected vector, and clip_sha256 or clip_id"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_used_is_named(kind: str, tmp_path: Path) -> None:
    vectors, keys, message = BAD[kind]
    with pytest.raises(ConfigError, match=rf"brought\.parquet.*{message}"):
        read_brought(brought(tmp_path, vectors, **keys))


def test_a_file_that_is_no_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("no table")
    for name in ("a.parquet", "nowhere.parquet"):
        with pytest.raises(ConfigError, match=rf"cannot read the vectors .*{name}"):
            read_brought(tmp_path / name)
