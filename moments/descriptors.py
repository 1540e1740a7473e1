"""All descriptors of clips from one pass over their features: every form, level and number of frames.

It knows nothing of backbones, files or single kinds of descriptors beyond SemanticMoments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from moments.embedder import frame_indices
from moments.errors import FeatureError
from moments.semantic_moments import Form, Level, LevelStream

FRAMES = "frames"
"""Key of the mean over patches of every embedded frame, from which pace and frame-level rows are read."""

ORDERS = 3
TABLE_5_FRAMES = (4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Variant:
    """One way to take moments. ``num_frames`` is a nested part of the embedded frames, None all of them."""

    form: Form = "released"
    level: Level = "patch"
    num_frames: int | None = None

    def __str__(self) -> str:
        frames = "" if self.num_frames is None else f"/T={self.num_frames}"
        return f"{self.form}/{self.level}{frames}"


STANDARD = (Variant(),)


class Accumulator(Protocol):
    """What is gathered over the chunks of B clips in the order of time."""

    def update(self, features: Tensor) -> None:
        """Take the next t frames, (B, t, P, D). Raises ``FeatureError``."""

    def finish(self) -> Tensor:
        """What came of them, (B, R, D')."""


def describe(
    chunks: Iterable[Tensor],
    variants: Sequence[Variant] = STANDARD,
    *,
    num_frames: int | None = None,
    further: Mapping[str, Accumulator] | None = None,
) -> dict[str, Tensor]:
    """Descriptors of B clips from their features, chunks (B, t, P, D) in the order of time.

    Returns, on the CPU in float32, (B, 3, D) for each variant under its name, (B, T, D) under
    ``FRAMES``, and what each of ``further`` finishes with.  ``num_frames`` is the T of all chunks
    together, needed by variants that take a part of them: ``frame_indices`` of ``frame_indices``, which
    is never more than half an embedded frame's distance from sampling the clip itself anew.

    Raises ``FeatureError`` for chunks that a descriptor cannot use and for a T that was not kept.
    """
    further = {} if further is None else further
    streams = {(v.level, v.num_frames): LevelStream(v.level, ORDERS) for v in variants}
    chosen = {part: _chosen(part, num_frames) for _, part in streams}
    frame_means: list[Tensor] = []
    begin = 0
    for chunk in chunks:
        end = begin + chunk.shape[1]
        for (_, part), stream in streams.items():
            wanted = chosen[part]
            if wanted is None:
                stream.update(chunk)
            else:
                here = wanted[(wanted >= begin) & (wanted < end)]
                stream.update(chunk[:, (here - begin).to(chunk.device)])
        for accumulator in further.values():
            accumulator.update(chunk)
        frame_means.append(chunk.mean(2).float().cpu())
        begin = end
    if begin != num_frames and any(part is not None for _, part in streams):
        raise FeatureError(
            f"the backbone made features of {begin} steps from {num_frames} frames: parts of a clip can be "
            "taken only where every frame is embedded by itself"
        )
    found = {
        str(v): streams[v.level, v.num_frames].rows(v.form).float().cpu() for v in dict.fromkeys(variants)
    }
    found[FRAMES] = torch.cat(frame_means, dim=1)
    return found | {name: accumulator.finish().float().cpu() for name, accumulator in further.items()}


def ablation_variants(num_frames: int | None) -> tuple[Variant, ...]:
    """What Tables 4 and 5 of the paper ask for, from one pass over ``num_frames`` frames a clip.

    Table 4: each level at the paper's 32 frames.  Table 5: patches at 4, 8, 16, 32 and 64 frames.  A
    backbone that takes fewer, or all frames (None), is asked at the number that it has.
    """
    most = num_frames if num_frames is not None else 0
    table_4 = min(32, most) or None
    levels: tuple[Level, ...] = ("patch", "frame", "patch-difference")
    rows = [Variant(level=level, num_frames=table_4) for level in levels]
    rows += [Variant(num_frames=frames) for frames in TABLE_5_FRAMES if frames <= most]
    return tuple(dict.fromkeys([Variant(), Variant(form="printed"), *rows]))


def _chosen(part: int | None, num_frames: int | None) -> Tensor | None:
    if part is None:
        return None
    if num_frames is None or part > num_frames:
        raise FeatureError(f"{part} of {num_frames} embedded frames were asked for: embed more frames")
    return torch.from_numpy(frame_indices(num_frames, part))
