"""Tiny clips asked of the tiny WAN, and the model opened for them."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from data.schema import Image
from generators.checkpoint import find_checkpoint
from generators.wan_config import WanConfig
from generators.wan_model import WanModel
from generators.wan_shot import Shot

STEPS = 3
SIZE = 32


def opened(folder: Path, **settings: Any) -> WanModel:
    """The model of a checkpoint folder on the CPU; ``settings`` are fields of its config."""
    config = WanConfig(**{"model": str(folder), "steps": STEPS} | settings)
    return WanModel(find_checkpoint(str(folder), None), config, torch.device("cpu"))


def picture(seed: int, height: int = SIZE, width: int = SIZE) -> Image:
    """Noise."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def shot(**changes: Any) -> Shot:
    """Of 9 frames of 32 px; ``changes`` are its fields."""
    return Shot(**{"first": picture(0), "prompt": "a dog runs", "num_frames": 9, "seed": 1} | changes)


def four_shots() -> list[Shot]:
    """Of one shape, with their own pictures, prompts and seeds."""
    prompts = ("a dog runs", "a man jumps", "the two halves move in sync", "a dog jumps")
    return [
        shot(first=picture(seed), prompt=prompt, seed=seed) for seed, prompt in enumerate(prompts, start=1)
    ]
