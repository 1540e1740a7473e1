"""Progress is counts; how they are shown is decided here alone."""

import io
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from rich.console import Console

from flows.progress import LogProgress, bars, watcher


def test_a_log_gets_a_line_each_tenth_and_one_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    progress = LogProgress(logging.getLogger("watched"))
    with caplog.at_level(logging.INFO, logger="watched"):
        progress.expect("clips", 200)
        for _ in range(200):
            progress.advance("clips")
    assert [record.getMessage() for record in caplog.records] == [
        f"clips: {done} of 200" for done in range(20, 201, 20)
    ]


def test_threads_lose_no_step(caplog: pytest.LogCaptureFixture) -> None:
    progress = LogProgress(logging.getLogger("watched"))
    with caplog.at_level(logging.INFO, logger="watched"):
        progress.expect("clips", 1000)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: progress.advance("clips"), range(1000)))
    assert "clips: 1000 of 1000" in [record.getMessage() for record in caplog.records]


def test_bars_show_counts_that_grow_with_what_is_expected() -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    with bars(console):
        progress = watcher.get()
        assert progress is not None
        progress.expect("clips", 2)
        progress.advance("clips")
        progress.advance("clips")
        progress.expect("clips", 1)
        progress.advance("clips")
    assert watcher.get() is None
    assert isinstance(console.file, io.StringIO)
    assert "3/3" in console.file.getvalue()
