"""Copies are dropped, whatever was done to them; strangers and other motions stay."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from data.schema import Frames
from moments.nearest import distinct
from tests.moments.real_footage import pool, record, records

NOISE = np.random.default_rng(0).normal(0, 4, (1, 96, 96, 3))


def worse(frames: Frames) -> Frames:
    noisy: Frames = (frames * 0.92 + 10 + NOISE).clip(0, 255).astype(np.uint8)
    return noisy


def smaller(frames: Frames) -> Frames:
    small = frames.reshape(len(frames), 48, 2, 48, 2, 3).mean(axis=(2, 4))
    halved: Frames = np.rint(small).astype(np.uint8)
    return halved


@pytest.mark.parametrize("copied", [worse, smaller])
def test_a_copy_is_dropped_and_its_video_belongs_to_the_originals(copied: Callable[[Frames], Frames]) -> None:
    originals = {clip_id: frames for clip_id, (_, frames) in pool().items() if clip_id.endswith("-0")}
    copies = {f"copy{clip_id}": copied(frames) for clip_id, frames in originals.items()}
    kept = distinct(records(originals | copies))
    for clip_id in copies:
        assert kept.repeats[clip_id].split("-")[0] == clip_id.removeprefix("copy").split("-")[0]
    assert all(not clip.clip_id.startswith("copy") for clip in kept.clips)
    for video in range(6):
        assert kept.groups[str(video)] == kept.groups[f"copy{video}"] == video
    assert set(kept.groups.values()) == set(range(6))


def test_a_copy_that_begins_later_is_no_repetition_but_the_same_footage() -> None:
    whole = np.concatenate([pool()["1-1-0"][1], pool()["1-1-1"][1]])
    clips = {"first-0": whole[:24], "later-0": whole[10:34], "other-0": pool()["2-0-0"][1]}
    kept = distinct(records(clips))
    assert kept.groups["first"] == kept.groups["later"] != kept.groups["other"]


def test_all_that_is_different_stays() -> None:
    first = {clip_id: frames for clip_id, (_, frames) in pool().items() if clip_id.endswith("-1-0")}
    kept = distinct(records(first))
    assert len(kept.clips) == len(first)
    assert kept.repeats == {}
    assert sorted(kept.groups.values()) == list(range(6))


def test_the_same_pictures_with_another_motion_are_no_repetition() -> None:
    """Hashes alone do not decide: nothing is dropped that vectors tell apart."""
    clips = [record("a", "v", seed=1), record("b", "w", motion=(1.0, 0.5), seed=1)]
    kept = distinct(clips)
    assert len(kept.clips) == 2
    assert kept.groups == {"v": 0, "w": 0}


def test_the_same_vectors_of_other_pictures_are_no_repetition() -> None:
    kept = distinct([record("a", "v", seed=1), record("b", "w", seed=2)])
    assert len(kept.clips) == 2
    assert kept.groups == {"v": 0, "w": 1}


def test_videos_are_joined_through_others() -> None:
    clips = [
        record("a", "u", seed=1),
        record("b", "v", seed=1),
        record("c", "v", seed=2),
        record("d", "w", seed=2),
    ]
    assert set(distinct(clips).groups.values()) == {0}
