"""References tell clips without their bytes, and cutting anew proves or disproves them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.cutting import cut_video
from data.errors import ConfigError, ContractError
from data.footage import Rights, SourceVideo
from data.references import Reference, read, recut, reference_of, timecode, write
from data.schema import ClipFormat
from data.store import Store
from tests.footage import PLACES, Camera, Take, converted, film

FORMAT = ClipFormat(size_px=64, duration_seconds=1.0, fps=16)
RIGHTS = Rights('Ada, with "quotes"', "CC-BY-4.0", "https://example.org/l", "2026-11-20")


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    for number in range(2):
        shots = [Take(replace(place, motion="jump"), 1.3, number) for place in PLACES[number : number + 2]]
        film(folder / f"{number}.mp4", shots, Camera(24 + number, 112, 80))
    return folder


@pytest.fixture(scope="module")
def references(films: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Reference, ...]:
    store = Store(tmp_path_factory.mktemp("store"))
    rows = []
    for path in sorted(films.glob("*.mp4")):
        video = SourceVideo(
            f"https://example.org/{path.name}", path, f"https://example.org/{path.name}", RIGHTS
        )
        made = cut_video(video, path, store, FORMAT)
        roles = zip(("reference", "negative"), made.clips, strict=True)
        rows += [reference_of(f"real-{path.stem}", role, clip, video, FORMAT) for role, clip in roles]
    return tuple(rows)


def beside(films: Path, reference: Reference) -> Path:
    return films / Path(reference.address).name


def test_rows_come_back_as_they_were_and_hold_no_bytes(
    references: tuple[Reference, ...], tmp_path: Path
) -> None:
    write(reversed(references), tmp_path / "references.csv")
    came = read(tmp_path / "references.csv")
    assert came == tuple(sorted(references, key=lambda row: (row.triplet_id, row.role)))
    assert came[0].rights == RIGHTS
    assert came[0].format == FORMAT
    before = (tmp_path / "references.csv").read_bytes()
    write(references, tmp_path / "references.csv")
    assert (tmp_path / "references.csv").read_bytes() == before
    assert len(before) < 600 * (len(references) + 1)


def test_clips_cut_anew_have_the_same_hashes(
    references: tuple[Reference, ...], films: Path, tmp_path: Path
) -> None:
    store = Store(tmp_path / "store")
    results = list(recut(references, lambda row: beside(films, row), store))
    assert sorted(result.reference.sha256 for result in results) == sorted(row.sha256 for row in references)
    for result in results:
        assert (result.outcome, result.detail) == ("same", "")
        assert result.blob is not None
        assert len(store.read(result.blob)) == result.reference.num_bytes


def test_another_file_under_the_address_is_told_from_a_changed_row(
    references: tuple[Reference, ...], films: Path, tmp_path: Path
) -> None:
    store = Store(tmp_path / "store")
    other = converted(films / "0.mp4", tmp_path / "0.mp4", "-crf", "30")
    changed = replace(references[0], first_frame=references[0].first_frame + 1)
    encoded = replace(references[0], sha256="0" * 64, encoder="another encoder")
    (from_other,) = recut(references[:1], lambda row: other, store)
    (from_changed,) = recut([changed], lambda row: beside(films, row), store)
    (from_encoded,) = recut([encoded], lambda row: beside(films, row), store)
    (gone,) = recut(references[:1], lambda row: None, store)
    late = replace(references[0], first_frame=10_000)
    (beyond,) = recut([late], lambda row: beside(films, row), store)
    assert from_other.outcome == "other_source"
    assert (from_changed.outcome, "the row was changed" in from_changed.detail) == ("other_clip", True)
    assert (from_encoded.outcome, "another encoder" in from_encoded.detail) == ("other_clip", True)
    assert (gone.outcome, beyond.outcome) == ("missing", "missing")


def test_a_path_of_this_disk_is_not_told(
    references: tuple[Reference, ...], films: Path, tmp_path: Path
) -> None:
    path = films / "0.mp4"
    made = cut_video(SourceVideo(str(path), path, "", RIGHTS), path, Store(tmp_path / "s"), FORMAT)
    row = reference_of("t", "reference", made.clips[0], SourceVideo(str(path), path, "", RIGHTS), FORMAT)
    assert row.address == "0.mp4"
    with pytest.raises(ContractError):
        reference_of("t", "reference", made.clips[0], SourceVideo("other", path, "", RIGHTS), FORMAT)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("first_frame", "-1", "row 1, first_frame '-1'"),
        ("fps", "0", "format of the clip"),
        ("size_px", "65", "format of the clip"),
        ("sha256", "abc", "row 1, sha256 'abc'"),
    ],
)
def test_a_wrong_cell_is_told_with_row_and_column(
    column: str, value: str, said: str, references: tuple[Reference, ...], tmp_path: Path
) -> None:
    wrong: dict[str, Any] = {column: value}
    write([replace(references[0], **wrong)], tmp_path / "r.csv")
    with pytest.raises(ConfigError) as raised:
        read(tmp_path / "r.csv")
    assert said in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"triplet_id,role\na,b\n", b"\xff\xfe\x00"])
def test_what_is_no_table_of_references_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes(content)
    with pytest.raises(ConfigError, match=r"r\.csv"):
        read(tmp_path / "r.csv")


@given(milliseconds=st.integers(0, 10**9))
def test_timecodes_tell_the_time(milliseconds: int) -> None:
    hours, minutes, seconds = timecode(milliseconds / 1000).split(":")
    assert round((int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1000) == milliseconds
    assert len(minutes) == 2
    assert len(seconds) == 6
