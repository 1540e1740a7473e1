"""Rhythm as a vector: its dot product is the agreement that ``synchrony`` finds at lag 0."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from moments.errors import FeatureError
from moments.hog import hog
from moments.rhythm import RhythmStream, rhythm
from moments.synchrony import synchrony
from tests.moments import clips


def noise(seed: int, num_frames: int, clips_: int = 1) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    pace = rng.uniform(0, 0.3, (clips_, num_frames, 1, 1))
    return torch.from_numpy((pace * rng.normal(size=(clips_, num_frames, 5, 3))).astype(np.float32))


@given(seed=st.integers(0, 1000), num_frames=st.integers(8, 70))
def test_the_dot_product_is_the_score_of_synchrony(seed: int, num_frames: int) -> None:
    first, second = noise(seed, num_frames, clips_=2)
    expected = synchrony(first.numpy(), second.numpy(), max_lag_frames=0).score
    assert float(rhythm(first) @ rhythm(second)) == pytest.approx(expected, abs=1e-6)


def test_the_same_on_pictures_of_one_motion_and_of_two() -> None:
    same, other, another = (
        hog(clips.moving_disc(path, ground_seed=seed))
        for seed, path in enumerate((clips.stop_and_go(), clips.stop_and_go(), clips.late_rush()))
    )
    for first, second in ((same, other), (same, another)):
        expected = synchrony(first.numpy(), second.numpy(), max_lag_frames=0).score
        assert float(rhythm(first) @ rhythm(second)) == pytest.approx(expected, abs=1e-6)
    assert rhythm(same) @ rhythm(other) > 0.8 > rhythm(same) @ rhythm(another)


@given(seed=st.integers(0, 1000), cuts=st.lists(st.integers(1, 59), max_size=20, unique=True))
def test_the_size_of_chunks_and_batches_leaves_no_trace(seed: int, cuts: list[int]) -> None:
    batch = noise(seed, 60, clips_=2)
    stream = RhythmStream()
    for chunk in batch.tensor_split(sorted(cuts), dim=1):
        stream.update(chunk)
    found = stream.finish()
    assert found.ndim == 3
    assert found.dtype == torch.float32
    for features, vector in zip(batch, found[:, 0], strict=True):
        torch.testing.assert_close(vector, rhythm(features), rtol=0, atol=1e-6)


def test_vectors_have_length_1_and_as_many_numbers_for_every_clip_of_a_length() -> None:
    vectors = [rhythm(noise(seed, 40)[0]) for seed in range(3)]
    assert len({len(vector) for vector in vectors}) == 1
    for vector in vectors:
        assert float(torch.linalg.vector_norm(vector)) == pytest.approx(1.0, abs=1e-6)


def test_two_steady_motions_agree() -> None:
    ramp = torch.linspace(0, 1, 40)[:, None, None].expand(40, 4, 2)
    assert float(rhythm(ramp) @ rhythm(3 * ramp)) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("num_frames", [1, 2, 7])
def test_clips_too_short_for_a_rhythm_are_zeros(num_frames: int) -> None:
    vector = rhythm(noise(0, num_frames)[0])
    assert vector.shape == (num_frames,)
    assert (vector == 0).all()


def test_a_clip_without_change_is_zeros_and_does_not_disturb_its_batch() -> None:
    moving = noise(0, 30)[0]
    stream = RhythmStream()
    stream.update(torch.stack([torch.ones_like(moving), moving]))
    still, found = stream.finish()[:, 0]
    assert (still == 0).all()
    torch.testing.assert_close(found, rhythm(moving))


def test_wrong_shapes_no_frames_and_nan_are_refused() -> None:
    with pytest.raises(FeatureError, match=r"expected floats \(B, t, P, D\)"):
        RhythmStream().update(torch.zeros(3, 4, 5))
    with pytest.raises(FeatureError, match="no frames came"):
        RhythmStream().finish()
    broken = noise(0, 10, clips_=2)
    broken[1, 4, 0, 0] = float("nan")
    stream = RhythmStream()
    stream.update(broken)
    with pytest.raises(FeatureError, match="clip 1 of the batch"):
        stream.finish()
