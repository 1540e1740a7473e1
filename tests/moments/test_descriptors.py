"""Every descriptor from one pass equals the one that is computed by itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from moments.descriptors import FRAMES, STANDARD, Variant, ablation_variants, describe
from moments.embedder import frame_indices
from moments.errors import FeatureError
from moments.semantic_moments import moment_vectors


class FrameCount:
    """An accumulator that counts."""

    def __init__(self) -> None:
        self.frames = 0

    def update(self, features: torch.Tensor) -> None:
        self.frames += features.shape[1]

    def finish(self) -> torch.Tensor:
        return torch.tensor([[[float(self.frames)]]])


def chunks(features: torch.Tensor, size: int) -> list[torch.Tensor]:
    return list(features.split(size, dim=1))


def features(frames: int = 64) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).gamma(2, size=(2, frames, 5, 6)).astype(np.float32))


@pytest.mark.parametrize("size", [1, 7, 64])
def test_every_variant_equals_the_moments_of_its_own_frames(size: int) -> None:
    clips = features()
    found = describe(chunks(clips, size), ablation_variants(64), num_frames=64)
    for variant in ablation_variants(64):
        part = clips if variant.num_frames is None else clips[:, frame_indices(64, variant.num_frames)]
        for clip in range(2):
            expected = moment_vectors(part[clip], form=variant.form, level=variant.level)
            np.testing.assert_allclose(found[str(variant)][clip].numpy(), expected.numpy(), atol=2e-5)


def test_frames_are_the_means_over_patches() -> None:
    clips = features(9)
    np.testing.assert_allclose(describe(chunks(clips, 4))[FRAMES].numpy(), clips.mean(2).numpy(), rtol=1e-6)


def test_further_accumulators_see_every_frame_once() -> None:
    found = describe(chunks(features(10), 3), STANDARD, further={"count": FrameCount()})
    assert found["count"].item() == 10


def test_names_say_what_was_done() -> None:
    assert str(Variant()) == "released/patch"
    assert str(Variant("printed", "frame", 8)) == "printed/frame/T=8"


def test_few_frames_leave_out_rows_and_all_frames_mean_all() -> None:
    assert Variant(num_frames=16) in ablation_variants(16)
    assert all(variant.num_frames in (None, 4, 8, 16) for variant in ablation_variants(16))
    assert all(variant.num_frames is None for variant in ablation_variants(None))


def test_frames_that_were_not_embedded_are_an_error() -> None:
    with pytest.raises(FeatureError, match="8 of None embedded frames"):
        describe(chunks(features(9), 4), [Variant(num_frames=8)])
    with pytest.raises(FeatureError, match="features of 9 steps from 16 frames"):
        describe(chunks(features(9), 4), [Variant(num_frames=8)], num_frames=16)
    with pytest.raises(FeatureError, match="of no frame"):
        describe([torch.zeros(1, 0, 5, 6)], STANDARD)
