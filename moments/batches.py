"""Many clips through one backbone: decoding and resizing run ahead in threads, so that it never waits.

It knows nothing of files: a clip is a name and a function that returns its frames.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import islice
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from moments.descriptors import Accumulator, Variant, describe
from moments.embedder import Embedder, Part, feature_chunks
from moments.errors import FeatureError
from moments.feed import Chunks, Feed

Frames = npt.NDArray[np.uint8]
Load = Callable[[], Frames | Tensor]
"""The sampled frames of one clip, uint8 (T, H, W, 3) RGB, or prepared already. Called from a thread."""

Read = Callable[[Callable[[Frames], npt.NDArray[Any]]], npt.NDArray[Any]]
"""What the function given to it makes of each sampled frame, uint8 (H, W, 3) RGB: stacked, (T, …)."""

Described = dict[str, Tensor]
"""The descriptors of one clip by name, (R, D) each; see ``describe``."""

_Outcomes = list[tuple[str, Described | FeatureError]]


def reraise(name: str, error: Exception) -> None:
    """The default answer to a clip that fails: the error ends the work."""
    raise error


def frame_by_frame(read: Read, embedder: Embedder) -> Load:
    """A clip of which one frame at a time is held at its own size, where no frame needs the others."""
    if not embedder.facts.frame_wise:
        return lambda: read(lambda frame: frame)
    return lambda: torch.from_numpy(read(lambda frame: embedder.prepare(frame[None])[0].numpy()))


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
    does not suffice, and about two batches more wait in memory.  ``forward_threads`` share torch's threads
    in the backbone: on a CPU one for each core is best, for none then waits for another within an
    operation.  They divide the parts of a batch among them, so that few batches have features in memory,
    or take a batch each where features join frames.
    ``further`` makes the additional accumulators of a batch anew.  A clip whose function raises, or whose
    features cannot be used, goes to ``failed`` with its error, which names it; when that returns, the clip
    is left out.

    Raises ``BackboneError`` when the weights cannot be had or one clip alone is too much for the memory.
    """
    embedder.open()

    def describing(names: Sequence[str], batch: Tensor, chunks: Chunks | Generator[Tensor]) -> _Outcomes:
        try:
            with closing(chunks):
                found = describe(chunks, variants, num_frames=batch.shape[1], further=further())
        except (FeatureError, torch.OutOfMemoryError) as error:
            if len(names) == 1:
                return [(names[0], _named(names[0], error))]
        else:
            rows = ({key: found[key][index] for key in found} for index in range(len(names)))
            return list(zip(names, rows, strict=True))
        # Which clip it was, and how many fit, is found by halving; not above, where the error's traceback
        # still holds what filled the memory.
        half = len(names) // 2
        halves = [(names[:half], batch[:half]), (names[half:], batch[half:])]
        return [one for few, part in halves for one in describing(few, part, feature_chunks(embedder, part))]

    def finished(future: Future[_Outcomes]) -> Iterator[tuple[str, Described]]:
        for name, outcome in future.result():
            if isinstance(outcome, FeatureError):
                failed(name, outcome)
            else:
                yield name, outcome

    with (
        ThreadPoolExecutor(decode_threads, thread_name_prefix="decode") as decoding,
        _sharing(forward_threads) as (forward_pool, describe_pool),
    ):
        running: deque[Future[_Outcomes]] = deque()
        feed = Feed(forward_pool, 2 * forward_threads) if forward_pool else None
        prepared = _ahead(clips, embedder, decoding, batch_clips + decode_threads - 1, failed)
        try:
            for names, batch in _batches(prepared, batch_clips):
                parts = _parts(embedder, batch)
                at_once = ceil(forward_threads / max(1, len(parts)))
                chunks = feed.chunks(parts) if feed else (part() for part in parts)
                running.append(describe_pool.submit(describing, names, batch, chunks))
                if len(running) > at_once:  # one waits, so that no thread does
                    yield from finished(running.popleft())
            while running:
                yield from finished(running.popleft())
        finally:
            for future in running:
                future.cancel()


@contextmanager
def _sharing(threads: int) -> Iterator[tuple[ThreadPoolExecutor | None, ThreadPoolExecutor]]:
    """Threads for the backbone, where there are several, and one to describe; they share torch's own."""
    all_threads = torch.get_num_threads()
    share = max(1, all_threads // threads)
    try:
        with ThreadPoolExecutor(1, "describe", torch.set_num_threads, (share,)) as describe_pool:
            if threads == 1:
                yield None, describe_pool
                return
            forward_pool = ThreadPoolExecutor(threads, "forward", torch.set_num_threads, (share,))
            try:
                yield forward_pool, describe_pool
            finally:
                forward_pool.shutdown(cancel_futures=True)
    finally:
        # The number holds for the thread that sets it, but also for all that begin later.
        torch.set_num_threads(all_threads)


def _parts(embedder: Embedder, batch: Tensor) -> deque[Part]:
    """The parts of a batch; one that cannot be divided fails where its features are asked for."""
    try:
        return deque(embedder.parts(batch))
    except FeatureError as error:
        refused = error

        def refuse() -> Tensor:
            raise refused

        return deque([refuse])


def _ahead(
    clips: Iterable[tuple[str, Load]],
    embedder: Embedder,
    pool: ThreadPoolExecutor,
    depth: int,
    failed: Callable[[str, Exception], None],
) -> Iterator[tuple[str, Tensor]]:
    """Prepared clips in their order, ``depth`` of them in work or waiting beside the one that is next."""
    source = iter(clips)
    waiting: deque[tuple[str, Future[Tensor]]] = deque()

    def fill() -> None:
        for name, load in islice(source, depth - len(waiting)):
            waiting.append((name, pool.submit(_prepared, name, load, embedder)))

    try:
        fill()
        while waiting:
            name, future = waiting.popleft()
            fill()
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
    try:
        clip = load()
        return clip if isinstance(clip, Tensor) else embedder.prepare(clip)
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
        if clips and clip.shape != clips[0].shape:
            yield names, _stacked(clips)
            names = []
        names.append(name)
        clips.append(clip)
        if len(clips) == size:
            yield names, _stacked(clips)
            names = []
    if clips:
        yield names, _stacked(clips)


def _stacked(clips: list[Tensor]) -> Tensor:
    """One tensor of all; the list is emptied, so that no clip is held twice."""
    batch = clips[0][None] if len(clips) == 1 else torch.stack(clips)
    clips.clear()
    return batch
