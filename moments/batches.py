"""Many clips through one backbone: decoding and resizing run ahead in threads, so that it never waits.

It knows nothing of files: a clip is a name and a function that returns its frames.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from moments.descriptors import Accumulator, Variant, describe
from moments.embedder import Embedder
from moments.errors import FeatureError

Frames = npt.NDArray[np.uint8]
Load = Callable[[], Frames]
"""The sampled frames of one clip, uint8 (T, H, W, 3) RGB. Called from a thread."""


def described(
    clips: Iterable[tuple[str, Load]],
    embedder: Embedder,
    variants: Sequence[Variant],
    *,
    further: Callable[[], Mapping[str, Accumulator]] = dict,
    batch_clips: int = 1,
    decode_threads: int = 2,
) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Every clip's name and descriptors, in order; see ``describe`` for what they hold, (R, D) each.

    At most ``batch_clips`` clips of one shape go through the backbone together, and one batch more
    than that waits in memory.  ``further`` makes the additional accumulators of a batch anew.

    Raises whatever a clip's function raises, and ``FeatureError`` with the names of the clips.
    """
    embedder.open()
    with ThreadPoolExecutor(decode_threads, thread_name_prefix="decode") as pool:
        prepared = _ahead(clips, embedder, pool, 2 * batch_clips + decode_threads)
        for names, batch in _batches(prepared, batch_clips):
            try:
                found = describe(embedder.features(batch), variants, further=further())
            except FeatureError as error:
                raise type(error)(f"{', '.join(names)}: {error}") from error
            for index, name in enumerate(names):
                yield name, {key: rows[index] for key, rows in found.items()}


def _ahead(
    clips: Iterable[tuple[str, Load]], embedder: Embedder, pool: ThreadPoolExecutor, depth: int
) -> Iterator[tuple[str, Tensor]]:
    """Prepared clips in their order, ``depth`` of them in work or waiting."""
    source = iter(clips)
    waiting: deque[tuple[str, Future[Tensor]]] = deque()
    try:
        while True:
            for name, load in islice(source, depth - len(waiting)):
                waiting.append((name, pool.submit(_prepared, name, load, embedder)))
            if not waiting:
                return
            name, future = waiting.popleft()
            yield name, future.result()
    finally:
        for _, future in waiting:
            future.cancel()


def _prepared(name: str, load: Load, embedder: Embedder) -> Tensor:
    frames = load()
    try:
        return embedder.prepare(frames)
    except FeatureError as error:
        raise type(error)(f"{name}: {error}") from error


def _batches(prepared: Iterator[tuple[str, Tensor]], size: int) -> Iterator[tuple[list[str], Tensor]]:
    """Neighbours of one shape, stacked: clips of other lengths begin a batch of their own."""
    names: list[str] = []
    clips: list[Tensor] = []
    for name, clip in prepared:
        if clips and (len(clips) == size or clip.shape != clips[0].shape):
            yield names, torch.stack(clips)
            names, clips = [], []
        names.append(name)
        clips.append(clip)
    if clips:
        yield names, torch.stack(clips)
