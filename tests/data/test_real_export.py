"""Sets of real clips as others read them: folders, repositories, and one beside a synthetic set."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from data import manifest
from data.collection import ClipCollection, load, open_collection, true_motions
from data.columns import SCHEMA
from data.errors import ConfigError
from data.layout import export_both, export_folders, export_parquet, read_folders
from data.real_columns import ANNOTATIONS, TRIPLETS
from data.schema import Role
from data.verify import verify
from tests.data.real_samples import UNKNOWN, real_set

SHARD = "real/train-00000-of-00001.parquet"
ANSWERS = "annotations/train-00000-of-00001.parquet"


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("full") / "out"
    real_set(out)
    return out


@pytest.fixture
def told(tmp_path: Path) -> Path:
    real_set(tmp_path / "told", "references", UNKNOWN)
    return tmp_path / "told"


@pytest.fixture
def both(finished: Path, full: Path, tmp_path: Path) -> Path:
    export_both(finished, full, tmp_path / "both")
    return tmp_path / "both"


def tree(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def frames_of(collection: ClipCollection) -> dict[str, int]:
    wanted = {clip.sha256 for clip in collection.clips}
    return {
        clip.clip_id: len(load(clip, content, range).frames) for clip, content in collection.contents(wanted)
    }


def test_the_published_layout_is_exact(full: Path, tmp_path: Path) -> None:
    assert export_folders(full, tmp_path / "export") == 2
    folders = ["examples/triplet_0", "examples/triplet_1"]
    clips = [f"{folder}/{name}.mp4" for folder in folders for name in ("ref", "positive", "negative")]
    assert tree(tmp_path / "export") == sorted(["index.csv", *clips])
    with (tmp_path / "export" / "index.csv").open(newline="") as file:
        assert [line["triplet_id"] for line in csv.DictReader(file)] == ["real-0000", "real-0001"]
    assert [each.number for each in read_folders(tmp_path / "export")] == [0, 1]


def test_references_are_no_folders_of_clips(told: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds references and no clips"):
        export_folders(told, tmp_path / "export")
    assert not (tmp_path / "export").exists()


@pytest.mark.parametrize("kind", ["full", "references"])
def test_a_repository_verifies_and_holds_nothing_else(
    kind: str, full: Path, told: Path, tmp_path: Path
) -> None:
    out = full if kind == "full" else told
    export_parquet(out, tmp_path / "hub")
    assert tree(tmp_path / "hub") == ["README.md", ANSWERS, "manifest.json", SHARD, "references.csv"]
    assert list(verify(tmp_path / "hub")) == []
    assert (tmp_path / "hub" / "README.md").read_bytes() == (out / "README.md").read_bytes()


def test_datasets_loads_each_configuration(both: Path, full: Path, told: Path, tmp_path: Path) -> None:
    import datasets

    def loaded(folder: Path, *name: str) -> datasets.Dataset:
        return datasets.load_dataset(
            str(folder), *name, split="train", cache_dir=str(tmp_path / "cache" / folder.name)
        )

    assert loaded(both).column_names == SCHEMA.names
    assert loaded(both, "synthetic").num_rows == 3
    for folder in (both, full, told):
        real, answers = loaded(folder, "real"), loaded(folder, "annotations")
        assert isinstance(real.features["negative"], datasets.Video)
        assert real.column_names == TRIPLETS.names
        assert (real.num_rows, answers.num_rows) == (2, 6)
    undecoded = loaded(both, "real").cast_column("positive", datasets.Video(decode=False))
    clip = pq.read_table(full / SHARD)["positive"][1].as_py()
    assert undecoded.select_columns(["positive"])[1]["positive"] == clip


def test_duckdb_and_polars_join_answers_to_triplets(both: Path) -> None:
    real, answers = both / "real" / SHARD, both / "real" / ANSWERS
    query = f"""
        SELECT t.triplet_id, count(*) AS said, max(t.candidates[1].strength) AS strength
        FROM '{real}' t JOIN '{answers}' a ON a.item_id = t.triplet_id
        WHERE a.uncounted IS NULL GROUP BY ALL ORDER BY ALL
    """
    with duckdb.connect() as database:
        rows = database.execute(query).fetchall()
    assert rows == [("real-0000", 2, 1.25), ("real-0001", 2, 2.25)]
    found = (
        pl.scan_parquet(real)
        .join(pl.scan_parquet(answers), left_on="triplet_id", right_on="item_id")
        .group_by("triplet_id")
        .agg(said=pl.len(), strength=pl.col("candidates").list.first().struct.field("strength").first())
        .sort("triplet_id")
        .collect()
    )
    assert found.rows() == [("real-0000", 2, 1.25), ("real-0001", 2, 2.25)]


def test_one_folder_holds_both_whole(both: Path, finished: Path, full: Path) -> None:
    names = ["README.md", "real/manifest.json", f"real/{SHARD}", f"real/{ANSWERS}", "real/references.csv"]
    names += [f"synthetic/{name}" for name in ("manifest.json", "rejects.jsonl")]
    assert tree(both) == sorted([*names, "synthetic/data/train-00000-of-00001.parquet"])
    assert list(verify(both)) == []
    for name, own in (("synthetic", finished), ("real", full)):
        for path in tree(both / name):
            assert (both / name / path).read_bytes() == (own / path).read_bytes()


def test_damage_in_one_of_two_is_named_with_its_folder(both: Path) -> None:
    with (both / "real" / "references.csv").open("a") as file:
        file.write("x\n")
    found = {finding.what: finding.where for finding in verify(both)}
    assert found["references_sha256"] == "real/references.csv"
    (both / "synthetic" / "data" / "more.parquet").touch()
    assert "synthetic/data/more.parquet" in {finding.where for finding in verify(both)}


def test_one_of_two_is_named_or_refused(both: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds two data sets: name .*both/synthetic or .*both/real"):
        open_collection(both)
    with pytest.raises(ConfigError, match="holds two data sets"):
        export_folders(both, tmp_path / "export")
    assert len(open_collection(both / "real").clips) == 6


def test_kinds_are_not_mistaken_for_each_other(finished: Path, full: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is of a real data set; a synthetic one"):
        export_both(full, finished, tmp_path / "both")
    with pytest.raises(ConfigError, match="is of a synthetic data set; one of real clips"):
        export_both(finished, finished, tmp_path / "both")
    with pytest.raises(ConfigError, match="no finished data set"):
        export_both(finished, tmp_path / "nothing", tmp_path / "both")
    with pytest.raises(ConfigError, match="a synthetic one is needed"):
        manifest.read(full / "manifest.json")
    assert not (tmp_path / "both").exists()


def test_a_missing_table_is_named(told: Path, tmp_path: Path) -> None:
    (told / "references.csv").unlink()
    with pytest.raises(ConfigError, match=r"references.csv is missing"):
        export_parquet(told, tmp_path / "hub")
    assert not (tmp_path / "hub").exists()


def test_the_cards_features_are_those_that_datasets_writes(both: Path, full: Path) -> None:
    import datasets

    expected = {"synthetic": SCHEMA, "real": TRIPLETS, "annotations": ANNOTATIONS}
    for folder in (both, full):
        _, head, text = (folder / "README.md").read_text().split("---\n", 2)
        front_matter = yaml.safe_load(head)
        assert front_matter["license"] == "other"
        assert "Each row its own" in text
        infos = {info["config_name"]: info for info in front_matter["dataset_info"]}
        assert infos.keys() == {"real", "annotations"} | ({"synthetic"} if folder == both else set())
        for name, info in infos.items():
            assert info["features"] == datasets.Features.from_arrow_schema(expected[name])._to_yaml_list()
        defaults = [each["config_name"] for each in front_matter["configs"] if each.get("default")]
        assert defaults == ["synthetic" if folder == both else "real"]
        for each in front_matter["configs"]:
            assert list(folder.glob(each["data_files"][0]["path"]))


def test_the_card_says_what_was_asked_and_escapes_it(full: Path, told: Path) -> None:
    text = (full / "README.md").read_text()
    assert "4 items asked = 2 accepted + 1 rejected + 1 undecided. 6 answers by 2 annotators" in text
    assert "items with known answers, which are not counted above: 1." in text
    assert "| no_agreement | 1 |" in text
    assert "| CC-BY-4.0 | 4 |" in text
    assert "**not** part of this data set" not in text
    assert "**not** part of this data set" in (told / "README.md").read_text()
    assert "| not given | 4 |" in (told / "README.md").read_text()


def test_an_evaluation_opens_it_as_the_published_set_of_real_clips(full: Path) -> None:
    collection = open_collection(full)
    assert {clip.category for clip in collection.clips} == {"examples"}
    assert [clip.role for clip in collection.clips[:3]] == list(Role)
    assert frames_of(collection) == {clip.clip_id: 8 for clip in collection.clips}
    assert true_motions(collection) == {}


def test_a_set_of_references_is_opened_where_its_clips_are_kept(told: Path) -> None:
    collection = open_collection(told)
    assert frames_of(collection) == {clip.clip_id: 8 for clip in collection.clips}
    kept = next((told / "store" / "blobs").glob(f"*/{collection.clips[0].sha256}.mp4"))
    kept.write_bytes(b"other")
    with pytest.raises(ConfigError, match="real-0000/reference is not in its store"):
        frames_of(collection)
    shutil.rmtree(told / "store")
    with pytest.raises(ConfigError, match="is not in its store"):
        frames_of(collection)


def test_a_damaged_clip_is_named(full: Path, tmp_path: Path) -> None:
    hurt = Path(shutil.copytree(full, tmp_path / "hurt"))
    rows = pq.read_table(hurt / SHARD).to_pylist()
    rows[1]["negative"]["bytes"] += b"x"
    pq.write_table(pa.Table.from_pylist(rows, schema=TRIPLETS), hurt / SHARD)
    with pytest.raises(ConfigError, match="clip real-0001/negative is damaged"):
        frames_of(open_collection(hurt))
    with pytest.raises(ConfigError, match="negative clip of triplet real-0001 is damaged"):
        export_folders(hurt, tmp_path / "export")
