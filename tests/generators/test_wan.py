"""The backend ``wan``: one canvas for a pair, facts that name what decides a clip, and files that fit."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import save_file

from data.errors import ConfigError, ContractError
from data.schema import ClipFormat, Frames, Role
from generators.base import VideoRequest, WarpableVideoGenerator
from generators.wan import WanVideos
from generators.wan_config import WanConfig
from generators.wan_shot import Shot
from generators.wan_words import avoided, pair_prompt, single_prompt
from tests.generators.plans import plan_of

pytestmark = pytest.mark.usefixtures("one_thread")

FORMAT = ClipFormat(size_px=32, duration_seconds=0.5, fps=16)
STEPS = 2
PAIR = (Role.REFERENCE, Role.POSITIVE)


def picture(seed: int, size: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)


def request(roles: tuple[Role, ...] = PAIR, **changes: Any) -> VideoRequest:
    frames = tuple(picture(index) for index in range(len(roles)))
    return replace(VideoRequest(plan_of(), roles, frames, FORMAT, seed=3), **changes)


def backend(folder: Path, **settings: Any) -> WanVideos:
    return WanVideos(WanConfig(**{"model": str(folder), "steps": STEPS} | settings))


def opened(folder: Path, **settings: Any) -> WanVideos:
    made = backend(folder, **settings)
    made.open()
    return made


@pytest.fixture(scope="module")
def wan(tiny_wan_folder: Path) -> WanVideos:
    return opened(tiny_wan_folder)


def frames_of(backend: WanVideos, *requests: VideoRequest) -> list[Frames]:
    return [clip.frames for result in backend.videos(requests) for clip in result.clips]


def same(one: list[Frames], other: list[Frames]) -> bool:
    return all(np.array_equal(left, right) for left, right in zip(one, other, strict=True))


def test_it_keeps_the_contract_of_a_backend_whose_time_can_be_bent(wan: WanVideos) -> None:
    assert isinstance(wan, WarpableVideoGenerator)
    assert wan.temporal_bands == 4
    assert [wan.num_generated_frames(replace(FORMAT, duration_seconds=s)) for s in (0.5, 4.5625, 5)] == [
        9,
        73,
        81,
    ]


def test_pair_and_negative_are_decided_by_the_seed(wan: WanVideos) -> None:
    pair, negative = request(), request((Role.NEGATIVE,))

    together = frames_of(wan, pair, negative)

    assert [clip.shape for clip in together] == [(8, 32, 32, 3)] * 3
    assert same(together, frames_of(wan, pair) + frames_of(wan, negative))
    for other in (replace(pair, seed=4), replace(negative, seed=4)):
        assert not same(frames_of(wan, other), together[:2] if other.roles == PAIR else together[2:])


@pytest.mark.parametrize("canvas", ["side_by_side", "stacked"])
@pytest.mark.parametrize("guard_px", [0, 32])
def test_each_role_gets_the_clip_of_its_own_first_frame(
    tiny_wan_folder: Path, monkeypatch: pytest.MonkeyPatch, canvas: str, guard_px: int
) -> None:
    wan = opened(tiny_wan_folder, canvas=canvas, guard_px=guard_px)
    shots: list[Shot] = []

    def still(asked: Sequence[Shot], _on_step: object) -> Iterator[Frames]:
        for shot in asked:
            shots.append(shot)
            yield np.repeat(shot.first[None], shot.num_frames, axis=0)

    monkeypatch.setattr(wan.model, "clips", still)
    asked = request()
    result = next(iter(wan.videos([asked])))

    for clip, first in zip(result.clips, asked.first_frames, strict=True):
        np.testing.assert_array_equal(clip.frames, np.repeat(first[None], 8, axis=0))
        assert clip.fps == 16
    long, short = 64 + guard_px, 32
    assert shots[0].first.shape == ((short, long, 3) if canvas == "side_by_side" else (long, short, 3))
    assert result.trajectories is None


def test_a_pair_is_cut_from_one_clip_of_the_model(wan: WanVideos) -> None:
    asked = request()
    canvas = Shot(
        first=np.concatenate(asked.first_frames, axis=1),
        prompt=pair_prompt("side_by_side", asked.plan.prompts.motion),
        num_frames=9,
        seed=asked.seed,
    )

    whole = wan.model.frames(canvas)[:8]

    assert same(frames_of(wan, asked), [whole[:, :, :32], whole[:, :, 32:]])


def test_each_clip_is_told_its_own_motion(tiny_wan_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wan = opened(tiny_wan_folder, canvas="stacked")
    prompts: list[str] = []

    def noted(asked: Sequence[Shot], _on_step: object) -> Iterator[Frames]:
        for shot in asked:
            prompts.append(shot.prompt)
            yield np.repeat(shot.first[None], shot.num_frames, axis=0)

    monkeypatch.setattr(wan.model, "clips", noted)
    frames_of(wan, request(), request((Role.NEGATIVE,)), request((Role.REFERENCE,)))

    words = plan_of().prompts
    assert prompts == [
        pair_prompt("stacked", words.motion),
        single_prompt(words.negative_motion),
        single_prompt(words.motion),
    ]


def test_prompts_say_what_the_canvas_holds() -> None:
    assert "left panel" in pair_prompt("side_by_side", "a {dog} runs")
    assert "upper panel" in pair_prompt("stacked", "a dog runs")
    assert pair_prompt("side_by_side", "a {dog} runs").endswith("In both panels: a {dog} runs")
    assert single_prompt("a dog runs").endswith("a dog runs")
    assert "still picture" in avoided()
    assert "\n" not in avoided() + pair_prompt("stacked", "x")


def test_all_prompts_of_a_batch_are_encoded_before_its_first_clip(
    wan: WanVideos, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[list[str]] = []
    monkeypatch.setattr(wan.model, "read", read.append)

    next(iter(wan.videos([request(), request((Role.NEGATIVE,))])))

    assert [len(prompts) for prompts in read] == [2]


def test_a_negative_on_a_canvas_with_others_is_our_bug(wan: WanVideos) -> None:
    with pytest.raises(ContractError, match="the negative has another"):
        frames_of(wan, request(tuple(Role)))


def test_every_step_of_every_request_is_reported(wan: WanVideos) -> None:
    steps: list[int] = []

    list(wan.videos([request(), request((Role.NEGATIVE,))], lambda: steps.append(1)))

    assert len(steps) == 2 * wan.facts.steps_per_request == 2 * STEPS


def test_pairs_are_made_together_and_each_is_that_of_its_seed(
    tiny_wan_folder: Path, wan: WanVideos, calls: list[int]
) -> None:
    asked = [request(seed=seed) for seed in (3, 4, 5)] + [request((Role.NEGATIVE,))]
    steps: list[int] = []

    found = [
        clip.frames
        for result in opened(tiny_wan_folder, batch=2).videos(asked, lambda: steps.append(1))
        for clip in result.clips
    ]

    assert calls == [2, 1, 1]
    assert len(steps) == 4 * STEPS
    for together, alone in zip(found, frames_of(wan, *asked), strict=True):
        assert np.abs(together.astype(int) - alone).max() <= 1


def test_a_batch_of_two_has_another_revision_than_one_of_three(tiny_wan_folder: Path) -> None:
    two, three = (backend(tiny_wan_folder, batch=batch).facts.revision for batch in (2, 3))

    assert two != three


def test_a_cache_that_would_look_at_all_clips_of_a_batch_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"batch: 2 with first_block_cache.*take one of the two"):
        WanConfig(batch=2, first_block_cache=0.1)
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        WanConfig(batch=0)


def test_positions_of_plain_time_change_no_bit(wan: WanVideos) -> None:
    def positions(_noise_level: float) -> np.ndarray:
        return np.tile(np.arange(3.0), (wan.temporal_bands, 1))

    plain = frames_of(wan, request())
    assert same(frames_of(wan, request(positions=positions)), plain)
    assert not same(frames_of(wan, request(positions=lambda level: positions(level) / 2)), plain)


def test_another_frame_rate_is_refused_with_the_right_one(wan: WanVideos, tiny_wan_5b_folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"moves at 16 frames a second.*set format\.fps to 16"):
        frames_of(wan, request(format=ClipFormat(32, 1.0, fps=24)))
    with pytest.raises(ConfigError, match=r"set format\.fps to 24"):
        frames_of(opened(tiny_wan_5b_folder), request())


def test_a_size_between_those_of_the_small_model_is_refused(tiny_wan_5b_folder: Path) -> None:
    small = opened(tiny_wan_5b_folder)
    asked = request((Role.REFERENCE,), first_frames=(picture(0, 48),), format=ClipFormat(48, 0.5, fps=24))

    with pytest.raises(ConfigError, match="Nearest to 48 are 32 and 64"):
        frames_of(small, asked)


def test_the_small_model_makes_pairs_too(tiny_wan_5b_folder: Path) -> None:
    clips = frames_of(opened(tiny_wan_5b_folder), request(format=ClipFormat(32, 0.5, fps=24)))

    assert [clip.shape for clip in clips] == [(12, 32, 32, 3)] * 2


def test_clips_before_opening_are_our_bug(tiny_wan_folder: Path) -> None:
    with pytest.raises(ContractError, match="before it was opened"):
        frames_of(backend(tiny_wan_folder), request())


def test_facts_are_told_before_opening_and_stay(tiny_wan_folder: Path) -> None:
    made = backend(tiny_wan_folder)
    before = made.facts
    made.open()

    assert made.facts == before
    assert {before: 1}[made.facts] == 1
    assert (before.name, before.needs_gpu, before.ai_generated) == ("wan", True, True)


@pytest.mark.parametrize(
    "settings",
    [
        {"canvas": "stacked"},
        {"guard_px": 32},
        {"steps": 3},
        {"guidance": (3.5, 4.0)},
        {"flow_shift": 3.0},
        {"weights": "fp8"},
        {"first_block_cache": 0.1},
        {"batch": 2},
        {"distilled": {"high_noise": "a/b/high.safetensors", "low_noise": "a/b/low.safetensors"}},
    ],
)
def test_what_decides_a_clip_is_in_the_revision(tiny_wan_folder: Path, settings: dict[str, Any]) -> None:
    assert backend(tiny_wan_folder, **settings).facts.revision != backend(tiny_wan_folder).facts.revision


@pytest.mark.parametrize(
    "settings",
    [
        {"memory": "group_offload"},
        {"acceleration": "none"},
        {"candidates": 4},
        {"pacing": {}},
        {"batch": 1},
    ],
)
def test_what_decides_no_clip_is_not_in_the_revision(tiny_wan_folder: Path, settings: dict[str, Any]) -> None:
    assert backend(tiny_wan_folder, **settings).facts.revision == backend(tiny_wan_folder).facts.revision


def test_weights_and_texts_are_in_the_revision(
    tiny_wan_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = backend(tiny_wan_folder).facts.revision
    copy = shutil.copytree(tiny_wan_folder, tmp_path / "wan")
    assert backend(copy).facts.revision == first

    with (copy / "vae" / "diffusion_pytorch_model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x7f")
    assert backend(copy).facts.revision != first

    monkeypatch.setattr("generators.wan.avoided", lambda: "rain")
    assert backend(tiny_wan_folder).facts.revision != first


def test_a_lora_files_content_is_in_the_revision(tiny_wan_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "lora.safetensors"
    revisions = []
    for value in (0.0, 1.0):
        save_file({"weight": torch.full((2,), value)}, path)
        made = backend(tiny_wan_folder, distilled={"high_noise": str(path), "low_noise": str(path)})
        revisions.append(made.facts.revision)

    assert revisions[0] != revisions[1]


def test_a_damaged_folder_is_refused_on_opening(tiny_wan_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_wan_folder, tmp_path / "wan")
    (copy / "vae" / "diffusion_pytorch_model.safetensors").unlink()

    with pytest.raises(ConfigError, match=r"vae/\*\.safetensors"):
        opened(copy)


def test_a_model_that_is_nowhere_is_refused_on_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    made = WanVideos(WanConfig())

    assert made.facts.revision.startswith("Wan-AI/Wan2.2-I2V-A14B-Diffusers@main/")
    with pytest.raises(ConfigError, match="Two ways out"):
        made.open()
