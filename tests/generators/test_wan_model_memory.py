"""The opened WAN where memory is short: fewer weights on the device, tiles, or clear words."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKLWan, WanImageToVideoPipeline

from data.errors import ConfigError
from data.schema import Frames
from generators import wan_model, wan_vae
from generators.wan_memory import Placement
from generators.wan_model import WanModel
from tests.generators.wan_shots import SIZE, opened, picture, shot

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def model(tiny_wan_folder: Path) -> WanModel:
    return opened(tiny_wan_folder)


@pytest.fixture(scope="module")
def plain(model: WanModel) -> Frames:
    return model.frames(shot())


def test_memory_that_runs_out_is_said_with_what_to_do(
    tiny_wan_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_args: Any, **_kwargs: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB\nadvice")

    model = opened(tiny_wan_folder)
    with monkeypatch.context() as patch:
        patch.setattr(WanImageToVideoPipeline, "__call__", exhausted)
        with pytest.raises(
            ConfigError, match=r"32 x 32 px, 9 frames with memory: resident .*20 GiB\); set memory: g"
        ):
            model.frames(shot())
    assert model.frames(shot()).shape == (9, SIZE, SIZE, 3)


def test_a_clip_for_which_memory_ran_out_is_made_with_fewer_weights_on_the_device(
    tiny_wan_folder: Path, plain: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = opened(tiny_wan_folder)
    monkeypatch.setattr(model, "_possible", lambda shape: ["resident", "group_offload"])
    made, lay_out = WanImageToVideoPipeline.__call__, wan_model.put
    tried: list[str] = []

    def noted(pipeline: Any, placement: Placement, device: torch.device) -> None:
        tried.append(placement)
        lay_out(pipeline, placement, device)

    def exhausted_when_resident(self: Any, *args: Any, **kwargs: Any) -> Any:
        if tried[-1] == "resident":
            raise torch.OutOfMemoryError
        return made(self, *args, **kwargs)

    monkeypatch.setattr(wan_model, "put", noted)
    monkeypatch.setattr(WanImageToVideoPipeline, "__call__", exhausted_when_resident)

    np.testing.assert_array_equal(model.frames(shot()), plain)
    np.testing.assert_array_equal(model.frames(shot()), plain)
    assert tried == ["resident", "group_offload"]


def test_memory_that_runs_out_while_prompts_are_read_is_the_clips_matter(
    tiny_wan_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_args: Any, **_kwargs: Any) -> None:
        raise torch.OutOfMemoryError

    model = opened(tiny_wan_folder)
    monkeypatch.setattr("transformers.UMT5EncoderModel.forward", exhausted)

    model.read(["a dog runs"])
    with pytest.raises(ConfigError, match="memory ran out"):
        model.frames(shot())


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles so small that a tiny canvas has several."""
    monkeypatch.setattr(wan_vae, "TILE_PX", 32)
    monkeypatch.setattr(wan_vae, "STRIDE_PX", 16)


@pytest.fixture
def in_tiles(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What diffusers' autoencoder did in tiles."""
    found: list[str] = []
    for name in ("tiled_encode", "tiled_decode"):
        work = getattr(AutoencoderKLWan, name)

        def noted(self: Any, *args: Any, name: str = name, work: Any = work, **kwargs: Any) -> Any:
            found.append(name)
            return work(self, *args, **kwargs)

        monkeypatch.setattr(AutoencoderKLWan, name, noted)
    return found


WIDE = shot(first=picture(0, SIZE, 2 * SIZE))


@pytest.mark.usefixtures("small_tiles")
def test_with_room_enough_nothing_is_done_in_tiles(
    tiny_wan_folder: Path, in_tiles: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wan_model, "_free_bytes", lambda _device: 1e9)

    opened(tiny_wan_folder, memory="resident").frames(WIDE)

    assert in_tiles == []


@pytest.mark.usefixtures("small_tiles")
def test_without_room_the_autoencoder_works_in_tiles_and_says_so(
    tiny_wan_folder: Path,
    in_tiles: list[str],
    model: WanModel,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    expected = model.frames(WIDE)
    monkeypatch.setattr(wan_model, "_free_bytes", lambda _device: 1e6)
    caplog.set_level("INFO")
    short = opened(tiny_wan_folder, memory="resident")

    found = short.frames(WIDE)

    assert in_tiles == ["tiled_encode", "tiled_decode"]
    assert "autoencoder in tiles to encode and decode" in caplog.text
    assert not np.array_equal(found, expected)
    # Tiles of 32 px, random weights that see far, and a spread of 30 levels.
    assert np.abs(found.astype(int) - expected).mean() <= 12


def test_tiles_of_their_usual_size_change_the_clip_by_less_than_a_level(
    tiny_wan_folder: Path, in_tiles: list[str], model: WanModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = shot(first=picture(0, 32, 384), num_frames=5)
    expected = model.frames(large)
    monkeypatch.setattr(wan_model, "_free_bytes", lambda _device: 1e6)

    found = opened(tiny_wan_folder, memory="resident").frames(large)

    assert in_tiles == ["tiled_encode", "tiled_decode"]
    assert np.abs(found.astype(int) - expected).mean() <= 1


def exhausted_at_once(monkeypatch: pytest.MonkeyPatch, *, also_in_tiles: bool = False) -> list[bool]:
    """The autoencoder's decoding runs out of memory; whether it worked in tiles, for each try."""
    decode, tried = AutoencoderKLWan.decode, list[bool]()

    def short_of_memory(self: Any, *args: Any, **kwargs: Any) -> Any:
        tried.append(self.use_tiling)
        if also_in_tiles or not self.use_tiling:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 11 GiB")
        return decode(self, *args, **kwargs)

    monkeypatch.setattr(AutoencoderKLWan, "decode", short_of_memory)
    return tried


@pytest.mark.usefixtures("small_tiles")
def test_decoding_that_runs_out_of_memory_goes_on_in_tiles_without_another_step(
    tiny_wan_folder: Path,
    in_tiles: list[str],
    calls: list[int],
    model: WanModel,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    expected = model.frames(WIDE)
    calls.clear()
    tried = exhausted_at_once(monkeypatch)
    short = opened(tiny_wan_folder)

    found = [short.frames(WIDE) for _ in range(2)]

    assert tried == [False, True, True]  # it is remembered for clips of this shape
    assert in_tiles == ["tiled_decode"] * 2
    assert calls == [1, 1]
    assert "memory ran out in the autoencoder; decoding 64 x 32 px, 9 frames in tiles" in caplog.text
    np.testing.assert_array_equal(found[0], found[1])
    assert np.abs(found[0].astype(int) - expected).mean() <= 12


def test_decoding_that_runs_out_in_tiles_too_is_said_with_what_to_do(
    tiny_wan_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = exhausted_at_once(monkeypatch, also_in_tiles=True)

    with pytest.raises(ConfigError, match=r"memory ran out at 64 x 32 px.*11 GiB\); set memory: group"):
        opened(tiny_wan_folder).frames(WIDE)
    assert tried == [False, True]
