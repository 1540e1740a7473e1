"""Clips are found wherever they lie, each content is handed out once, and bad clips are named."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data import manifest
from data.collection import (
    ClipCollection,
    CollectedClip,
    load,
    open_collection,
    open_distractors,
    reversed_references,
    true_motions,
)
from data.columns import SCHEMA
from data.errors import ConfigError, VideoError
from data.layout import export_folders
from data.schema import Role
from data.video import decode, encode
from tests.data.samples import clip, motion

SHARD = "data/train-00000-of-00001.parquet"


@pytest.fixture
def folders(finished: Path, tmp_path: Path) -> Path:
    export_folders(finished, tmp_path / "export")
    return tmp_path / "export"


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Three loose videos, one of them in a folder of its own."""
    root = tmp_path / "videos"
    (root / "more").mkdir(parents=True)
    for seed, name in enumerate(["b.mp4", "a.mp4", "more/c.MP4"]):
        encode(clip(seed), (root / name).with_suffix(".mp4"))
        (root / name).with_suffix(".mp4").rename(root / name)
    return root


def sha256(content: Path | bytes) -> str:
    return hashlib.sha256(content.read_bytes() if isinstance(content, Path) else content).hexdigest()


def everything(collection: ClipCollection) -> list[tuple[CollectedClip, Path | bytes]]:
    return list(collection.contents({clip.sha256 for clip in collection.clips}))


def edit_rows(out: Path, edit: Callable[[list[dict[str, Any]]], object]) -> None:
    rows = pq.read_table(out / SHARD).to_pylist()
    edit(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), out / SHARD)


# --- a built data set --------------------------------------------------------------------------


def test_a_built_data_set_has_three_clips_a_triplet(finished: Path) -> None:
    collection = open_collection(finished)
    assert collection.kind == "built"
    assert [clip.clip_id for clip in collection.clips] == [
        f"{triplet_id}/{role}"
        for triplet_id in ("scene_style-0000", "view-0001", "view-0002")
        for role in Role
    ]
    row = pq.read_table(finished / SHARD).to_pylist()[1]
    assert collection.clips[4] == CollectedClip(
        "view-0001/positive", row["positive_sha256"], Role.POSITIVE, "view-0001", "view"
    )


@pytest.mark.parametrize("source", ["finished", "folders", "videos"])
def test_every_content_is_what_its_hash_says(source: str, request: pytest.FixtureRequest) -> None:
    root = request.getfixturevalue(source)
    collection = open_distractors(root) if source == "videos" else open_collection(root)
    got = everything(collection)
    assert [clip for clip, _ in got] == list(collection.clips)
    assert all(sha256(content) == clip.sha256 for clip, content in got)


@pytest.mark.parametrize("source", ["finished", "folders"])
def test_only_the_wanted_are_handed_out(source: str, request: pytest.FixtureRequest) -> None:
    collection = open_collection(request.getfixturevalue(source))
    some = [collection.clips[index] for index in (1, 5, 8)]
    wanted = {clip.sha256 for clip in some}
    assert [clip for clip, _ in collection.contents(wanted | {"unknown"})] == some
    assert list(collection.contents(set())) == []


def test_equal_bytes_are_handed_out_once_from_shards(finished: Path) -> None:
    def repeat(rows: list[dict[str, Any]]) -> None:
        for place in ((1, "positive"), (2, "reference")):
            row, role = rows[place[0]], place[1]
            row[role], row[f"{role}_sha256"] = rows[0]["negative"], rows[0]["negative_sha256"]

    edit_rows(finished, repeat)
    collection = open_collection(finished)
    assert len(collection.clips) == 9
    assert len({clip.sha256 for clip in collection.clips}) == 7
    got = everything(collection)
    assert len(got) == len({sha256(content) for _, content in got}) == 7


def test_equal_bytes_are_handed_out_once_from_files(videos: Path) -> None:
    shutil.copyfile(videos / "a.mp4", videos / "z.mp4")
    collection = open_distractors(videos)
    assert len(collection.clips) == 4
    assert [clip.clip_id for clip, _ in everything(collection)] == ["a.mp4", "b.mp4", "more/c.MP4"]


def test_a_changed_clip_in_a_shard_is_named(finished: Path) -> None:
    edit_rows(finished, lambda rows: rows[1].update(negative=rows[0]["negative"]))
    with pytest.raises(ConfigError, match="view-0001/negative is damaged: `simmotion verify`"):
        everything(open_collection(finished))


def test_an_absent_clip_in_a_shard_is_named(finished: Path) -> None:
    edit_rows(finished, lambda rows: rows[2].update(reference=None))
    with pytest.raises(ConfigError, match="view-0002/reference is damaged"):
        everything(open_collection(finished))


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"PAR1"), Path.unlink])
def test_a_shard_that_cannot_be_read_is_named(damage: Callable[[Path], object], finished: Path) -> None:
    damage(finished / SHARD)
    with pytest.raises(ConfigError, match=f"cannot read the shard .*{SHARD}"):
        open_collection(finished)


def test_a_shard_damaged_in_its_clips_is_noticed_when_they_are_asked_for(finished: Path) -> None:
    data = bytearray((finished / SHARD).read_bytes())
    data[data.index(b"mdat") + 600] ^= 1
    (finished / SHARD).write_bytes(data)
    collection = open_collection(finished)
    with pytest.raises(ConfigError, match=r"is damaged|cannot read the shard"):
        everything(collection)


def test_a_manifest_that_is_not_whole_is_refused(finished: Path) -> None:
    (finished / manifest.FILENAME).write_text("{}")
    with pytest.raises(ConfigError, match="schema_version"):
        open_collection(finished)


def test_true_motions_are_those_that_the_generator_knew(finished: Path) -> None:
    motions = true_motions(open_collection(finished))
    assert set(motions) == {
        f"{triplet_id}/{role}" for triplet_id in ("scene_style-0000", "view-0001") for role in Role
    }
    assert np.array_equal(motions["view-0001/negative"], motion(3).channels)


# --- folders -----------------------------------------------------------------------------------


def test_published_folders_hold_the_same_clips(finished: Path, folders: Path) -> None:
    collection = open_collection(folders)
    assert collection.kind == "folders"
    assert [clip.clip_id for clip in collection.clips] == [
        f"{folder}/{role}"
        for folder in ("scene_style/triplet_0", "view/triplet_0", "view/triplet_1")
        for role in Role
    ]
    built = open_collection(finished)
    assert [(clip.sha256, clip.role, clip.category) for clip in collection.clips] == [
        (clip.sha256, clip.role, clip.category) for clip in built.clips
    ]
    assert collection.clips[3].triplet_id == "view/triplet_0"
    assert true_motions(collection) == {}


@pytest.mark.parametrize(
    "make", [lambda root: root.mkdir(), lambda root: (root / "view").mkdir(parents=True)]
)
def test_a_folder_without_clips_says_what_was_expected(
    make: Callable[[Path], object], tmp_path: Path
) -> None:
    make(tmp_path / "empty")
    with pytest.raises(
        ConfigError, match=r"empty holds no clips: expected .*manifest\.json.*labels\.csv.*ref"
    ):
        open_collection(tmp_path / "empty")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    for open_it in (open_collection, open_distractors):
        with pytest.raises(ConfigError, match="nowhere"):
            open_it(tmp_path / "nowhere")


# --- labelled and loose videos -----------------------------------------------------------------


@pytest.mark.parametrize("sign", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "byte order mark"])
def test_labels_are_read_in_every_separation(sign: str, mark: str, videos: Path) -> None:
    lines = [
        ["split", "file", "label", "by"],
        ["gallery", "b.mp4", '"a jump, or; so"', "me"],
        [],
        [" query", "more/c.MP4 ", "walk"],
        ["", "a.mp4", "walk", "", "one cell more"],
    ]
    text = "\r\n".join(sign.join(line) for line in lines)
    (videos / "labels.csv").write_bytes(f"{mark}{text}".encode())
    collection = open_collection(videos)
    assert collection.kind == "labels"
    assert [(clip.clip_id, clip.label, clip.split) for clip in collection.clips] == [
        ("b.mp4", "a jump, or; so", "gallery"),
        ("more/c.MP4", "walk", "query"),
        ("a.mp4", "walk", None),
    ]
    assert all(sha256(content) == clip.sha256 for clip, content in everything(collection))


def test_a_file_may_be_called_id(videos: Path) -> None:
    (videos / "labels.csv").write_text("id,label\na.mp4,walk\n")
    assert [clip.clip_id for clip in open_collection(videos).clips] == ["a.mp4"]


BAD_LABELS = {
    "no label": ("file,label\na.mp4,walk\nb.mp4,\n", r"labels\.csv, line 3: expected the columns file and"),
    "no columns": ("a.mp4,walk\nb.mp4,walk\n", "line 2: expected the columns file and label"),
    "other split": ("file,label,split\na.mp4,walk,test\n", "line 2: split is 'test'; expected gallery or q"),
    "no file": ("file,label\n\n\nd.mp4,walk\n", r"line 4: there is no file .*d\.mp4"),
    "a folder": ("file,label\nmore,walk\n", "there is no file .*more"),
    "outside": ("file,label\n../a.mp4,walk\n", "leaves the folder"),
    "twice": ("file,label\na.mp4,walk\na.mp4,run\n", r"line 3: a\.mp4 comes twice"),
    "header only": ("file,label\n", "names no video"),
    "empty": ("", "names no video"),
}


@pytest.mark.parametrize("kind", BAD_LABELS)
def test_labels_that_cannot_be_used_name_their_line(kind: str, videos: Path) -> None:
    text, message = BAD_LABELS[kind]
    (videos / "labels.csv").write_text(text)
    with pytest.raises(ConfigError, match=message):
        open_collection(videos)


def test_labels_in_another_encoding_are_refused(videos: Path) -> None:
    (videos / "labels.csv").write_bytes("file,label\na.mp4,Größe\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"cannot read .*labels\.csv as a table in UTF-8"):
        open_collection(videos)


def test_distractors_are_all_videos_in_the_order_of_their_paths(videos: Path) -> None:
    (videos / "notes.txt").touch()
    (videos / "folder.mp4").mkdir()
    collection = open_distractors(videos)
    assert [clip.clip_id for clip in collection.clips] == ["a.mp4", "b.mp4", "more/c.MP4"]
    assert all(clip.distractor and clip.role is None for clip in collection.clips)


def test_no_distractors_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds no videos \(\.avi, "):
        open_distractors(tmp_path)


# --- references backwards ----------------------------------------------------------------------


def test_reversed_references_are_distractors_of_their_own(finished: Path) -> None:
    collection = open_collection(finished)
    backwards = reversed_references(collection)
    references = [clip for clip in collection.clips if clip.role == Role.REFERENCE]
    assert len(backwards.clips) == 3
    for reference, turned in zip(references, backwards.clips, strict=True):
        assert turned.sha256 == f"backwards:{reference.sha256}"
        assert turned.clip_id != reference.clip_id
        assert (turned.role, turned.distractor, turned.category) == (None, True, reference.category)


def test_a_reversed_reference_plays_the_sampled_frames_backwards(finished: Path) -> None:
    collection = open_collection(finished)
    backwards = reversed_references(collection)
    ((reference, forward),) = collection.contents({collection.clips[3].sha256})
    ((clip, content),) = backwards.contents({backwards.clips[1].sha256, reference.sha256})
    assert clip == backwards.clips[1]
    assert content == forward
    sampled = [0, 3, 7]
    played = load(clip, content, lambda number: sampled).frames
    assert np.array_equal(played, load(reference, forward, lambda number: sampled).frames[::-1])


# --- frames ------------------------------------------------------------------------------------


def test_frames_are_the_same_from_a_shard_and_from_a_file(finished: Path, folders: Path) -> None:
    asked: list[int] = []

    def sample(number: int) -> list[int]:
        asked.append(number)
        return [5, 0, 5]

    built, exported = (everything(open_collection(root))[4] for root in (finished, folders))
    frames = [load(*each, sample).frames for each in (built, exported)]
    assert asked == [8, 8]
    assert np.array_equal(frames[0], frames[1])
    assert isinstance(exported[1], Path)
    assert np.array_equal(frames[1], decode(exported[1]).frames[[5, 0, 5]])


@pytest.mark.parametrize("kind", ["bytes", "path"])
def test_a_clip_that_does_not_decode_is_named(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "cut.mp4"
    encode(clip(), path)
    path.write_bytes(path.read_bytes()[:-200])
    content = path if kind == "path" else path.read_bytes()
    with pytest.raises(VideoError, match=r"^view-0001/positive: the file is cut off") as caught:
        load(CollectedClip("view-0001/positive", "0f"), content, range)
    assert caught.value.reason == "truncated"
    assert str(tmp_path) not in str(caught.value)


def test_a_folder_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no folder"):
        open_collection(tmp_path / "nothing")
