"""Weights lie where there is room for them: the published model on the cards that people have."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import ConfigError
from generators.checkpoint import find_checkpoint
from generators.wan_memory import PLACEMENTS, Footprint, fitting, footprint
from tests.generators.tiny_wan import tiny_transformer

A14B = Footprint(
    expert_weights=14_289_000_000,
    experts=2,
    blocks=40,
    text_weights=5_681_000_000,
    vae_weights=126_900_000,
    weights="bf16",
    tokens=43_008,  # of 1024 × 512 px and 81 frames
)
GIB = 2**30


@pytest.mark.parametrize(
    ("card_gib", "weights", "expected"),
    [
        (139.8, "bf16", "resident"),
        (44.4, "bf16", "group_offload"),
        (44.4, "fp8", "expert_offload"),
        (23.6, "bf16", "group_offload"),
    ],
)
def test_cards_take_the_fastest_placement_that_fits(card_gib: float, weights: str, expected: str) -> None:
    assert fitting(replace(A14B, weights=weights), card_gib * GIB)[0] == expected


def test_a_smaller_placement_is_the_way_out_of_a_wrong_estimate() -> None:
    assert fitting(A14B, 79.2 * GIB) == ("resident", "expert_offload", "group_offload")


def test_a_card_too_small_for_anything_is_refused_with_what_it_would_take() -> None:
    with pytest.raises(ConfigError, match=r"has 13 GB free.* needs about 18 GB for 43,008 tokens"):
        fitting(A14B, 12 * GIB)


@pytest.mark.parametrize("weights", ["bf16", "fp8"])
def test_fewer_weights_on_the_device_never_need_more(weights: str) -> None:
    peaks = [replace(A14B, weights=weights).peak_bytes(placement) for placement in PLACEMENTS]

    assert peaks == sorted(peaks, reverse=True)


@given(tokens=st.integers(1, 200_000), more=st.integers(1, 200_000))
def test_longer_clips_need_no_less(tokens: int, more: int) -> None:
    for placement in PLACEMENTS:
        less = replace(A14B, tokens=tokens).peak_bytes(placement)
        assert replace(A14B, tokens=tokens + more).peak_bytes(placement) >= less


def test_the_encoder_may_be_what_needs_most() -> None:
    assert replace(A14B, tokens=1).peak_bytes("group_offload") == 2 * A14B.text_weights


def test_a_checkpoint_is_measured_by_its_headers(tiny_wan_folder: Path, tiny_wan_5b_folder: Path) -> None:
    large = footprint(find_checkpoint(str(tiny_wan_folder), None), "fp8", tokens=12)
    small = footprint(find_checkpoint(str(tiny_wan_5b_folder), None), "bf16", tokens=12)
    expert = sum(weight.numel() for weight in tiny_transformer(0).parameters())

    assert (large.experts, large.blocks, large.expert_weights) == (2, 2, expert)
    assert (large.weights, large.tokens) == ("fp8", 12)
    assert small.experts == 1
    assert small.host_bytes == 2 * (small.expert_weights + small.text_weights) + 4 * small.vae_weights
