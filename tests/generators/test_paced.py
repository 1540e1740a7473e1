"""Sequences of known pace show what their course says, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from data.errors import ConfigError, ContractError
from generators.procedural.paced import PROFILES, paced_sequence

TIME = np.linspace(0.0, 1.0, 9)


@pytest.mark.parametrize("kind", ["turntable", "slide", "morph"])
def test_equal_progress_is_an_equal_picture_and_other_progress_another(kind: str) -> None:
    frames = paced_sequence(kind, np.array([0.0, 0.5, 0.5, 1.0]), 64)  # type: ignore[arg-type]
    assert frames.shape == (4, 64, 64, 3)
    np.testing.assert_array_equal(frames[1], frames[2])
    for one, other in ((0, 1), (1, 3), (0, 3)):
        assert np.abs(frames[one].astype(int) - frames[other]).max() > 30


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_profiles_run_from_0_to_1_and_never_fall(profile: object) -> None:
    course = profile(TIME)  # type: ignore[operator]
    assert (course[0], course[-1]) == pytest.approx((0.0, 1.0))
    assert (np.diff(course) >= 0.0).all()


def test_a_distraction_changes_pixels_alone() -> None:
    course = np.array([0.0, 0.0, 1.0, 1.0])
    plain = paced_sequence("morph", course, 64)
    distracted = paced_sequence("morph", course, 64, distracted=True)
    np.testing.assert_array_equal(plain[0], plain[1])
    assert (distracted[0] != distracted[1]).mean() > 0.5
    np.testing.assert_allclose(distracted.mean((1, 2)), plain.mean((1, 2)), atol=1.5)


def test_what_is_not_a_course_is_refused() -> None:
    with pytest.raises(ContractError, match=r"must be \(T,\) in \[0, 1\]"):
        paced_sequence("slide", np.array([0.0, 1.1]), 64)
    with pytest.raises(ConfigError, match="turntable, slide, morph"):
        paced_sequence("jump", TIME, 64)  # type: ignore[arg-type]
