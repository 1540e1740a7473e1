"""Items share no footage, their candidates move most alike, and equal input gives equal items."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moments.errors import GalleryError
from moments.hard_negatives import HardNegative, hard_negatives
from moments.nearest import distinct
from moments.real_clips import RealClip
from moments.real_items import choose_items, motion_scores
from tests.moments.real_footage import pool_records, record


def drawn(seed: int, videos: int) -> tuple[list[RealClip], list[HardNegative], dict[str, int]]:
    rng = np.random.default_rng(seed)
    clips = [
        record(f"{video}-{n}", str(video), motion=tuple(rng.normal(size=4)))
        for video in range(videos)
        for n in range(rng.integers(1, 4))
    ]
    pairs = [
        HardNegative(first.clip_id, second.clip_id, 1.0, float(rng.uniform(0, 0.8)))
        for first, second in pairwise(clips)
        if first.video_id == second.video_id
    ]
    pairs.sort(key=lambda pair: (-pair.score, pair.reference))
    return clips, pairs, {str(video): int(rng.integers(videos)) for video in range(videos)}


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), videos=st.integers(4, 14), most=st.integers(1, 4))
def test_no_two_items_share_footage(seed: int, videos: int, most: int) -> None:
    clips, pairs, groups = drawn(seed, videos)
    of_clip = {clip.clip_id: groups[clip.video_id] for clip in clips}
    try:
        items = choose_items(clips, pairs, groups, most, num_candidates=2)
    except GalleryError:
        assert not pairs or len(set(of_clip.values())) < 3
        return
    assert 1 <= len(items) <= most
    used = Counter(of_clip[clip] for item in items for clip in (item.reference, *item.candidates))
    assert set(used.values()) == {1}
    for item in items:
        assert len(item.candidates) == 2
        assert (item.reference, item.negative) in {(pair.reference, pair.negative) for pair in pairs}
    assert items == choose_items(clips, pairs, groups, most, num_candidates=2)


def clips_that_move_like(reference: tuple[float, ...], angles: list[float]) -> list[RealClip]:
    others = [record(f"c{n}", f"w{n}", motion=(np.cos(a), np.sin(a))) for n, a in enumerate(angles)]
    return [record("r", "v", motion=reference), record("n", "v", motion=(0.0, 1.0)), *others]


PAIR = [HardNegative("r", "n", 1.0, 0.1)]


def test_candidates_are_those_that_move_most_alike_best_first() -> None:
    clips = clips_that_move_like((1.0, 0.0), [0.9, 0.1, 0.5, 0.3, 1.2])
    groups = {clip.video_id: index for index, clip in enumerate(clips[1:])}
    (item,) = choose_items(clips, PAIR, groups, 1, num_candidates=3)
    assert item.candidates == ("c1", "c3", "c2")
    assert item.negative == "n"


def test_a_reference_is_never_its_own_candidate_and_its_video_neither() -> None:
    clips = [*clips_that_move_like((1.0, 0.0), [1.0, 1.1]), record("twin", "v", motion=(1.0, 0.0))]
    groups = {"v": 0, "w0": 1, "w1": 2}
    (item,) = choose_items(clips, PAIR, groups, 1, num_candidates=2)
    assert item.candidates == ("c0", "c1")


def test_words_bring_forward_what_vectors_alone_would_leave_behind() -> None:
    angles = [0.1, 0.2, 0.3, 0.4, 0.5]
    texts = [(0.0, 1.0)] * 3 + [(1.0, 0.05), (1.0, 0.1)]
    clips = [
        record("r", "v", text=(1.0, 0.0)),
        *(
            record(f"c{n}", f"w{n}", motion=(np.cos(a), np.sin(a)), text=text)
            for n, (a, text) in enumerate(zip(angles, texts, strict=True))
        ),
    ]
    with_words = motion_scores(clips, np.array([0]))[0]
    without = motion_scores(
        [record(c.clip_id, c.video_id, motion=tuple(c.motion)) for c in clips], np.array([0])
    )[0]
    assert np.argsort(-without)[:2].tolist() == [1, 2]
    assert with_words[4] > with_words[2]
    # By hand: c3 is fourth by motion and first by words.
    assert with_words[4] == pytest.approx((1 / 64 + 1 / 61) / 2)


def test_every_item_gets_its_best_while_there_is_enough() -> None:
    """Two references that want the same clip: the sum decides, and nobody is left with nothing."""
    clips = [
        record("r1", "v1", motion=(1.0, 0.0)),
        record("n1", "v1"),
        record("r2", "v2", motion=(1.0, 0.1)),
        record("n2", "v2"),
        *(
            record(f"c{n}", f"w{n}", motion=(np.cos(a), np.sin(a)))
            for n, a in enumerate([0.0, 0.3, 0.6, 0.9])
        ),
    ]
    groups = {clip.video_id: 0 for clip in clips}
    groups |= {video: index for index, video in enumerate(groups)}
    pairs = [HardNegative("r1", "n1", 1.0, 0.1), HardNegative("r2", "n2", 1.0, 0.2)]
    first, second = choose_items(clips, pairs, groups, 5, num_candidates=2)
    assert {first.candidates[0], second.candidates[0]} == {"c0", "c1"}
    assert {first.candidates[1], second.candidates[1]} == {"c2", "c3"}


@pytest.mark.parametrize(("num_candidates", "most"), [(1, 1), (2, 0)])
def test_what_nobody_can_rank_is_refused(num_candidates: int, most: int) -> None:
    clips = clips_that_move_like((1.0, 0.0), [0.1, 0.2])
    with pytest.raises(GalleryError, match="rank"):
        choose_items(clips, PAIR, {"v": 0, "w0": 1, "w1": 2}, most, num_candidates)


def test_too_little_footage_is_told() -> None:
    clips = clips_that_move_like((1.0, 0.0), [0.1, 0.2])
    with pytest.raises(GalleryError, match="2 videos without shared footage"):
        choose_items(clips, PAIR, {"v": 0, "w0": 1, "w1": 1}, 1, 2)
    with pytest.raises(GalleryError, match="0 of them with a hard negative"):
        choose_items(clips, [], {"v": 0, "w0": 1, "w1": 2}, 1, 2)


def test_rendered_footage_gives_items() -> None:
    kept = distinct(pool_records())
    items = choose_items(kept.clips, hard_negatives(kept.clips), kept.groups, 10, num_candidates=2)
    assert len(items) == 2
    videos = [clip.split("-")[0] for item in items for clip in (item.reference, *item.candidates)]
    assert len(set(videos)) == 6
    assert items == choose_items(kept.clips, hard_negatives(kept.clips), kept.groups, 10, num_candidates=2)
