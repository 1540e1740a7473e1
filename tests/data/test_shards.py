"""Shards that four libraries open, whose bytes follow from their rows."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import duckdb
import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from data import shards, trajectory
from data.columns import SCHEMA, row
from data.errors import ConfigError, ContractError
from data.manifest import ShardFacts
from data.schema import MEASURES, Category, Role, Triplet
from data.shards import read_rows, write_shards
from data.store import Store
from tests.data.samples import triplet


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Five triplets, the last without known motion, in one shard of row groups of two."""
    out = tmp_path_factory.mktemp("shards")
    store = Store(out / "store")
    categories = list(Category)
    triplets = [triplet(store, number, categories[number], with_motion=number != 4) for number in range(5)]
    (facts,) = write_shards(iter(triplets), store, out / "data", rows_per_group=2)
    return SimpleNamespace(out=out, store=store, triplets=triplets, facts=facts, path=out / facts.path)


def test_a_row_fills_every_column_and_no_other(made: SimpleNamespace) -> None:
    assert set(row(made.triplets[0], made.store)) == set(SCHEMA.names)


def test_rows_come_back_as_they_went_in(made: SimpleNamespace) -> None:
    rows = list(read_rows([made.path]))
    assert [got["triplet_id"] for got in rows] == [known.plan.triplet_id for known in made.triplets]
    for known, got in zip(made.triplets, rows, strict=True):
        assert got["category"] == known.plan.category
        assert got["seed"] == known.seed
        assert got["prompt_negative_motion"] == 'it "waves"'
        assert (got["num_frames"], got["fps"], got["width_px"], got["height_px"]) == (8, 16, 48, 48)
        assert {name: got[name] for name in MEASURES} == known.measures
        assert got["negative_factors"] == {**vars(known.plan.factors), "motion": "wave"}
        assert got["positive_factors"]["camera"] == "side"
        assert (got["positive_generator"], got["positive_revision"]) == ("procedural", "2")
        assert got["digital_source_type"].endswith("/algorithmicMedia")
        for role in Role:
            assert got[role]["bytes"] == made.store.read(known.clips[role])
            assert got[role]["path"] == f"{known.plan.triplet_id}_{role}.mp4"
            assert hashlib.sha256(got[role]["bytes"]).hexdigest() == got[f"{role}_sha256"]
            assert got[f"{role}_spf"] == pytest.approx(known.spf[role], abs=1e-7)


def test_true_motion_comes_back_to_the_last_bit(made: SimpleNamespace) -> None:
    for known, got in zip(made.triplets, read_rows([made.path]), strict=True):
        for role in Role:
            column = got[f"{role}_trajectory"]
            if known.trajectories is None:
                assert column is None
                continue
            true = trajectory.from_bytes(made.store.read(known.trajectories[role]))
            assert tuple(column["channel_names"]) == true.channel_names
            assert tuple(column["joint_names"]) == true.joint_names
            for name in ("channels", "joints", "joints_px"):
                assert np.array(column[name]).tobytes() == getattr(true, name).tobytes()


def test_datasets_sees_video_columns_without_a_script(made: SimpleNamespace, tmp_path: Path) -> None:
    import datasets

    loaded = datasets.load_dataset(
        "parquet", data_files=str(made.path), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert [name for name, kind in loaded.features.items() if isinstance(kind, datasets.Video)] == list(Role)
    assert loaded.features["category"] == datasets.Value("string")
    assert loaded.features["reference_trajectory"]["joints"].feature.feature.feature == datasets.Value(
        "float64"
    )
    for role in Role:
        loaded = loaded.cast_column(role, datasets.Video(decode=False))
    first = loaded[0]
    assert first["positive"]["bytes"] == made.store.read(made.triplets[0].clips[Role.POSITIVE])
    assert first["positive"]["path"].endswith(".mp4")
    assert loaded[4]["negative_trajectory"] is None


def test_duckdb_and_polars_read_it(made: SimpleNamespace) -> None:
    with duckdb.connect() as connection:
        found = connection.execute(
            "select triplet_id, positive_factors.camera, sm_margin, octet_length(reference.bytes) "
            f"from '{made.path}' where category = 'view' and negative_factors.motion = 'wave'"
        ).fetchall()
    (known,) = [each for each in made.triplets if each.plan.category is Category.VIEW]
    size = known.clips[Role.REFERENCE].num_bytes
    assert found == [(known.plan.triplet_id, "side", known.measures["sm_margin"], size)]
    frame = pl.read_parquet(made.path, columns=["category", "reference", "reference_factors", "seed"])
    assert frame["category"].to_list() == list(Category)
    assert frame["seed"].to_list() == [known.seed for known in made.triplets]
    assert set(frame["reference_factors"].struct.field("subject")) == {"dog"}
    assert frame["reference"].struct.field("bytes")[0][4:8] == b"ftyp"


def test_media_are_plain_and_the_rest_is_compressed(made: SimpleNamespace) -> None:
    metadata = pq.read_metadata(made.path)
    assert [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)] == [2, 2, 1]
    columns = {
        column.path_in_schema: column
        for column in (metadata.row_group(0).column(index) for index in range(metadata.num_columns))
    }
    for role in Role:
        media = columns[f"{role}.bytes"]
        assert media.compression == "UNCOMPRESSED"
        assert not media.has_dictionary_page
        assert not media.is_stats_set
    assert columns["reference_trajectory.joints.list.element.list.element.list.element"].compression == "ZSTD"
    assert columns["category"].has_dictionary_page
    assert columns["sm_margin"].has_offset_index
    assert columns["sm_margin"].statistics.max == max(
        known.measures["sm_margin"] for known in made.triplets[:2]
    )
    assert pq.read_schema(made.path).equals(SCHEMA)


def test_the_metadata_is_what_datasets_writes() -> None:
    import datasets

    features = datasets.Features.from_arrow_schema(SCHEMA)
    assert json.loads(SCHEMA.metadata[b"huggingface"])["info"]["features"] == features.to_dict()


def test_equal_rows_give_equal_bytes_and_keep_the_file(made: SimpleNamespace, tmp_path: Path) -> None:
    again = write_shards(iter(made.triplets), made.store, tmp_path / "data", rows_per_group=2)
    assert again == [made.facts]
    before = (tmp_path / made.facts.path).stat().st_ino
    write_shards(iter(made.triplets), made.store, tmp_path / "data", rows_per_group=2)
    assert (tmp_path / made.facts.path).stat().st_ino == before
    assert made.facts.sha256 == hashlib.sha256(made.path.read_bytes()).hexdigest()


def test_shards_are_numbered_out_of_their_total_and_old_ones_go(
    made: SimpleNamespace, tmp_path: Path
) -> None:
    directory = tmp_path / "data"
    one_each = write_shards(iter(made.triplets), made.store, directory, max_shard_bytes=1)
    assert [shard.path for shard in one_each] == [f"data/train-{n:05d}-of-00005.parquet" for n in range(5)]
    size = sum(clip.num_bytes for clip in made.triplets[0].clips.values())
    fewer = write_shards(iter(made.triplets), made.store, directory, max_shard_bytes=int(2.2 * size))
    assert sum(shard.rows for shard in fewer) == 5
    assert 1 < len(fewer) < 5
    assert sorted(path.name for path in directory.iterdir()) == [Path(shard.path).name for shard in fewer]
    ids = [got["triplet_id"] for got in read_rows([tmp_path / shard.path for shard in fewer], ["triplet_id"])]
    assert ids == [known.plan.triplet_id for known in made.triplets]
    assert not any((made.store.root / "tmp").iterdir())


def test_a_shard_ends_after_so_many_rows_too(
    made: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "MAX_SHARD_ROWS", 2)
    assert [shard.rows for shard in write_shards(iter(made.triplets), made.store, tmp_path / "data")] == [
        2,
        2,
        1,
    ]


def test_no_triplets_make_no_shards(made: SimpleNamespace, tmp_path: Path) -> None:
    assert write_shards(iter([]), made.store, tmp_path / "data") == []


def test_triplets_are_taken_one_row_group_at_a_time(
    made: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, written = 0, 0
    most = 0

    def triplets() -> Iterator[Triplet]:
        nonlocal taken, most
        for known in made.triplets:
            taken += 1
            most = max(most, taken - written)
            yield known

    write_table = pq.ParquetWriter.write_table

    def counted(self: pq.ParquetWriter, table: object, **options: int) -> None:
        nonlocal written
        write_table(self, table, **options)
        written += len(table)  # type: ignore[arg-type]

    monkeypatch.setattr(pq.ParquetWriter, "write_table", counted)
    write_shards(triplets(), made.store, tmp_path / "data", rows_per_group=2)
    assert written == 5
    assert most <= 3  # a group of two, and the one after it


def test_a_failure_among_the_rows_leaves_nothing(made: SimpleNamespace, tmp_path: Path) -> None:
    bad = replace(made.triplets[1], measures={"motion": 1.0})
    with pytest.raises(ContractError, match=f"{bad.plan.triplet_id}: measures missing or unknown"):
        write_shards(iter([made.triplets[0], bad]), made.store, tmp_path / "data", rows_per_group=1)
    assert not (tmp_path / "data").exists()
    assert not any((made.store.root / "tmp").iterdir())


def test_a_seed_that_does_not_fit_is_our_bug(made: SimpleNamespace, tmp_path: Path) -> None:
    bad = replace(made.triplets[1], seed=2**63)
    with pytest.raises(ContractError, match="do not fit the schema"):
        write_shards(iter([bad]), made.store, tmp_path / "data")


def test_a_full_disk_is_explained(
    made: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shards, "sync_file", full)
    with pytest.raises(ConfigError, match=r"No space left.*free some space"):
        write_shards(iter(made.triplets), made.store, tmp_path / "data")
    assert not any((made.store.root / "tmp").iterdir())


def test_shards_that_cannot_be_read_are_named(made: SimpleNamespace, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.parquet"):
        list(read_rows([tmp_path / "nowhere.parquet"]))
    (tmp_path / "cut.parquet").write_bytes(made.path.read_bytes()[:-50])
    with pytest.raises(ConfigError, match=r"cut\.parquet"):
        list(read_rows([tmp_path / "cut.parquet"]))
    with pytest.raises(ConfigError, match="no column colour"):
        list(read_rows([made.path], ["seed", "colour"]))


def test_the_facts_name_the_file_from_the_output_folder(made: SimpleNamespace) -> None:
    assert made.facts == ShardFacts("data/train-00000-of-00001.parquet", made.facts.sha256, 5)
