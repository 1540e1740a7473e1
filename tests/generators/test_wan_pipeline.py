"""Distilled LoRAs become part of their experts, on their own schedule, or are refused by name."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from data.errors import ConfigError
from generators.checkpoint import find_checkpoint
from generators.wan_config import WanConfig
from generators.wan_model import WanModel
from generators.wan_pipeline import load_pipeline
from generators.wan_shot import Shot

pytestmark = pytest.mark.usefixtures("one_thread")

CHANNELS = 48
RANK = 2
ALPHA = 1.0


def matrices(seed: int) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(RANK, CHANNELS, generator=draw), torch.randn(CHANNELS, RANK, generator=draw)


def lora(path: Path, style: str, seed: int) -> str:
    """A LoRA on one projection of each block, with the keys of diffusers or of the original code."""
    tensors: dict[str, Tensor] = {}
    for block in range(2):
        down, up = matrices(seed + block)
        if style == "diffusers":
            name = f"transformer.blocks.{block}.attn1.to_q"
            # This style has no alpha: the scale is in the matrices.
            tensors |= {f"{name}.lora_A.weight": down, f"{name}.lora_B.weight": up * ALPHA / RANK}
        else:
            name = f"diffusion_model.blocks.{block}.self_attn.q"
            tensors |= {f"{name}.lora_down.weight": down, f"{name}.lora_up.weight": up}
            tensors[f"{name}.alpha"] = torch.tensor(ALPHA)
    save_file(tensors, path)
    return str(path)


def distilled(tmp_path: Path, style: str = "diffusers") -> dict[str, str]:
    return {
        "high_noise": lora(tmp_path / f"high_{style}.safetensors", style, 10),
        "low_noise": lora(tmp_path / f"low_{style}.safetensors", style, 20),
    }


def loaded(folder: Path, **settings: Any) -> Any:
    config = WanConfig(model=str(folder), **settings)
    return load_pipeline(find_checkpoint(str(folder), None), config, torch.float32)


@pytest.mark.parametrize("style", ["diffusers", "original"])
def test_a_lora_is_added_to_its_own_expert(tiny_wan_folder: Path, tmp_path: Path, style: str) -> None:
    plain = loaded(tiny_wan_folder)
    fused = loaded(tiny_wan_folder, distilled=distilled(tmp_path, style))

    for name, seed in (("transformer", 10), ("transformer_2", 20)):
        before, after = getattr(plain, name).state_dict(), getattr(fused, name).state_dict()
        assert before.keys() == after.keys()  # nothing of the adapters stays
        for key, weight in after.items():
            change = torch.zeros_like(weight)
            if key.endswith("attn1.to_q.weight"):
                down, up = matrices(seed + int(key.split(".")[1]))
                change = up @ down * ALPHA / RANK
            torch.testing.assert_close(weight - before[key], change, atol=1e-5, rtol=0)


def test_four_distilled_steps_are_eulers_on_the_schedule_they_were_trained_on(
    tiny_wan_folder: Path, tmp_path: Path
) -> None:
    scheduler = loaded(tiny_wan_folder, distilled=distilled(tmp_path)).scheduler
    scheduler.set_timesteps(4)

    # shift·s / (1 + (shift − 1)·s) at s = 1, ¾, ½, ¼ and a shift of 5; UniPC begins a little below 1.
    expected = [5 * s / (1 + 4 * s) for s in (1, 0.75, 0.5, 0.25, 0)]
    np.testing.assert_allclose(scheduler.sigmas.numpy(), expected, atol=2e-3)
    sample = torch.randn(1, 4, generator=torch.Generator().manual_seed(0))
    for step, timestep in enumerate(scheduler.timesteps):
        velocity = torch.cos(sample + step)
        euler = sample + (scheduler.sigmas[step + 1] - scheduler.sigmas[step]) * velocity
        sample = scheduler.step(velocity, timestep, sample, return_dict=False)[0]
        torch.testing.assert_close(sample, euler, atol=1e-5, rtol=1e-5)


def test_a_distilled_model_takes_its_steps_and_no_guidance(tiny_wan_folder: Path, tmp_path: Path) -> None:
    config = WanConfig(model=str(tiny_wan_folder), steps=40, distilled=distilled(tmp_path))
    model = WanModel(find_checkpoint(str(tiny_wan_folder), None), config, torch.device("cpu"))
    forwards: list[str] = []
    for name in ("transformer", "transformer_2"):
        getattr(model._pipeline, name).register_forward_hook(lambda *_, name=name: forwards.append(name))
    steps: list[int] = []
    first = np.zeros((32, 32, 3), np.uint8)

    model.frames(Shot(first, "a dog runs", num_frames=5, seed=1), lambda: steps.append(1))

    assert len(steps) == model.steps == 4
    assert forwards == ["transformer"] * 2 + ["transformer_2"] * 2


def test_the_small_model_takes_no_distilled_loras(tiny_wan_5b_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has one expert"):
        loaded(tiny_wan_5b_folder, distilled=distilled(tmp_path))


def test_a_lora_of_another_model_is_refused(tiny_wan_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file(
        {"unet.down.lora_A.weight": torch.zeros(2, 3), "unet.down.lora_B.weight": torch.zeros(3, 2)}, path
    )

    with pytest.raises(ConfigError, match="LoRA"):
        loaded(tiny_wan_folder, distilled={"high_noise": str(path), "low_noise": str(path)})


def test_a_lora_of_another_size_is_refused(tiny_wan_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "wide.safetensors"
    name = "transformer.blocks.0.attn1.to_q"
    save_file(
        {f"{name}.lora_A.weight": torch.zeros(2, 64), f"{name}.lora_B.weight": torch.zeros(64, 2)}, path
    )

    with pytest.raises(ConfigError, match=r"distilled\.high_noise: .*wide\.safetensors does not fit"):
        loaded(tiny_wan_folder, distilled={"high_noise": str(path), "low_noise": str(path)})


@pytest.mark.parametrize("content", [b"", b"no weights"])
def test_a_lora_file_that_is_none_is_refused(tiny_wan_folder: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cut.safetensors"
    path.write_bytes(content)

    with pytest.raises(ConfigError, match=r"distilled\.high_noise: .*no whole file of safetensors"):
        loaded(tiny_wan_folder, distilled={"high_noise": str(path), "low_noise": str(path)})


@pytest.mark.parametrize("source", ["nowhere.safetensors", "some/loras", "some/loras/high.safetensors"])
def test_a_lora_that_is_nowhere_is_refused(tiny_wan_folder: Path, source: str) -> None:
    with pytest.raises(ConfigError, match=f"{source}: no such file here, and not to be had from the hub"):
        loaded(tiny_wan_folder, distilled={"high_noise": source, "low_noise": source})


def test_weights_that_do_not_fit_their_config_are_refused(tiny_wan_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_wan_folder, tmp_path / "wan")
    path = copy / "transformer" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"ffn_dim": 128}))

    with pytest.raises(ConfigError, match="no pipeline can be made of"):
        loaded(copy)


def test_the_schedule_does_not_depend_on_the_checkpoints_own(tiny_wan_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_wan_folder, tmp_path / "wan")
    foreign = {"_class_name": "FlowMatchEulerDiscreteScheduler", "_diffusers_version": "0.35.0", "shift": 3.0}
    (copy / "scheduler" / "scheduler_config.json").write_text(json.dumps(foreign))
    index = json.loads((copy / "model_index.json").read_text())
    index["scheduler"] = ["diffusers", "FlowMatchEulerDiscreteScheduler"]
    (copy / "model_index.json").write_text(json.dumps(index))

    for folder in (tiny_wan_folder, copy):
        scheduler = loaded(folder, flow_shift=7.0).scheduler
        scheduler.set_timesteps(3)
        assert scheduler.config.prediction_type == "flow_prediction"
        np.testing.assert_allclose(
            scheduler.sigmas.numpy(), [7 * s / (1 + 6 * s) for s in (1, 2 / 3, 1 / 3, 0)], atol=2e-3
        )
