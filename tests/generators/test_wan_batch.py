"""Several first frames in one call: noise and conditions are those of each clip alone, bit for bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import WanImageToVideoPipeline
from torch import Tensor

from generators.wan_batch import BatchedWanPipeline

pytestmark = pytest.mark.usefixtures("one_thread")

SEEDS = (3, 1, 2)


def prepared(
    pipeline: Any, images: Tensor, seeds: tuple[int, ...], last: Tensor | None
) -> tuple[Tensor, ...]:
    draws = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
    channels = pipeline.vae.config.z_dim
    with torch.no_grad():
        found: tuple[Tensor, ...] = pipeline.prepare_latents(
            images, len(seeds), channels, 32, 64, 9, torch.float32, torch.device("cpu"), draws, None, last
        )
    return found


def pictures(seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).uniform(-1, 1, (3, 3, 32, 64)).astype(np.float32))


@pytest.mark.parametrize("with_last", [False, True])
def test_each_clip_of_a_batch_starts_as_diffusers_starts_it_alone(
    tiny_wan_folder: Path, with_last: bool
) -> None:
    firsts, lasts = pictures(0), pictures(1) if with_last else None
    batched: Any = BatchedWanPipeline.from_pretrained(tiny_wan_folder, local_files_only=True)
    stock: Any = WanImageToVideoPipeline.from_pretrained(tiny_wan_folder, local_files_only=True)

    noise, condition = prepared(batched, firsts, SEEDS, lasts)

    assert len(noise) == len(condition) == len(SEEDS)
    for index, seed in enumerate(SEEDS):
        at = slice(index, index + 1)
        alone = prepared(stock, firsts[at], (seed,), None if lasts is None else lasts[at])
        assert torch.equal(noise[at], alone[0])
        assert torch.equal(condition[at], alone[1])


def test_clips_of_the_small_model_share_the_mask_of_their_first_frame(tiny_wan_5b_folder: Path) -> None:
    batched: Any = BatchedWanPipeline.from_pretrained(tiny_wan_5b_folder, local_files_only=True)
    stock: Any = WanImageToVideoPipeline.from_pretrained(tiny_wan_5b_folder, local_files_only=True)

    noise, condition, mask = prepared(batched, pictures(0), SEEDS, None)

    for index, seed in enumerate(SEEDS):
        at = slice(index, index + 1)
        alone = prepared(stock, pictures(0)[at], (seed,), None)
        assert torch.equal(noise[at], alone[0])
        assert torch.equal(condition[at], alone[1])
        assert torch.equal(mask, alone[2])
