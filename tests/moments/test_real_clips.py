"""Records of clips: what they hold, and that copies look alike to their hashes."""

from __future__ import annotations

import numpy as np
import pytest

from moments.classical import build_classical
from moments.errors import FeatureError
from moments.hog import hog
from moments.real_clips import frame_hashes, require_clips
from moments.semantic_moments import SemanticMoments
from tests.moments.real_footage import pool, record, records


def bits_apart(first: np.uint64, second: np.uint64) -> int:
    return bin(int(first) ^ int(second)).count("1")


def test_a_record_holds_the_mean_pooled_vector_and_semantic_moments() -> None:
    frames = pool()["0-0-0"][1]
    (clip,) = records({"0-0-0": frames})
    mean = hog(frames).double().mean(dim=(0, 1)).numpy()
    np.testing.assert_allclose(clip.appearance, mean / np.linalg.norm(mean), atol=1e-6)
    np.testing.assert_allclose(
        clip.motion, SemanticMoments(build_classical("hog"))(frames).numpy(), atol=1e-5
    )
    assert (clip.clip_id, clip.video_id, clip.hashes.shape) == ("0-0-0", "0", (8,))
    np.testing.assert_array_equal(clip.hashes, frame_hashes(frames))


def test_hashes_follow_the_order_of_time() -> None:
    frames = pool()["0-1-0"][1]
    assert len(set(frame_hashes(frames).tolist())) > 1
    np.testing.assert_array_equal(frame_hashes(frames[::-1]), frame_hashes(frames)[::-1])


def test_hashes_of_a_copy_are_near_and_of_other_pictures_far() -> None:
    clips = [frames for _, frames in pool().values()]
    noise = np.random.default_rng(0).normal(0, 6, clips[0].shape)
    for index in range(0, len(clips), 6):
        original, other = clips[index], clips[(index + 6) % len(clips)]
        copy = (original * 0.9 + 12 + noise).clip(0, 255).astype(np.uint8)[:, ::2, ::2]
        near = [bits_apart(*pair) for pair in zip(frame_hashes(original), frame_hashes(copy), strict=True)]
        far = [bits_apart(*pair) for pair in zip(frame_hashes(original), frame_hashes(other), strict=True)]
        assert max(near) <= 10 < 16 <= min(far)


def test_clips_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(FeatureError, match="came twice"):
        require_clips([record("a", "v"), record("a", "w")])
    with pytest.raises(FeatureError, match="one backbone"):
        require_clips([record("a", "v"), record("b", "w", motion=(1, 0, 0))])
    with pytest.raises(FeatureError, match="at least one"):
        require_clips([])
