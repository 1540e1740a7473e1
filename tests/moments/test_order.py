"""Rows that see order: a clip and its reversal are opposites, and no time is counted from the start."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from moments.errors import FeatureError
from moments.hog import hog
from moments.order import OrderStream, order_moments
from moments.semantic_moments import semantic_moments
from tests.moments import clips


def noise(seed: int, num_frames: int, clips_: int = 1, offset: float = 0.0) -> torch.Tensor:
    """Walks in steps of 2⁻¹² or more: float32 holds every difference of two frames exactly."""
    walk = np.random.default_rng(seed).normal(size=(clips_, num_frames, 5, 3)).cumsum(axis=1) + offset
    return torch.from_numpy((np.rint(walk * 4096) / 4096).astype(np.float32))


def reference(features: torch.Tensor) -> np.ndarray:
    """The formula, written plainly, one pair of moments at a time."""
    frames = features.double().numpy()
    change = [np.abs(late - early).mean() for early, late in pairwise(frames)]
    state = [(early + late).mean(axis=0) / 2 for early, late in pairwise(frames)]
    a, c = np.array(change) - np.mean(change), np.array(state) - np.mean(state, axis=0)
    rows = np.zeros((5, frames.shape[2]))
    for row, gap in zip(rows, (1, 2, 4, 8, 16), strict=True):
        pairs = [a[t] * c[t + gap] - a[t + gap] * c[t] for t in range(len(a) - gap)]
        row[:] = np.mean(pairs, axis=0) if pairs else 0
    return rows / np.linalg.norm(rows)


@given(seed=st.integers(0, 1000), num_frames=st.integers(4, 120))
@example(seed=771, num_frames=4)  # what the rows are differences of nearly cancels
def test_agrees_with_the_formula(seed: int, num_frames: int) -> None:
    features = noise(seed, num_frames)[0]
    np.testing.assert_allclose(order_moments(features), reference(features), atol=1e-7)


@given(seed=st.integers(0, 1000), num_frames=st.integers(1, 120), offset=st.sampled_from([0.0, 30.0]))
def test_reversal_changes_the_sign_and_the_plain_moments_not_at_all(
    seed: int, num_frames: int, offset: float
) -> None:
    features = noise(seed, num_frames, offset=offset)[0]
    torch.testing.assert_close(order_moments(features.flip(0)), -order_moments(features), rtol=0, atol=1e-6)
    torch.testing.assert_close(
        semantic_moments(features.flip(0)), semantic_moments(features), rtol=0, atol=1e-6
    )


@given(seed=st.integers(0, 1000), cuts=st.lists(st.integers(1, 39), max_size=5, unique=True))
def test_the_size_of_chunks_and_batches_leaves_no_trace(seed: int, cuts: list[int]) -> None:
    batch = noise(seed, 40, clips_=2)
    stream = OrderStream()
    for chunk in batch.tensor_split(sorted(cuts), dim=1):
        stream.update(chunk)
    found = stream.finish()
    assert found.shape == (2, 5, 3)
    for features, rows in zip(batch, found, strict=True):
        torch.testing.assert_close(rows, order_moments(features), rtol=0, atol=1e-6)


@given(seed=st.integers(0, 1000), scale=st.sampled_from([0.25, 4.0]))
def test_neither_scale_nor_offset_counts(seed: int, scale: float) -> None:
    features = noise(seed, 30)[0]
    torch.testing.assert_close(
        order_moments(features * scale + 1), order_moments(features), rtol=0, atol=1e-4
    )


def test_a_clip_that_waits_before_and_after_it_moves_may_start_late() -> None:
    bump = torch.tensor([0.0, 3.0, 4.0, 4.5, 4.0, 4.2])  # quick up, slowly to another place
    early, late = (
        torch.cat([bump[0].expand(before), bump, bump[-1].expand(60 - before)])[:, None, None]
        for before in (28, 32)
    )
    assert order_moments(early).flatten() @ order_moments(late).flatten() > 0.9


def test_the_sign_says_whether_a_channel_is_higher_after_motion_than_before() -> None:
    burst_then_stay = torch.cat([torch.zeros(20), torch.tensor([1.0, 0.0, 1.0]), torch.ones(20)])
    rows = order_moments(burst_then_stay[:, None, None])
    assert (rows > 0).all()
    assert (order_moments(burst_then_stay.flip(0)[:, None, None]) < 0).all()


@pytest.mark.parametrize(
    "features",
    [
        torch.ones(1, 4, 3),
        torch.ones(30, 4, 3),
        noise(0, 3)[0],
        torch.linspace(0, 1, 30)[:, None, None].expand(30, 4, 3),
    ],
    ids=["one frame", "constant", "two steps", "one rate"],
)
def test_where_there_is_no_order_there_are_zeros(features: torch.Tensor) -> None:
    assert (order_moments(features) == 0).all()


def test_a_clip_without_motion_does_not_disturb_its_batch() -> None:
    moving = noise(0, 20)[0]
    stream = OrderStream()
    stream.update(torch.stack([torch.zeros_like(moving), moving]))
    still, found = stream.finish()
    assert (still == 0).all()
    torch.testing.assert_close(found, order_moments(moving))


def test_two_performances_of_one_motion_agree_and_its_reversal_disagrees() -> None:
    path = clips.stop_and_go()
    first, second, reversed_ = (
        order_moments(hog(frames)).flatten()
        for frames in (
            clips.moving_disc(path),
            clips.moving_disc(path, ground_seed=5, disc_seed=6),
            clips.moving_disc(path, ground_seed=5, disc_seed=6)[::-1],
        )
    )
    assert first @ second > 0.4
    assert first @ reversed_ < -0.4


def test_wrong_shapes_no_frames_and_nan_are_refused() -> None:
    with pytest.raises(FeatureError, match=r"expected floats \(B, t, P, D\)"):
        OrderStream().update(torch.zeros(3, 4, 5))
    with pytest.raises(FeatureError, match="no frames came"):
        OrderStream().finish()
    broken = noise(0, 10, clips_=2)
    broken[1, 4, 0, 0] = float("nan")
    stream = OrderStream()
    stream.update(broken)
    with pytest.raises(FeatureError, match="clip 1 of the batch"):
        stream.finish()
