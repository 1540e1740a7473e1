"""Hard negatives look alike and move otherwise, by hand-made vectors and on rendered footage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moments.errors import GalleryError
from moments.hard_negatives import MAX_MOVES_ALIKE, MIN_LOOKS_ALIKE, hard_negatives, standing
from moments.nearest import distinct
from tests.moments.real_footage import pool, pool_records, record


def test_of_one_video_the_clip_that_moves_otherwise_is_taken() -> None:
    clips = [
        record("a1", "a", (1.0, 0.0), (1.0, 0.0)),
        record("a2", "a", (1.0, 0.05), (1.0, 0.02)),  # looks and moves like a1
        record("a3", "a", (1.0, 0.02), (0.0, 1.0)),  # looks like a1, moves otherwise
        record("a4", "a", (0.0, 1.0), (0.1, 1.0)),  # moves otherwise, but looks otherwise, too
        *(record(f"s{n}", f"s{n}", (1.0, 0.3 + 0.2 * n), (1.0, 0.1 * n)) for n in range(8)),
    ]
    found = {pair.reference: pair for pair in hard_negatives(clips)}
    assert found["a1"].negative == "a3"
    assert found["a2"].negative == "a3"
    assert found["a3"].negative == "a1"
    assert found.keys() == {"a1", "a2", "a3"}
    assert found["a1"].looks_alike >= MIN_LOOKS_ALIKE
    assert found["a1"].moves_alike <= MAX_MOVES_ALIKE
    assert found["a1"].score == found["a1"].looks_alike - found["a1"].moves_alike


def test_a_video_in_which_all_move_alike_or_nothing_looks_alike_has_none() -> None:
    clips = [
        record("a1", "a", (1.0, 0.0), (1.0, 0.0)),
        record("a2", "a", (1.0, 0.01), (1.0, 0.01)),
        record("b1", "b", (1.0, 0.5), (1.0, 0.9)),
        record("b2", "b", (-1.0, 0.5), (-1.0, 0.9)),
        *(record(f"s{n}", f"s{n}", (1.0, 0.3 + 0.2 * n), (1.0, 0.3 * n - 0.5)) for n in range(6)),
    ]
    assert hard_negatives(clips) == ()


@given(seed=st.integers(0, 2**32 - 1), videos=st.integers(2, 4))
def test_a_standing_is_the_share_of_pairs_of_strangers_that_are_less_alike(seed: int, videos: int) -> None:
    rng = np.random.default_rng(seed)
    of_video = np.array([str(n % videos) for n in range(9)])
    vectors = rng.normal(size=(9, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = vectors @ vectors.T
    strangers = [cosine[i, j] for i in range(9) for j in range(i + 1, 9) if of_video[i] != of_video[j]]
    came = standing(vectors, of_video)
    for i in range(9):
        for j in range(9):
            expected = sum(other < cosine[i, j] for other in strangers) / len(strangers)
            assert came[i, j] == pytest.approx(expected, abs=1e-4 + 1 / len(strangers) * (i != j))
    np.testing.assert_array_equal(came, came.T)


def test_one_video_alone_has_no_strangers() -> None:
    with pytest.raises(GalleryError, match="two videos"):
        hard_negatives([record("a", "v"), record("b", "v")])


def test_on_rendered_footage_hard_negatives_are_what_they_claim() -> None:
    truth = {clip_id: known for clip_id, (known, _) in pool().items()}
    found = hard_negatives(pool_records())
    assert len(found) >= len(truth) // 3
    assert all(truth[pair.reference].video == truth[pair.negative].video for pair in found)
    assert np.mean([truth[pair.reference].motion != truth[pair.negative].motion for pair in found]) >= 0.9


def test_the_limits_let_other_motions_pass_and_hold_the_same_motion_back() -> None:
    """Of every shot there are two clips, which move alike; other shots of the video move otherwise."""
    clips = pool_records()
    truth = [pool()[clip.clip_id][0] for clip in clips]
    videos = np.array([clip.video_id for clip in clips])
    looks = standing(np.stack([clip.appearance for clip in clips]), videos)
    moves = standing(np.stack([clip.motion for clip in clips]), videos)
    passes = (looks >= MIN_LOOKS_ALIKE) & (moves <= MAX_MOVES_ALIKE)
    own = videos[:, None] == videos
    alike = np.array([[first.motion == second.motion for second in truth] for first in truth])
    assert passes[own & alike & ~np.eye(len(clips), dtype=bool)].mean() <= 0.1
    assert passes[own & ~alike].mean() >= 0.25


def test_the_order_in_which_clips_come_does_not_matter() -> None:
    clips = list(pool_records())
    assert hard_negatives(clips) == hard_negatives(clips[::-1])


def test_dropping_repetitions_first_leaves_hard_negatives() -> None:
    kept = distinct(pool_records())
    assert hard_negatives(kept.clips)
