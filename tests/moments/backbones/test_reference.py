"""bf16 rounds what changes since a clip's first frame, and nothing of what stays."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from moments.backbones.catalogue import build_embedder
from moments.backbones.image import DINOV2
from moments.backbones.reference import Reference, ReferencedLinear, against, with_references
from moments.descriptors import STANDARD, Variant, describe
from moments.embedder import Embedder, Precision, feature_chunks
from moments.semantic_moments import combine

PATCH = 14  # of 56 px in native mode


def embedder_of(checkpoint_of: Any, precision: Precision, family: str = "dinov2") -> Embedder:
    embedder = build_embedder(
        "dinov2-small" if family == "dinov2" else family,
        checkpoint=str(checkpoint_of(family)),
        mode="native",
        num_frames=8,
        precision=precision,
    )
    embedder.open()
    return embedder


def features(embedder: Embedder, prepared: Tensor) -> Tensor:
    return torch.cat(list(feature_chunks(embedder, prepared)), dim=1)


def square_over_ground(seed: int = 0) -> np.ndarray:
    """Eight frames, uint8 (8, 56, 56, 3): one patch of noise moves over a ground of noise at rest."""
    rng = np.random.default_rng(seed)
    frames = np.repeat(rng.integers(0, 256, (1, 56, 56, 3), dtype=np.uint8), 8, axis=0)
    square = rng.integers(0, 256, (PATCH, PATCH, 3), dtype=np.uint8)
    for index, frame in enumerate(frames):
        frame[:PATCH, 5 * index : 5 * index + PATCH] = square
    return frames


@pytest.fixture(scope="module")
def layer() -> torch.nn.Linear:
    torch.manual_seed(0)
    return torch.nn.Linear(48, 24)


@settings(max_examples=40, deadline=None)
@given(
    exponent=st.integers(-12, 0), clips=st.integers(1, 3), frames=st.integers(1, 4), seed=st.integers(0, 99)
)
def test_the_error_is_a_share_of_the_change(
    layer: torch.nn.Linear, exponent: int, clips: int, frames: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    first = torch.randn(clips, 5, 48, generator=generator)
    change = 2.0**exponent * torch.randn(clips, frames, 5, 48, generator=generator)
    later = first[:, None] + change
    reference: Reference = {}
    with torch.inference_mode(), against(reference):
        referenced = ReferencedLinear(layer)
        assert torch.equal(referenced(first), layer(first))
        found = referenced(later.flatten(0, 1)).reshape(clips, frames, 5, 24)
        exact = layer(later)
    rounding = 2.0**-7 * (change.abs() @ layer.weight.abs().T)
    assert ((found - exact).abs() <= rounding + 1e-5).all()


def test_a_frame_like_the_first_has_its_exact_features(checkpoint_of: Any) -> None:
    exact, rounded = embedder_of(checkpoint_of, "fp32"), embedder_of(checkpoint_of, "bf16")
    prepared = exact.prepare(np.repeat(square_over_ground()[:1], 3, axis=0))[None]
    found = features(rounded, prepared)
    assert torch.equal(found[:, 0], features(exact, prepared)[:, 0])
    assert torch.equal(found[:, 1:], found[:, :1].expand(-1, 2, -1, -1))


def test_moments_of_a_ground_at_rest_are_those_of_fp32(checkpoint_of: Any) -> None:
    """Against the first frame the descriptor is fp32's to 1e-5; by themselves, frames tremble."""
    exact, rounded = embedder_of(checkpoint_of, "fp32"), embedder_of(checkpoint_of, "bf16")
    prepared = exact.prepare(square_over_ground())[None]
    model = rounded._model  # type: ignore[attr-defined]
    alone = torch.stack([model.tokens(frame[None], model.patches) for frame in prepared[0]], dim=1)
    wanted, against_first, by_themselves = (
        combine(describe([found], STANDARD)[str(Variant())][0].double())
        for found in (features(exact, prepared), features(rounded, prepared), alone)
    )
    near, far = 1 - float(wanted @ against_first), 1 - float(wanted @ by_themselves)
    assert near < 1e-5
    assert near < far / 10


@pytest.mark.parametrize("family", ["dinov2", "siglip2-pooled", "clip4clip"])
def test_every_clip_of_a_batch_has_a_first_frame_of_its_own(family: str, checkpoint_of: Any) -> None:
    embedder = embedder_of(checkpoint_of, "bf16", family)
    prepared = torch.stack([embedder.prepare(square_over_ground(seed)) for seed in range(3)])
    model = embedder._model  # type: ignore[attr-defined]
    together: Reference = {}
    frames = model.tokens(prepared[:, 0], model.patches, together)
    later = model.tokens(prepared[:, 1:].flatten(0, 1), model.patches, together)
    found = torch.cat([frames[:, None], later.reshape(3, 7, *later.shape[1:])], dim=1)
    torch.testing.assert_close(found, features(embedder, prepared), rtol=1e-4, atol=1e-4)


@pytest.fixture
def asked(checkpoint_of: Any) -> tuple[Embedder, Tensor, Tensor]:
    """An embedder in bf16, a prepared clip, and its features by one thread."""
    embedder = embedder_of(checkpoint_of, "bf16")
    prepared = embedder.prepare(square_over_ground())[None]
    return embedder, prepared, features(embedder, prepared)


def test_threads_wait_for_one_pass_of_the_first_frame(
    asked: tuple[Embedder, Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder, prepared, wanted = asked
    begun, fills = threading.Barrier(4), []
    fill = ReferencedLinear.forward

    def counted(layer: ReferencedLinear, tokens: Tensor) -> Tensor:
        fills.append(tokens.shape)
        return fill(layer, tokens)

    monkeypatch.setattr(ReferencedLinear, "forward", counted)
    list(feature_chunks(embedder, prepared[:, :1]))
    layers = len(fills)
    fills.clear()
    parts = embedder.parts(prepared)

    def computed(part: Any) -> Tensor:
        if part in parts[:4]:
            begun.wait(timeout=60)
        result: Tensor = part()
        return result

    with ThreadPoolExecutor(4) as pool:  # the first frame is asked for last
        early = [*pool.map(computed, reversed(parts[:4]))][::-1]
        found = [*early, *pool.map(computed, parts[4:])]
    assert torch.equal(torch.cat(found, dim=1), wanted)
    assert len(fills) == 8 * layers


def test_a_first_frame_that_failed_is_computed_again(
    asked: tuple[Embedder, Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder, prepared, wanted = asked
    forward, left = ReferencedLinear.forward, [5]

    def full(layer: ReferencedLinear, tokens: Tensor) -> Tensor:
        left[0] -= 1
        if left[0] == 0:
            raise torch.OutOfMemoryError("the memory is full")
        return forward(layer, tokens)

    monkeypatch.setattr(ReferencedLinear, "forward", full)
    parts = embedder.parts(prepared)
    with pytest.raises(torch.OutOfMemoryError):
        parts[0]()
    assert torch.equal(torch.cat([part() for part in parts], dim=1), wanted)


def test_every_linear_layer_is_replaced_and_no_weight_changed() -> None:
    import transformers

    model = transformers.Dinov2Model(transformers.Dinov2Config(hidden_size=32, num_attention_heads=2))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    layers = sum(type(part) is torch.nn.Linear for part in model.modules())
    with_references(model)
    assert DINOV2.model_class == type(model).__name__
    assert sum(isinstance(part, ReferencedLinear) for part in model.modules()) == layers > 0
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert set(model.state_dict()) == set(before)
