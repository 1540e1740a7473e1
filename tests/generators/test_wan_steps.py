"""A step of a clip is told once, however often the clip is begun anew."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from generators.wan_steps import Steps


@given(
    failures=st.lists(st.tuples(st.integers(1, 4), st.integers(0, 5)), max_size=4),
    ways=st.lists(st.integers(1, 4), min_size=1, max_size=4),
)
def test_attempts_that_failed_are_not_counted(failures: list[tuple[int, int]], ways: list[int]) -> None:
    """``failures``: clips a call and the steps it came to; ``ways``: clips of the calls that went well."""
    length = 6
    told: list[int] = []
    steps = Steps(lambda: told.append(1))
    for clips, taken in failures:
        with suppress(MemoryError), steps.attempt():
            for _ in range(taken):
                steps.of(min(clips, sum(ways)))(None)
            raise MemoryError
    for clips in ways:
        with steps.attempt():
            for _ in range(length):
                assert steps.of(clips)("pipeline", 0, 999, {}) == {}

    assert len(told) == length * sum(ways)


def test_what_a_failed_attempt_told_is_told_at_once() -> None:
    told: list[int] = []
    steps = Steps(lambda: told.append(1))

    with suppress(MemoryError), steps.attempt():
        steps.of(2)()
        assert len(told) == 2
        raise MemoryError
    with steps.attempt():
        steps.of(1)()
        steps.of(1)()
        assert len(told) == 2
        steps.of(1)()
    assert len(told) == 3
