"""What is known of one clip of footage: how it looks, how it moves, and its perceptual hashes.

It knows nothing of files: a clip is its name, its video's name, and a function that returns its frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

from moments.batches import Frames, described, reraise
from moments.descriptors import Variant
from moments.embedder import Embedder, frame_indices
from moments.errors import FeatureError
from moments.semantic_moments import combine

HASHED_FRAMES = 8
"""Frames of every clip whose hashes are kept, evenly spaced."""

_VARIANT = Variant()

LoadFrames = Callable[[], Frames]
"""The sampled frames of one clip, uint8 (T, H, W, 3) RGB. Called from a thread."""


@dataclass(frozen=True, eq=False)
class RealClip:
    """One clip. ``appearance`` is the mean over time and patches, float32 (D,); ``motion`` the
    SemanticMoments vector, float32 (3·D,), both of length 1; ``hashes`` uint64 (8,) in the order of time.

    ``text`` is the vector of a description, float32 (E,) of length 1, where there is one.
    """

    clip_id: str
    video_id: str
    appearance: npt.NDArray[np.float32]
    motion: npt.NDArray[np.float32]
    hashes: npt.NDArray[np.uint64]
    text: npt.NDArray[np.float32] | None = None


def real_clips(
    clips: Iterable[tuple[str, str, LoadFrames]],
    embedder: Embedder,
    *,
    batch_clips: int = 1,
    failed: Callable[[str, Exception], None] = reraise,
) -> Iterator[RealClip]:
    """Each (clip id, video id, function that returns the sampled frames), in one pass over its frames.

    Frames are sampled as ``frame_indices`` of the embedder's ``num_frames`` says.  Raises and reports
    failures as ``moments.batches.described`` does.
    """
    videos: dict[str, str] = {}
    hashes: dict[str, npt.NDArray[np.uint64]] = {}

    def watched(clip_id: str, load: LoadFrames) -> LoadFrames:
        def hashed() -> Frames:
            frames = load()
            hashes[clip_id] = frame_hashes(frames)
            return frames

        return hashed

    def named() -> Iterator[tuple[str, LoadFrames]]:
        for clip_id, video_id, load in clips:
            if clip_id in videos:
                raise FeatureError(f"clip {clip_id} came twice: give every clip once")
            videos[clip_id] = video_id
            yield clip_id, watched(clip_id, load)

    for clip_id, found in described(named(), embedder, [_VARIANT], batch_clips=batch_clips, failed=failed):
        rows = found[str(_VARIANT)]
        yield RealClip(
            clip_id=clip_id,
            video_id=videos[clip_id],
            appearance=rows[0].numpy(),
            motion=combine(rows).numpy(),
            hashes=hashes.pop(clip_id),
        )


def frame_hashes(frames: Frames) -> npt.NDArray[np.uint64]:
    """DCT hashes of 64 bits of evenly spaced frames: uint8 (T, H, W, 3) RGB -> uint64 (8,)."""
    bits = [
        imagehash.phash(Image.fromarray(frames[index])).hash.ravel()
        for index in frame_indices(len(frames), HASHED_FRAMES)
    ]
    return np.packbits(np.stack(bits), axis=1).view(np.uint64)[:, 0].copy()


def require_clips(clips: Iterable[RealClip]) -> None:
    """Raises ``FeatureError`` for no clips, for ids that repeat, and for vectors of several lengths."""
    clips = tuple(clips)
    ids = [clip.clip_id for clip in clips]
    if repeated := next((clip_id for index, clip_id in enumerate(ids) if clip_id in ids[:index]), None):
        raise FeatureError(f"clip {repeated} came twice: give every clip once")
    shapes = {(clip.appearance.shape, clip.motion.shape, clip.hashes.shape) for clip in clips}
    if len(shapes) != 1:
        raise FeatureError(
            f"clips have vectors of the shapes {sorted(shapes)}; expected at least one clip, "
            "and all by one backbone"
        )
