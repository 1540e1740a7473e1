"""Every family against its model called directly, on whole checkpoints as the hub holds them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from moments.backbones.catalogue import build_embedder
from moments.backbones.image import FRAMES_PER_FORWARD
from moments.embedder import Embedder, feature_chunks
from tests.moments.backbones.checkpoints import FAMILIES, model_of

NAMES = {
    "dinov2": "dinov2-small",
    "dinov2-with-registers": "dinov2-with-registers-base",
    "dinov3": "dinov3-small",
}
IMAGENET = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
STATISTICS = {
    "siglip2": ([0.5] * 3, [0.5] * 3),
    "siglip2-pooled": ([0.5] * 3, [0.5] * 3),
    "clip4clip": ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]),
    "videoprism": ([0.0] * 3, [1.0] * 3),
    "timesformer": ([0.45] * 3, [0.225] * 3),
}
# (T', P, D) of four frames in native mode, from the sizes in checkpoints.py: 56 px / 14 is a 4 × 4 grid.
SHAPES = {
    "dinov2": (4, 16, 32),
    "dinov2-with-registers": (4, 16, 32),
    "dinov3": (4, 16, 32),
    "siglip2": (4, 16, 32),
    "siglip2-pooled": (4, 1, 32),
    "clip4clip": (4, 1, 16),
    "videomae": (2, 4, 32),
    "vjepa2": (2, 4, 48),
    "videoprism": (4, 4, 32),
    "timesformer": (4, 4, 32),
    "xclip": (4, 4, 32),
}
FRAME_BY_FRAME = FAMILIES[:6]


def embedder_of(family: str, checkpoint_of: Any, **options: Any) -> Embedder:
    options = {"mode": "native", "num_frames": 4} | options
    embedder = build_embedder(NAMES.get(family, family), checkpoint=str(checkpoint_of(family)), **options)
    embedder.open()
    return embedder


def stacked(embedder: Embedder, clips: Any) -> Tensor:
    return torch.stack([embedder.prepare(clip) for clip in clips])


def all_features(embedder: Embedder, prepared: Tensor) -> Tensor:
    return torch.cat(list(feature_chunks(embedder, prepared)), dim=1)


@torch.no_grad()
def direct(family: str, prepared: Tensor) -> Tensor:
    """(B, T', P, D) from the whole model in memory, with its tokens taken apart by hand."""
    whole = model_of(family).eval()
    mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in STATISTICS.get(family, IMAGENET))
    videos = (prepared / 255 - mean) / std
    frames = videos.flatten(0, 1)
    match family:
        case "dinov2":
            tokens = whole(frames).last_hidden_state[:, 1:]
        case "dinov2-with-registers":
            tokens = whole(frames).last_hidden_state[:, 1 + 3 :]
        case "dinov3":
            tokens = whole(frames).last_hidden_state[:, 1 + 4 :]
        case "siglip2":
            tokens = whole.vision_model(frames).last_hidden_state
        case "siglip2-pooled":
            tokens = whole.get_image_features(frames).pooler_output[:, None]
        case "clip4clip":
            vectors = whole.visual_projection(whole.vision_model(frames).pooler_output)
            tokens = (vectors / vectors.norm(dim=-1, keepdim=True))[:, None]
        case "videomae":
            tokens = whole.videomae(videos).last_hidden_state
        case "vjepa2":
            tokens = whole.get_vision_features(videos)
        case "videoprism":
            tokens = whole(videos).last_hidden_state
        case "timesformer":
            hidden = whole.timesformer(videos).last_hidden_state
            tokens = torch.stack(
                [hidden[:, 1 + patch * 4 + t] for t in range(4) for patch in range(4)], dim=1
            )
        case "xclip":
            tokens = whole.vision_model(frames).last_hidden_state[:, 1:]
    return tokens.reshape(len(prepared), *SHAPES[family])


@pytest.mark.parametrize("family", FAMILIES)
def test_features_are_those_of_the_model_called_directly(family: str, checkpoint_of: Any, clips: Any) -> None:
    embedder = embedder_of(family, checkpoint_of)
    prepared = stacked(embedder, clips)
    features = all_features(embedder, prepared)
    assert features.dtype == torch.float32
    assert features.shape == (3, *SHAPES[family])
    torch.testing.assert_close(features, direct(family, prepared), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_clip_has_the_same_features_in_any_batch(family: str, checkpoint_of: Any, clips: Any) -> None:
    embedder = embedder_of(family, checkpoint_of)
    prepared = stacked(embedder, clips)
    together = all_features(embedder, prepared)
    alone = torch.cat([all_features(embedder, clip[None]) for clip in prepared])
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_bf16_features_point_the_same_way(family: str, checkpoint_of: Any, clips: Any) -> None:
    full = embedder_of(family, checkpoint_of)
    half = embedder_of(family, checkpoint_of, precision="bf16")
    prepared = stacked(full, clips)
    exact, rounded = all_features(full, prepared), all_features(half, prepared)
    assert rounded.dtype == torch.float32
    cosines = torch.nn.functional.cosine_similarity(exact.flatten(1), rounded.flatten(1))
    assert cosines.min() > 1 - 1e-3
    assert not torch.equal(exact, rounded)


@pytest.mark.parametrize("family", FRAME_BY_FRAME)
def test_an_image_backbone_sees_every_frame_by_itself(family: str, checkpoint_of: Any, clips: Any) -> None:
    embedder = embedder_of(family, checkpoint_of)
    prepared = stacked(embedder, clips[:1])
    features = all_features(embedder, prepared)
    reversed_features = all_features(embedder, prepared.flip(1))
    torch.testing.assert_close(reversed_features.flip(1), features, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "patch_px", "patch_frames"), [("timesformer", 16, 1), ("videomae", 16, 2)]
)
def test_tokens_are_in_the_order_of_time(
    family: str, patch_px: int, patch_frames: int, checkpoint_of: Any, clips: Any
) -> None:
    embedder = embedder_of(family, checkpoint_of)
    before = stacked(embedder, clips[:1])
    after = before.clone()
    # The patch of row 1 and column 0 is number 2 of a 2 × 2 grid.
    after[0, 2 : 2 + patch_frames, :, patch_px:, :patch_px] ^= 255
    change = (all_features(embedder, after) - all_features(embedder, before)).norm(dim=-1)[0]
    assert divmod(int(change.argmax()), 4) == (2 // patch_frames, 2)


def test_registers_are_counted_by_the_config(checkpoint_of: Any, clips: Any) -> None:
    embedder = embedder_of("dinov2-with-registers", checkpoint_of, mode="released")
    # 224 px in patches of 14: one token too few or too many would not be a square.
    assert all_features(embedder, stacked(embedder, clips)).shape == (3, 4, 16 * 16, 32)


@pytest.mark.parametrize("batch", [1, 3, 40])
def test_chunks_are_bounded_and_cover_the_clip_in_order(batch: int, checkpoint_of: Any, clips: Any) -> None:
    embedder = embedder_of("clip4clip", checkpoint_of)
    prepared = stacked(embedder, clips)[torch.arange(batch) % 3].repeat(1, 5, 1, 1, 1)
    chunks = list(feature_chunks(embedder, prepared))
    assert sum(chunk.shape[1] for chunk in chunks) == 20
    assert all(batch * (chunk.shape[1] - 1) < FRAMES_PER_FORWARD for chunk in chunks)
    expected = direct("clip4clip", stacked(embedder, clips))[torch.arange(batch) % 3].repeat(1, 5, 1, 1)
    torch.testing.assert_close(torch.cat(chunks, dim=1), expected, rtol=1e-5, atol=1e-5)


def test_features_can_be_worked_on_in_place(checkpoint_of: Any, clips: Any) -> None:
    embedder = embedder_of("clip4clip", checkpoint_of)
    for chunk in feature_chunks(embedder, stacked(embedder, clips)):
        chunk -= chunk.mean()
    assert torch.is_grad_enabled()
    assert np.isfinite(chunk.numpy()).all()
