"""Clips through a backbone into the vector store: what is missing, and nothing twice. Plain functions."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from data.collection import ClipCollection, CollectedClip, Content, load_each
from data.errors import ConfigError, VideoError
from data.vectors import Vectors, VectorStore
from flows.progress import StageProgress

if TYPE_CHECKING:
    from moments.batches import Load
    from moments.descriptors import Variant
    from moments.embedder import Embedder

ORDER, RHYTHM = "order", "rhythm"  # what is kept beside moments, see moments.order and moments.rhythm

FLUSH_SECONDS = 20.0
"""What a kill costs at most, beside the clips in flight."""
GPU_BATCH_CLIPS = 16
"""At most; fewer go together where the memory does not suffice. On a CPU a batch gains nothing."""
_FAILURES_TOLD = 5


def embed(
    collections: Sequence[ClipCollection],
    embedder: Embedder,
    variants: Sequence[Variant],
    store: VectorStore,
    progress: StageProgress,
    *,
    on_gpu: bool = False,
    keep_frames: bool = False,
) -> None:
    """Bring every clip's variants, its order and its rhythm into ``store``, those that are not there yet.

    ``on_gpu`` says that the processor is free for decoding; ``keep_frames`` keeps the mean of every
    frame's patches, too.  What is embedded is kept whatever happens to the clips after it.

    Raises ``ConfigError`` at the end with the clips that could not be embedded, and ``BackboneError``
    when the weights cannot be had.
    """
    from moments.batches import described, frame_by_frame
    from moments.descriptors import FRAMES
    from moments.errors import BackboneError, FeatureError
    from moments.order import OrderStream
    from moments.rhythm import RhythmStream

    wanted = [*map(str, variants), ORDER, RHYTHM, *([FRAMES] if keep_frames else [])]
    missing = store.missing({clip.sha256 for own in collections for clip in own.clips}, wanted)
    if not missing:
        return  # weights are not loaded for nothing
    stage = f"embed {embedder.facts.title}"
    progress.expect(stage, len(missing))
    failures: dict[str, Exception] = {}
    sha256_of: dict[str, str] = {}

    def failed(name: str, error: Exception) -> None:
        if isinstance(error, BackboneError) or not isinstance(error, (VideoError, FeatureError)):
            raise error  # not the clip's fault
        failures[name] = error
        progress.advance(stage)

    def loads() -> Iterator[tuple[str, Load]]:
        for own in collections:
            for clip, content in own.contents(missing - set(sha256_of.values())):
                sha256_of[clip.clip_id] = clip.sha256
                read = partial(_frames, clip, content, embedder.facts.num_frames)
                yield clip.clip_id, frame_by_frame(read, embedder)

    cores = os.cpu_count() or 1
    busy_cpu = bool(embedder.facts.weights) and not on_gpu  # without weights, the work is in ``prepare``
    waiting: dict[str, dict[str, Vectors]] = {}
    flushed = time.monotonic()
    try:
        for name, found in described(
            loads(),
            embedder,
            variants,
            further=lambda: {ORDER: OrderStream(), RHYTHM: RhythmStream()},
            batch_clips=GPU_BATCH_CLIPS if on_gpu else 1,
            decode_threads=1 if busy_cpu else cores,
            forward_threads=cores if busy_cpu else 1,
            failed=failed,
        ):
            waiting[sha256_of[name]] = {variant: found[variant].numpy() for variant in wanted}
            progress.advance(stage)
            if time.monotonic() - flushed > FLUSH_SECONDS:
                store.write(waiting)
                waiting, flushed = {}, time.monotonic()
    finally:
        store.write(waiting)
    if failures:
        told = "".join(f"\n  {error}" for error in list(failures.values())[:_FAILURES_TOLD])
        more = f"\n  and {len(failures) - _FAILURES_TOLD} more" if len(failures) > _FAILURES_TOLD else ""
        raise ConfigError(
            f"{len(failures)} of {len(missing)} clips could not be embedded; mend or remove them and run the "
            f"same command again, the others are kept:{told}{more}"
        )


def _frames(
    clip: CollectedClip,
    content: Content,
    num_frames: int | None,
    made: Callable[[npt.NDArray[np.uint8]], npt.NDArray[Any]],
) -> npt.NDArray[Any]:
    from moments.embedder import frame_indices

    return load_each(clip, content, lambda frames: frame_indices(frames, num_frames).tolist(), made)
