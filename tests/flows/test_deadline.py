"""A run in which nothing moves is ended with words; one that takes steps is not."""

import threading

from flows.deadline import moving
from flows.progress import watcher


class Shown:
    """Progress as it was passed on."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, int]] = []

    def expect(self, stage: str, pieces: int) -> None:
        self.heard.append((stage, pieces))

    def advance(self, stage: str) -> None:
        self.heard.append((stage, -1))


def test_a_run_that_stands_still_is_ended_and_told_what_to_do() -> None:
    ended, said = threading.Event(), list[str]()

    def end(message: str) -> None:
        said.append(message)
        ended.set()

    with moving(Shown(), 0.0001, end):
        assert ended.wait(60)
    assert said[0].startswith("no progress for")
    assert "a backend hangs. Run the same command again" in said[0]
    assert "no_progress_minutes" in said[0]


def test_progress_is_passed_on_and_reaches_the_steps_of_backends() -> None:
    shown, said = Shown(), list[str]()
    with moving(shown, 60, said.append) as progress:
        progress.expect("clips", 2)
        seen = watcher.get()
        assert seen is not None
        seen.advance("denoising")
    assert shown.heard == [("clips", 2), ("denoising", -1)]
    assert watcher.get() is None
    assert not said


def test_the_watch_ends_with_its_block() -> None:
    with moving(Shown(), 60, lambda _: None):
        assert _watches() == 1
    for thread in threading.enumerate():
        if thread.name == "no-progress":
            thread.join(60)
    assert _watches() == 0


def _watches() -> int:
    return sum(thread.name == "no-progress" for thread in threading.enumerate())
