"""Clips that the opened WAN makes together are those it makes alone, within rounding."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from data.errors import SampleRejected
from data.schema import Frames
from generators import wan_model, wan_vae
from generators.wan_model import WanModel
from tests.generators.wan_shots import SIZE, STEPS, four_shots, opened, picture, shot

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def model(tiny_wan_folder: Path) -> WanModel:
    return opened(tiny_wan_folder)


@pytest.mark.parametrize("folder", ["tiny_wan_folder", "tiny_wan_5b_folder"])
@pytest.mark.parametrize("settings", [{}, {"memory": "group_offload"}])
def test_clips_of_a_batch_are_those_made_alone_within_one_level(
    folder: str, settings: dict[str, Any], calls: list[int], request: pytest.FixtureRequest
) -> None:
    alone, together = (
        list(opened(request.getfixturevalue(folder), batch=batch, **settings).clips(four_shots()))
        for batch in (1, 3)
    )

    assert calls == [1, 1, 1, 1, 3, 1]
    for one, other in zip(alone, together, strict=True):
        assert np.abs(one.astype(int) - other).max() <= 1
    np.testing.assert_array_equal(together[3], alone[3])  # the last was alone in its call


def test_a_batch_of_one_changes_no_bit(model: WanModel) -> None:
    together = list(model.clips(four_shots()))

    for made, each in zip(together, four_shots(), strict=True):
        np.testing.assert_array_equal(made, model.frames(each))


def test_each_clip_of_a_batch_keeps_its_own_last_frame(model: WanModel, tiny_wan_folder: Path) -> None:
    shots = [shot(last=picture(5)), shot(last=picture(6))]

    for made, each in zip(opened(tiny_wan_folder, batch=2).clips(shots), shots, strict=True):
        assert np.abs(made.astype(int) - model.frames(each)).max() <= 1


def test_only_neighbours_of_one_shape_share_a_call(tiny_wan_folder: Path, calls: list[int]) -> None:
    wide = picture(0, SIZE, 2 * SIZE)
    shots = [shot(), shot(seed=2), shot(first=wide), shot(), shot(last=picture(1)), shot(num_frames=5)]

    clips = list(opened(tiny_wan_folder, batch=4).clips(shots))

    assert calls == [2, 1, 1, 1, 1]
    assert [clip.shape[:3] for clip in clips] == [(each.num_frames, *each.first.shape[:2]) for each in shots]


def test_bent_time_is_made_alone(tiny_wan_folder: Path, model: WanModel, calls: list[int]) -> None:
    bent = shot(positions=lambda _: np.tile(np.arange(3.0) / 2, (4, 1)))

    clips = list(opened(tiny_wan_folder, batch=3).clips([shot(), bent, bent]))

    assert calls == [1, 1, 1]
    np.testing.assert_array_equal(clips[1], model.frames(bent))


@pytest.mark.parametrize("batch", [1, 2, 3, 8])
def test_steps_are_reported_for_each_clip_whatever_the_batch(tiny_wan_folder: Path, batch: int) -> None:
    steps: list[int] = []

    list(opened(tiny_wan_folder, batch=batch).clips(four_shots(), lambda: steps.append(1)))

    assert len(steps) == 4 * STEPS


def test_where_memory_takes_no_batch_clips_are_made_alone_and_steps_told_once(
    tiny_wan_folder: Path, model: WanModel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    together = opened(tiny_wan_folder, batch=4)
    forward = type(together._pipeline.transformer_2).forward

    def exhausted_by_several(self: Any, hidden_states: torch.Tensor, **kwargs: Any) -> Any:
        if len(hidden_states) > 1 and self is together._pipeline.transformer_2:
            raise torch.OutOfMemoryError
        return forward(self, hidden_states=hidden_states, **kwargs)

    monkeypatch.setattr(type(together._pipeline.transformer_2), "forward", exhausted_by_several)
    steps: list[int] = []

    clips = list(together.clips(four_shots(), lambda: steps.append(1)))

    assert "memory ran out with several clips a call; going on with one" in caplog.text
    assert len(steps) == 4 * STEPS
    for made, each in zip(clips, four_shots(), strict=True):
        np.testing.assert_array_equal(made, model.frames(each))


def test_a_batch_that_memory_does_not_take_is_lowered_with_a_word(
    tiny_wan_folder: Path,
    calls: list[int],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Twelve tokens of a clip take 4.6 MB beside 1.6 MB of weights: two fit, a third does not.
    monkeypatch.setattr(wan_model, "_free_bytes", lambda _device: 13e6)
    caplog.set_level("INFO")

    list(opened(tiny_wan_folder, batch=4, memory="resident").clips(four_shots()))

    assert calls == [2, 2]
    assert "2 clips a call" in caplog.text
    assert "memory does not take 4" in caplog.text


def test_only_the_clip_of_a_batch_that_is_not_finite_is_rejected(
    tiny_wan_folder: Path, model: WanModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = wan_vae.decoded
    left = [2]

    def broken_third(pipeline: Any, latents: torch.Tensor) -> Frames | None:
        left[0] -= 1
        return None if left[0] < 0 else decode(pipeline, latents)

    monkeypatch.setattr(wan_model, "decoded", broken_third)
    clips = opened(tiny_wan_folder, batch=4).clips(four_shots())

    assert [next(clips).shape, next(clips).shape] == [(9, SIZE, SIZE, 3)] * 2
    with pytest.raises(SampleRejected):
        next(clips)
