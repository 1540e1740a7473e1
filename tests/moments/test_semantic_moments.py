"""SemanticMoments against formulas written out in numpy, and its weights and symmetries."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from moments.classical import build_classical
from moments.embedder import feature_chunks
from moments.errors import FeatureError
from moments.semantic_moments import (
    Form,
    Fusion,
    Level,
    LevelStream,
    SemanticMoments,
    combine,
    moment_vectors,
    semantic_moments,
)
from tests.moments.clips import moving_disc, stop_and_go


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(np.linalg.norm(vector), 1e-300)


def reference(
    features: np.ndarray,
    form: str = "released",
    weights: tuple[float, ...] = (1, 8, 4),
    level: str = "patch",
    fusion: str = "concat",
) -> np.ndarray:
    """The formulas, in numpy and float64, two passes over all frames."""
    x = features.astype(np.float64)
    if level == "frame":
        x = x.mean(1, keepdims=True)
    if level == "patch-difference":
        x = x[1:] - x[:-1]
    mean = x.mean(0)
    moments = [mean]
    for order in range(2, len(weights) + 1):
        central = ((x - mean) ** order).mean(0)
        if form == "released":
            spread = x.std(0, ddof=1)
            central = spread if order == 2 else central / (spread**order + 1e-6)
        moments.append(central)
    pooled = [moment.mean(0) for moment in moments]
    if form == "released":
        pooled = [unit(moment) for moment in pooled]
    weighted = [weight * moment for weight, moment in zip(weights, pooled, strict=True)]
    return unit(np.concatenate(weighted) if fusion == "concat" else np.sum(weighted, axis=0))


def random_features(seed: int, frames: int = 7, patches: int = 5, channels: int = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.gamma(2.0, size=(frames, patches, channels)) + rng.normal(size=channels)).astype(np.float32)


AXES = list(
    product(
        ("released", "printed"),
        ("patch", "frame", "patch-difference"),
        ("concat", "sum"),
        ((1,), (1, 8), (1, 8, 4), (1, 1, 1), (0, 1, 0), (1, 8, 4, 2), (1, 8, 4, 2, 3)),
    )
)


@pytest.mark.parametrize(("form", "level", "fusion", "weights"), AXES)
def test_every_axis_equals_the_formula(
    form: Form, level: Level, fusion: Fusion, weights: tuple[float, ...]
) -> None:
    for seed, frames, patches in ((0, 3, 1), (1, 12, 5), (2, 40, 9)):
        features = random_features(seed, frames, patches)
        found = semantic_moments(features, form=form, weights=weights, level=level, fusion=fusion)
        expected = reference(features, form, weights, level, fusion)
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-9)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(3, 40), st.integers(1, 9))
def test_the_default_is_the_released_form(seed: int, frames: int, patches: int) -> None:
    features = random_features(seed, frames, patches)
    np.testing.assert_allclose(semantic_moments(features).numpy(), reference(features), atol=1e-9)


def test_the_printed_form_is_another_one() -> None:
    features = random_features(0, 20)
    assert np.abs(semantic_moments(features, form="printed").numpy() - reference(features)).max() > 1e-3


def test_parts_in_float32_agree_with_two_passes_in_float64() -> None:
    features = random_features(3, 33, 16, 24) + 40
    stream = LevelStream("patch", 3)
    for part in np.split(features, [1, 2, 9, 30]):
        stream.update(torch.from_numpy(part)[None])
    found = combine(stream.rows("released"))[0].numpy()
    np.testing.assert_allclose(found, reference(features), atol=1e-5)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.floats(0.01, 100))
def test_scaling_the_features_leaves_every_direction(seed: int, scale: float) -> None:
    """But for the floor under the skewness, which knows the scale of the usual backbones."""
    features = random_features(seed).astype(np.float64)
    found, scaled = (moment_vectors(x) for x in (features, features * scale))
    np.testing.assert_allclose(scaled[:2].numpy(), found[:2].numpy(), atol=1e-9)
    printed, scaled = (moment_vectors(x, form="printed") for x in (features, features * scale))
    np.testing.assert_allclose(
        scaled.numpy(), (printed * scale ** torch.arange(1, 4).double()[:, None]).numpy()
    )


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(2, 4))
def test_repeating_every_frame_changes_no_printed_moment(seed: int, times: int) -> None:
    features = random_features(seed)
    found = semantic_moments(np.repeat(features, times, axis=0), form="printed")
    np.testing.assert_allclose(found.numpy(), semantic_moments(features, form="printed").numpy(), atol=1e-9)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(2, 4))
def test_repeating_every_frame_leaves_mean_and_spread(seed: int, times: int) -> None:
    """Skewness keeps its sense but not its last digits: the unbiased spread knows how many frames came."""
    features = random_features(seed, frames=12)
    found, repeated = moment_vectors(features), moment_vectors(np.repeat(features, times, axis=0))
    np.testing.assert_allclose(repeated[:2].numpy(), found[:2].numpy(), atol=1e-9)
    assert float(repeated[2] @ found[2]) > 0.999


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


def test_reversal_and_shuffling_are_invisible_to_the_plain_descriptor() -> None:
    features = build_features()
    shuffled = features[np.random.default_rng(0).permutation(len(features))]
    for other in (features[::-1].copy(), shuffled):
        assert float(semantic_moments(features) @ semantic_moments(other)) == pytest.approx(1, abs=1e-12)


def build_features() -> np.ndarray:
    embedder = build_classical("hog", None)
    embedder.open()
    chunks = feature_chunks(embedder, embedder.prepare(moving_disc(stop_and_go()))[None])
    return torch.cat([chunk[0] for chunk in chunks]).numpy()


def test_frames_go_through_the_embedder() -> None:
    describe = SemanticMoments(build_classical("hog", None), weights=(1, 8), level="frame", fusion="sum")
    found = describe(moving_disc(stop_and_go()))
    expected = reference(build_features(), weights=(1, 8), level="frame", fusion="sum")
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


def test_a_clip_shorter_than_the_sample_repeats_frames() -> None:
    describe = SemanticMoments(build_classical("hog", 32))
    short = moving_disc(stop_and_go())[8:20]
    repeated = short[np.rint(np.linspace(0, 11, 32)).astype(int)]
    np.testing.assert_allclose(describe(short).numpy(), describe(repeated).numpy(), atol=1e-6)
    assert describe(short[:1]).isfinite().all()


def test_a_clip_that_cannot_be_used_is_named() -> None:
    describe = SemanticMoments(build_classical("hog", None))
    with pytest.raises(FeatureError, match=r"left\.mp4: frames are"):
        describe(np.zeros((3, 8, 8), np.uint8), "left.mp4")


@pytest.mark.parametrize("form", ["released", "printed"])
@pytest.mark.parametrize("level", ["patch", "frame", "patch-difference"])
def test_one_frame_and_rest_are_finite_at_every_level(level: Level, form: Form) -> None:
    for frames in (1, 2, 9):
        still = np.repeat(random_features(4, frames=1), frames, axis=0)
        assert semantic_moments(still, form=form, level=level).isfinite().all()


@pytest.mark.parametrize("axis", ["form", "level", "fusion"])
def test_only_the_named_options_exist(axis: str) -> None:
    with pytest.raises(FeatureError, match=f"{axis} is 'other'; expected one of"):
        semantic_moments(random_features(0), **{axis: "other"})  # type: ignore[arg-type]


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
