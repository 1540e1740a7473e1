"""Names, what decides an embedder's identity, and what is refused."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from moments.backbones.catalogue import (
    ALIASES,
    IMAGE_BACKBONES,
    VIDEO_BACKBONES,
    build_embedder,
    embedder_names,
)
from moments.embedder import feature_chunks
from moments.errors import BackboneError, FeatureError
from tests.moments.backbones.checkpoints import model_of


def test_every_name_is_fit_for_a_file_and_has_its_own_title() -> None:
    entries = IMAGE_BACKBONES | VIDEO_BACKBONES
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in embedder_names())
    assert len({entry.title for entry in entries.values()}) == len(entries)
    assert len({(entry.hub_id, entry.family) for entry in entries.values()}) == len(entries)


def test_the_papers_dinov2_has_registers(checkpoint_of: Any) -> None:
    facts = build_embedder("dinov2", checkpoint=str(checkpoint_of("dinov2-with-registers"))).facts
    assert ALIASES["dinov2"] == facts.name == "dinov2-with-registers-large"
    assert facts.title == "DINOv2-L/14 + registers"
    assert IMAGE_BACKBONES[facts.name].hub_id == "facebook/dinov2-with-registers-large"
    assert facts.num_frames == 32


@pytest.mark.parametrize(
    ("name", "frames"), [("videomae", 4), ("videoprism", 4), ("timesformer", 4), ("xclip", 4), ("vjepa2", 32)]
)
def test_a_video_backbone_takes_what_its_config_says(name: str, frames: int, checkpoint_of: Any) -> None:
    assert build_embedder(name, checkpoint=str(checkpoint_of(name))).facts.num_frames == frames


@pytest.mark.parametrize(
    ("name", "frames", "told"),
    [
        ("videomae", 8, "takes 4 frames, got 8"),
        ("vjepa2", 31, "takes a multiple of 2 frames, got 31"),
        ("vjepa2", 0, "takes a multiple of 2 frames, got 0"),
        ("clip4clip", -1, "takes a multiple of 1 frames, got -1"),
    ],
)
def test_a_number_of_frames_that_the_model_does_not_take(
    name: str, frames: int, told: str, checkpoint_of: Any
) -> None:
    with pytest.raises(BackboneError, match=f"{name}: the model {told}"):
        build_embedder(name, checkpoint=str(checkpoint_of(name)), num_frames=frames)


def test_whatever_changes_the_features_changes_the_key(checkpoint_of: Any, tmp_path: Path) -> None:
    folder = str(checkpoint_of("siglip2"))
    other = model_of("siglip2")
    torch.nn.init.ones_(other.vision_model.post_layernorm.bias)
    other.save_pretrained(tmp_path / "other")
    same = build_embedder("siglip2", checkpoint=folder).facts
    changed = [
        build_embedder("siglip2", checkpoint=str(tmp_path / "other")),
        build_embedder("siglip2", checkpoint=folder, num_frames=16),
        build_embedder("siglip2", checkpoint=folder, mode="native"),
        build_embedder("siglip2", checkpoint=folder, precision="bf16"),
    ]
    assert same == build_embedder("siglip2", checkpoint=folder).facts
    assert len({same.key, *(embedder.facts.key for embedder in changed)}) == 5
    assert json.loads(same.identity)["weights"].startswith("sha256:")


def test_building_reads_no_weights(checkpoint_of: Any, tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoint_of("clip4clip"), tmp_path / "mine")
    (folder / "model.safetensors").write_bytes(b"damaged")
    embedder = build_embedder("clip4clip", checkpoint=str(folder))
    embedder.prepare(np.zeros((2, 8, 8, 3), dtype=np.uint8))
    with pytest.raises(BackboneError):
        embedder.open()


def test_features_need_open(checkpoint_of: Any) -> None:
    embedder = build_embedder("clip4clip", checkpoint=str(checkpoint_of("clip4clip")))
    prepared = embedder.prepare(np.zeros((2, 8, 8, 3), dtype=np.uint8))
    with pytest.raises(BackboneError, match=r"call open\(\) first"):
        next(feature_chunks(embedder, prepared[None]))


def test_opening_twice_loads_once(checkpoint_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import CLIPVisionModelWithProjection

    embedder = build_embedder("clip4clip", checkpoint=str(checkpoint_of("clip4clip")))
    embedder.open()
    monkeypatch.delattr(CLIPVisionModelWithProjection, "forward")
    monkeypatch.setattr("moments.backbones.family.load", None)
    embedder.open()


@pytest.mark.parametrize(("name", "expected"), [("dinov2-small", 16), ("videomae", 8)])
def test_a_grid_that_is_not_the_configs_is_told_with_both_numbers(
    name: str, expected: int, checkpoint_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = name.removesuffix("-small")
    embedder = build_embedder(name, checkpoint=str(checkpoint_of(family)), mode="native", num_frames=4)
    embedder.open()
    clips = embedder.prepare(np.zeros((4, 9, 9, 3), dtype=np.uint8))[None]
    model = embedder._model  # type: ignore[attr-defined]
    whole = model.family
    one_less = replace(whole, tokens=lambda *given: whole.tokens(*given)[:, 1:])
    monkeypatch.setattr(model, "family", one_less)
    with pytest.raises(
        BackboneError, match=f"not what the config says: {expected - 1} tokens came, {expected} were"
    ):
        next(feature_chunks(embedder, clips))


def test_a_config_of_other_registers_is_told(checkpoint_of: Any) -> None:
    name = "dinov2-with-registers-small"
    embedder = build_embedder(name, checkpoint=str(checkpoint_of("dinov2-with-registers")), mode="native")
    embedder.open()
    embedder._model._model.config.num_register_tokens = 2  # type: ignore[attr-defined]
    with pytest.raises(BackboneError, match="17 tokens came, 16 were expected of 56 px in patches of 14 px"):
        next(feature_chunks(embedder, embedder.prepare(np.zeros((4, 9, 9, 3), dtype=np.uint8))[None]))


def test_a_picture_that_is_no_square_is_refused(checkpoint_of: Any, tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoint_of("dinov2"), tmp_path / "mine")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"image_size": [56, 28]}))
    with pytest.raises(BackboneError, match=r"\[56, 28\] px; expected a square"):
        build_embedder("dinov2-small", checkpoint=str(folder))


def test_a_config_that_the_model_does_not_take_is_told(checkpoint_of: Any, tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoint_of("dinov2"), tmp_path / "mine")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"hidden_size": "many"}))
    with pytest.raises(BackboneError, match=r"config\.json is none of a Dinov2Model"):
        build_embedder("dinov2-small", checkpoint=str(folder))


@pytest.mark.parametrize("name", ["clip4clip", "videomae"])
def test_clips_of_another_shape_or_type_are_refused(name: str, checkpoint_of: Any) -> None:
    embedder = build_embedder(name, checkpoint=str(checkpoint_of(name)), num_frames=4)
    embedder.open()
    clips = embedder.prepare(np.zeros((4, 9, 9, 3), dtype=np.uint8))[None]
    for wrong in (clips.float(), clips[0], clips[..., 1:]):
        with pytest.raises(FeatureError, match="expected uint8"):
            next(feature_chunks(embedder, wrong))


def test_a_video_backbone_refuses_clips_of_another_length(checkpoint_of: Any) -> None:
    embedder = build_embedder("vjepa2", checkpoint=str(checkpoint_of("vjepa2")), num_frames=4)
    embedder.open()
    clips = embedder.prepare(np.zeros((6, 9, 9, 3), dtype=np.uint8))[None]
    with pytest.raises(FeatureError, match="vjepa2: clips of 6 frames, expected 4"):
        next(feature_chunks(embedder, clips))


def test_a_device_that_is_not_there_is_told(checkpoint_of: Any) -> None:
    embedder = build_embedder("clip4clip", checkpoint=str(checkpoint_of("clip4clip")), device="gpu")
    with pytest.raises(BackboneError, match="device 'gpu' takes no model"):
        embedder.open()


def test_an_unknown_name_is_answered_with_the_nearest_and_all() -> None:
    with pytest.raises(BackboneError, match="did you mean dinov2-large") as caught:
        build_embedder("dinov2-lrage")
    assert all(name in str(caught.value) for name in embedder_names())


@pytest.mark.parametrize("name", ["hog", "hof", "colour"])
def test_descriptors_without_weights_come_by_name(name: str) -> None:
    facts = build_embedder(name, num_frames=8).facts
    assert (facts.name, facts.weights, facts.num_frames) == (name, "", 8)


def test_names_are_known_without_transformers() -> None:
    code = (
        "import sys, moments.backbones.catalogue as c; c.embedder_names();"
        "assert not {'transformers', 'torchvision', 'cv2', 'faiss'} & set(sys.modules), set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
