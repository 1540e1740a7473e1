"""One vector a frame: means of patches, frame by frame the same however the video comes in chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from moments.classical import build_classical
from moments.embedder import EmbedderFacts, Part
from moments.errors import BackboneError, FeatureError
from moments.frame_embeddings import frame_embeddings, pooling_text
from moments.hog import hog
from tests.moments.clips import moving_disc, stop_and_go

Frames = npt.NDArray[np.uint8]
FACTS = EmbedderFacts("corners", "Corners", "sha256:00", 4, "none", "fp32")


@dataclass
class Corners:
    """The colours of the four corners: P = 4, D = 3, two frames in a chunk."""

    facts: EmbedderFacts = FACTS
    given: list[int] = field(default_factory=list)
    opened: int = 0
    lost: int = 0
    forwards: int = 0

    def open(self) -> None:
        self.opened += 1

    def prepare(self, frames: Frames) -> Tensor:
        self.given.append(len(frames))
        return torch.from_numpy(frames.copy())

    def parts(self, clips: Tensor) -> Sequence[Part]:
        corners = clips[:, self.lost :, :: clips.shape[2] - 1, :: clips.shape[3] - 1].flatten(2, 3)
        self.forwards += 1
        parts = torch.split(corners.float(), 2, dim=1)
        return [lambda part=part: torch.where(part == 255, torch.nan, part) for part in parts]


def noise(num_frames: int, seed: int = 0) -> Frames:
    return np.random.default_rng(seed).integers(0, 255, (num_frames, 5, 7, 3), dtype=np.uint8)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(0, 1000))
def test_vectors_are_the_means_of_patches_in_any_chunks(lengths: list[int], seed: int) -> None:
    frames = noise(sum(lengths), seed)
    chunks = np.split(frames, np.cumsum(lengths)[:-1])
    corners = frames[:, [0, 0, -1, -1], [0, -1, 0, -1]].astype(np.float64)
    found = frame_embeddings(chunks, Corners())
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, corners.mean(axis=1), rtol=1e-6)


def test_every_frame_is_used_whatever_number_the_backbone_samples() -> None:
    assert FACTS.num_frames == 4
    assert frame_embeddings([noise(9)], Corners()).shape == (9, 3)


def test_what_has_no_weights_keeps_its_places_apart() -> None:
    frames = moving_disc(stop_and_go(13))
    found = frame_embeddings([frames[:8], frames[8:]], build_classical("hog"))
    cells = hog(frames).reshape(13, 8, 2, 8, 2, 9).mean(dim=(2, 4))  # of the 16 × 16, four and four
    np.testing.assert_allclose(found, cells.permute(0, 3, 1, 2).flatten(1).numpy(), atol=1e-6)
    assert "8×8" in pooling_text(build_classical("hog").facts)
    assert pooling_text(FACTS) == "mean of the features"


def test_few_patches_without_weights_are_all_kept() -> None:
    frames = noise(3)
    found = frame_embeddings([frames], Corners(replace(FACTS, weights="")))
    corners = frames[:, [0, 0, -1, -1], [0, -1, 0, -1]].astype(np.float64)
    np.testing.assert_allclose(found, corners.reshape(3, -1))


def test_the_next_chunk_and_no_further_one_is_made_while_one_is_embedded() -> None:
    embedder, made, ahead = Corners(), [], []

    def chunks() -> Iterator[Frames]:
        for number in range(20):
            made.append(number)
            ahead.append(len(made) - embedder.forwards)
            yield noise(3)

    frame_embeddings(chunks(), embedder)
    assert len(made) == 20
    assert max(ahead) <= 3  # one embedded, one prepared, one being made
    assert embedder.opened == 1


def test_backbones_that_join_frames_are_refused_before_anything_is_loaded() -> None:
    joining = Corners(replace(FACTS, name="clips", title="Clips-B", frame_wise=False))
    with pytest.raises(BackboneError, match=r"clips \(Clips-B\) joins frames.*siglip2"):
        frame_embeddings([noise(3)], joining)
    assert (joining.opened, joining.given) == (0, [])


def test_a_backbone_that_loses_a_frame_is_caught() -> None:
    with pytest.raises(FeatureError, match="corners: 2 vectors came of 3 frames"):
        frame_embeddings([noise(3)], Corners(lost=1))


def test_features_that_are_not_finite_name_the_frame_of_the_video() -> None:
    frames = noise(7)
    frames[5, 0, 0, 1] = 255
    with pytest.raises(FeatureError, match="frame 5 are not finite"):
        frame_embeddings([frames[:4], frames[4:]], Corners())


def test_no_frames_are_refused() -> None:
    with pytest.raises(FeatureError, match="no frames"):
        frame_embeddings([], Corners())


def test_what_breaks_while_decoding_comes_through_as_it_is() -> None:
    def chunks() -> Iterator[Frames]:
        yield noise(3)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        frame_embeddings(chunks(), Corners())
