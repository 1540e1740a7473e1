"""Temporal positions inside WAN and LTX-2: the plain model bit for bit, or another time and nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from generators.warped_rope import Positions, temporal_bands, warped, warped_pipeline
from moments.retime import TimeWarp
from tests.generators.tiny_wan import BOUNDARY, tiny_ltx, tiny_transformer, tiny_wan

FRAMES = 9
LATENTS = 3
BANDS = 4
STEPS = 4
LATE = TimeWarp(np.zeros(FRAMES), bands=BANDS).refined(np.linspace(0, 1, FRAMES) ** 2 * (FRAMES - 1))


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    # Products this small are slower on several threads than on one.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def pipeline(tiny_wan_folder: Path) -> Any:
    from diffusers import WanImageToVideoPipeline

    loaded = WanImageToVideoPipeline.from_pretrained(
        tiny_wan_folder, local_files_only=True, dtype=torch.float32
    )
    loaded.set_progress_bar_config(disable=True)
    return loaded


@pytest.fixture(scope="module")
def plain(pipeline: Any) -> Tensor:
    return latents_of(pipeline)


def picture(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8))


def latents_of(pipeline: Any, **changes: Any) -> Tensor:
    """Latents (1, 16, 3, 4, 4) of one clip, always the same seed."""
    settings = {
        "image": picture(0),
        "prompt": "a dog runs",
        "height": 32,
        "width": 32,
        "num_frames": FRAMES,
        "num_inference_steps": STEPS,
        "max_sequence_length": 16,
        "generator": torch.Generator("cpu").manual_seed(1),
        "output_type": "latent",
    }
    latents: Tensor = pipeline(**settings | changes).frames
    return latents


def identity(_noise_level: float) -> np.ndarray:
    return np.tile(np.arange(float(LATENTS)), (BANDS, 1))


def shifted(_noise_level: float) -> np.ndarray:
    return identity(1) + 3.7


def recorded(positions: Positions, levels: list[float]) -> Positions:
    def noting(noise_level: float) -> np.ndarray:
        levels.append(noise_level)
        return positions(noise_level)

    return noting


def test_identity_positions_are_the_plain_pipeline_bit_for_bit(pipeline: Any, plain: Tensor) -> None:
    assert torch.equal(plain, latents_of(pipeline))
    with warped_pipeline(pipeline, identity):
        assert torch.equal(plain, latents_of(pipeline))
    with warped_pipeline(pipeline, TimeWarp(np.zeros(FRAMES), bands=BANDS).positions):
        assert torch.equal(plain, latents_of(pipeline))


def test_identity_holds_with_a_first_and_a_last_frame(pipeline: Any, plain: Tensor) -> None:
    between = latents_of(pipeline, last_image=picture(1))
    assert not torch.equal(plain, between)
    with warped_pipeline(pipeline, identity):
        assert torch.equal(between, latents_of(pipeline, last_image=picture(1)))
    with warped_pipeline(pipeline, LATE.positions):
        assert not torch.equal(between, latents_of(pipeline, last_image=picture(1)))


def test_a_warp_changes_the_clip_and_leaves_the_pipeline_as_it_was(pipeline: Any, plain: Tensor) -> None:
    ropes = pipeline.transformer.rope, pipeline.transformer_2.rope
    with warped_pipeline(pipeline, LATE.positions):
        bent = latents_of(pipeline)
    assert bent.isfinite().all()
    assert (bent - plain).abs().max() > 1e-4
    assert (pipeline.transformer.rope, pipeline.transformer_2.rope) == ropes
    assert not pipeline.transformer._forward_pre_hooks
    assert not pipeline.transformer_2._forward_pre_hooks
    assert torch.equal(plain, latents_of(pipeline))


def test_a_failing_clip_leaves_the_pipeline_as_it_was(pipeline: Any, plain: Tensor) -> None:
    with pytest.raises(ValueError, match=r"\(2, 3\).*4 bands x 3 latent frames"):  # noqa: SIM117
        with warped_pipeline(pipeline, lambda level: identity(level)[:2]):
            latents_of(pipeline)
    pipeline.maybe_free_model_hooks()
    assert torch.equal(plain, latents_of(pipeline))


def test_positions_for_another_length_are_refused(pipeline: Any) -> None:
    with (
        warped_pipeline(pipeline, TimeWarp(np.zeros(81), bands=BANDS).positions),
        pytest.raises(ValueError, match=r"\(4, 21\)"),
    ):
        latents_of(pipeline)


def test_a_common_shift_of_all_positions_is_nearly_nothing(pipeline: Any, plain: Tensor) -> None:
    # Attention sees differences of positions alone.
    with warped_pipeline(pipeline, shifted):
        assert (latents_of(pipeline) - plain).abs().max() < 1e-4


def test_every_expert_asks_for_positions_at_its_own_steps(pipeline: Any) -> None:
    early: list[float] = []
    late: list[float] = []
    with (
        warped(pipeline.transformer, recorded(identity, early)),
        warped(pipeline.transformer_2, recorded(identity, late)),
    ):
        latents_of(pipeline)
    steps = (pipeline.scheduler.timesteps / 1000).tolist()
    # With guidance every step is two forwards, with and without the prompt, at one noise level.
    assert early == pytest.approx([level for level in steps if level >= BOUNDARY for _ in range(2)])
    assert late == pytest.approx([level for level in steps if level < BOUNDARY for _ in range(2)])
    assert early
    assert late


def test_a_warped_pipeline_asks_at_every_step_of_both_experts(pipeline: Any) -> None:
    levels: list[float] = []
    with warped_pipeline(pipeline, recorded(identity, levels)):
        latents_of(pipeline)
    steps = (pipeline.scheduler.timesteps / 1000).tolist()
    assert levels == pytest.approx([level for level in steps for _ in range(2)])


@pytest.mark.parametrize("expert", ["transformer", "transformer_2"])
def test_either_expert_alone_changes_the_clip(pipeline: Any, plain: Tensor, expert: str) -> None:
    with warped(getattr(pipeline, expert), lambda level: identity(level) * 0.5):
        assert not torch.equal(plain, latents_of(pipeline))


def test_a_pipeline_with_one_expert_is_warped_too() -> None:
    single = tiny_wan()
    single.transformer_2 = None
    single.register_to_config(boundary_ratio=None)
    before = latents_of(single)
    with warped_pipeline(single, LATE.positions):
        assert not torch.equal(before, latents_of(single))


def tables(transformer: Any, noise_level: float = 1.0) -> tuple[Tensor, Tensor]:
    """Rotary tables that a forward at ``noise_level`` uses, (F, H, W, channels) of cosines and sines."""
    seen: list[tuple[Tensor, Tensor]] = []
    hook = transformer.rope.register_forward_hook(lambda _module, _args, output: seen.append(output))
    try:
        with torch.no_grad():
            transformer(
                hidden_states=torch.zeros(1, 36, LATENTS, 4, 10),
                timestep=torch.tensor([1000 * noise_level]),
                encoder_hidden_states=torch.zeros(1, 3, 32),
            )
    finally:
        hook.remove()
    cosine, sine = seen[0]
    return cosine.reshape(LATENTS, 2, 5, -1), sine.reshape(LATENTS, 2, 5, -1)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_only_temporal_entries_change_and_by_their_formula(seed: int) -> None:
    transformer = tiny_transformer(0)
    positions = np.random.default_rng(seed).uniform(-3, 8, (BANDS, LATENTS))
    plain_tables = tables(transformer)
    with warped(transformer, lambda _level: positions):
        bent_tables = tables(transformer)
    temporal = 2 * BANDS
    for bent, untouched, function in zip(bent_tables, plain_tables, (np.cos, np.sin), strict=True):
        assert torch.equal(bent[..., temporal:], untouched[..., temporal:])
        for band in range(BANDS):
            expected = function(positions[band] / 10_000 ** (2 * band / temporal))
            for column in (2 * band, 2 * band + 1):
                got = bent[..., column].numpy()
                np.testing.assert_allclose(
                    got, np.broadcast_to(expected[:, None, None], got.shape), atol=1e-6
                )


def test_positions_change_with_the_step() -> None:
    transformer = tiny_transformer(0)
    plain_cosine, _ = tables(transformer)
    with warped(transformer, LATE.positions):
        moved = [
            float((tables(transformer, level)[0] - plain_cosine).abs().max()) for level in (1, 0.75, 0.25, 0)
        ]
    assert moved == sorted(moved, reverse=True)
    assert moved[0] > 0.05
    assert moved[-1] == 0


def test_tokens_of_a_given_frame_do_not_hide_the_step() -> None:
    transformer = tiny_transformer(0)
    levels: list[float] = []
    per_token = torch.full((1, LATENTS * 10), 600.0)
    per_token[:, :10] = 0
    with warped(transformer, recorded(identity, levels)), torch.no_grad():
        transformer(
            hidden_states=torch.zeros(1, 36, LATENTS, 4, 10),
            timestep=per_token,
            encoder_hidden_states=torch.zeros(1, 3, 32),
        )
    assert levels == pytest.approx([0.6])


def test_half_precision_tables_keep_the_identity_exact() -> None:
    transformer = tiny_transformer(0)
    transformer.rope.to(torch.bfloat16)
    before = tables(transformer)
    with warped(transformer, identity):
        after = tables(transformer)
    assert before[0].dtype == torch.bfloat16
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_the_real_model_has_22_bands_and_an_exact_identity() -> None:
    transformer = tiny_transformer(0, num_attention_heads=1, attention_head_dim=128, num_layers=1)
    assert temporal_bands(transformer) == 22
    latents = torch.zeros(1, 36, 21, 4, 4)
    before = transformer.rope(latents)
    with warped(transformer, TimeWarp(np.zeros(81)).positions):
        after = transformer.rope(latents)
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


LTX_LATENTS = 3
LTX_BANDS = 8


def ltx_output(transformer: Any) -> Tensor:
    """The picture part that LTX-2 predicts for 3 latent frames of 2 x 2 tokens at noise level 0.9."""
    noise = torch.Generator().manual_seed(3)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=noise)

    with torch.no_grad():
        sample: Tensor = transformer(
            hidden_states=normal(1, 12, 8),
            audio_hidden_states=normal(1, 6, 8),
            encoder_hidden_states=normal(1, 3, 16),
            audio_encoder_hidden_states=normal(1, 3, 16),
            timestep=torch.full((1, 12), 900.0),
            audio_timestep=torch.tensor([900.0]),
            num_frames=LTX_LATENTS,
            height=2,
            width=2,
            audio_num_frames=6,
            return_dict=False,
        )[0]
    return sample


def ltx_identity(_noise_level: float) -> np.ndarray:
    return np.tile(np.arange(float(LTX_LATENTS)), (LTX_BANDS, 1))


@pytest.mark.parametrize("rope_type", ["interleaved", "split"])
def test_ltx_takes_the_same_positions(rope_type: str) -> None:
    transformer = tiny_ltx(rope_type)
    assert temporal_bands(transformer) == LTX_BANDS
    before = ltx_output(transformer)
    levels: list[float] = []
    with warped(transformer, recorded(ltx_identity, levels)):
        assert torch.equal(before, ltx_output(transformer))
    assert levels == pytest.approx([0.9])
    with warped(transformer, lambda level: ltx_identity(level) * 0.5):
        assert (ltx_output(transformer) - before).abs().max() > 1e-4
    assert torch.equal(before, ltx_output(transformer))


@pytest.mark.parametrize("rope_type", ["interleaved", "split"])
def test_ltx_bands_stand_at_their_own_moments(rope_type: str) -> None:
    # Half a latent further in one band alone is what the plain model computes from shifted coordinates.
    rope = tiny_ltx(rope_type).rope
    coordinates = rope.prepare_video_coords(1, LTX_LATENTS, 2, 2, "cpu")
    centres = coordinates[0, 0].mean(-1).reshape(LTX_LATENTS, 4)[:, 0]
    moved = coordinates.clone()
    between = (centres[0] + centres[1]) / 2
    moved[0, 0, :4] = between
    for band in (0, 3, LTX_BANDS - 1):
        positions = ltx_identity(1)
        positions[band, 0] = 0.5
        transformer = tiny_ltx(rope_type)
        with warped(transformer, lambda _level, positions=positions: positions):
            bent = flat(transformer.rope(coordinates)[1], rope_type)
        untouched, all_moved = flat(rope(coordinates)[1], rope_type), flat(rope(moved)[1], rope_type)
        column = bent.shape[-1] - 3 * LTX_BANDS + 3 * band
        expected = untouched.clone()
        expected[:4, column] = all_moved[:4, column]
        torch.testing.assert_close(bent, expected, atol=1e-5, rtol=0)
        assert not torch.allclose(untouched[:4, column], all_moved[:4, column], atol=1e-4)


def flat(table: Tensor, rope_type: str) -> Tensor:
    """One entry a frequency, (tokens, frequencies), heads side by side."""
    if rope_type == "interleaved":
        assert torch.equal(table[..., ::2], table[..., 1::2])
        return table[0, :, ::2]
    return table[0].transpose(0, 1).reshape(table.shape[2], -1)
