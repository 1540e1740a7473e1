"""Many clips at once give what each gives alone, in order, and errors say which clip."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from moments.batches import described, frame_by_frame
from moments.classical import build_classical
from moments.descriptors import FRAMES, STANDARD, Variant, describe
from moments.embedder import Part, feature_chunks
from moments.errors import FeatureError
from tests.moments.clips import late_rush, moving_disc, stop_and_go

Frames = np.ndarray


def clips() -> list[tuple[str, Callable[[], Frames]]]:
    made = [
        moving_disc(stop_and_go(), ground_seed=1),
        moving_disc(late_rush(), ground_seed=2),
        moving_disc(stop_and_go())[:20],  # another length: no part of a batch with its neighbours
        moving_disc(late_rush()),
        moving_disc(stop_and_go(), disc_seed=5),
    ]
    return [(f"clip {index}", lambda frames=frames: frames) for index, frames in enumerate(made)]


@pytest.mark.parametrize(("batch_clips", "forward_threads"), [(1, 1), (1, 3), (2, 1), (2, 2), (5, 1)])
def test_a_batch_gives_what_each_clip_gives_alone(batch_clips: int, forward_threads: int) -> None:
    hog = build_classical("hog", None)
    hog.open()
    found = list(described(clips(), hog, STANDARD, batch_clips=batch_clips, forward_threads=forward_threads))
    assert [name for name, _ in found] == [f"clip {index}" for index in range(5)]
    for (_, load), (_, rows) in zip(clips(), found, strict=True):
        alone = describe(feature_chunks(hog, hog.prepare(load())[None]), STANDARD)
        for key in (str(Variant()), FRAMES):
            torch.testing.assert_close(rows[key], alone[key][0], atol=1e-6, rtol=1e-6)


def test_threads_share_the_frames_of_one_clip_and_describe_them_in_order() -> None:
    """One clip alone has features in memory, and the frames that are done first do not come first."""
    lengths: list[int] = []
    first_waits = threading.Event()

    class Slow(Spoiled):
        facts = replace(Spoiled.facts, frame_wise=True)

        def parts(self, stacked: torch.Tensor) -> list[Part]:
            return [partial(self.computed, frame) for frame in torch.split(stacked, 2, dim=1)]

        def computed(self, frames: torch.Tensor) -> torch.Tensor:
            lengths.append(frames.shape[1])
            if frames[0, 0, 0, 0, 0] == 1:
                assert first_waits.wait(timeout=60)
            else:
                first_waits.set()
            return super().computed(frames)

    frames = np.arange(1, 11, dtype=np.uint8).repeat(4 * 4 * 3).reshape(10, 4, 4, 3)
    (found,) = described([("slow", lambda: frames)], Slow(), STANDARD, forward_threads=2)
    alone = describe(feature_chunks(Spoiled(), torch.from_numpy(frames)[None].float()), STANDARD)
    torch.testing.assert_close(found[1][FRAMES], alone[FRAMES][0], atol=0, rtol=0)
    assert (len(lengths) > 2, sum(lengths)) == (True, 10)


def test_a_backbone_that_joins_frames_gets_all_of_them() -> None:
    lengths: list[int] = []

    class Joining(Spoiled):
        facts = replace(Spoiled.facts, frame_wise=False)

        def computed(self, stacked: torch.Tensor) -> torch.Tensor:
            lengths.append(stacked.shape[1])
            return super().computed(stacked)

    list(described(clips(), Joining(), STANDARD, forward_threads=3))
    assert sorted(lengths) == sorted(len(load()) for _, load in clips())


@pytest.mark.parametrize("name", ["hog", "hof"])
def test_a_clip_that_is_prepared_while_it_is_read_is_the_same(name: str) -> None:
    embedder = build_classical(name, None)

    def read(frames: Frames, made: Callable[[Frames], Frames]) -> Frames:
        return np.stack([made(frame) for frame in frames])

    streamed = [(key, frame_by_frame(partial(read, load()), embedder)) for key, load in clips()]
    for (_, found), (_, wanted) in zip(
        described(streamed, embedder, STANDARD), described(clips(), embedder, STANDARD), strict=True
    ):
        torch.testing.assert_close(found[str(Variant())], wanted[str(Variant())], atol=0, rtol=0)


def test_few_clips_are_decoded_ahead() -> None:
    """However long the list is: memory must not grow with it."""
    asked: list[int] = []
    lock = threading.Lock()

    def load(index: int) -> Frames:
        with lock:
            asked.append(index)
        return np.zeros((3, 16, 16, 3), np.uint8)

    source = ((str(index), lambda index=index: load(index)) for index in range(100))
    results = described(source, build_classical("hog", None), STANDARD, batch_clips=2, decode_threads=2)
    next(results)
    assert len(asked) <= 2 * 2 + 2 + 2 + 1
    results.close()  # type: ignore[attr-defined]
    assert len(asked) < 100


def test_an_error_names_the_clip() -> None:
    broken = [("fine.mp4", clips()[0][1]), ("grey.mp4", lambda: np.zeros((3, 8, 8), np.uint8))]
    with pytest.raises(FeatureError, match=r"grey\.mp4: frames are"):
        list(described(broken, build_classical("hog", None), STANDARD))


def test_what_loading_raises_comes_through() -> None:
    def fail() -> Frames:
        raise OSError("no such clip")

    with pytest.raises(OSError, match="no such clip"):
        list(described([("gone.mp4", fail)], build_classical("hog", None), STANDARD))


def test_a_clip_that_cannot_be_described_keeps_no_room_from_those_after_it() -> None:
    """What was begun of it is given back: else nothing would be begun of the others."""
    begun: list[int] = []

    class Refusing:
        def __init__(self) -> None:
            begun.append(len(begun))

        def update(self, chunk: torch.Tensor) -> None:
            if begun[-1] == 0:
                raise FeatureError("not this one")

        def finish(self) -> torch.Tensor:
            return torch.zeros(1, 1, 1)

    reported: dict[str, Exception] = {}
    found = described(
        clips(),
        build_classical("hog", None),
        STANDARD,
        further=lambda: {"refusing": Refusing()},
        forward_threads=2,
        failed=reported.__setitem__,
    )
    assert [name for name, _ in found] == ["clip 1", "clip 2", "clip 3", "clip 4"]
    assert list(reported) == ["clip 0"]


def test_clips_that_fail_are_reported_and_the_rest_goes_on() -> None:
    def fail() -> Frames:
        raise OSError("no such clip")

    wrong = [("gone.mp4", fail), clips()[0], ("grey.mp4", lambda: np.zeros((3, 8, 8), np.uint8)), clips()[1]]
    reported: dict[str, Exception] = {}
    found = described(wrong, build_classical("hog", None), STANDARD, failed=reported.__setitem__)
    assert [name for name, _ in found] == ["clip 0", "clip 1"]
    assert list(reported) == ["gone.mp4", "grey.mp4"]


def test_threads_share_those_of_torch_and_give_them_back() -> None:
    """A thread for each core, each with all cores, would be in each other's way."""
    seen: set[int] = set()

    class Counting(Spoiled):
        def computed(self, stacked: torch.Tensor) -> torch.Tensor:
            seen.add(torch.get_num_threads())
            return stacked.flatten(2, 3)

    before = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        list(described(clips(), Counting(), STANDARD, forward_threads=2))
        afterwards: list[int] = []
        later = threading.Thread(target=lambda: afterwards.append(torch.get_num_threads()))
        later.start()
        later.join()
        assert (seen, torch.get_num_threads(), afterwards) == ({2}, 4, [4])
    finally:
        torch.set_num_threads(before)


class Spoiled:
    """A backbone whose memory holds two clips, and that fails on clips which begin with white."""

    facts = build_classical("hog", None).facts

    def open(self) -> None: ...

    def prepare(self, frames: Frames) -> torch.Tensor:
        return torch.from_numpy(frames).float()

    def parts(self, stacked: torch.Tensor) -> list[Part]:
        return [partial(self.computed, stacked)]

    def computed(self, stacked: torch.Tensor) -> torch.Tensor:
        if len(stacked) > 2:
            raise torch.OutOfMemoryError("too much")
        features = stacked.flatten(2, 3)
        features[features[:, 0, 0, 0] == 255] = float("nan")
        return features


@pytest.mark.parametrize("forward_threads", [1, 2])
def test_a_batch_that_fails_is_halved_until_the_clip_is_known(forward_threads: int) -> None:
    def clip(value: int) -> Callable[[], Frames]:
        return lambda: np.full((9, 4, 4, 3), value, np.uint8)

    reported: dict[str, Exception] = {}
    values = [(str(value), clip(value)) for value in (1, 2, 3, 255, 4, 5, 6)]
    found = described(
        values,
        Spoiled(),
        STANDARD,
        batch_clips=7,
        forward_threads=forward_threads,
        failed=reported.__setitem__,
    )
    assert [name for name, _ in found] == ["1", "2", "3", "4", "5", "6"]
    assert "255: features of frame 0 are not finite" in str(reported["255"])
