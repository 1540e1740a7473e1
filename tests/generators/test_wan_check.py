"""Before anything is loaded or paid: does the model fit this machine, and the recipe the model."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from data.finding import Finding
from data.schema import ClipFormat
from generators.wan_check import check
from generators.wan_config import WanConfig

GIB = 2**30
FORMAT = ClipFormat(512, 5.0, 16)


def found_by(clip_format: ClipFormat = FORMAT, **settings: Any) -> dict[str, Finding]:
    return {finding.name: finding for finding in check(WanConfig(**settings), clip_format)}


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))


def card(monkeypatch: pytest.MonkeyPatch, gib: float) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda *_: (gib * GIB, gib * GIB))
    monkeypatch.setattr(
        "torch.cuda.get_device_properties", lambda *_: SimpleNamespace(name="NVIDIA Imaginary")
    )


@pytest.mark.usefixtures("nowhere")
def test_without_a_gpu_every_line_says_so_and_what_it_would_take() -> None:
    found = found_by()

    assert not found["GPU"].ok
    assert found["GPU"].what_to_do
    assert "resident 74 GB, expert_offload 45 GB, group_offload 18 GB" in found["WAN memory"].detail
    assert "hf download Wan-AI/Wan2.2-I2V-A14B-Diffusers" in found["WAN checkpoint"].detail


@pytest.mark.parametrize(
    ("gib", "placement", "peak"),
    [
        (139.8, "resident", 74),
        (79.2, "resident", 74),
        (47.4, "expert_offload", 45),
        (23.6, "group_offload", 18),
    ],
)
@pytest.mark.usefixtures("nowhere")
def test_the_placement_of_a_card_is_told_with_its_peak(
    monkeypatch: pytest.MonkeyPatch, gib: float, placement: str, peak: int
) -> None:
    card(monkeypatch, gib)

    found = found_by()

    assert found["GPU"] == Finding(
        "GPU", True, f"NVIDIA Imaginary, {gib * GIB / 1e9:.0f} of {gib * GIB / 1e9:.0f} GB free"
    )
    assert found["WAN memory"].ok
    assert f"memory: {placement}, expected peak {peak} GB" in found["WAN memory"].detail


@pytest.mark.parametrize(
    ("gib", "settings", "told"),
    [
        (
            139.8,
            {},
            "memory: resident, expected peak 74 GB of 150 GB free for 512 px, 80 frames; autoencoder",
        ),
        (139.8, {"batch": 4}, "expected peak 123 GB of 150 GB free for 512 px, 80 frames; 4 clips a call"),
        (79.2, {"batch": 4}, "expected peak 74 GB of 85 GB free for 512 px, 80 frames; autoencoder at once"),
        (23.6, {"model": "Wan-AI/Wan2.2-TI2V-5B-Diffusers"}, "memory: expert_offload, expected peak 19 GB"),
        (14.0, {"model": "Wan-AI/Wan2.2-TI2V-5B-Diffusers"}, "; autoencoder in tiles to decode"),
        (47.4, {"model": "Wan-AI/Wan2.2-TI2V-5B-Diffusers"}, "; autoencoder at once"),
    ],
)
@pytest.mark.usefixtures("nowhere")
def test_what_is_done_at_once_and_what_in_tiles_is_told(
    monkeypatch: pytest.MonkeyPatch, gib: float, settings: dict[str, Any], told: str
) -> None:
    card(monkeypatch, gib)

    found = found_by(ClipFormat(512, 5.0, 24 if "model" in settings else 16), **settings)["WAN memory"]

    assert found.ok
    assert told in found.detail


@pytest.mark.usefixtures("nowhere")
def test_a_card_that_is_too_small_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    card(monkeypatch, 12)
    assert "make smaller or shorter clips" in found_by()["WAN memory"].detail
    assert not found_by()["WAN memory"].ok

    card(monkeypatch, 40)
    forced = found_by(memory="resident")["WAN memory"]
    assert (forced.ok, forced.what_to_do) == (False, "set memory: auto")


def test_a_whole_checkpoint_is_measured_itself(tiny_wan_folder: Path) -> None:
    found = found_by(ClipFormat(64, 1.0, 16), model=str(tiny_wan_folder))

    assert found["WAN checkpoint"].ok
    assert found["WAN format"].ok
    assert found["main memory"].ok
    assert "resident 0 GB" in found["WAN memory"].detail


def test_a_checkpoint_that_is_not_whole_is_named_once(tiny_wan_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_wan_folder, tmp_path / "wan")
    (copy / "vae" / "diffusion_pytorch_model.safetensors").unlink()

    found = found_by(model=str(copy))

    assert not found["WAN checkpoint"].ok
    assert "vae/*.safetensors" in found["WAN checkpoint"].detail
    assert not {"WAN format", "WAN memory"} & set(found)


def test_a_format_that_the_model_does_not_make_is_told_with_the_nearest(
    tiny_wan_folder: Path, tiny_wan_5b_folder: Path
) -> None:
    large = found_by(ClipFormat(48, 1.0, 24), model=str(tiny_wan_folder))["WAN format"]
    small = found_by(ClipFormat(48, 1.0, 16), model=str(tiny_wan_5b_folder))["WAN format"]

    assert (large.ok, large.what_to_do) == (False, "set format.fps: 16")
    assert (small.ok, small.what_to_do) == (False, "set format.fps: 24, format.size_px: 32 or 64")
