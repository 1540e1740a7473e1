"""A set of real clips: what its rows say, what it leaves out, and that equal inputs give equal bytes."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from data import real_card, real_manifest, references
from data.errors import ConfigError, ContractError
from data.real import RawAnnotation, RealTriplet
from data.real_manifest import RealManifest
from data.real_set import write_real
from data.schema import Role
from data.shards import read_rows
from data.store import Store
from tests.data.real_samples import FREE, ITEMS, UNKNOWN, answers, triplet
from tests.data.real_samples import real_set as finished_set

SHARD = "real/train-00000-of-00001.parquet"
ANSWERS = "annotations/train-00000-of-00001.parquet"
RECIPE = {"recipe_name": "tiny", "recipe_fingerprint": "1e" * 32, "recipe": {"seed": 1}}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def triplets(store: Store) -> list[RealTriplet]:
    return [triplet(store, number) for number in range(2)]


def contents(out: Path) -> dict[str, bytes]:
    paths = (path for path in out.rglob("*") if path.is_file() and "store" not in path.parts)
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in paths}


def written(
    store: Store,
    triplets: list[RealTriplet],
    raw: list[RawAnnotation],
    out: Path,
    items: dict[str, str] | None = None,
    **options: object,
) -> RealManifest:
    return write_real(triplets, raw, store, out, items=items or ITEMS, **RECIPE, **options)  # type: ignore[arg-type]


def test_a_row_says_where_each_clip_was_cut_and_by_what_right(tmp_path: Path) -> None:
    finished_set(tmp_path)
    rows = list(read_rows([tmp_path / SHARD]))
    assert [row["triplet_id"] for row in rows] == ["real-0000", "real-0001"]
    first, second = rows
    assert first["negative_first_frame"] == 70
    assert first["negative_start_seconds"] == pytest.approx(70 / 24)
    assert (first["negative_start_timecode"], first["negative_end_timecode"]) == (
        "00:00:02.917",
        "00:00:03.417",
    )
    assert first["positive_address"] == "https://example.org/films/1.mp4"
    assert second["reference_address"] == "films/2.mp4"
    assert second["reference_author"] == FREE.author
    assert second["reference_licence_checked_at"] == "2026-11-20"
    assert (first["num_frames"], first["fps"], first["width_px"]) == (8, 16, 48)
    assert first["digital_source_type"] is None


def test_a_row_says_what_people_said(tmp_path: Path) -> None:
    finished_set(tmp_path)
    first, second = read_rows([tmp_path / SHARD])
    assert (second["people_num_ranked"], second["people_kendalls_w"]) == (5, 0.8)
    assert (first["people_kendalls_w"], first["people_tau"]) == (None, None)
    assert (first["people_lead_low"], first["people_level"]) == (0.75, 0.95)
    assert first["candidates"][0]["sha256"] == first["positive_sha256"]
    assert [candidate["strength"] for candidate in second["candidates"]] == [2.25, -2.25]


def test_annotations_come_back_as_they_were(
    store: Store, triplets: list[RealTriplet], tmp_path: Path
) -> None:
    raw = answers(triplets)
    written(store, triplets, raw, tmp_path)
    came = {row["annotation_id"]: row for row in read_rows([tmp_path / ANSWERS])}
    for answer in raw:
        expected = asdict(answer)
        expected["shown"] = list(answer.shown)
        expected["order"] = [list(tied) for tied in answer.order]
        expected["known_order"] = list(answer.known_order) if answer.known_order else None
        assert came[answer.annotation_id] == expected


def test_equal_inputs_in_any_order_give_equal_bytes(
    store: Store, triplets: list[RealTriplet], tmp_path: Path
) -> None:
    raw = answers(triplets)
    written(store, triplets, raw, tmp_path / "a", export="full")
    backwards = dict(reversed(ITEMS.items()))
    written(store, triplets[::-1], raw[::-1], tmp_path / "b", backwards, export="full")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    before = contents(tmp_path / "a")
    written(store, triplets, raw, tmp_path / "a", export="full")
    assert contents(tmp_path / "a") == before


def test_references_hold_no_byte_of_a_clip(store: Store, triplets: list[RealTriplet], tmp_path: Path) -> None:
    written(store, triplets, answers(triplets), tmp_path, export="full")
    assert b"ftyp" in (tmp_path / SHARD).read_bytes()
    facts = written(store, triplets, answers(triplets), tmp_path, export="references")
    assert facts.num_clip_bytes == 0
    assert not [name for name, data in contents(tmp_path).items() if b"ftyp" in data or b"mdat" in data]
    for row in read_rows([tmp_path / SHARD]):
        assert [row[role] for role in Role] == [None, None, None]
    listed = references.read(tmp_path / references.FILENAME)
    assert {(clip.triplet_id, clip.role): clip.sha256 for clip in listed} == {
        (each.triplet_id, str(role)): filmed.clip.blob.sha256
        for each in triplets
        for role, filmed in each.clips.items()
    }


def test_a_full_export_of_clips_without_rights_touches_nothing(store: Store, tmp_path: Path) -> None:
    free = [triplet(store, number) for number in range(2)]
    written(store, free, answers(free), tmp_path, export="full")
    before = contents(tmp_path)
    mixed = [free[0], triplet(store, 1, UNKNOWN)]
    with pytest.raises(ConfigError, match=r"films/2.mp4: author, licence"):
        written(store, mixed, answers(mixed), tmp_path, export="full")
    assert contents(tmp_path) == before
    written(store, mixed, answers(mixed), tmp_path, export="references")


def test_counts_balance_and_licences_are_counted(
    store: Store, triplets: list[RealTriplet], tmp_path: Path
) -> None:
    facts = written(store, triplets, answers(triplets), tmp_path)
    assert (facts.counts.requested, facts.counts.accepted, facts.counts.pending) == (4, 2, 1)
    assert facts.counts.rejected == {"no_agreement": 1}
    assert facts.videos_by_licence == {"CC-BY-4.0": 4}
    assert facts.num_annotators == 2
    assert real_manifest.read(tmp_path / "manifest.json") == facts


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ({"real-0000": "accepted"}, "accepted items differ in real-0001"),
        (ITEMS | {"real-0009": "accepted"}, "accepted items differ in real-0009"),
        ({k: v for k, v in ITEMS.items() if k != "gold-0000"}, "unknown items: gold-0000"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    items: dict[str, str], said: str, store: Store, triplets: list[RealTriplet], tmp_path: Path
) -> None:
    with pytest.raises(ContractError, match=said):
        written(store, triplets, answers(triplets), tmp_path, items)
    assert contents(tmp_path) == {}


def test_the_positive_is_the_winner_and_no_answer_comes_twice(
    store: Store, triplets: list[RealTriplet], tmp_path: Path
) -> None:
    raw = answers(triplets)
    with pytest.raises(ContractError, match="come twice: a10"):
        written(store, triplets, [*raw, raw[2]], tmp_path)
    loser = replace(triplets[0], candidates=triplets[0].candidates[::-1])
    with pytest.raises(ContractError, match="real-0000: the positive is not the first"):
        written(store, [loser, triplets[1]], raw, tmp_path)
    with pytest.raises(ContractError, match="real-0000"):
        written(store, [triplets[0], *triplets], raw, tmp_path)


def test_no_manifest_stands_beside_data_that_it_does_not_describe(
    store: Store, triplets: list[RealTriplet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(store, triplets, answers(triplets), tmp_path)

    def refuses(*_: object) -> None:
        raise ConfigError("full")

    monkeypatch.setattr(real_card, "write", refuses)
    with pytest.raises(ConfigError, match="full"):
        written(store, triplets, answers(triplets), tmp_path)
    assert not (tmp_path / "manifest.json").exists()


def test_a_set_in_which_nothing_is_decided_yet_is_written(store: Store, tmp_path: Path) -> None:
    facts = written(store, [], [], tmp_path, {"real-0000": "undecided"})
    assert (facts.shards, facts.annotations, facts.references.rows) == ((), (), 0)
    assert facts.counts.pending == 1
