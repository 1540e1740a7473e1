"""Who asks, who answers, and every gallery whose questions cannot be asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moments.errors import GalleryError
from moments.protocols.gallery import Gallery, GalleryClip, check_triplets
from tests.moments.protocols.galleries import triplets


def without(gallery: Gallery, clip_id: str) -> Gallery:
    return Gallery(tuple(clip for clip in gallery.clips if clip.clip_id != clip_id))


def changed(gallery: Gallery, clip_id: str, /, **changes: object) -> Gallery:
    clips = [replace(clip, **changes) if clip.clip_id == clip_id else clip for clip in gallery.clips]
    return Gallery(tuple(clips))


def test_queries_and_their_partners_are_found_by_role_and_group() -> None:
    clips = triplets(3, distractors=2).clips
    gallery = Gallery((clips[9], clips[1], clips[0], clips[8], clips[2], clips[6], clips[10], clips[7]))
    assert gallery.queries.tolist() == [2, 5]
    assert gallery.positives.tolist() == [1, 7]
    assert gallery.negatives.tolist() == [4, 3]
    assert len(gallery) == 8
    check_triplets(gallery)


def test_a_distractor_never_asks_nor_answers() -> None:
    posing = replace(triplets(2).clips[0], clip_id="posing", sha256="other", distractor=True)
    gallery = Gallery((*triplets(2).clips, posing, replace(posing, clip_id="p2", role="positive")))
    assert gallery.queries.tolist() == [0, 3]
    assert gallery.positives.tolist() == [1, 4]
    check_triplets(gallery)


def test_a_missing_positive_is_named_by_its_triplet() -> None:
    gallery = without(triplets(2), "1-positive")
    with pytest.raises(GalleryError, match=r"triplet 1 has 0 clips as positive \(none\)"):
        check_triplets(gallery)
    with pytest.raises(GalleryError, match="triplet 1 has 0 clips as positive"):
        _ = gallery.positives


def test_a_missing_negative_matters_only_to_those_who_ask_for_it() -> None:
    gallery = without(triplets(2), "1-negative")
    check_triplets(gallery)
    with pytest.raises(GalleryError, match="triplet 1 has 0 clips as negative"):
        _ = gallery.negatives


def test_two_positives_are_named() -> None:
    gallery = changed(triplets(2), "1-negative", role="positive")
    with pytest.raises(GalleryError, match=r"triplet 1 has 2 clips as positive \(1-positive, 1-negative\)"):
        check_triplets(gallery)


def test_a_triplet_without_a_reference_is_named() -> None:
    with pytest.raises(GalleryError, match="triplet 0 has 0 clips as reference"):
        check_triplets(without(triplets(2), "0-reference"))


def test_two_references_are_named() -> None:
    gallery = changed(triplets(2), "1-negative", role="reference")
    with pytest.raises(GalleryError, match=r"triplet 1 has 2 clips as reference \(1-reference, 1-negative\)"):
        check_triplets(gallery)


def test_clips_without_roles_ask_nothing() -> None:
    with pytest.raises(GalleryError, match="there is nothing to ask"):
        check_triplets(Gallery((GalleryClip("a", "1", label="wave"),)))
    with pytest.raises(GalleryError, match="there is nothing to ask"):
        check_triplets(Gallery(()))


@pytest.mark.parametrize("asked", ["0-positive", "0-reference"])
@pytest.mark.parametrize("twin", ["0-negative", "1-reference", "1-negative", "d0"])
def test_a_twin_elsewhere_leaves_the_question_without_an_answer(asked: str, twin: str) -> None:
    gallery = changed(triplets(2, distractors=1), twin, sha256=f"sha-{asked}")
    with pytest.raises(GalleryError) as caught:
        check_triplets(gallery)
    assert asked in str(caught.value)
    assert twin in str(caught.value)


def test_negatives_and_distractors_may_be_twins() -> None:
    check_triplets(changed(triplets(2, distractors=1), "d0", sha256="sha-0-negative"))


def test_a_clip_named_twice_is_refused() -> None:
    with pytest.raises(GalleryError, match="clip 0-positive is in the gallery twice"):
        check_triplets(changed(triplets(1), "0-negative", clip_id="0-positive"))


def test_a_role_without_a_triplet_is_refused() -> None:
    with pytest.raises(GalleryError, match="clip 0-positive is a positive of no triplet"):
        check_triplets(changed(triplets(1), "0-positive", group=None))


def test_categories_are_for_all_or_none() -> None:
    check_triplets(triplets(2, categories=(None,)))
    with pytest.raises(GalleryError, match="1 of 2 references have no category, 1-reference first"):
        check_triplets(changed(triplets(2), "1-reference", category=None))
