"""Retrieval on matrices made by hand, and against loops that follow the protocol's sentence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moments.errors import FeatureError, GalleryError
from moments.protocols import retrieval as retrieval_module
from moments.protocols.gallery import Gallery
from moments.protocols.retrieval import retrieval
from tests.moments.protocols.galleries import perfect, random_similarity, triplets

THREE = triplets(3, categories=("view", "scene_style"))


def test_every_reference_that_finds_its_positive_is_a_hit() -> None:
    found = retrieval(perfect(THREE), THREE)
    assert found.hits.tolist() == [True, True, True]
    assert found.winners.tolist() == [1, 4, 7]
    assert [(name, a.hits, a.queries) for name, a in found.categories.items()] == [
        ("view", 2, 2),
        ("scene_style", 1, 1),
    ]


@pytest.mark.parametrize("rival", [2, 3, 4, 8, 9])
def test_every_other_clip_is_a_candidate(rival: int) -> None:
    gallery = triplets(3, distractors=1)
    similarity = perfect(gallery)
    similarity[0, rival] = 0.95
    found = retrieval(similarity, gallery)
    assert found.hits.tolist() == [False, True, True]
    assert found.winners[0] == rival


def test_a_tie_is_a_miss() -> None:
    similarity = perfect(THREE)
    similarity[0, 5] = similarity[0, 1]
    assert retrieval(similarity, THREE).hits.tolist() == [False, True, True]
    assert retrieval(np.ones((3, 9), dtype=np.float32), THREE).overall.hits == 0


def test_mean_is_over_categories_and_not_over_queries() -> None:
    similarity = perfect(THREE)
    similarity[1, 8] = 1.0
    found = retrieval(similarity, THREE)
    assert found.mean == 0.5
    assert (found.overall.hits, found.overall.queries) == (2, 3)


def test_without_categories_the_mean_is_the_overall_accuracy() -> None:
    gallery = triplets(4, categories=(None,))
    similarity = perfect(gallery)
    similarity[0, 8] = 1.0
    found = retrieval(similarity, gallery)
    assert found.categories == {}
    assert found.mean == found.overall.value == 0.75


def naive(similarity: np.ndarray, gallery: Gallery) -> tuple[list[bool], list[float]]:
    """Hits, and the similarity of each query's most similar other clip."""
    hits, best = [], []
    references = [i for i, clip in enumerate(gallery.clips) if clip.role == "reference"]
    for row, query in zip(similarity, references, strict=True):
        others = [i for i in range(len(gallery)) if i != query]
        (own,) = [
            i
            for i in others
            if (gallery.clips[i].role, gallery.clips[i].group) == ("positive", gallery.clips[query].group)
        ]
        hits.append(all(row[own] > row[i] for i in others if i != own))
        best.append(max(row[i] for i in others))
    return hits, best


@given(
    st.integers(1, 12),
    st.integers(0, 3),
    st.integers(0, 10_000),
    st.sampled_from([3, 1000]),
    st.randoms(),
)
def test_answers_are_those_of_the_plain_loops(
    count: int, distractors: int, seed: int, levels: int, random: object
) -> None:
    clips = list(triplets(count, ("a", "b", "c"), distractors).clips)
    random.shuffle(clips)
    gallery = Gallery(tuple(clips))
    similarity = random_similarity(gallery, seed, levels)
    similarity[np.arange(count), gallery.positives] += 0.2
    found = retrieval(similarity, gallery)
    hits, best = naive(similarity, gallery)
    assert found.hits.tolist() == hits
    assert similarity[np.arange(count), found.winners].tolist() == best
    assert not (found.winners == gallery.queries).any()
    assert found.overall.hits == sum(a.hits for a in found.categories.values()) == sum(hits)


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = triplets(50, ("a", "b"))
    similarity = random_similarity(gallery, 3, levels=20)
    similarity[np.arange(50), gallery.positives] += 0.5
    whole = retrieval(similarity, gallery)
    monkeypatch.setattr(retrieval_module, "BLOCK_ROWS", 7)
    blocked = retrieval(similarity, gallery)
    np.testing.assert_array_equal(whole.hits, blocked.hits)
    np.testing.assert_array_equal(whole.winners, blocked.winners)
    assert 0 < whole.overall.hits < 50


def test_the_similarity_is_left_as_it_was() -> None:
    similarity = perfect(THREE)
    retrieval(similarity, THREE)
    np.testing.assert_array_equal(similarity, perfect(THREE))


def test_nan_is_named_by_both_clips() -> None:
    similarity = perfect(THREE)
    similarity[1, 8] = np.nan
    with pytest.raises(FeatureError, match="similarity of 1-reference to 2-negative is NaN"):
        retrieval(similarity, THREE)


@pytest.mark.parametrize("shape", [(9, 9), (3, 8), (3,)])
def test_a_matrix_of_other_clips_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(FeatureError, match=r"expected \(3, 9\)"):
        retrieval(np.zeros(shape), THREE)


def test_a_gallery_with_a_missing_positive_is_refused() -> None:
    gallery = Gallery(THREE.clips[:4] + THREE.clips[5:])
    with pytest.raises(GalleryError, match="triplet 1 has 0 clips as positive"):
        retrieval(np.zeros((3, 8)), gallery)
