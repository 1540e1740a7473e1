"""The protocol of SimMotion-Real: which clips are candidates, and what the result tells of them."""

from __future__ import annotations

import numpy as np
import pytest

from moments.errors import GalleryError
from moments.protocols.gallery import Gallery
from moments.protocols.real import real_retrieval
from moments.protocols.retrieval import retrieval
from tests.moments.protocols.galleries import perfect, random_similarity, triplets

PUBLISHED = triplets(40, categories=(None,), distractors=900)


def test_forty_triplets_ask_among_119_clips_and_no_distractors() -> None:
    similarity = perfect(PUBLISHED)
    similarity[:, 120:] = 2.0
    found = real_retrieval(similarity, PUBLISHED)
    assert (found.candidates, found.distractors) == (119, ())
    assert (found.overall.hits, found.overall.queries) == (40, 40)
    assert found.winners.tolist() == PUBLISHED.positives.tolist()


def test_a_thousand_candidates_take_the_first_881_distractors() -> None:
    similarity = perfect(PUBLISHED)
    similarity[0, 120 + 880] = 2.0
    similarity[1, 120 + 881] = 2.0
    found = real_retrieval(similarity, PUBLISHED, candidates=1000)
    assert found.candidates == 1000
    assert found.distractors == tuple(f"d{i}" for i in range(881))
    assert np.flatnonzero(~found.hits).tolist() == [0]
    assert found.winners[0] == 1000


def test_a_hit_beats_the_negative_and_every_other_candidate() -> None:
    gallery = triplets(4)
    similarity = perfect(gallery)
    similarity[0, 2] = 0.95
    similarity[1, 5] = similarity[1, 4]
    similarity[2, 0] = 0.95
    assert real_retrieval(similarity, gallery).hits.tolist() == [False, False, False, True]


def test_distractors_may_stand_anywhere() -> None:
    clips = triplets(5, distractors=4).clips
    order = np.random.default_rng(1).permutation(len(clips))
    gallery = Gallery(tuple(clips[i] for i in order))
    similarity = random_similarity(gallery, 2)
    similarity[np.arange(5), gallery.positives] += 0.3
    kept = [i for i, clip in enumerate(gallery.clips) if not clip.distractor]
    alone = retrieval(similarity[:, kept], Gallery(tuple(gallery.clips[i] for i in kept)))
    found = real_retrieval(similarity, gallery)
    assert found.hits.tolist() == alone.hits.tolist()
    assert found.winners.tolist() == [kept[winner] for winner in alone.winners]


def test_too_few_distractors_are_counted() -> None:
    gallery = triplets(40, distractors=100)
    with pytest.raises(
        GalleryError, match=r"1000 candidates need 881 distractors beside 119 .* 100 are given"
    ):
        real_retrieval(perfect(gallery), gallery, candidates=1000)


def test_fewer_candidates_than_benchmark_clips_are_refused() -> None:
    gallery = triplets(4, distractors=5)
    with pytest.raises(GalleryError, match="ask among 11 to 16"):
        real_retrieval(perfect(gallery), gallery, candidates=10)


def test_a_missing_negative_is_named() -> None:
    gallery = Gallery(triplets(3).clips[:-1])
    with pytest.raises(GalleryError, match="triplet 2 has 0 clips as negative"):
        real_retrieval(perfect(gallery), gallery)
