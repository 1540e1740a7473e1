"""Every error crosses the border between processes whole."""

import pickle
from collections.abc import Iterator

import pytest

from data.errors import SampleRejected, SimMotionError, Throttled, VideoError

SPECIAL: dict[type[SimMotionError], SimMotionError] = {
    VideoError: VideoError("a.mp4", "truncated", "a.mp4: ends at frame 3"),
    Throttled: Throttled("too many requests", retry_after_seconds=2.5),
    SampleRejected: SampleRejected("static", "nothing moves", remedy="rewrite"),
}


def _kinds(kind: type[SimMotionError]) -> Iterator[type[SimMotionError]]:
    yield kind
    for narrower in kind.__subclasses__():
        if narrower.__module__ == "data.errors":
            yield from _kinds(narrower)


@pytest.mark.parametrize("kind", list(_kinds(SimMotionError)), ids=lambda kind: kind.__name__)
def test_an_error_survives_the_way_to_another_process(kind: type[SimMotionError]) -> None:
    error = SPECIAL.get(kind) or kind("something is wrong with 'a'")
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert (str(back), vars(back)) == (str(error), vars(error))
