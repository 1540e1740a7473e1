"""Strips of a few frames of a clip for a page: what moved, at one glance."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from data.collection import ClipCollection, load
from data.preview import jpeg

FRAMES = 5
HEIGHT_PX = 96


def posters(collections: Sequence[ClipCollection], clip_ids: Collection[str]) -> dict[str, tuple[bytes, ...]]:
    """JPEGs of five evenly spaced frames of each named clip, by clip id. Raises ``VideoError``."""
    strips: dict[str, tuple[bytes, ...]] = {}
    for own in collections:
        wanted = {clip.clip_id: clip.sha256 for clip in own.clips if clip.clip_id in clip_ids}
        made = {
            clip.sha256: tuple(jpeg(frame, HEIGHT_PX) for frame in load(clip, content, _evenly).frames)
            for clip, content in own.contents(set(wanted.values()))
        }
        strips |= {clip_id: made[sha256] for clip_id, sha256 in wanted.items()}
    return strips


def _evenly(num_frames: int) -> list[int]:
    return [int(index) for index in np.rint(np.linspace(0, num_frames - 1, FRAMES))]
