"""Names in files from elsewhere lead to nothing outside the folder that they came in, and are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.collection import open_collection, open_distractors
from data.disk import inside
from data.errors import ConfigError
from data.footage import from_manifest
from data.layout import export_folders, export_parquet, read_folders
from data.verify import verify

HOSTILE_NAMES = (
    "../secret.mp4",
    "a/../../secret.mp4",
    "/etc/hostname",
    "C:\\secret.mp4",
    "c:secret.mp4",
    "\\\\host\\share\\secret.mp4",
    "a\0.mp4",
    "link.mp4",
    "links/secret.mp4",
    "circle/secret.mp4",
    ".",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with links out of it, beside something that nobody may read."""
    (tmp_path / "secret.mp4").write_bytes(b"secret")
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    (folder / "links").symlink_to(tmp_path, target_is_directory=True)
    (folder / "circle").symlink_to(folder / "circle")
    return folder


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_that_leads_out_is_told(name: str, root: Path) -> None:
    with pytest.raises(ConfigError, match="leaves the folder") as refused:
        inside(root, name)
    assert repr(name) in str(refused.value)


def test_a_link_within_the_folder_is_followed(root: Path) -> None:
    (root / "real.mp4").touch()
    (root / "alias.mp4").symlink_to("real.mp4")
    assert inside(root, "alias.mp4").is_file()


@pytest.mark.parametrize("name", [name for name in HOSTILE_NAMES if "\0" not in name])
def test_a_label_file_names_no_other_folder(name: str, root: Path) -> None:
    (root / "labels.csv").write_text(f'file,label\n"{name}",walk\n')
    with pytest.raises(ConfigError, match="leaves the folder"):
        open_collection(root)


def test_a_label_file_with_a_nul_is_refused(root: Path) -> None:
    (root / "labels.csv").write_bytes(b"file,label\na\0.mp4,walk\n")
    with pytest.raises(ConfigError, match=r"leaves the folder|cannot read"):
        open_collection(root)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda out: export_folders(out, out.with_name("export")), id="folders"),
        pytest.param(lambda out: export_parquet(out, out.with_name("export")), id="parquet"),
        pytest.param(open_collection, id="evaluate"),
    ],
)
def test_a_manifest_names_no_shard_elsewhere(
    use: Callable[[Path], object], name: str, finished: Path
) -> None:
    point_to(finished, name)
    with pytest.raises(ConfigError, match="leaves the folder"):
        use(finished)
    assert not finished.with_name("export").exists()


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_verify_reports_a_shard_elsewhere(name: str, finished: Path) -> None:
    point_to(finished, name)
    assert any("leaves the folder" in str(finding) for finding in verify(finished))


def point_to(out: Path, name: str) -> None:
    """Let the manifest of ``out`` name this as its first shard, which is there as far as it can be."""
    secret = out.with_name("secret.mp4")
    secret.write_bytes((out / "data/train-00000-of-00001.parquet").read_bytes())
    (out / "link.mp4").symlink_to(secret)
    (out / "links").symlink_to(out.parent, target_is_directory=True)
    (out / "circle").symlink_to(out / "circle")
    facts = json.loads((out / "manifest.json").read_text())
    facts["shards"][0]["path"] = name
    (out / "manifest.json").write_text(json.dumps(facts))


@pytest.mark.parametrize("linked", ["view", "view/triplet_0", "view/triplet_0/ref.mp4"])
def test_a_published_folder_tree_has_no_link_out_of_it(linked: str, finished: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    export_folders(finished, tree)
    (tree / linked).rename(tmp_path / "elsewhere")
    (tree / linked).symlink_to(tmp_path / "elsewhere")
    for use in (open_collection, lambda root: list(read_folders(root))):
        with pytest.raises(ConfigError, match="leaves the folder") as refused:
            use(tree)
        assert linked in str(refused.value)


def test_a_distractor_is_no_link_to_elsewhere(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"'link\.mp4' leaves the folder"):
        open_distractors(root)


def test_rows_write_nothing_beside_the_export(finished: Path, tmp_path: Path) -> None:
    (shard,) = (finished / "data").glob("*.parquet")
    table = pq.read_table(shard)
    ids = pa.array(["../../../escaped"] * len(table), table.schema.field("triplet_id").type)
    place = table.schema.get_field_index("triplet_id")
    pq.write_table(table.set_column(place, table.schema.field(place), ids), shard)
    export_folders(finished, tmp_path / "deep" / "export")
    assert not list(tmp_path.rglob("*escaped*"))


def test_a_footage_manifest_with_a_nul_is_refused_by_row(tmp_path: Path) -> None:
    pq.write_table(pa.table({"path": ["a\0b.mp4"]}), tmp_path / "footage.parquet")
    with pytest.raises(ConfigError, match=r"row 1, path 'a\\x00b\.mp4'"):
        from_manifest(tmp_path / "footage.parquet")
