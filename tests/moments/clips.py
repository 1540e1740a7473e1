"""Small clips with a known motion: a textured disc on a textured ground. Numpy only, no generator of ours."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SIZE_PX = 96
NUM_FRAMES = 40
FPS = 16.0

Frames = npt.NDArray[np.uint8]
Path = npt.NDArray[np.float64]  # (T, 2) centre of the disc as shares of the picture, x then y


def ground(seed: int) -> npt.NDArray[np.float64]:
    """A blocky texture (H, W, 3) around mid grey, another one for every seed."""
    blocks = np.random.default_rng(seed).uniform(60, 200, (12, 12, 3))
    return np.kron(blocks, np.ones((SIZE_PX // 12, SIZE_PX // 12, 1)))


def moving_disc(path: Path, *, ground_seed: int = 0, disc_seed: int = 1, radius: float = 0.16) -> Frames:
    """Frames uint8 (T, 96, 96, 3) of a striped disc that follows ``path``; its stripes move with it."""
    rng = np.random.default_rng(disc_seed)
    colours = rng.uniform(0, 255, (2, 3))
    angle, stripe = rng.uniform(0, np.pi), rng.uniform(0.05, 0.1)
    y, x = (np.mgrid[:SIZE_PX, :SIZE_PX] + 0.5) / SIZE_PX
    backdrop = ground(ground_seed)
    frames = np.empty((len(path), SIZE_PX, SIZE_PX, 3), np.uint8)
    for frame, (centre_x, centre_y) in zip(frames, path, strict=True):
        dx, dy = x - centre_x, y - centre_y
        cover = np.clip((radius - np.hypot(dx, dy)) * SIZE_PX, 0, 1)[..., None]
        phase = np.sin(2 * np.pi * (dx * np.cos(angle) + dy * np.sin(angle)) / stripe)[..., None]
        disc = np.where(phase > 0, colours[0], colours[1])
        frame[...] = (backdrop * (1 - cover) + disc * cover).round()
    return frames


def stop_and_go(num_frames: int = NUM_FRAMES, delay_frames: float = 0.0) -> Path:
    """Three strokes of unequal length, rests between: a rhythm unlike itself when late or reversed."""
    time = np.arange(num_frames) - delay_frames
    x = 0.3 + 0.35 * _stroke(time, 2, 13) - 0.25 * _stroke(time, 19, 6) + 0.2 * _stroke(time, 33, 5)
    return np.stack([x, 0.5 + 0.15 * _stroke(time, 2, 13)], axis=1)


def late_rush(num_frames: int = NUM_FRAMES) -> Path:
    """Another motion from the same place: still at first, then one arc."""
    rush = _stroke(np.arange(num_frames), 22, 16)
    return np.stack([0.3 + 0.2 * rush, 0.5 - 0.25 * np.sin(np.pi * rush)], axis=1)


def rest(num_frames: int = NUM_FRAMES) -> Path:
    """No motion."""
    return np.tile([0.3, 0.5], (num_frames, 1))


def _stroke(time: npt.NDArray[np.float64], start: float, length: float) -> npt.NDArray[np.float64]:
    progress = ((time - start) / length).clip(0, 1)
    return progress * progress * (3 - 2 * progress)
