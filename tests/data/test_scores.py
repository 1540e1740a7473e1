"""Scores come back as they were written, together with the embedder that they are of."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import ConfigError
from data.scores import ClipScore, read_scores, write_scores

IDENTITY = '{"name": "vit"}'
SCORE = ClipScore(
    clip_sha256="3a" * 32,
    clip_id="view-0001/positive",
    triplet_id="view-0001",
    category="view",
    role="positive",
    label=None,
    spf_range_radians=0.7,
    spf_rms_deviation=0.1 + 0.2,
    spf_max_deviation=0.31,
    spf_largest_jump=0.25,
    spf_interpretable=True,
    spf=(0.0, 0.25, 1.0),
    mean_to_reference=0.9,
    sm_to_reference=-0.1,
    order_to_reference=0.0,
    rhythm_to_reference=1.0,
)

texts = st.none() | st.text()
numbers = st.floats(allow_nan=False)
scores = st.builds(
    ClipScore,
    clip_sha256=st.text(),
    clip_id=st.text(),
    spf=st.lists(st.floats(0, 1, width=32)).map(tuple),
    **dict.fromkeys(("triplet_id", "category", "role", "label"), texts),
    **{field.name: numbers for field in fields(ClipScore) if field.type == "float"},
    **{field.name: st.none() | numbers for field in fields(ClipScore) if field.type == "float | None"},
)


@given(st.lists(scores, max_size=4), st.text())
def test_scores_come_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, made: list[ClipScore], identity: str
) -> None:
    path = tmp_path_factory.mktemp("out") / "scores" / "vit.parquet"
    write_scores(made, path, identity)
    assert read_scores(path) == (made, identity)
    assert [each.name for each in path.parent.iterdir()] == ["vit.parquet"]


def test_a_curve_is_kept_in_single_precision(tmp_path: Path) -> None:
    write_scores([replace(SCORE, spf=(0.1,))], tmp_path / "a.parquet", IDENTITY)
    ((score,), _) = read_scores(tmp_path / "a.parquet")
    assert score.spf == (float(np.float32(0.1)),)


def test_a_second_run_replaces_the_first(tmp_path: Path) -> None:
    write_scores([SCORE, SCORE], tmp_path / "a.parquet", IDENTITY)
    write_scores([SCORE], tmp_path / "a.parquet", "another")
    assert read_scores(tmp_path / "a.parquet") == ([SCORE], "another")


def test_scores_join_their_clips_in_sql(finished: Path) -> None:
    import duckdb

    shard = finished / "data" / "train-00000-of-00001.parquet"
    clips = f"SELECT positive_sha256 FROM '{shard}' WHERE triplet_id = 'view-0001'"
    ((clip,),) = duckdb.sql(clips).fetchall()
    path = finished / "scores" / "vit.parquet"
    write_scores([replace(SCORE, clip_sha256=clip)], path, IDENTITY)
    joined = duckdb.sql(
        f"SELECT t.triplet_id, s.mean_to_reference FROM '{shard}' t "
        f"JOIN '{path}' s ON t.positive_sha256 = s.clip_sha256"
    ).fetchall()
    assert joined == [("view-0001", 0.9)]


def test_a_folder_named_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    path = tmp_path / "seed=1" / "a.parquet"
    write_scores([SCORE], path, IDENTITY)
    assert read_scores(path) == ([SCORE], IDENTITY)


def spoil(path: Path, how: str) -> None:
    write_scores([SCORE], path, IDENTITY)
    table = pq.read_table(path)
    match how:
        case "cut":
            path.write_bytes(path.read_bytes()[:-9])
        case "gone":
            path.unlink()
        case "other table":
            pq.write_table(pa.table({"a": [1]}), path)
        case "no embedder":
            pq.write_table(table.replace_schema_metadata(None), path)
        case "a column less":
            pq.write_table(table.drop_columns("spf"), path)
        case "other type":
            pq.write_table(table.set_column(6, "spf_range_radians", pa.array([1], pa.int32())), path)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("cut", "cannot read the scores"),
        ("gone", "cannot read the scores"),
        ("other table", "holds no scores"),
        ("no embedder", "holds no scores"),
        ("a column less", "holds no scores"),
        ("other type", "holds no scores"),
    ],
)
def test_any_other_file_is_refused(how: str, message: str, tmp_path: Path) -> None:
    spoil(tmp_path / "a.parquet", how)
    with pytest.raises(ConfigError, match=rf"{message}|a\.parquet {message}"):
        read_scores(tmp_path / "a.parquet")


def test_a_disk_that_refuses_is_explained(tmp_path: Path) -> None:
    (tmp_path / "scores").touch()
    with pytest.raises(ConfigError, match=r"cannot write .*choose another output folder"):
        write_scores([SCORE], tmp_path / "scores" / "a.parquet", IDENTITY)
