"""A bar that turns on a textured ground at a known pace: what HOG sees well, and flow can follow."""

from __future__ import annotations

import numpy as np

from data.schema import FloatArray, Frames
from tests.moments.clips import SIZE_PX, ground

DEGREES = 40.0


def turning_bar(shares: FloatArray) -> Frames:
    """Frames uint8 (T, 96, 96, 3) of a bar that has come so many shares (T,) of its way."""
    y, x = (np.mgrid[:SIZE_PX, :SIZE_PX] + 0.5) / SIZE_PX - 0.5
    backdrop = ground(0)
    frames = np.empty((len(shares), SIZE_PX, SIZE_PX, 3), np.uint8)
    for frame, angle in zip(frames, np.deg2rad(10 + DEGREES * shares), strict=True):
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        inside = np.minimum(0.36 - np.abs(along), 0.12 - np.abs(across)) * SIZE_PX + 0.5
        cover = inside.clip(0, 1)[..., None]
        wood = [200 + 40 * np.sin(9 * along), 90 + 60 * np.sin(14 * along + 9 * across), np.full_like(x, 60)]
        frame[...] = (backdrop * (1 - cover) + np.stack(wood, axis=-1) * cover).round()
    return frames


def rush(num_frames: int = 40, start: int = 18, length: int = 3) -> FloatArray:
    """A hard change of speed: 95 % of the way within ``length`` frames, the rest evenly."""
    time = np.arange(num_frames)
    shares: FloatArray = 0.05 * time / (num_frames - 1) + 0.95 * ((time - start) / length).clip(0, 1)
    return shares
