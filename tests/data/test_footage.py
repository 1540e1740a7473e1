"""Sources of footage: folders and manifests, and what their rights allow."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.errors import ConfigError
from data.footage import COLUMNS, Rights, from_folder, from_manifest, require_full_export

OURS = Rights("Ada", "CC-BY-4.0", "https://example.org/licence", "2026-11-20")


def manifest(path: Path, *rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_folder_is_read_in_the_order_of_its_paths_and_only_its_videos(tmp_path: Path) -> None:
    for name in ("b/two.MP4", "a.mov", "notes.txt", "b/one.webm"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    videos = from_folder(tmp_path, OURS)
    assert [video.video_id for video in videos] == ["a.mov", "b/one.webm", "b/two.MP4"]
    assert all(video.rights == OURS and video.path and video.path.is_file() for video in videos)


@pytest.mark.parametrize("kind", ["missing", "empty", "date"])
def test_a_folder_that_cannot_be_used_is_refused(kind: str, tmp_path: Path) -> None:
    rights = Rights(licence_checked_at="20.11.2026") if kind == "date" else None
    with pytest.raises(
        ConfigError, match={"missing": "no folder", "empty": "no videos", "date": "2026"}[kind]
    ):
        from_folder(tmp_path / "none" if kind == "missing" else tmp_path, rights)


def test_a_manifest_gives_its_rows_in_order_with_rights_and_words(tmp_path: Path) -> None:
    (tmp_path / "été.mp4").touch()
    path = manifest(
        tmp_path / "m.csv",
        {"path": "été.mp4", **vars(OURS), "description": "a dog runs, then sits"},
        {"url": "https://example.org/b.mp4", "author": " 李 "},
    )
    first, second = from_manifest(path)
    assert (first.video_id, first.path, first.rights) == ("été.mp4", tmp_path / "été.mp4", OURS)
    assert first.description == "a dog runs, then sits"
    assert (second.video_id, second.path) == ("https://example.org/b.mp4", None)
    assert second.rights == Rights(author="李")


def test_csv_and_parquet_say_the_same(tmp_path: Path) -> None:
    rows = [{"url": f"https://example.org/{n}.mp4", "author": "Ada", "licence": "CC0-1.0"} for n in range(3)]
    table = pa.table(
        {
            "url": [row["url"] for row in rows],
            "author": pa.array(["Ada"] * 3).dictionary_encode(),
            "licence": ["CC0-1.0"] * 3,
            "licence_checked_at": [date(2026, 11, 20), None, None],
        }
    )
    pq.write_table(table, tmp_path / "m.parquet")
    rows[0]["licence_checked_at"] = "2026-11-20"
    assert from_manifest(tmp_path / "m.parquet") == from_manifest(manifest(tmp_path / "m.csv", *rows))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"url": "https://a/x.mp4"}, {"author": "Ada"}], "row 2, path and url are empty"),
        ([{"path": "gone.mp4"}], "row 1, path 'gone.mp4': there is no such file"),
        ([{"url": "ftp://a/x.mp4"}], "row 1, url 'ftp://a/x.mp4' is not an address"),
        ([{"url": "file:///etc/passwd"}], "row 1, url"),
        ([{"url": "https://"}], "row 1, url"),
        (
            [{"url": "https://a/x", "licence_checked_at": "2026-13-01"}],
            "row 1, licence_checked_at '2026-13-01'",
        ),
        ([{"url": "https://a/x", "licence_checked_at": "20261101"}], "write YYYY-MM-DD"),
        ([{"url": "https://a/x"}, {"url": "https://a/x"}], "row 2, url 'https://a/x' stands in row 1"),
        ([], "no rows"),
    ],
)
def test_a_fault_in_a_row_is_told_with_row_and_column(
    rows: list[dict[str, str]], said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as raised:
        from_manifest(manifest(tmp_path / "m.csv", *rows))
    assert said in str(raised.value)


def test_every_fault_is_told_at_once_up_to_ten(tmp_path: Path) -> None:
    rows = [{"path": f"gone{n}.mp4"} for n in range(14)]
    with pytest.raises(ConfigError) as raised:
        from_manifest(manifest(tmp_path / "m.csv", *rows))
    assert "row 1," in str(raised.value)
    assert "row 10," in str(raised.value)
    assert "row 11," not in str(raised.value)
    assert "and 4 more" in str(raised.value)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (("url", "license"), "did you mean 'licence'"),
        (("url", "zzz"), "known are path, url"),
        (("author", "licence"), "neither a column 'path' nor a column 'url'"),
        (("url", "url"), "twice"),
    ],
)
def test_a_wrong_column_is_refused_for_a_licence_must_not_get_lost(
    columns: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as raised:
        from_manifest(manifest(tmp_path / "m.csv", {columns[0]: "https://a/x"}, columns=columns))
    assert said in str(raised.value)


@pytest.mark.parametrize("content", [b"url\nhttps://a/\xff\n", b"url,author\nhttps://a/x,Ada,too many\n"])
def test_damaged_csv_is_a_typed_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(ConfigError, match=r"m\.csv"):
        from_manifest(tmp_path / "m.csv")


def test_what_is_no_parquet_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "m.parquet").write_bytes(b"url\nhttps://a/x\n")
    with pytest.raises(ConfigError, match="as Parquet"):
        from_manifest(tmp_path / "m.parquet")
    with pytest.raises(ConfigError, match="cannot read"):
        from_manifest(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("rights", "obstacle"),
    [
        (OURS, None),
        (Rights("A", "CC0-1.0", "https://x", "2026-01-01"), None),
        (Rights("A", "our own footage", "contract 12", "2026-01-01"), None),
        (Rights("A", "CC-BY-4.0", "", "2026-01-01"), "licence_evidence not given"),
        (Rights(), "author, licence, licence_evidence, licence_checked_at not given"),
        (Rights("A", "Pexels", "https://x", "2026-01-01"), "passed on by themselves"),
        (Rights("A", "Pixabay Content License", "https://x", "2026-01-01"), "passed on by themselves"),
        (Rights("A", "CC-BY-ND-4.0", "https://x", "2026-01-01"), "cut versions"),
        (Rights("A", "CC BY-NC-ND 4.0", "https://x", "2026-01-01"), "cut versions"),
    ],
)
def test_only_full_rights_allow_a_full_export(rights: Rights, obstacle: str | None, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    videos = from_folder(tmp_path, rights)
    if obstacle is None:
        require_full_export(videos)
    else:
        with pytest.raises(ConfigError, match=r"references only") as raised:
            require_full_export(videos)
        assert "a.mp4: " in str(raised.value)
        assert obstacle in str(raised.value)
