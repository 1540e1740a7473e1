"""SemanticMoments against formulas written out in numpy, and its weights and symmetries."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from moments.errors import FeatureError
from moments.semantic_moments import combine, moment_vectors, semantic_moments


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def released(features: np.ndarray, weights: tuple[float, ...] = (1, 8, 4)) -> np.ndarray:
    x = features.astype(np.float64)
    mean, spread = x.mean(0), x.std(0, ddof=1)
    skewness = ((x - mean) ** 3).mean(0) / (spread**3 + 1e-6)
    parts = [weight * unit(m.mean(0)) for weight, m in zip(weights, (mean, spread, skewness), strict=True)]
    return unit(np.concatenate(parts))


def printed(features: np.ndarray) -> np.ndarray:
    x = features.astype(np.float64)
    mean = x.mean(0)
    orders = [mean, ((x - mean) ** 2).mean(0), ((x - mean) ** 3).mean(0)]
    return unit(np.concatenate([w * m.mean(0) for w, m in zip((1, 8, 4), orders, strict=True)]))


def random_features(seed: int, frames: int = 7, patches: int = 5, channels: int = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.gamma(2.0, size=(frames, patches, channels)) + rng.normal(size=channels)).astype(np.float32)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(3, 40), st.integers(1, 9))
def test_released_form_equals_the_formula(seed: int, frames: int, patches: int) -> None:
    features = random_features(seed, frames, patches)
    np.testing.assert_allclose(semantic_moments(features).numpy(), released(features), atol=1e-9)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(3, 40))
def test_printed_form_equals_the_formula_and_is_another_one(seed: int, frames: int) -> None:
    features = random_features(seed, frames)
    found = semantic_moments(features, form="printed").numpy()
    np.testing.assert_allclose(found, printed(features), atol=1e-9)
    assert np.abs(found - released(features)).max() > 1e-3


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_any_permutation_of_the_frames_gives_the_same_vector(seed: int, random: object) -> None:
    features = random_features(seed, frames=11)
    order = list(range(11))
    random.shuffle(order)  # type: ignore[attr-defined]
    np.testing.assert_allclose(
        semantic_moments(features[order]).numpy(), semantic_moments(features).numpy(), atol=1e-9
    )


def test_shares_of_the_cosine_are_the_squares_of_the_weights() -> None:
    first, second = (moment_vectors(random_features(seed)) for seed in (1, 2))
    shares = np.array([1, 64, 16]) / 81
    np.testing.assert_allclose(shares, [0.012, 0.790, 0.198], atol=5e-4)
    cosines = (first * second).sum(1).numpy()
    assert float(combine(first) @ combine(second)) == pytest.approx(float(shares @ cosines), abs=1e-12)


def test_vectors_and_their_combination_have_length_one() -> None:
    vectors = moment_vectors(random_features(3))
    np.testing.assert_allclose(vectors.norm(dim=1).numpy(), 1, atol=1e-12)
    assert float(combine(vectors).norm()) == pytest.approx(1, abs=1e-12)
    assert combine(vectors).shape == (18,)


@pytest.mark.parametrize("form", ["released", "printed"])
@pytest.mark.parametrize("frames", [1, 2, 9])
def test_a_clip_that_stands_still_is_its_mean_alone(form: str, frames: int) -> None:
    still = np.repeat(random_features(4, frames=1), frames, axis=0)
    found = semantic_moments(still, form=form).numpy()  # type: ignore[arg-type]
    np.testing.assert_allclose(found[:6], unit(still.mean((0, 1)).astype(np.float64)), atol=1e-6)
    assert not found[6:].any()


def test_a_clip_of_zeros_gives_zeros_and_not_nan() -> None:
    assert not semantic_moments(np.zeros((4, 3, 2))).any()


def test_features_that_are_not_finite_are_refused_with_the_frame() -> None:
    features = random_features(5)
    features[3, 1, 2] = np.nan
    with pytest.raises(FeatureError, match="frame 3 are not finite"):
        semantic_moments(features)


@pytest.mark.parametrize("features", [np.zeros((4, 3)), np.zeros((0, 3, 2)), np.zeros((4, 3, 2), np.int64)])
def test_anything_but_features_over_time_is_refused(features: np.ndarray) -> None:
    with pytest.raises(FeatureError, match=r"expected floats \(T, P, D\)"):
        moment_vectors(features)


def test_a_weight_is_asked_for_every_moment() -> None:
    with pytest.raises(FeatureError, match="2 weights came for 3 moments"):
        combine(torch.eye(3), weights=(1, 8))
