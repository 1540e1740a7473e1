"""Motion channels start at rest, move without jerks, never stop half-way, and differ from each other."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import ConfigError
from generators.procedural.channels import CHANNEL_NAMES, columns_of
from generators.procedural.easing import ease, glide, keyed, parabola
from generators.procedural.motions import MOTIONS, motion_channels

FPS = 16
FRAMES = 80


@pytest.mark.parametrize("motion", MOTIONS)
@settings(max_examples=25)
@given(
    num_frames=st.integers(8, 160), fps=st.sampled_from([6, 8, 16, 24, 30]), seed=st.integers(0, 2**63 - 1)
)
def test_every_channel_rests_in_the_first_frame(motion: str, num_frames: int, fps: int, seed: int) -> None:
    channels, names = motion_channels(motion, num_frames, fps, seed)

    assert channels.shape == (num_frames, len(names))
    assert channels.dtype == np.float64
    assert np.isfinite(channels).all()
    assert not channels[0].any()


@pytest.mark.parametrize("motion", MOTIONS)
@pytest.mark.parametrize("seed", range(12))
def test_nothing_jumps_between_frames(motion: str, seed: int) -> None:
    fps = 120
    channels = columns_of(motion_channels(motion, 5 * fps, fps, seed)[0])

    for name, curve in channels.items():
        speed = np.abs(np.diff(curve)) * fps
        limit = {"gait_cycles": 3.0, "yaw_rad": 10.0, "squash": 9.0, "crouch": 15.0}.get(name, 20.0)
        assert speed.max() <= limit, f"{name} changes by {speed.max():.1f} a second"


@pytest.mark.parametrize("motion", MOTIONS)
@pytest.mark.parametrize("seed", range(4))
def test_a_motion_fills_its_clip(motion: str, seed: int) -> None:
    channels = motion_channels(motion, FRAMES, FPS, seed)[0]

    half_second = FPS // 2
    for start in range(half_second // 2, FRAMES - 2 * half_second, 2):
        window = channels[start : start + half_second + 1]
        assert np.ptp(window, axis=0).max() > 0.02, f"{motion} stands still at {start / FPS} s"


@pytest.mark.parametrize(("one", "other"), list(combinations(MOTIONS, 2)))
def test_two_motions_are_not_the_same_motion(one: str, other: str) -> None:
    a = motion_channels(one, FRAMES, FPS, seed=3)[0]
    b = motion_channels(other, FRAMES, FPS, seed=3)[0]

    assert np.abs(a - b).max() > 0.1


@pytest.mark.parametrize("motion", MOTIONS)
def test_the_seed_varies_a_motion_and_repeats_it(motion: str) -> None:
    first, again, other = (motion_channels(motion, FRAMES, FPS, seed)[0] for seed in (1, 1, 2))

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("motion", MOTIONS)
def test_a_motion_stays_near_its_start(motion: str) -> None:
    for seed in range(6):
        channels = columns_of(motion_channels(motion, FRAMES, FPS, seed)[0])
        assert np.hypot(channels["forward_m"], channels["left_m"]).max() < 4.0
        assert 0.0 <= channels["up_m"].min() <= channels["up_m"].max() < 0.75


@pytest.mark.parametrize("motion", ["jump", "bounce", "hop_sideways"])
def test_what_leaps_does_not_slide_while_it_stands(motion: str) -> None:
    channels = columns_of(motion_channels(motion, 600, 120, seed=4)[0])

    standing = (channels["up_m"][1:] == 0.0) & (channels["up_m"][:-1] == 0.0)
    assert 0.2 < standing.mean() < 0.9
    for name in ("forward_m", "left_m"):
        assert np.abs(np.diff(channels[name]))[standing].max() < 1e-9


def test_an_unknown_motion_is_refused_with_the_nearest_right_one() -> None:
    with pytest.raises(ConfigError, match=r"motion 'wlak'.*zigzag.*Did you mean 'walk'\?"):
        motion_channels("wlak", FRAMES, FPS, seed=0)


def test_channel_names_are_unique() -> None:
    assert len(set(CHANNEL_NAMES)) == len(CHANNEL_NAMES)


@given(ramp=st.floats(0.02, 0.5), points=st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_a_glide_goes_from_0_to_1_and_never_back(ramp: float, points: list[float]) -> None:
    u = np.sort(np.array(points))
    curve = glide(u, ramp)

    assert (np.diff(curve) >= -1e-12).all()
    np.testing.assert_allclose(glide(np.array([0.0, 0.5, 1.0]), ramp), [0.0, 0.5, 1.0], atol=1e-12)
    np.testing.assert_allclose(curve + glide(1.0 - u, ramp), 1.0, atol=1e-9)


@given(ramp=st.floats(0.05, 0.5))
def test_a_glide_is_as_fast_in_the_middle_as_its_ramps_make_it(ramp: float) -> None:
    step = 1e-6
    middle = (glide(0.5, ramp) - glide(0.5 - step, ramp)) / step
    start = (glide(step, ramp) - glide(0.0, ramp)) / step

    np.testing.assert_allclose(middle, 1.0 / (1.0 - ramp), rtol=1e-3)
    assert start < 1e-3


@given(st.floats(-1, 2))
def test_ease_stays_between_its_ends(u: float) -> None:
    assert 0.0 <= ease(u) <= 1.0
    np.testing.assert_allclose(ease(u) + ease(1.0 - u), 1.0, atol=1e-12)


def test_a_keyed_curve_passes_its_keys() -> None:
    keys = ((0.0, 0.0), (0.3, 2.0), (0.5, -1.0), (1.0, 0.5))
    np.testing.assert_allclose(keyed(np.array([t for t, _ in keys]), *keys), [v for _, v in keys])


def test_a_throw_is_highest_half_way() -> None:
    np.testing.assert_allclose(parabola(np.array([0.1, 0.2, 0.4, 0.6, 0.9]), 0.2, 0.6), [0, 0, 1, 0, 0])


@pytest.mark.parametrize("motion", MOTIONS)
def test_no_two_seeds_move_exactly_alike(motion: str) -> None:
    """Two triplets of one motion would otherwise be each other's positives."""
    assert len({motion_channels(motion, 16, 8, seed)[0].tobytes() for seed in range(50)}) == 50
