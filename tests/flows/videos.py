"""Folders of tiny videos whose answers are plain to see: clips of one colour belong together."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from data.schema import Clip
from data.video import encode

SIZE_PX = 48
FRAMES = 8


def write_video(path: Path, level: int, seed: int = 0, num_frames: int = FRAMES) -> Path:
    """A picture of one of 64 colours, the bins of the colour histogram, in which a small block moves.

    ``seed`` sets where the block starts and in which direction it goes.
    """
    centres = [32 + 64 * (level // 4**place % 4) for place in (2, 1, 0)]
    frames = np.full((num_frames, SIZE_PX, SIZE_PX, 3), centres, dtype=np.uint8)
    rng = np.random.default_rng(seed)
    start, step = rng.uniform(4, 36, 2), rng.uniform(-4, 4, 2)
    for index, frame in enumerate(frames):
        top, left = (start + index * step).astype(int) % (SIZE_PX - 8)
        frame[top : top + 8, left : left + 8] += 16  # of the same bin
    path.parent.mkdir(parents=True, exist_ok=True)
    encode(Clip(frames, 8.0), path)
    return path


def write_triplets(root: Path, per_category: Mapping[str, int]) -> Path:
    """The published layout; each triplet's reference and positive have a colour of their own."""
    level = 0
    for category, count in per_category.items():
        for number in range(count):
            folder = root / category / f"clip_{number}"
            write_video(folder / "ref.mp4", level, seed=3 * level)
            write_video(folder / "positive.mp4", level, seed=3 * level + 1)
            write_video(folder / "negative.mp4", 63 - level, seed=3 * level + 2)
            level += 1
    return root


def write_labelled(root: Path, rows: Sequence[tuple[str, str]]) -> Path:
    """``labels.csv`` of labels and splits (perhaps empty) beside a video each; a label is a colour."""
    levels = {label: 5 + 9 * index for index, label in enumerate(dict.fromkeys(label for label, _ in rows))}
    lines = ["file,label,split"]
    for index, (label, split) in enumerate(rows):
        write_video(root / f"{index:02}.mp4", levels[label], seed=index)
        lines.append(f"{index:02}.mp4,{label},{split}")
    (root / "labels.csv").write_text("\n".join(lines) + "\n")
    return root


def write_loose(root: Path, count: int) -> Path:
    """Videos of colours that no triplet has."""
    for index in range(count):
        write_video(root / f"{index:02}.mp4", 25 + index, seed=100 + index)
    return root


def spoil(path: Path) -> Path:
    """Keep the name, take the video away. Returns a copy of what it was."""
    kept = path.with_name(f"{path.stem}.kept")
    shutil.copy(path, kept)
    path.write_bytes(b"no video")
    return kept
