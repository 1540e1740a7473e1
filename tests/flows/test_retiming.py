"""New timing for given frames: positions, segments and their joins, and passes that correct the result."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.schema import FloatArray, Frames
from flows.retiming import Measure, Timeline, joined, retime, rms
from generators.inbetween import SourceFrames
from moments.errors import FeatureError
from moments.pacing import exp_up, linear
from moments.progress import SemanticProgress, semantic_progress
from moments.segments import segments_by_count


def numbered(num_frames: int) -> Frames:
    """Frames of 2 × 2 pixels that say which they are; a blend of two says how far it lies between."""
    return np.broadcast_to(
        np.arange(num_frames, dtype=np.uint8)[:, None, None, None], (num_frames, 2, 2, 3)
    ).copy()


def on_a_circle(angle_of: FloatArray) -> Measure:
    """A backbone for which the frame of number n lies at ``angle_of[n]`` on a great circle."""

    def measure(frames: Frames) -> SemanticProgress:
        angles = np.interp(frames[:, 0, 0, 0], np.arange(len(angle_of)), angle_of)
        return semantic_progress(np.stack([np.cos(angles), np.sin(angles)], axis=1))

    return measure


class Ends:
    """A generative in-betweener: it sees the two ends and a number, and leaves a trace of both."""

    def __init__(self, frame_step: int) -> None:
        self.frame_step = frame_step
        self.asked: list[tuple[int, int, int]] = []

    def between(self, source: Frames, positions: FloatArray) -> Frames:
        self.asked.append((int(source[0, 0, 0, 0]), int(source[-1, 0, 0, 0]), len(positions)))
        made = np.linspace(source[0].astype(float), source[-1].astype(float), len(positions))
        return np.rint(made).astype(np.uint8)


STEP = np.interp(np.arange(101), [0, 50, 60, 100], [0, 0.1, 1.1, 1.2])


def test_resampling_shows_equal_change_in_every_frame() -> None:
    measure = on_a_circle(STEP)
    source = numbered(101)
    made = retime(source, measure(source), linear, 41, (), SourceFrames("blend"), measure, 1)
    true = np.interp(np.linspace(0, 1.2, 41), STEP, np.arange(101))
    np.testing.assert_allclose(made.positions, true, atol=1.0)
    assert made.positions[0] == 0
    assert made.positions[-1] == 100
    assert (np.diff(made.positions) > 0).all()
    np.testing.assert_array_equal(made.frames[:, 0, 0, 0], np.rint(made.positions))


def test_another_target_is_followed_as_well() -> None:
    measure = on_a_circle(STEP)
    source = numbered(101)
    made = retime(source, measure(source), exp_up, 60, (), SourceFrames("nearest"), measure, 3)
    wanted = exp_up(np.linspace(0, 1, 60, dtype=np.float64))
    assert rms(made.pace.progress - wanted) == min(made.deviations)
    assert min(made.deviations) < rms(np.linspace(0, 1, 60) - wanted) / 5


def test_a_second_pass_corrects_what_the_first_one_could_not_know() -> None:
    """Between two far frames a fade is no straight way: half way in pixels is not half way in angle."""
    angles = np.array([0.0, 0.1, 1.3, 1.4])

    def measure(frames: Frames) -> SemanticProgress:
        level = np.interp(frames[:, 0, 0, 0], np.arange(0, 256, 85), np.arange(4))
        whole = np.floor(level).astype(int).clip(0, 2)
        share = (level - whole) ** 3  # what the fade looks like
        here = angles[whole] + share * (angles[whole + 1] - angles[whole])
        return semantic_progress(np.stack([np.cos(here), np.sin(here)], axis=1))

    source = (85 * numbered(4)).astype(np.uint8)
    once = retime(source, measure(source), linear, 40, (), SourceFrames("blend"), measure, 1)
    often = retime(source, measure(source), linear, 40, (), SourceFrames("blend"), measure, 6)
    assert often.deviations[0] == once.deviations[0]
    assert min(often.deviations) < once.deviations[0] / 2
    assert rms(often.pace.progress - np.linspace(0, 1, 40)) == min(often.deviations)


def test_segments_share_their_keyframe_and_show_it_once() -> None:
    measure = on_a_circle(STEP)
    source = numbered(101)
    pace = measure(source)
    cuts = segments_by_count(pace.unsmoothed, 3)
    made = retime(source, pace, linear, 81, cuts, SourceFrames("blend"), measure, 1)
    assert len(made.frames) == len(made.positions) == sum(made.budgets) - 2 == 81
    seams = np.cumsum([0, *(budget - 1 for budget in made.budgets)])
    np.testing.assert_allclose(made.positions[seams], [0, *(cut.end for cut in cuts)])
    steps = np.diff(made.positions)
    assert (steps > 0).all()  # no frame twice
    for start, end, cut in zip(seams[:-1], seams[1:], cuts, strict=True):  # none left out: one speed each
        np.testing.assert_allclose(steps[start:end], (cut.end - cut.start) / (end - start))


def test_segments_last_as_long_as_their_share_of_the_change() -> None:
    measure = on_a_circle(STEP)
    source = numbered(101)
    pace = measure(source)
    cuts = segments_by_count(pace.unsmoothed, 3)
    assert [cut.end for cut in cuts] == [50, 60, 100]
    made = retime(source, pace, linear, 121, cuts, SourceFrames("blend"), measure, 1)
    np.testing.assert_allclose(np.array(made.budgets) - 1, [10, 100, 10], atol=1)


def test_a_generative_in_betweener_gets_keyframes_and_numbers_that_it_accepts() -> None:
    measure = on_a_circle(STEP)
    source = numbered(101)
    pace = measure(source)
    cuts = segments_by_count(pace.unsmoothed, 3)
    ends = Ends(frame_step=4)
    made = retime(source, pace, linear, 81, cuts, ends, measure, 1)
    assert [(first, last) for first, last, _ in ends.asked] == [(0, 50), (50, 60), (60, 100)]
    assert all(count % 4 == 1 for _, _, count in ends.asked)
    numbers = made.frames[:, 0, 0, 0]
    assert len(numbers) == 81
    for keyframe in (50, 60):
        assert np.count_nonzero(numbers == keyframe) >= 1
    seams = np.cumsum([count - 1 for _, _, count in ends.asked])
    assert numbers[seams].tolist() == [50, 60, 100]


def test_too_few_frames_for_the_segments_are_refused() -> None:
    measure = on_a_circle(STEP)
    source = numbered(101)
    pace = measure(source)
    with pytest.raises(FeatureError, match="fewer segments or more frames"):
        retime(source, pace, linear, 3, segments_by_count(pace.unsmoothed, 4), SourceFrames(), measure, 1)


@given(st.lists(st.integers(2, 6), min_size=1, max_size=6))
def test_joining_neither_doubles_nor_drops(budgets: list[int]) -> None:
    seams = np.cumsum([0, *(budget - 1 for budget in budgets)])
    parts = [np.arange(seams[k], seams[k + 1] + 1, dtype=np.float64) for k in range(len(budgets))]
    np.testing.assert_array_equal(joined(parts), np.arange(seams[-1] + 1.0))


def test_a_timeline_of_more_frames_than_the_source_knows_where_they_lie() -> None:
    positions = np.linspace(0, 10, 101, dtype=np.float64)
    angles = np.linspace(0, 1, 101)
    pace = semantic_progress(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    np.testing.assert_allclose(Timeline(positions, pace).resampled(linear, 11), np.arange(11.0), atol=1e-3)
