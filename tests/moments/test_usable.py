"""What cannot be part of a triplet is told from what can."""

from __future__ import annotations

import numpy as np
import pytest

from moments.errors import FeatureError
from moments.usable import unusable
from tests.moments.real_footage import FPS, pool


def test_rendered_motion_is_usable() -> None:
    verdicts = {clip_id: unusable(frames, FPS) for clip_id, (_, frames) in pool().items()}
    assert {clip_id: verdict for clip_id, verdict in verdicts.items() if verdict} == {}


def test_a_still_a_dark_and_a_cut_clip_are_not() -> None:
    first, second = pool()["0-0-0"][1], pool()["1-0-0"][1]
    assert unusable(np.repeat(first[:1], 24, axis=0), FPS) == ("static",)
    assert unusable(first[:1], FPS) == ("static",)
    assert "black_frames" in unusable(np.concatenate([first[:-2], np.zeros_like(first[:2])]), FPS)
    assert unusable(np.concatenate([first[:12], second[12:]]), FPS) == ("hard_cut",)


def test_frames_of_another_shape_are_refused() -> None:
    with pytest.raises(FeatureError):
        unusable(np.zeros((4, 8, 8), np.uint8), FPS)
