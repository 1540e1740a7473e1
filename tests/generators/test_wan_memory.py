"""Weights lie where there is room for them: the published model on the cards that people have."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import ConfigError
from generators.checkpoint import find_checkpoint
from generators.wan_memory import PLACEMENTS, Footprint, Placement, Work, fitting, footprint, published
from generators.wan_shot import ClipShape
from generators.wan_vae import CODINGS, Autoencoder
from tests.generators.tiny_wan import tiny_transformer

A14B = Footprint(
    expert_weights=14_289_000_000,
    experts=2,
    blocks=40,
    text_weights=5_681_000_000,
    autoencoder=Autoencoder(126_900_000, 14_100, 19_500),
    weights="bf16",
    shape=ClipShape(81, 512, 1024),
    token_px=16,
)
SMALL = published("Wan2.2-TI2V-5B", "bf16", ClipShape(81, 512, 1024))
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


def of_size(needs: Footprint, side_px: int, frames: int = 81) -> Footprint:
    return replace(needs, shape=ClipShape(frames, side_px, side_px))


@given(latents=st.integers(1, 60), more=st.integers(1, 60))
def test_longer_clips_need_no_less(latents: int, more: int) -> None:
    for placement in PLACEMENTS:
        less = of_size(A14B, 512, 4 * latents + 1).peak_bytes(placement, Work())
        assert of_size(A14B, 512, 4 * (latents + more) + 1).peak_bytes(placement, Work()) >= less


def test_a_pair_has_the_tokens_that_the_authors_code_counts() -> None:
    assert A14B.tokens == 43_008
    assert SMALL.tokens == 10_752


def test_the_text_encoder_may_be_what_needs_most() -> None:
    assert of_size(A14B, 64, 5).peak_bytes("group_offload") == 2 * A14B.text_weights


@pytest.mark.parametrize("card_gib", [139.8, 79.2, 47.4, 23.6])
def test_the_large_model_decodes_a_pair_at_once_on_every_card(card_gib: float) -> None:
    for placement in fitting(A14B, card_gib * GIB):
        assert A14B.work(placement, card_gib * GIB).tiled == ()


@pytest.mark.parametrize(
    ("card_gib", "placement", "tiled"),
    [
        (31.8, "resident", ()),  # 10 GB of weights, 2.8 of the autoencoder, 11.8 to decode
        (23.6, "resident", ("decode",)),
        (23.6, "expert_offload", ()),
        (14.0, "expert_offload", ("decode",)),
        (14.0, "resident", ("encode", "decode")),
    ],
)
def test_tiles_are_for_where_the_autoencoder_has_no_room_at_once(
    card_gib: float, placement: Placement, tiled: tuple[str, ...]
) -> None:
    assert SMALL.work(placement, card_gib * GIB).tiled == tiled


def test_an_expert_makes_way_before_the_autoencoder_works_in_tiles() -> None:
    assert fitting(SMALL, 31.8 * GIB)[0] == "resident"
    assert fitting(SMALL, 23.6 * GIB)[0] == "expert_offload"
    assert fitting(SMALL, 14 * GIB) == ("group_offload",)


@given(device_gb=st.floats(12, 200))
def test_where_one_placement_needs_no_tiles_none_is_taken_that_does(device_gb: float) -> None:
    usable = 0.95 * device_gb * 1e9
    possible = any(SMALL.peak_bytes(placement, Work()) <= usable for placement in PLACEMENTS)

    for placement in fitting(SMALL, device_gb * 1e9):
        assert bool(SMALL.work(placement, device_gb * 1e9).tiled) is not possible


@pytest.mark.parametrize(("card_gib", "clips"), [(139.8, 5), (100, 2), (79.2, 1), (23.6, 1)])
def test_a_batch_is_as_large_as_memory_takes(card_gib: float, clips: int) -> None:
    assert A14B.work("resident", card_gib * GIB, batch=8).clips_at_once == clips
    assert A14B.work("resident", card_gib * GIB, batch=1).clips_at_once == 1


@given(
    device_gb=st.floats(1, 200),
    more=st.floats(0, 100),
    batch=st.integers(1, 8),
    side_px=st.sampled_from([64, 256, 512, 1024]),
    placement=st.sampled_from(PLACEMENTS),
)
def test_more_memory_means_no_fewer_clips_and_no_more_tiles(
    device_gb: float, more: float, batch: int, side_px: int, placement: Placement
) -> None:
    for needs in (of_size(A14B, side_px), of_size(SMALL, side_px)):
        less_work = needs.work(placement, device_gb * 1e9, batch)
        work = needs.work(placement, (device_gb + more) * 1e9, batch)
        assert 1 <= less_work.clips_at_once <= work.clips_at_once <= batch
        assert set(work.tiled) <= set(less_work.tiled) <= set(CODINGS)


@given(device_gb=st.floats(20, 200), batch=st.integers(1, 8), placement=st.sampled_from(PLACEMENTS))
def test_work_that_was_found_to_fit_has_a_peak_that_fits(
    device_gb: float, batch: int, placement: Placement
) -> None:
    for needs in (A14B, SMALL):
        if placement in fitting(needs, device_gb * 1e9):
            work = needs.work(placement, device_gb * 1e9, batch)
            assert needs.peak_bytes(placement, work) <= device_gb * 1e9


def test_work_is_told_in_words() -> None:
    assert str(Work()) == "autoencoder at once"
    assert str(Work(3, ("decode",))) == "3 clips a call, autoencoder in tiles to decode"


def test_a_checkpoint_is_measured_by_its_headers(tiny_wan_folder: Path, tiny_wan_5b_folder: Path) -> None:
    shape = ClipShape(9, 64, 128)
    large = footprint(find_checkpoint(str(tiny_wan_folder), None), "fp8", shape)
    small = footprint(find_checkpoint(str(tiny_wan_5b_folder), None), "bf16", shape)
    expert = sum(weight.numel() for weight in tiny_transformer(0).parameters())

    assert (large.experts, large.blocks, large.expert_weights) == (2, 2, expert)
    assert (large.weights, large.tokens) == ("fp8", 3 * 4 * 8)
    assert (small.experts, small.tokens) == (1, 3 * 2 * 4)
    weights = small.autoencoder.weights
    assert small.host_bytes == 2 * (small.expert_weights + small.text_weights) + 4 * weights
