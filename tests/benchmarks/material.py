"""What the measurements of backbones work on: checkpoints of true size with random weights, and MP4 files.

The time and memory of a forward pass depend on shapes, not on what was learned; no weights are fetched.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from data.schema import Category, Clip, ClipFormat, FloatArray, Role
from data.video import encode
from generators.procedural.render import render
from generators.procedural.stage import stage
from tests.generators.plans import BASE, plan_of

if TYPE_CHECKING:
    from transformers import Dinov2Config

CLIP_FRAMES, SIDE_PX, FPS = 80, 512, 16.0
_SHAPE_PX = 192


def vit_b() -> Dinov2Config:
    """DINOv2-base: 768 channels, 12 layers, patches of 14 px."""
    from transformers import Dinov2Config

    return Dinov2Config(image_size=518, patch_size=14)


def vit_l() -> Dinov2Config:
    """DINOv2-large: 1024 channels, 24 layers, patches of 14 px."""
    from transformers import Dinov2Config

    return Dinov2Config(
        hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, image_size=518, patch_size=14
    )


def checkpoint(folder: Path, config: Dinov2Config) -> Path:
    """``folder`` with config.json and model.safetensors, as the hub has them; random weights."""
    from transformers import Dinov2Model

    torch.manual_seed(0)
    Dinov2Model(config).save_pretrained(folder)
    return folder


def videos(folder: Path, number: int) -> list[Path]:
    """Files of 80 frames, 512 px: a textured square that speeds up across a textured ground."""
    paths = [folder / f"{index}.mp4" for index in range(number)]
    for index, path in enumerate(paths):
        rng = np.random.default_rng(index)
        ground, shape = texture(rng, SIDE_PX), texture(rng, _SHAPE_PX)
        way = np.linspace(0, 1, CLIP_FRAMES)[:, None] ** rng.uniform(0.5, 2, 2) * (SIDE_PX - _SHAPE_PX)
        frames = np.repeat(ground[None], CLIP_FRAMES, axis=0)
        for frame, (top, left) in zip(frames, way.astype(int), strict=True):
            frame[top : top + _SHAPE_PX, left : left + _SHAPE_PX] = shape
        encode(Clip(np.rint(frames).astype(np.uint8), FPS), path)
    return paths


def panned(path: Path) -> Path:
    """A file like those of ``videos`` in which no patch rests: a camera pans over a textured ground."""
    rng = np.random.default_rng(0)
    ground = np.concatenate([texture(rng, SIDE_PX), texture(rng, SIDE_PX)], axis=1)
    lefts = np.linspace(0, SIDE_PX, CLIP_FRAMES).astype(int)
    frames = np.stack([ground[:, left : left + SIDE_PX] for left in lefts])
    encode(Clip(np.rint(frames).astype(np.uint8), FPS), path)
    return path


def rendered(path: Path) -> Path:
    """A file as the procedural generator makes it: somebody waves before a camera at rest."""
    plan = plan_of(Category.DYNAMIC_OBJECT, replace(BASE, motion="wave"))
    shown = stage(plan, Role.REFERENCE, ClipFormat(SIDE_PX), seed=1).scene
    encode(Clip(render(shown, SIDE_PX), FPS), path)
    return path


def texture(rng: np.random.Generator, side_px: int) -> FloatArray:
    """Colours 0 … 255 of coarse and fine blotches: (side_px, side_px, 3)."""
    layers = [
        rng.random((side_px // size, side_px // size, 3)).repeat(size, axis=0).repeat(size, axis=1)
        for size in (64, 16, 4)
    ]
    return np.asarray(255 * np.mean(layers, axis=0))
