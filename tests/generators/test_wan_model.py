"""The opened WAN: diffusers' own clips bit for bit, and clear words for what cannot be made."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import UniPCMultistepScheduler, WanImageToVideoPipeline
from PIL import Image

from data.errors import ConfigError, SampleRejected
from data.schema import Frames
from generators import wan_memory, wan_model
from generators.wan_model import WanModel
from generators.wan_shot import Shot
from generators.wan_words import avoided
from tests.generators.wan_shots import SIZE, STEPS, opened, picture, shot

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def model(tiny_wan_folder: Path) -> WanModel:
    return opened(tiny_wan_folder)


@pytest.fixture(scope="module")
def plain(model: WanModel) -> Frames:
    return model.frames(shot())


def stock(folder: Path, made: Shot, **settings: Any) -> Frames:
    """The same clip by diffusers alone, as its documentation calls it."""
    pipeline: Any = WanImageToVideoPipeline.from_pretrained(
        folder, local_files_only=True, dtype=torch.float32
    )
    pipeline.set_progress_bar_config(disable=True)
    pipeline.scheduler = UniPCMultistepScheduler.from_config(pipeline.scheduler.config, flow_shift=5.0)
    height, width, _ = made.first.shape
    video = pipeline(
        image=Image.fromarray(made.first),
        prompt=made.prompt,
        negative_prompt=avoided(),
        height=height,
        width=width,
        num_frames=made.num_frames,
        num_inference_steps=STEPS,
        generator=torch.Generator("cpu").manual_seed(made.seed),
        **settings,
    ).frames[0]
    return (video * 255).round().astype(np.uint8)


def test_a_clip_is_the_one_that_diffusers_makes(tiny_wan_folder: Path, model: WanModel) -> None:
    made = shot(first=picture(3, SIZE, 2 * SIZE))

    np.testing.assert_array_equal(model.frames(made), stock(tiny_wan_folder, made, guidance_scale=3.5))


def test_guidance_is_of_the_high_noise_expert_first(tiny_wan_folder: Path) -> None:
    uneven = opened(tiny_wan_folder, guidance=(2.0, 6.0)).frames(shot())

    np.testing.assert_array_equal(
        uneven, stock(tiny_wan_folder, shot(), guidance_scale=2.0, guidance_scale_2=6.0)
    )


def test_a_clip_of_the_small_model_is_the_one_that_diffusers_makes(tiny_wan_5b_folder: Path) -> None:
    small = opened(tiny_wan_5b_folder)

    assert (small.fps, small.size_multiple_px) == (24, 32)
    np.testing.assert_array_equal(small.frames(shot()), stock(tiny_wan_5b_folder, shot(), guidance_scale=3.5))


def test_the_large_model_moves_at_16_frames_a_second(model: WanModel) -> None:
    assert (model.fps, model.size_multiple_px, model.temporal_bands) == (16, 16, 4)


def test_a_seed_repeats_a_clip_and_another_seed_changes_it(model: WanModel, plain: Frames) -> None:
    assert plain.shape == (9, SIZE, SIZE, 3)
    assert plain.dtype == np.uint8
    np.testing.assert_array_equal(model.frames(shot()), plain)
    assert not np.array_equal(model.frames(shot(seed=2)), plain)


def test_prompt_and_first_frame_decide_a_clip(model: WanModel, plain: Frames) -> None:
    assert not np.array_equal(model.frames(shot(prompt="a man jumps")), plain)
    assert not np.array_equal(model.frames(shot(first=picture(1))), plain)


def test_every_step_is_reported(model: WanModel) -> None:
    steps: list[int] = []

    model.frames(shot(), lambda: steps.append(1))

    assert len(steps) == STEPS == model.steps


def test_a_prompt_is_encoded_once(tiny_wan_folder: Path, plain: Frames) -> None:
    model = opened(tiny_wan_folder)
    encoder = model._prompts._pipeline.text_encoder
    read: list[int] = []
    encoder.register_forward_hook(lambda *_: read.append(1))

    model.read(["a dog runs", "a man jumps", "a dog runs"])
    assert len(read) == 3  # two prompts, and the one to be avoided
    np.testing.assert_array_equal(model.frames(shot()), plain)
    model.frames(shot(prompt="a man jumps"))
    model.read(["a dog runs"])

    assert len(read) == 3
    assert encoder.device == torch.device("cpu")


def test_forgotten_prompts_are_encoded_again(
    tiny_wan_folder: Path, plain: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generators.wan_text.REMEMBERED", 2)
    model = opened(tiny_wan_folder)
    model.read(["a dog runs", "a", "the", "man"])

    assert len(model._prompts._known) == 2
    np.testing.assert_array_equal(model.frames(shot()), plain)


@pytest.mark.parametrize("memory", ["expert_offload", "group_offload"])
def test_where_weights_lie_changes_no_bit(tiny_wan_folder: Path, plain: Frames, memory: str) -> None:
    model = opened(tiny_wan_folder, memory=memory)

    for _ in range(2):
        np.testing.assert_array_equal(model.frames(shot()), plain)


def test_a_cache_that_skips_nothing_changes_no_bit(tiny_wan_folder: Path, plain: Frames) -> None:
    model = opened(tiny_wan_folder, first_block_cache=0.0)

    for _ in range(2):
        np.testing.assert_array_equal(model.frames(shot()), plain)


def test_a_cache_that_skips_changes_the_clip(tiny_wan_folder: Path, plain: Frames) -> None:
    assert not np.array_equal(opened(tiny_wan_folder, first_block_cache=1e6).frames(shot()), plain)


def test_weights_of_eight_bits_give_nearly_the_same_clip(tiny_wan_folder: Path, plain: Frames) -> None:
    model = opened(tiny_wan_folder, weights="fp8")

    stored = {weight.dtype for weight in model._pipeline.transformer.parameters()}
    assert torch.float8_e4m3fn in stored
    frames = model.frames(shot())
    assert not np.array_equal(frames, plain)
    assert np.abs(frames.astype(int) - plain).max() <= 8


@pytest.mark.parametrize("settings", [{}, {"memory": "group_offload", "weights": "fp8"}])
def test_it_runs_in_the_precision_of_an_accelerator(
    tiny_wan_folder: Path, plain: Frames, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    load, encoder = wan_model.load_pipeline, wan_model.PromptEncoder
    half = torch.bfloat16
    monkeypatch.setattr(wan_model, "load_pipeline", lambda found, config, _: load(found, config, half))
    monkeypatch.setattr(wan_model, "PromptEncoder", lambda folder, device, _: encoder(folder, device, half))

    model = opened(tiny_wan_folder, **settings)

    assert model._pipeline.transformer.dtype == half
    assert model._pipeline.vae.dtype == torch.float32
    assert np.abs(model.frames(shot()).astype(int) - plain).max() <= 16


def test_plain_positions_change_no_bit_and_bent_ones_the_clip(model: WanModel, plain: Frames) -> None:
    def positions(_noise_level: float) -> np.ndarray:
        return np.tile(np.arange(3.0), (model.temporal_bands, 1))

    np.testing.assert_array_equal(model.frames(shot(positions=positions)), plain)
    bent = model.frames(shot(positions=lambda level: positions(level) ** 2 / 2))
    assert not np.array_equal(bent, plain)
    np.testing.assert_array_equal(model.frames(shot()), plain)


def test_a_last_frame_changes_the_clip(model: WanModel, plain: Frames) -> None:
    one, other = (model.frames(shot(last=picture(seed))) for seed in (5, 6))

    assert not np.array_equal(one, plain)
    assert not np.array_equal(one, other)


def test_the_small_model_refuses_a_last_frame(tiny_wan_5b_folder: Path) -> None:
    with pytest.raises(ConfigError, match="takes no last frame: only the models with two experts"):
        opened(tiny_wan_5b_folder).frames(shot(last=picture(5)))


@pytest.mark.parametrize(
    ("height", "width", "nearest"),
    [(40, 64, "40 are 32 and 48"), (32, 65, "65 are 64 and 80"), (8, 32, "8 are 16 and 32")],
)
def test_a_size_that_would_be_rounded_is_refused(
    model: WanModel, height: int, width: int, nearest: str
) -> None:
    with pytest.raises(
        ConfigError, match=rf"multiples of 16 px; got {width} x {height}. Nearest to {nearest}"
    ):
        model.frames(shot(first=picture(0, height, width)))


def test_the_small_model_makes_multiples_of_32(tiny_wan_5b_folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"multiples of 32 px; got 48 x 32\. Nearest to 48 are 32 and 64"):
        opened(tiny_wan_5b_folder).frames(shot(first=picture(0, 32, 48)))


@pytest.mark.parametrize(("frames", "nearest"), [(80, "77 and 81"), (10, "9 and 13"), (1, "5 and 9")])
def test_a_length_that_would_be_rounded_is_refused(model: WanModel, frames: int, nearest: str) -> None:
    with pytest.raises(ConfigError, match=f"got {frames}. Nearest are {nearest}"):
        model.frames(shot(num_frames=frames))


def test_a_clip_that_is_not_finite_is_rejected(tiny_wan_folder: Path) -> None:
    model = opened(tiny_wan_folder)
    with torch.no_grad():
        model._pipeline.transformer_2.proj_out.weight.fill_(torch.nan)

    with pytest.raises(SampleRejected) as caught:
        model.frames(shot())
    assert caught.value.reason == "not_finite"


@pytest.mark.parametrize("settings", [{}, {"first_block_cache": 1e6}, {"memory": "group_offload"}])
def test_a_clip_broken_off_leaves_no_trace_in_the_next(
    tiny_wan_folder: Path, settings: dict[str, Any]
) -> None:
    model = opened(tiny_wan_folder, **settings)
    expected = model.frames(shot())
    left = [2]

    def stop() -> None:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.frames(shot(seed=9, prompt="a man jumps"), stop)
    np.testing.assert_array_equal(model.frames(shot()), expected)


def test_threads_that_ask_at_once_get_what_they_would_get_alone(model: WanModel) -> None:
    shots = [shot(seed=seed, prompt=prompt) for seed, prompt in ((1, "a dog runs"), (2, "a man jumps"))]
    alone = [model.frames(each) for each in shots]
    found: dict[int, Frames] = {}
    start = threading.Barrier(2)

    def ask(index: int) -> None:
        start.wait()
        found[index] = model.frames(shots[index])

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index, expected in enumerate(alone):
        np.testing.assert_array_equal(found[index], expected)


def test_a_model_too_large_for_a_machine_without_gpu_is_refused_before_it_is_loaded(
    tiny_wan_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wan_memory, "main_memory_bytes", lambda: 1_000_000)

    with pytest.raises(ConfigError, match=r"torch sees no GPU, and on the CPU this model takes 0 GB"):
        opened(tiny_wan_folder)
