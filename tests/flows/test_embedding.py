"""Clips into the vector store: all that is missing, nothing twice, and what one bad clip costs."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from data.collection import ClipCollection, open_collection, open_distractors, reversed_references
from data.errors import ConfigError
from data.vectors import VectorStore, clips_of_part
from data.video import decode
from flows import embedding
from flows.embedding import ORDER, RHYTHM, embed
from moments.descriptors import FRAMES, STANDARD, Variant, describe
from moments.embedder import feature_chunks
from moments.errors import BackboneError
from moments.order import OrderStream
from moments.rhythm import RhythmStream
from tests.flows.embedders import Quarters, Tally
from tests.flows.videos import spoil, write_loose, write_triplets, write_video


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two triplets in the published layout."""
    return write_triplets(tmp_path / "clips", {"view": 2})


@pytest.fixture
def store(tmp_path: Path) -> VectorStore:
    return VectorStore(tmp_path, "quarters", Quarters().facts.identity)


@pytest.fixture
def part_for_each_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "FLUSH_SECONDS", -1.0)


def _parts(store: VectorStore) -> list[Path]:
    return sorted(store.folder.glob("*"))


def _shas(*collections: ClipCollection) -> list[str]:
    return [clip.sha256 for own in collections for clip in own.clips]


def test_the_store_holds_what_the_moments_of_the_decoded_clip_are(root: Path, store: VectorStore) -> None:
    clips, embedder, variants = open_collection(root), Quarters(), (*STANDARD, Variant(form="printed"))
    embed([clips], embedder, variants, store, Tally(), keep_frames=True)
    path = root / "view" / "clip_1" / "positive.mp4"
    features = next(feature_chunks(embedder, embedder.prepare(decode(path).frames)[None]))
    wanted = describe([features], variants, further={ORDER: OrderStream(), RHYTHM: RhythmStream()})
    sha256 = next(clip.sha256 for clip in clips.clips if clip.clip_id == "view/clip_1/positive")
    for variant in ("released/patch", "printed/patch", ORDER, RHYTHM, FRAMES):
        np.testing.assert_array_equal(store.read([sha256], variant), wanted[variant].numpy())


def test_a_second_run_forwards_nothing_and_does_not_load_the_weights(root: Path, store: VectorStore) -> None:
    clips, first, second = open_collection(root), Quarters(), Quarters()
    embed([clips], first, STANDARD, store, Tally())
    before = {path: path.read_bytes() for path in _parts(store)}
    embed([clips], second, STANDARD, store, Tally())
    assert (first.opened, first.forwards) == (1, 6)
    assert (second.opened, second.forwards) == (0, 0)
    assert {path: path.read_bytes() for path in _parts(store)} == before


@pytest.mark.usefixtures("part_for_each_clip")
def test_after_a_part_is_lost_only_its_clips_are_embedded(root: Path, store: VectorStore) -> None:
    clips, again, tally = open_collection(root), Quarters(), Tally()
    embed([clips], Quarters(), STANDARD, store, Tally())
    lost = _parts(store)[2]
    (sha256,) = clips_of_part(lost)
    content = lost.read_bytes()
    lost.unlink()
    embed([clips], again, STANDARD, store, tally)
    assert again.forwards == 1
    assert tally.expected == tally.done == {"embed Quarters": 1}
    assert clips_of_part(lost) == {sha256}
    assert lost.read_bytes() == content


def test_what_is_asked_for_later_is_added(root: Path, store: VectorStore) -> None:
    clips, again = open_collection(root), Quarters()
    embed([clips], Quarters(), STANDARD, store, Tally())
    embed([clips], again, STANDARD, store, Tally(), keep_frames=True)
    assert again.forwards == 6
    assert store.read(_shas(clips), FRAMES).shape == (6, 8, 3)


def test_twins_are_embedded_once_within_and_across_collections(root: Path, store: VectorStore) -> None:
    loose = root.parent / "loose"
    write_loose(loose, 1)
    (loose / "twin.mp4").write_bytes((root / "view" / "clip_0" / "negative.mp4").read_bytes())
    (loose / "twin again.mp4").write_bytes((loose / "00.mp4").read_bytes())
    collections, embedder, tally = [open_collection(root), open_distractors(loose)], Quarters(), Tally()
    embed(collections, embedder, STANDARD, store, tally)
    assert embedder.forwards == 7
    assert tally.done == tally.expected
    assert not store.missing(_shas(*collections), ["released/patch", ORDER, RHYTHM])


def test_a_clip_backwards_is_a_clip_of_its_own(root: Path, store: VectorStore) -> None:
    clips = open_collection(root)
    backwards = reversed_references(clips)
    embed([clips, backwards], Quarters(), STANDARD, store, Tally(), keep_frames=True)
    forwards = {clip.clip_id: clip.sha256 for clip in clips.clips}
    for clip in backwards.clips:
        first, second = store.read([forwards[clip.clip_id.removesuffix(" backwards")], clip.sha256], FRAMES)
        np.testing.assert_array_equal(first[::-1], second)
        assert not np.array_equal(first, second)


def test_a_clip_that_does_not_decode_is_named_and_the_others_are_kept(root: Path, store: VectorStore) -> None:
    path = root / "view" / "clip_0" / "negative.mp4"
    kept = spoil(path)
    tally = Tally()
    with pytest.raises(ConfigError, match=r"1 of 6 clips could not be embedded") as error:
        embed([open_collection(root)], Quarters(), STANDARD, store, tally)
    assert "view/clip_0/negative" in str(error.value)
    assert tally.done == tally.expected
    kept.replace(path)
    mended = Quarters()
    embed([open_collection(root)], mended, STANDARD, store, Tally())
    assert mended.forwards == 1


def test_features_that_cannot_be_used_name_their_clip(root: Path, store: VectorStore) -> None:
    write_video(root / "view" / "clip_1" / "ref.mp4", level=9, num_frames=11)
    with pytest.raises(ConfigError, match=r"view/clip_1/reference: features are not finite"):
        embed([open_collection(root)], Quarters(bad_frames=11), STANDARD, store, Tally())
    assert sum(len(clips_of_part(part)) for part in _parts(store)) == 5


def test_many_bad_clips_are_counted_and_the_first_ones_told(root: Path, store: VectorStore) -> None:
    for path in root.rglob("*.mp4"):
        path.write_bytes(f"no video {path}".encode())
    with pytest.raises(ConfigError, match=r"6 of 6 clips .*(\n  view/.*){5}\n  and 1 more$"):
        embed([open_collection(root)], Quarters(), STANDARD, store, Tally())
    assert not _parts(store)


def test_a_failing_device_ends_the_work_and_what_was_done_is_kept(root: Path, store: VectorStore) -> None:
    clips, again = open_collection(root), Quarters()
    with pytest.raises(BackboneError, match="the device fell off the bus"):
        embed([clips], Quarters(breaks_at=4), STANDARD, store, Tally())
    embed([clips], again, STANDARD, store, Tally())
    assert again.forwards == 2


def test_a_bug_of_ours_is_no_fault_of_the_clip(
    root: Path, store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(embedding, "_frames", broken)
    with pytest.raises(ZeroDivisionError):
        embed([open_collection(root)], Quarters(), STANDARD, store, Tally())


def test_on_an_accelerator_clips_of_one_length_go_together(root: Path, store: VectorStore) -> None:
    write_video(root / "view" / "clip_1" / "negative.mp4", level=9, num_frames=11)
    clips, embedder = open_collection(root), Quarters()
    embed([clips], embedder, STANDARD, store, Tally(), on_gpu=True)
    assert embedder.lengths == [8, 11]
    alone = VectorStore(root.parent / "alone", "quarters", Quarters().facts.identity)
    embed([clips], Quarters(), STANDARD, alone, Tally())
    for variant in ("released/patch", ORDER):
        torch.testing.assert_close(
            torch.from_numpy(store.read(_shas(clips), variant)),
            torch.from_numpy(alone.read(_shas(clips), variant)),
        )


@pytest.mark.usefixtures("part_for_each_clip")
def test_no_clip_lies_in_two_parts(root: Path, store: VectorStore) -> None:
    clips = open_collection(root)
    embed([clips], Quarters(), STANDARD, store, Tally())
    held = Counter(sha256 for part in _parts(store) for sha256 in clips_of_part(part))
    assert held == Counter(_shas(clips))
