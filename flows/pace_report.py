"""The pace of videos as figures: a table for a terminal, and JSON with the curves.

It knows nothing of how a pace is measured, of Prefect, or of plots.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from data.disk import write_atomically
from flows.filmstrip import Picture
from moments.embedder import EmbedderFacts
from moments.progress import RANGE_FLOOR_RADIANS, SemanticProgress

TOO_LITTLE_CHANGE = "too little change to judge pace"
NOT_SEMANTIC = "not semantic"

_NAME_WIDTH = 27


@dataclass(frozen=True, eq=False)
class VideoPace:
    """One video of T frames: its ``progress`` as the backbone sees it, and a few of its pictures."""

    path: Path
    fps: float
    backbone: EmbedderFacts
    progress: SemanticProgress
    pictures: tuple[Picture, ...]

    @property
    def num_frames(self) -> int:
        return len(self.progress.raw)

    @property
    def duration_seconds(self) -> float:
        return self.num_frames / self.fps

    @property
    def jump_seconds(self) -> float:
        """When the frame is shown at which the largest jump arrives."""
        return self.progress.largest_jump_frame / self.fps


def is_semantic(backbone: EmbedderFacts) -> bool:
    """Descriptors without weights measure how shapes and colours change, not what they mean."""
    return bool(backbone.weights)


def backbone_text(backbone: EmbedderFacts) -> str:
    return backbone.title if is_semantic(backbone) else f"{backbone.title}, {NOT_SEMANTIC}"


def jump_text(video: VideoPace) -> str:
    percent = 100 * video.progress.largest_jump
    return f"{percent:{'.0f' if percent >= 10 else '.2g'}}% at {video.jump_seconds:.2f} s"


def terminal_table(videos: Sequence[VideoPace]) -> Table:
    """A row for each video. Names are printed as they are, never as markup."""
    seen_by = Text(f"Pace as seen by {backbone_text(videos[0].backbone)}")
    table = Table(title=seen_by, title_justify="left")
    table.add_column("Video", overflow="fold")
    for title in ("Seconds", "Change", "RMS", "Max"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("Largest jump")
    names = short_names([video.path for video in videos], _NAME_WIDTH)
    for video, name in zip(videos, names, strict=True):
        measured = video.progress
        judged = measured.interpretable
        table.add_row(
            Text(name),
            f"{video.duration_seconds:.2f}",
            f"{measured.range_radians:.3f}",
            f"{measured.rms_deviation:.3f}" if judged else "–",
            f"{measured.max_deviation:.3f}" if judged else "–",
            jump_text(video) if judged else TOO_LITTLE_CHANGE,
        )
    table.caption = "Change in radians; deviations from an even pace as shares of the change."
    table.caption_justify = "left"
    return table


def record(video: VideoPace) -> dict[str, Any]:
    """All of one video for JSON.

    What would interpret a change below the floor is null; ``raw`` and its range stand for themselves.
    """
    from moments.frame_embeddings import pooling_text

    measured, backbone = video.progress, asdict(video.backbone)
    del backbone["num_frames"], backbone["frame_wise"]  # every frame is used, each by itself
    judged = measured.interpretable

    return {
        "path": str(video.path),
        "fps": video.fps,
        "num_frames": video.num_frames,
        "duration_seconds": video.duration_seconds,
        "backbone": {
            **backbone,
            "pooling": pooling_text(video.backbone),
            "semantic": is_semantic(video.backbone),
        },
        "range_radians": measured.range_radians,
        "range_floor_radians": RANGE_FLOOR_RADIANS,
        "interpretable": judged,
        "rms_deviation": measured.rms_deviation if judged else None,
        "max_deviation": measured.max_deviation if judged else None,
        "mean_deviation": measured.mean_deviation if judged else None,
        "largest_jump": {
            "share": measured.largest_jump,
            "frame": measured.largest_jump_frame,
            "seconds": video.jump_seconds,
        }
        if judged
        else None,
        "progress": measured.progress.tolist() if judged else None,
        "raw_radians": measured.raw.tolist(),
    }


def write_json(videos: Sequence[VideoPace], path: Path) -> None:
    """``{"videos": […]}`` with a ``record`` each. Raises ``ConfigError`` when the disk refuses."""
    text = json.dumps({"videos": [record(video) for video in videos]}, indent=1, ensure_ascii=False)
    write_atomically(path, (text + "\n").encode())


def short_names(paths: Sequence[Path], length: int) -> list[str]:
    """File names, with their folder where a name comes twice; long ones lose their middle."""
    count = Counter(path.name for path in paths)
    names = [
        path.name if count[path.name] == 1 else str(Path(path.parent.name) / path.name) for path in paths
    ]
    return [shortened(name, length) for name in names]


def shortened(text: str, length: int) -> str:
    """At most ``length`` characters, the middle left out: both ends of a file name tell files apart."""
    if len(text) <= length:
        return text
    ending = length // 2
    return f"{text[: length - ending - 1]}…{text[-ending:]}"
