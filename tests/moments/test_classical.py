"""Descriptors without weights keep the contract of every embedder."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from moments.classical import CLASSICAL, build_classical
from moments.colour import colour_histogram
from moments.embedder import Embedder, feature_chunks
from moments.errors import BackboneError, FeatureError
from moments.hof import hof
from moments.hog import hog
from tests.moments import clips

DIRECT = {"hog": hog, "hof": hof, "colour": colour_histogram}


@pytest.mark.parametrize("name", CLASSICAL)
def test_chunks_of_stacked_clips_are_what_each_clip_alone_gives(name: str) -> None:
    embedder: Embedder = build_classical(name)
    embedder.open()
    batch = [clips.moving_disc(path) for path in (clips.stop_and_go(20), clips.late_rush(20))]
    chunks = list(feature_chunks(embedder, torch.stack([embedder.prepare(frames) for frames in batch])))
    assert len(chunks) > 1
    assert all(chunk.dtype == torch.float32 for chunk in chunks)
    features = torch.cat(chunks, dim=1)
    for frames, found in zip(batch, features, strict=True):
        torch.testing.assert_close(found, DIRECT[name](frames), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", CLASSICAL)
def test_clips_of_other_sizes_can_be_stacked(name: str) -> None:
    embedder = build_classical(name)
    frames = clips.moving_disc(clips.rest(3))
    assert embedder.prepare(frames).shape == embedder.prepare(frames[:, :48, :80]).shape


@pytest.mark.parametrize("name", CLASSICAL)
def test_one_frame_gives_one_row(name: str) -> None:
    embedder = build_classical(name)
    (chunk,) = feature_chunks(embedder, embedder.prepare(clips.moving_disc(clips.rest(1)))[None])
    assert chunk.shape[:2] == (1, 1)


def test_facts_tell_descriptors_and_numbers_of_frames_apart() -> None:
    facts = [build_classical(name, frames).facts for name in CLASSICAL for frames in (None, 32)]
    assert len({fact.key for fact in facts}) == 6
    assert {fact.weights for fact in facts} == {""}
    assert {fact.title for fact in facts} == {"HOG", "HOF (DIS flow)", "Colour histogram"}


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(BackboneError, match=r"'sift'.*hog, hof, colour"):
        build_classical("sift")


def test_frames_and_clips_of_wrong_shape_are_refused() -> None:
    embedder = build_classical("hog")
    with pytest.raises(FeatureError, match="expected uint8"):
        embedder.prepare(np.zeros((4, 16, 16), np.uint8))
    with pytest.raises(FeatureError, match="stack results of prepare"):
        next(feature_chunks(embedder, torch.zeros(2, 0, 128, 128)))
