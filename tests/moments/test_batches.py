"""Many clips at once give what each gives alone, in order, and errors say which clip."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from moments.batches import described
from moments.classical import build_classical
from moments.descriptors import FRAMES, STANDARD, Variant, describe
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


@pytest.mark.parametrize("batch_clips", [1, 2, 5])
def test_a_batch_gives_what_each_clip_gives_alone(batch_clips: int) -> None:
    hog = build_classical("hog", None)
    hog.open()
    found = list(described(clips(), hog, STANDARD, batch_clips=batch_clips))
    assert [name for name, _ in found] == [f"clip {index}" for index in range(5)]
    for (_, load), (_, rows) in zip(clips(), found, strict=True):
        alone = describe(hog.features(hog.prepare(load())[None]), STANDARD)
        for key in (str(Variant()), FRAMES):
            torch.testing.assert_close(rows[key], alone[key][0], atol=1e-6, rtol=1e-6)


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


def test_clips_that_fail_are_reported_and_the_rest_goes_on() -> None:
    def fail() -> Frames:
        raise OSError("no such clip")

    wrong = [("gone.mp4", fail), clips()[0], ("grey.mp4", lambda: np.zeros((3, 8, 8), np.uint8)), clips()[1]]
    reported: dict[str, Exception] = {}
    found = described(wrong, build_classical("hog", None), STANDARD, failed=reported.__setitem__)
    assert [name for name, _ in found] == ["clip 0", "clip 1"]
    assert list(reported) == ["gone.mp4", "grey.mp4"]


def test_one_batch_is_in_the_backbone_at_a_time() -> None:
    """Each would need the memory of its activations."""
    inside: list[int] = []
    lock = threading.Lock()

    class Counting(Spoiled):
        def features(self, stacked: torch.Tensor) -> Iterator[torch.Tensor]:
            assert lock.acquire(blocking=False)
            inside.append(len(stacked))
            yield stacked.flatten(2, 3)
            lock.release()

    list(described(clips(), Counting(), STANDARD, decode_threads=3))
    assert inside == [1] * 5


class Spoiled:
    """A backbone whose memory holds two clips, and that fails on clips which begin with white."""

    facts = build_classical("hog", None).facts

    def open(self) -> None: ...

    def prepare(self, frames: Frames) -> torch.Tensor:
        return torch.from_numpy(frames).float()

    def features(self, stacked: torch.Tensor) -> Iterator[torch.Tensor]:
        if len(stacked) > 2:
            raise torch.OutOfMemoryError("too much")
        features = stacked.flatten(2, 3)
        features[features[:, 0, 0, 0] == 255] = float("nan")
        yield features


def test_a_batch_that_fails_is_halved_until_the_clip_is_known() -> None:
    def clip(value: int) -> Callable[[], Frames]:
        return lambda: np.full((9, 4, 4, 3), value, np.uint8)

    reported: dict[str, Exception] = {}
    values = [(str(value), clip(value)) for value in (1, 2, 3, 255, 4, 5, 6)]
    found = described(values, Spoiled(), STANDARD, batch_clips=7, failed=reported.__setitem__)
    assert [name for name, _ in found] == ["1", "2", "3", "4", "5", "6"]
    assert "255: features of frame 0 are not finite" in str(reported["255"])
