"""Streamed moments against two passes in float64, whatever the parts and however large the mean."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from moments.errors import FeatureError
from moments.moment_stream import MomentStream


def streamed(features: np.ndarray, cuts: list[int], orders: int = 3) -> MomentStream:
    stream = MomentStream(orders)
    for part in np.split(features, sorted(cuts)):
        stream.update(torch.from_numpy(part))
    return stream


def two_pass(features: np.ndarray, order: int) -> np.ndarray:
    wide = features.astype(np.float64)
    return ((wide - wide.mean(0)) ** order).mean(0)


def relative_error(found: torch.Tensor, expected: np.ndarray) -> float:
    return float(np.abs(found.numpy() - expected).max() / np.abs(expected).max())


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10_000),
    st.integers(1, 50),
    st.lists(st.integers(0, 50), max_size=6),
    st.sampled_from([0.0, 10.0, 1000.0]),
)
def test_float32_keeps_five_digits_whatever_the_parts(
    seed: int, frames: int, cuts: list[int], mean: float
) -> None:
    features = (np.random.default_rng(seed).gamma(2, size=(frames, 3, 4)) + mean).astype(np.float32)
    stream = streamed(features, [min(cut, frames) for cut in cuts], orders=4)
    assert relative_error(stream.mean, features.astype(np.float64).mean(0)) < 1e-6
    if frames > 1:
        for order in (2, 3, 4):
            size = (two_pass(features, 2) ** (order / 2)).max()
            error = np.abs(stream.central(order).numpy() - two_pass(features, order)).max()
            assert error / size < 1e-5


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 30), max_size=5), st.integers(2, 7))
def test_any_order_in_float64_is_exact(seed: int, cuts: list[int], order: int) -> None:
    features = np.random.default_rng(seed).normal(5, 1, (30, 2, 3))
    found = streamed(features, cuts, orders=7).central(order)
    np.testing.assert_allclose(found.numpy(), two_pass(features, order), rtol=1e-8, atol=1e-10)


def test_clips_side_by_side_are_kept_apart() -> None:
    features = np.random.default_rng(0).normal(size=(2, 9, 3, 4))
    stream = MomentStream()
    for part in np.split(features, [4], axis=1):
        stream.update(torch.from_numpy(part))
    for clip in range(2):
        np.testing.assert_allclose(stream.central(3)[clip].numpy(), two_pass(features[clip], 3), atol=1e-12)


def test_no_change_is_exactly_no_moment() -> None:
    stream = streamed(np.full((40, 2, 3), 1.1, np.float32), [7, 20])
    assert not stream.central(2).any()
    assert not stream.central(3).any()


def test_memory_does_not_grow_with_time() -> None:
    stream = MomentStream()
    sizes = set()
    for _ in range(5):
        stream.update(torch.rand(16, 8, 4))
        sizes.add(sum(value.numel() for value in (stream._origin, stream._shift, *stream._sums)))
    assert sizes == {4 * 8 * 4}


def test_what_is_not_finite_is_named_by_its_frame_in_the_clip() -> None:
    stream = MomentStream()
    stream.update(torch.zeros(2, 10, 3, 4))
    spoilt = torch.zeros(2, 12, 3, 4)
    spoilt[1, 11, 2, 0] = float("inf")
    with pytest.raises(FeatureError, match="frame 21 are not finite"):
        stream.update(spoilt)


def test_other_sizes_and_types_are_refused() -> None:
    stream = MomentStream()
    with pytest.raises(FeatureError, match="of no frame came"):
        _ = stream.mean
    stream.update(torch.zeros(2, 3, 4))
    with pytest.raises(FeatureError, match=r"after a part whose frames were \(3, 4\)"):
        stream.update(torch.zeros(2, 3, 5))
    with pytest.raises(FeatureError, match=r"expected floats \(…, t, P, D\)"):
        stream.update(torch.zeros(2, 3, 4, dtype=torch.int64))
    with pytest.raises(FeatureError, match="expected 1 or more"):
        MomentStream(0)
