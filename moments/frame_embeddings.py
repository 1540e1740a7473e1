"""One vector for every frame of a video of any length: what a pace is measured on.

It knows nothing of files or of progress: chunks of frames in, vectors out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from moments.embedder import Embedder, EmbedderFacts, feature_chunks
from moments.errors import BackboneError, FeatureError

Frames = npt.NDArray[np.uint8]
Vectors = npt.NDArray[np.float32]

GRID = 8
"""Places along each side of the picture that a descriptor without weights is kept apart at."""


def require_frame_wise(facts: EmbedderFacts) -> None:
    """Raises ``BackboneError`` for an embedder whose features belong to several frames together."""
    if not facts.frame_wise:
        raise BackboneError(
            f"{facts.name} ({facts.title}) joins frames, so that no vector belongs to one frame alone; "
            "take a backbone of single images such as siglip2 or dinov2, or hog"
        )


def frame_embeddings(chunks: Iterable[Frames], embedder: Embedder) -> Vectors:
    """Embeddings float32 (T, d) of all frames of all chunks, each uint8 (t, H, W, 3) RGB.

    A frame's vector is the mean of its patches; of descriptors without weights, which tell where and not
    what, it is a coarse grid of them side by side (``pooling_text`` says which).  Every frame is used,
    whatever ``num_frames`` of the embedder's facts says.  Memory holds the vectors and about three
    chunks: the next one is made while one is embedded.

    Raises ``BackboneError`` as ``require_frame_wise`` does and when weights cannot be had, ``FeatureError``
    for no frames at all, for frames that the embedder does not take, and for vectors that are not finite.
    """
    require_frame_wise(embedder.facts)
    embedder.open()
    rows: Vectors = np.empty((0, 0), np.float32)
    num_frames = 0
    for clip in _prepared_ahead(chunks, embedder):
        vectors = _vectors(clip, embedder)
        if len(vectors) != len(clip):
            raise FeatureError(f"{embedder.facts.name}: {len(vectors)} vectors came of {len(clip)} frames")
        bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if bad.size:
            frame = num_frames + int(bad[0])
            raise FeatureError(f"{embedder.facts.name}: the features of frame {frame} are not finite")
        end = num_frames + len(vectors)
        if end > len(rows):
            # One block that grows in place.  Small arrays kept one by one, between the large ones of each
            # chunk, leave gaps that are not used again: measured, a GB for an hour of small pictures.
            rows.resize((2 * end, vectors.shape[1]), refcheck=False)
        rows[num_frames:end] = vectors
        num_frames = end
    if num_frames == 0:
        raise FeatureError("there are no frames to embed")
    rows.resize((num_frames, rows.shape[1]), refcheck=False)
    return rows


@torch.inference_mode()
def _vectors(clip: Tensor, embedder: Embedder) -> Vectors:
    pool = _grid if _tells_where(embedder.facts) else _mean
    pooled = [pool(patches[0]) for patches in feature_chunks(embedder, clip[None])]
    vectors: Vectors = torch.cat(pooled).float().cpu().numpy()
    return vectors


def pooling_text(facts: EmbedderFacts) -> str:
    """How patches become a frame's vector, for records."""
    return (
        f"patches on a grid of {GRID}×{GRID}, side by side" if _tells_where(facts) else "mean of the features"
    )


def _tells_where(facts: EmbedderFacts) -> bool:
    return not facts.weights


def _mean(patches: Tensor) -> Tensor:
    return patches.mean(dim=1)


def _grid(patches: Tensor) -> Tensor:
    """(t, P, D) -> (t, GRID²·D), or (t, P·D) where there are fewer patches."""
    side = math.isqrt(patches.shape[1])
    if side <= GRID:
        return patches.flatten(1)
    square = patches.reshape(len(patches), side, side, -1).permute(0, 3, 1, 2)
    return functional.adaptive_avg_pool2d(square, GRID).flatten(1)


def _prepared_ahead(chunks: Iterable[Frames], embedder: Embedder) -> Iterator[Tensor]:
    """Prepared chunks (t, …) in their order, the next of which is decoded and prepared in a thread."""
    source = iter(chunks)

    def prepared() -> Tensor | None:
        frames = next(source, None)
        return None if frames is None else embedder.prepare(frames)

    with ThreadPoolExecutor(1, thread_name_prefix="decode") as thread:
        upcoming = thread.submit(prepared)
        while (clip := upcoming.result()) is not None:
            upcoming = thread.submit(prepared)
            yield clip
