"""Pixels: what the authors' loader does, and shapes kept."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from moments.backbones.family import Family, Grid
from moments.backbones.image import DINOV2, SIGLIP, SIGLIP_POOLED
from moments.backbones.preprocessing import Mode, Preprocessing, normalised, prepared
from moments.backbones.video import VIDEOPRISM, VJEPA2
from moments.errors import FeatureError

RELEASED = Preprocessing(224, 224, 224, "bilinear", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
NATIVE = replace(RELEASED, squash_px=None)
NOISE = np.random.default_rng(0).integers(0, 256, (2, 300, 500, 3), dtype=np.uint8)


def test_released_squashes_as_the_authors_loader_does() -> None:
    pixels = prepared(NOISE, RELEASED).permute(0, 2, 3, 1).numpy()
    theirs = np.stack([cv2.resize(frame, (224, 224), interpolation=cv2.INTER_LINEAR) for frame in NOISE])
    assert pixels.shape == theirs.shape
    assert np.abs(pixels.astype(int) - theirs.astype(int)).max() <= 1


def test_released_then_brings_the_square_to_the_models_size() -> None:
    # As of V-JEPA 2: 292 px, of which the middle 256 stay, so that the border of 18 px is gone.
    framed = np.full((1, 224, 224, 3), 255, dtype=np.uint8)
    framed[:, 12:-12, 12:-12] = 0
    pixels = prepared(framed, replace(RELEASED, short_side_px=292, crop_px=256))
    assert pixels.shape == (1, 3, 256, 256)
    assert pixels.max() == 0


@pytest.mark.parametrize(
    ("family", "grid", "mode", "sizes"),
    [
        (DINOV2, Grid(518, 14), "released", (224, 224, 224)),
        (DINOV2, Grid(518, 14), "native", (None, 518, 518)),
        (VJEPA2, Grid(256, 16, 2), "released", (224, 292, 256)),
        (VJEPA2, Grid(384, 16, 2), "native", (None, 438, 384)),
        (SIGLIP, Grid(512, 16), "released", (224, 512, 512)),
        (SIGLIP_POOLED, Grid(512, 16), "released", (None, 512, 512)),
        (VIDEOPRISM, Grid(288, 18, 1, 16), "released", (224, 288, 288)),
    ],
)
def test_sizes_are_those_of_the_released_processors(
    family: Family, grid: Grid, mode: Mode, sizes: tuple[int | None, int, int]
) -> None:
    chosen = family.preprocessing(grid, mode)
    assert (chosen.squash_px, chosen.short_side_px, chosen.crop_px) == sizes


@pytest.mark.parametrize("side_px", [64, 512])
def test_squashing_once_is_what_pillow_does_to_the_whole_frame(side_px: int) -> None:
    chosen = SIGLIP_POOLED.preprocessing(Grid(side_px, 16), "released")
    pixels = prepared(NOISE, chosen).permute(0, 2, 3, 1).numpy()
    theirs = np.stack(
        [
            np.asarray(Image.fromarray(frame).resize((side_px, side_px), Image.Resampling.BICUBIC))
            for frame in NOISE
        ]
    )
    assert pixels.shape == theirs.shape
    assert np.abs(pixels.astype(int) - theirs.astype(int)).max() <= 2  # both round twice
    assert str(chosen).startswith(f"both sides {side_px} bicubic antialiased")


def disc(height: int, width: int) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    inside = (rows - height / 2) ** 2 + (columns - width / 2) ** 2 < (height / 4) ** 2
    return np.repeat(inside[None, ..., None] * np.uint8(255), 3, axis=-1)


def extents(pixels: torch.Tensor) -> tuple[int, int]:
    lit = pixels[0, 0] > 127
    return int(lit.any(1).sum()), int(lit.any(0).sum())


def test_native_keeps_the_aspect_ratio_and_released_does_not() -> None:
    picture = disc(320, 640)
    height, width = extents(prepared(picture, NATIVE))
    assert abs(height - width) <= 1
    height, width = extents(prepared(picture, RELEASED))
    assert abs(height - 2 * width) <= 2


def test_native_is_antialiased() -> None:
    stripes = np.zeros((1, 672, 672, 3), dtype=np.uint8)
    stripes[:, :, ::2] = 255
    assert prepared(stripes, NATIVE)[0, 0, :, 4:-4].float().std() < 30
    # Without it every third column would be kept, which is black and white by turns.
    assert prepared(stripes, RELEASED)[0, 0].float().std() > 120


@pytest.mark.parametrize("shape", [(2, 300, 500), (2, 500, 300), (3, 90, 91), (1, 224, 224)])
def test_every_clip_comes_out_in_one_shape(shape: tuple[int, int, int]) -> None:
    pixels = prepared(np.zeros((*shape, 3), dtype=np.uint8), NATIVE)
    assert pixels.shape == (shape[0], 3, 224, 224)
    assert pixels.dtype == torch.uint8
    assert pixels.is_contiguous()


def test_reversed_and_read_only_views_are_taken() -> None:
    view = NOISE[::-1, :, ::-1]
    view.flags.writeable = False
    assert torch.equal(prepared(view, RELEASED), prepared(view.copy(), RELEASED))


def test_normalised_is_value_less_mean_over_deviation() -> None:
    pixels = torch.arange(12, dtype=torch.uint8).reshape(1, 3, 2, 2) * 20
    expected = np.stack(
        [(pixels[0, c].numpy() / 255 - RELEASED.mean[c]) / RELEASED.std[c] for c in range(3)],
        dtype=np.float64,
    )
    np.testing.assert_allclose(normalised(pixels, RELEASED)[0].numpy(), expected, atol=1e-6)


@pytest.mark.parametrize(
    "frames",
    [NOISE.astype(np.float32), NOISE[0], NOISE[..., :1], NOISE[:0]],
    ids=["float", "one picture", "grey", "no frames"],
)
def test_other_frames_are_refused_with_what_came(frames: np.ndarray) -> None:
    with pytest.raises(FeatureError, match=rf"frames are {frames.dtype} .*expected uint8 \(T, H, W, 3\)"):
        prepared(frames, RELEASED)


def test_text_tells_every_setting_apart() -> None:
    changes: list[dict[str, object]] = [
        {},
        {"squash_px": None},
        {"short_side_px": 256},
        {"crop_px": 112},
        {"filter": "bicubic"},
        {"mean": (0.5, 0.5, 0.5)},
        {"std": (0.5, 0.5, 0.5)},
    ]
    assert len({str(replace(RELEASED, **change)) for change in changes}) == len(changes)
