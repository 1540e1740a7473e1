"""The loop of ReTime: plain first, then again as long as it helps."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.retime import Pace, retime
from moments.retime import TimeWarp


@dataclass(frozen=True)
class Count:
    """A warp that counts its refinements and keeps what they were asked with."""

    refinements: int = 0
    tau: float = 0.0

    def refined(self, tau_frames: np.ndarray) -> "Count":
        return replace(self, refinements=self.refinements + 1, tau=float(tau_frames[0]))


def run(deviations: list[float], passes: int = 3):  # type: ignore[no-untyped-def]
    """Clips are the number of refinements behind them; each is measured as ``deviations`` says."""
    made: list[int] = []

    def generate(warp: Count | None) -> int:
        assert (warp is None) == (not made), "the first clip is plain, and no other"
        made.append(0 if warp is None else warp.refinements)
        return made[-1]

    def measure(clip: int) -> Pace:
        return Pace(deviations[clip], np.array([clip + 0.5]))

    return retime(generate, measure, Count(), passes), made


def test_three_passes_follow_the_plain_clip() -> None:
    result, made = run([0.4, 0.3, 0.2, 0.1, 0.05])
    assert made == [0, 1, 2, 3]
    assert result.deviations == (0.4, 0.3, 0.2, 0.1)
    assert (result.clip, result.best, result.stopped_early) == (3, 3, False)
    assert result.warp == Count(3, tau=2.5)


def test_it_stops_at_the_first_pass_that_does_not_help_and_keeps_the_one_before() -> None:
    result, made = run([0.4, 0.2, 0.2, 0.1])
    assert made == [0, 1, 2]
    assert result.deviations == (0.4, 0.2, 0.2)
    assert (result.clip, result.best, result.stopped_early) == (1, 1, True)
    assert result.warp == Count(1, tau=0.5)


def test_the_plain_clip_is_kept_when_no_warp_helps() -> None:
    result, _ = run([0.1, 0.2, 0.0, 0.0])
    assert (result.clip, result.warp, result.best, result.stopped_early) == (0, None, 0, True)


def test_a_measure_that_fails_on_a_pass_does_not_count_as_better() -> None:
    result, _ = run([0.1, float("nan"), 0.0])
    assert (result.clip, result.stopped_early) == (0, True)


def test_an_even_clip_is_left_alone() -> None:
    result, made = run([0.0, 0.0])
    assert made == [0]
    assert (result.deviations, result.stopped_early) == ((0.0,), False)


def test_no_passes_is_the_plain_clip() -> None:
    result, made = run([0.4], passes=0)
    assert made == [0]
    assert (result.clip, result.warp) == (0, None)


def test_a_negative_number_of_passes_is_refused() -> None:
    with pytest.raises(ValueError, match="-1 passes"):
        run([0.4], passes=-1)


@given(st.lists(st.floats(0, 10), min_size=9, max_size=9), st.integers(0, 8))
def test_the_clip_has_the_lowest_deviation_of_all_that_were_made(
    deviations: list[float], passes: int
) -> None:
    result, made = run(deviations, passes)
    assert len(result.deviations) == len(made) <= passes + 1
    assert deviations[result.clip] == result.deviations[result.best] == min(result.deviations)


def test_a_model_that_obeys_its_positions_ends_nearly_even() -> None:
    # A model whose content at each frame is that of the frame it is told to be, at the mean over bands.
    frames = 81
    pacing = np.linspace(0, 1, frames) ** 3

    def generate(warp: TimeWarp | None) -> np.ndarray:
        if warp is None:
            return pacing
        told = np.interp(np.arange(frames) / 4, np.arange(21), warp.positions(1).mean(0)) * 4
        return np.interp(told, np.arange(frames), pacing)

    def measure(progress: np.ndarray) -> Pace:
        line = np.linspace(0, 1, frames)
        tau = np.interp(line, progress, np.arange(frames))
        return Pace(float(np.sqrt(np.mean((progress - line) ** 2))), tau)

    result = retime(generate, measure, TimeWarp(np.zeros(frames)))
    assert len(result.deviations) == 4
    assert result.deviations[-1] < result.deviations[0] / 5
