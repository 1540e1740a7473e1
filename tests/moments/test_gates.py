"""Each gate is triggered by a triplet made to trigger it, and by nothing else."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from data import schema
from moments.errors import FeatureError
from moments.gates import MEASURES, Judgement, Thresholds, judge
from moments.semantic_moments import combine
from tests.moments.clips import FPS, Frames, late_rush, moving_disc, rest, stop_and_go

REFERENCE = moving_disc(stop_and_go())
POSITIVE = moving_disc(stop_and_go(), ground_seed=5, disc_seed=6)
NEGATIVE = moving_disc(late_rush())


def verdict(
    reference: Frames = REFERENCE,
    positive: Frames = POSITIVE,
    negative: Frames = NEGATIVE,
    thresholds: Thresholds = Thresholds(),  # noqa: B008 - frozen
) -> Judgement:
    return judge(reference, positive, negative, FPS, thresholds)


@pytest.fixture(scope="module")
def good() -> Judgement:
    return verdict()


def test_measures_are_those_that_the_data_set_stores_in_its_order(good: Judgement) -> None:
    assert MEASURES == schema.MEASURES
    assert tuple(good.measures) == schema.MEASURES
    assert all(np.isfinite(value) for value in good.measures.values())


def test_a_good_triplet_has_no_reason_against_it(good: Judgement) -> None:
    assert good.reasons == ()


def test_a_black_frame_is_found() -> None:
    clips = {name: clip // 20 for name, clip in (("reference", REFERENCE), ("negative", NEGATIVE))}
    dark = verdict(**clips, thresholds=Thresholds(min_motion=0, max_cut=1e9))
    assert dark.reasons == ("black_frames",)
    assert dark.measures["reference_darkest_luma"] < 8 < dark.measures["positive_darkest_luma"]


def test_a_still_negative_is_static() -> None:
    assert verdict(negative=moving_disc(rest())).reasons == ("static",)


def test_a_cut_is_found() -> None:
    cut = NEGATIVE.copy()
    cut[25:] = moving_disc(late_rush(), ground_seed=3)[25:]
    found = verdict(negative=cut)
    assert found.reasons == ("hard_cut",)
    assert found.measures["negative_largest_cut"] > 3 * verdict().measures["negative_largest_cut"]


@pytest.mark.parametrize("delay", [-5, -4, 4, 5])
def test_a_late_or_early_positive_is_out_of_sync(delay: int) -> None:
    found = verdict(positive=moving_disc(stop_and_go(delay_frames=delay), ground_seed=5))
    assert found.reasons == ("out_of_sync",)
    assert found.measures["synchrony_lag_frames"] == delay


def test_a_positive_that_moves_otherwise_is_out_of_sync() -> None:
    # It stands still while the reference moves, too.
    found = verdict(positive=moving_disc(late_rush(), ground_seed=5))
    assert found.reasons == ("one_half_static", "out_of_sync")


@pytest.mark.parametrize("frozen_from", [8, 20])
def test_a_half_that_freezes_is_named(frozen_from: int) -> None:
    frozen = POSITIVE.copy()
    frozen[frozen_from:] = frozen[frozen_from]
    assert verdict(positive=frozen).reasons[0] == "one_half_static"
    assert "one_half_static" in verdict(reference=frozen, negative=frozen).reasons


def test_a_half_that_moves_far_less_is_named() -> None:
    path = stop_and_go()
    slight = moving_disc(path[0] + 0.1 * (path - path[0]), ground_seed=5, radius=0.1)
    found = verdict(positive=slight, thresholds=Thresholds(min_motion=0, max_motion_ratio=2.5))
    assert found.measures["positive_to_reference_motion"] < 0.4
    assert found.reasons[0] == "one_half_static"


@pytest.mark.parametrize("layout", ["side_by_side", "stacked"])
def test_a_thing_that_crosses_the_seam_bleeds(layout: str) -> None:
    axis = 2 if layout == "side_by_side" else 1
    canvas = np.concatenate([REFERENCE, POSITIVE], axis=axis)
    size = REFERENCE.shape[1]
    for frame in range(10, len(canvas)):
        along = slice(size - 30 + frame, size - 18 + frame)
        across = slice(4, 16)
        canvas[(frame, across, along) if axis == 2 else (frame, along, across)] = 0
    first, second = np.split(canvas, 2, axis=axis)
    found = verdict(reference=first, positive=second, thresholds=Thresholds(min_first_frame_psnr_db=0))
    assert found.measures["bleeding"] > 0.6
    assert "bleeding" in found.reasons
    assert verdict().measures["bleeding"] == 0


def test_the_halves_part_where_their_agreement_is_weakest(good: Judgement) -> None:
    assert len(good.agreement) == len(REFERENCE)
    weakest = good.measures["weakest_synchrony"]
    assert min(good.agreement) == weakest
    assert good.agreement[int(good.measures["weakest_synchrony_frame"])] == weakest


@pytest.mark.parametrize("delay", [0, 3])
def test_a_negative_with_the_same_motion_even_late_is_no_negative(delay: int) -> None:
    alike = moving_disc(stop_and_go(delay_frames=delay))
    assert verdict(negative=alike).reasons == ("negative_moves_alike",)


def test_a_negative_that_starts_elsewhere_is_found() -> None:
    found = verdict(negative=moving_disc(late_rush(), ground_seed=5))
    assert found.reasons == ("first_frame_differs",)


def test_a_clip_that_does_everything_in_one_jump_is_badly_paced() -> None:
    trembling = rest()
    trembling[:, 1] += 0.004 * np.sin(np.arange(len(trembling)))
    assert verdict(negative=moving_disc(trembling)).reasons == ()
    trembling[20:] += 0.05
    assert verdict(negative=moving_disc(trembling)).reasons == ("pacing",)


def test_frames_that_are_not_finite_are_named_and_not_measured() -> None:
    broken = POSITIVE.astype(np.float32)
    broken[7, 3, 2, 1] = np.nan
    assert verdict(positive=broken) == Judgement({}, ("not_finite",), {}, {})  # type: ignore[arg-type]


def test_finite_frames_of_floats_are_refused() -> None:
    with pytest.raises(FeatureError, match="expected uint8"):
        verdict(positive=POSITIVE.astype(np.float32))  # type: ignore[arg-type]


def test_thresholds_come_from_a_plain_mapping_and_refuse_unknown_names() -> None:
    assert Thresholds(**asdict(Thresholds())) == Thresholds()
    with pytest.raises(TypeError, match="min_sinchrony"):
        Thresholds(**dict(min_sinchrony=0.5))  # noqa: C408


def test_every_limit_can_reject_the_good_triplet() -> None:
    strict = {
        "min_luma": (255, "black_frames"),
        "min_motion": (1e9, "static"),
        "max_cut": (0.1, "hard_cut"),
        "max_spf_jump": (0.0, "pacing"),
        "max_motion_ratio": (1.0, "one_half_static"),
        "max_still_alone_frames": (-1, "one_half_static"),
        "min_synchrony": (1.1, "out_of_sync"),
        "max_bleeding": (-1, "bleeding"),
        "min_motion_difference": (2.1, "negative_moves_alike"),
        "min_first_frame_psnr_db": (101, "first_frame_differs"),
    }
    for name, (limit, reason) in strict.items():
        assert verdict(thresholds=replace(Thresholds(), **{name: limit})).reasons == (reason,)


def test_identical_first_frames_have_a_finite_stand_in_for_infinity(good: Judgement) -> None:
    assert good.measures["first_frame_psnr_db"] == 100


def test_margins_and_vectors_belong_together(good: Judgement) -> None:
    measures, vectors = good.measures, good.vectors
    assert measures["sm_margin"] == pytest.approx(measures["sm_positive"] - measures["sm_negative"], abs=1e-5)
    assert {role: vector.shape for role, vector in vectors.items()} == dict.fromkeys(vectors, (3, 9))
    cosine = float(combine_(vectors["reference"]) @ combine_(vectors["positive"]))
    assert measures["sm_positive"] == pytest.approx(cosine, abs=1e-6)


def test_progress_has_a_value_in_every_frame_of_every_role(good: Judgement) -> None:
    assert list(good.progress) == ["reference", "positive", "negative"]
    for curve in good.progress.values():
        assert len(curve) == len(REFERENCE)
        assert (curve[0], curve[-1]) == (0, 1)


def test_judging_again_gives_the_same_bits_whatever_the_number_of_threads(good: Judgement) -> None:
    threads = torch.get_num_threads()
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            again = verdict()
            assert again.measures == good.measures
            assert again.progress == good.progress
            assert all(np.array_equal(again.vectors[role], good.vectors[role]) for role in good.vectors)
    finally:
        torch.set_num_threads(threads)


def test_measures_have_six_significant_digits(good: Judgement) -> None:
    assert all(value == float(f"{value:.6g}") for value in good.measures.values())


def combine_(vectors: np.ndarray) -> np.ndarray:
    found: np.ndarray = combine(torch.from_numpy(vectors)).numpy()
    return found
