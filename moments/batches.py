"""Many clips through one backbone: decoding and resizing run ahead in threads, so that it never waits.

It knows nothing of files: a clip is a name and a function that returns its frames.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
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

Described = dict[str, Tensor]
"""The descriptors of one clip by name, (R, D) each; see ``describe``."""

_Outcomes = list[tuple[str, Described | FeatureError]]


def reraise(name: str, error: Exception) -> None:
    """The default answer to a clip that fails: the error ends the work."""
    raise error


def described(
    clips: Iterable[tuple[str, Load]],
    embedder: Embedder,
    variants: Sequence[Variant],
    *,
    further: Callable[[], Mapping[str, Accumulator]] = dict,
    batch_clips: int = 1,
    decode_threads: int = 2,
    forward_threads: int = 1,
    failed: Callable[[str, Exception], None] = reraise,
) -> Iterator[tuple[str, Described]]:
    """Every clip's name and descriptors, in the order of ``clips``.

    At most ``batch_clips`` clips of one shape go through the backbone together, fewer when its memory
    does not suffice, and about two batches more wait in memory.  ``forward_threads`` batches are in the
    backbone at a time and share torch's threads: on a CPU one for each core is best, for none then waits
    for another within an operation; the embedder's ``features`` must allow it.  ``further`` makes the
    additional accumulators of a batch anew.  A clip whose function raises, or whose features cannot be
    used, goes to ``failed`` with its error, which names it; when that returns, the clip is left out.

    Raises ``BackboneError`` when the weights cannot be had or one clip alone is too much for the memory.
    """
    embedder.open()

    def forward(names: Sequence[str], batch: Tensor) -> _Outcomes:
        try:
            found = describe(embedder.features(batch), variants, num_frames=batch.shape[1], further=further())
        except (FeatureError, torch.OutOfMemoryError) as error:
            if len(names) == 1:
                return [(names[0], _named(names[0], error))]
            half = len(names) // 2  # which clip it was, and how many fit, is found by halving
            return forward(names[:half], batch[:half]) + forward(names[half:], batch[half:])
        return [(name, {key: rows[index] for key, rows in found.items()}) for index, name in enumerate(names)]

    def finished(future: Future[_Outcomes]) -> Iterator[tuple[str, Described]]:
        for name, outcome in future.result():
            if isinstance(outcome, FeatureError):
                failed(name, outcome)
            else:
                yield name, outcome

    with (
        ThreadPoolExecutor(decode_threads, thread_name_prefix="decode") as decoding,
        _forwarding(forward_threads) as forwarding,
    ):
        running: deque[Future[_Outcomes]] = deque()
        prepared = _ahead(clips, embedder, decoding, batch_clips + decode_threads, failed)
        try:
            for names, batch in _batches(prepared, batch_clips):
                running.append(forwarding.submit(forward, names, batch))
                if len(running) > forward_threads:  # one waits, so that no thread does
                    yield from finished(running.popleft())
            while running:
                yield from finished(running.popleft())
        finally:
            for future in running:
                future.cancel()


@contextmanager
def _forwarding(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Threads of which each computes with its share of torch's own."""
    all_threads = torch.get_num_threads()
    share = max(1, all_threads // threads)
    try:
        with ThreadPoolExecutor(threads, "forward", torch.set_num_threads, (share,)) as pool:
            yield pool
    finally:
        # The number holds for the thread that sets it, but also for all that begin later.
        torch.set_num_threads(all_threads)


def _ahead(
    clips: Iterable[tuple[str, Load]],
    embedder: Embedder,
    pool: ThreadPoolExecutor,
    depth: int,
    failed: Callable[[str, Exception], None],
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
            try:
                clip = future.result()
            except Exception as error:  # noqa: BLE001  (of whatever kind the function of the caller raises)
                failed(name, error)
                continue
            yield name, clip
    finally:
        for _, future in waiting:
            future.cancel()


def _prepared(name: str, load: Load, embedder: Embedder) -> Tensor:
    frames = load()
    try:
        return embedder.prepare(frames)
    except FeatureError as error:
        raise _named(name, error) from error


def _named(name: str, error: Exception) -> FeatureError:
    kind = type(error) if isinstance(error, FeatureError) else FeatureError
    return kind(f"{name}: {error}")


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
