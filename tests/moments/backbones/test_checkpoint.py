"""Finding weights, and refusing those that are not the model's."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from moments.backbones.checkpoint import find_checkpoint, load
from moments.backbones.image import CLIP4CLIP
from moments.errors import BackboneError
from tests.moments.backbones.checkpoints import model_of

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DINOV2 = ("dinov2",)


@pytest.fixture
def folder(checkpoint_of: Any, tmp_path: Path) -> Path:
    """A DINOv2 checkpoint to spoil."""
    return Path(shutil.copytree(checkpoint_of("dinov2"), tmp_path / "mine"))


def model_class() -> Any:
    from transformers import Dinov2Model

    return Dinov2Model


def change_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def change_config(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


def in_hub_cache(folder: Path, cache: Path, branch: str = "main") -> Path:
    """The folder as a download of owner/model leaves it."""
    home = cache / "models--owner--model"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / branch).write_text(COMMIT)
    return Path(shutil.copytree(folder, home / "snapshots" / COMMIT))


def test_a_local_folder_is_frozen_and_in_eval_mode(folder: Path) -> None:
    checkpoint = find_checkpoint(str(folder), None, DINOV2)
    assert (checkpoint.source, checkpoint.folder) == (str(folder), folder)
    model = load(checkpoint, model_class(), torch.bfloat16)
    assert not model.training
    assert not any(weight.requires_grad for weight in model.parameters())
    assert {weight.dtype for weight in model.parameters()} == {torch.bfloat16}
    expected = model_of("dinov2").state_dict()
    assert all(torch.equal(weight, expected[key].bfloat16()) for key, weight in model.state_dict().items())


def test_a_folders_identity_is_that_of_its_bytes_not_of_its_place(folder: Path, tmp_path: Path) -> None:
    first = find_checkpoint(str(folder), None, DINOV2).identity
    moved = shutil.copytree(folder, tmp_path / "elsewhere")
    (moved / "README.md").write_text("not weights")
    assert find_checkpoint(str(moved), None, DINOV2).identity == first
    assert first.startswith("sha256:")
    change_weights(moved, lambda weights: weights["layernorm.bias"].add_(1))
    changed = find_checkpoint(str(moved), None, DINOV2).identity
    change_config(moved, layer_norm_eps=1e-3)
    assert len({first, changed, find_checkpoint(str(moved), None, DINOV2).identity}) == 3


@pytest.mark.parametrize("revision", [None, "main", COMMIT])
def test_a_cached_hub_id_is_identified_by_its_commit(
    revision: str | None, folder: Path, empty_cache: Path
) -> None:
    snapshot = in_hub_cache(folder, empty_cache)
    checkpoint = find_checkpoint("owner/model", revision, DINOV2)
    assert checkpoint.identity == f"owner/model@{COMMIT}"
    assert checkpoint.folder == snapshot
    assert load(checkpoint, model_class(), torch.float32).config.hidden_size == 32


def test_without_network_and_cache_the_error_tells_the_ways_out(empty_cache: Path) -> None:
    with pytest.raises(BackboneError) as caught:
        find_checkpoint("owner/model", None, DINOV2)
    told = str(caught.value)
    assert told.startswith("owner/model: ")
    assert str(empty_cache) in told
    assert "`hf download owner/model`" in told
    assert "models--owner--model" in told
    assert "NAME=FOLDER" in told


def test_a_revision_that_is_not_cached_is_part_of_the_way_out(folder: Path, empty_cache: Path) -> None:
    in_hub_cache(folder, empty_cache)
    with pytest.raises(BackboneError, match="`hf download owner/model --revision v2`"):
        find_checkpoint("owner/model", "v2", DINOV2)


def test_a_folder_without_any_weights_is_told(folder: Path, empty_cache: Path) -> None:
    (in_hub_cache(folder, empty_cache) / "model.safetensors").unlink()
    with pytest.raises(BackboneError, match=r"owner/model: no model\.safetensors in .*complete the folder"):
        find_checkpoint("owner/model", None, DINOV2)


def test_a_source_that_is_neither_folder_nor_hub_id_is_told(empty_cache: Path) -> None:
    with pytest.raises(BackboneError, match=r"weights/of/mine: no such folder"):
        find_checkpoint("weights/of/mine", None, DINOV2)


def test_another_models_config_is_refused(folder: Path) -> None:
    with pytest.raises(BackboneError, match="model_type 'dinov2', expected 'clip' or 'clip_vision_model'"):
        find_checkpoint(str(folder), None, ("clip", "clip_vision_model"))


@pytest.mark.parametrize("text", [None, "{", "[]"], ids=["missing", "broken", "a list"])
def test_a_config_that_is_none_is_refused(text: str | None, folder: Path) -> None:
    config = folder / "config.json"
    config.unlink() if text is None else config.write_text(text)
    with pytest.raises(BackboneError, match=r"config\.json"):
        find_checkpoint(str(folder), None, DINOV2)


def test_pickled_weights_are_refused(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save(model_of("dinov2").state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(BackboneError, match=r"only pytorch_model\.bin; weights are read as safetensors only"):
        find_checkpoint(str(folder), None, DINOV2)


def drop(weights: dict[str, torch.Tensor]) -> None:
    del weights["layernorm.bias"]


def add(weights: dict[str, torch.Tensor]) -> None:
    weights["adapter.weight"] = torch.zeros(2)


def resize(weights: dict[str, torch.Tensor]) -> None:
    weights["layernorm.bias"] = torch.zeros(5)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (drop, r"missing: layernorm\.bias"),
        (add, r"unexpected: adapter\.weight"),
        (resize, r"of another shape: layernorm\.bias \(5,\), expected \(32,\)"),
    ],
)
def test_weights_of_another_model_are_named(spoil: Any, told: str, folder: Path) -> None:
    change_weights(folder, spoil)
    checkpoint = find_checkpoint(str(folder), None, DINOV2)
    with pytest.raises(BackboneError, match=told):
        load(checkpoint, model_class(), torch.float32)


def test_other_parts_are_left_unread(folder: Path) -> None:
    change_weights(folder, add)
    checkpoint = find_checkpoint(str(folder), None, DINOV2)
    load(checkpoint, model_class(), torch.float32, other_parts=("adapter.",))


def test_tables_of_positions_in_files_of_older_versions_are_left_unread(
    checkpoint_of: Any, tmp_path: Path
) -> None:
    from transformers import CLIPVisionModelWithProjection

    folder = shutil.copytree(checkpoint_of("clip4clip"), tmp_path / "old")
    table = {"vision_model.embeddings.position_ids": torch.arange(5)[None]}
    change_weights(folder, lambda weights: weights.update(table))
    checkpoint = find_checkpoint(str(folder), None, ("clip",))
    load(checkpoint, CLIPVisionModelWithProjection, torch.float32, CLIP4CLIP.other_parts)


def test_damaged_weights_are_told(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"not a header")
    checkpoint = find_checkpoint(str(folder), None, DINOV2)
    with pytest.raises(BackboneError, match="cannot be made of"):
        load(checkpoint, model_class(), torch.float32)


def test_loading_prints_nothing(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load(find_checkpoint(str(folder), None, DINOV2), model_class(), torch.float32)
    assert capfd.readouterr() == ("", "")
