"""GPU time by arithmetic: against operations counted on the real shapes, and by what a recipe asks for."""

from dataclasses import replace

import pytest

from data.schema import ClipFormat
from generators.wan_config import DistilledConfig, PacingConfig, WanConfig
from generators.wan_cost import _5B, _A14B, FLOPS_PER_SECOND, gpu_seconds

FORMAT = ClipFormat(512, 5.0, 16)


# Of one forward, by FlopCounterMode on meta tensors.
@pytest.mark.parametrize(
    ("size", "tokens", "counted"),
    [
        (_A14B, 43_008, 2.564e15),
        (_A14B, 21_504, 0.904e15),
        (_A14B, 32_760, 1.678e15),
        (_5B, 10_752, 0.140e15),
    ],
)
def test_operations_of_a_forward(size: object, tokens: int, counted: float) -> None:
    assert size.flops(tokens) == pytest.approx(counted, rel=0.02)  # type: ignore[attr-defined]


def test_a_triplet_is_a_pair_and_a_clip_by_itself() -> None:
    forwards = 2 * 40  # with and without the prompt
    expected = forwards * (2.564e15 + 0.904e15) / FLOPS_PER_SECOND

    assert gpu_seconds(WanConfig(), FORMAT) == pytest.approx(expected, rel=0.02)


def test_four_distilled_steps_without_guidance_cost_a_twentieth() -> None:
    distilled = WanConfig(distilled=DistilledConfig(high_noise="high", low_noise="low"))

    assert gpu_seconds(distilled, FORMAT) == pytest.approx(gpu_seconds(WanConfig(), FORMAT) / 20)


def test_candidates_are_more_pairs_and_pacing_makes_all_clips_again() -> None:
    once = gpu_seconds(WanConfig(), FORMAT)
    pair = gpu_seconds(WanConfig(candidates=2), FORMAT) - once

    assert 0 < pair < once
    assert gpu_seconds(WanConfig(candidates=5), FORMAT) == pytest.approx(once + 4 * pair)
    assert gpu_seconds(WanConfig(pacing=PacingConfig(passes=3)), FORMAT) == pytest.approx(4 * once)


def test_the_small_model_and_smaller_clips_cost_less() -> None:
    once = gpu_seconds(WanConfig(), FORMAT)

    assert gpu_seconds(WanConfig(model="Wan-AI/Wan2.2-TI2V-5B-Diffusers"), FORMAT) < once / 10
    assert gpu_seconds(WanConfig(), replace(FORMAT, size_px=256)) < once / 4
