"""True motion to bytes and back, to the last bit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data import trajectory
from data.errors import ContractError
from data.schema import FloatArray, Trajectory
from tests.data.samples import motion

floats = st.floats(width=64)  # with NaN, infinities, -0.0 and subnormals
sizes = st.tuples(st.integers(1, 5), st.integers(0, 3), st.integers(0, 3))


@st.composite
def trajectories(draw: st.DrawFn) -> Trajectory:
    frames, channels, joints = draw(sizes)
    names = st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=1, max_size=9)
    return Trajectory(
        channels=draw(arrays(np.float64, (frames, channels), elements=floats)),
        channel_names=tuple(draw(st.lists(names, min_size=channels, max_size=channels))),
        joints=draw(arrays(np.float64, (frames, joints, 3), elements=floats)),
        joint_names=tuple(draw(st.lists(names, min_size=joints, max_size=joints))),
        joints_px=draw(arrays(np.float64, (frames, joints, 2), elements=floats)),
    )


def bits(array: FloatArray) -> bytes:
    return np.ascontiguousarray(array).tobytes()


@given(trajectories())
def test_every_bit_comes_back(known: Trajectory) -> None:
    back = trajectory.from_bytes(trajectory.to_bytes(known))
    assert (back.channel_names, back.joint_names) == (known.channel_names, known.joint_names)
    for name in ("channels", "joints", "joints_px"):
        assert getattr(back, name).dtype == np.float64
        assert bits(getattr(back, name)) == bits(getattr(known, name))


def test_equal_content_gives_equal_bytes_whatever_its_memory_order() -> None:
    known = motion()
    turned = dataclasses.replace(
        known, channels=np.asfortranarray(known.channels), joints=np.repeat(known.joints, 2, axis=0)[::2]
    )
    assert trajectory.to_bytes(turned) == trajectory.to_bytes(known)
    assert trajectory.to_bytes(motion(1)) != trajectory.to_bytes(known)


def test_the_clock_is_not_in_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    before = trajectory.to_bytes(motion())
    later = time.time() + 10**8
    monkeypatch.setattr(time, "time", lambda: later)
    assert trajectory.to_bytes(motion()) == before


@pytest.mark.parametrize("data", [b"", b"PK not a zip", trajectory.to_bytes(motion())[:-40]])
def test_other_bytes_are_our_bug(data: bytes) -> None:
    with pytest.raises(ContractError, match="not a stored trajectory"):
        trajectory.from_bytes(data)
