"""An edit is told from another picture, from a picture framed anew, and from no edit at all."""

from __future__ import annotations

from functools import cache
from io import BytesIO

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from data.schema import Category, ClipFormat, Prompts, Role
from generators.base import ImageRequest
from generators.procedural.generator import ProceduralGenerator
from moments.alignment import LAYOUT_KEPT, MIN_CHANGE, judge_edit, largest_change
from moments.errors import FeatureError
from prompts.sampling import draw_drafts, plan_of

Picture = npt.NDArray[np.uint8]
KEPT = [category for category, least in LAYOUT_KEPT.items() if least is not None]


def shapes(seed: int, size: int = 96) -> Picture:
    """Eight rectangles of chance colours on a ground of one."""
    rng = np.random.default_rng(seed)
    picture = np.full((size, size, 3), rng.integers(0, 256, 3), np.uint8)
    for _ in range(8):
        top, left = rng.integers(0, size * 3 // 4, 2)
        height, width = rng.integers(size // 8, size // 3, 2)
        picture[top : top + height, left : left + width] = rng.integers(0, 256, 3)
    return picture


def recoloured(picture: Picture) -> Picture:
    return picture[..., [1, 2, 0]]


@cache
def rendered(category: str) -> list[tuple[Picture, Picture]]:
    """Sixteen first frames of the renderer and their edits."""
    generator, clip_format = ProceduralGenerator(), ClipFormat(128, 1.0, 8)
    generator.open()
    plans = [plan_of(draft, Prompts("", "", "", "")) for draft in draw_drafts([category], 16, seed=11)]
    first, edited = (
        generator.images([ImageRequest(plan, role, clip_format, plan.seed) for plan in plans])
        for role in (Role.REFERENCE, Role.POSITIVE)
    )
    return list(zip(first, edited, strict=True))


def as_jpeg(picture: Picture, quality: int) -> Picture:
    content = BytesIO()
    Pillow.fromarray(picture).save(content, "JPEG", quality=quality)
    return np.array(Pillow.open(content))


@pytest.mark.parametrize("category", KEPT)
def test_rendered_edits_are_told_from_those_of_other_triplets(category: str) -> None:
    pairs = rendered(category)
    true = [judge_edit(category, first, edited) for first, edited in pairs]
    other = [
        judge_edit(category, pairs[index][0], pairs[(index + step) % len(pairs)][1])
        for index in range(len(pairs))
        for step in (1, 5, 9)
    ]

    ranked = np.greater.outer([one.layout for one in true], [one.layout for one in other])
    assert ranked.mean() >= 0.99
    assert sum(not one.reasons for one in true) >= 15
    assert sum(not one.reasons for one in other) <= 1
    mirrored = [judge_edit(category, first, np.ascontiguousarray(edited[:, ::-1])) for first, edited in pairs]
    assert sum(not one.reasons for one in mirrored) <= 1


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), category=st.sampled_from(KEPT))
def test_new_colours_keep_the_layout(seed: int, category: str) -> None:
    picture = shapes(seed)

    assert judge_edit(category, picture, 255 - picture).reasons == ()


@settings(max_examples=20)
@given(seed=st.integers(0, 1000))
def test_the_scores_are_those_of_a_correlation(seed: int) -> None:
    picture, other = shapes(seed), shapes(seed + 1)
    there, back = judge_edit("view", picture, other), judge_edit("view", other, picture)

    assert there.layout == pytest.approx(back.layout, abs=1e-9)
    assert -1 <= there.layout <= 1
    assert there.largest_change == back.largest_change
    assert judge_edit("view", picture, picture.copy()).layout == pytest.approx(1.0)


@pytest.mark.parametrize("category", KEPT)
def test_another_picture_has_lost_the_layout(category: str) -> None:
    judgements = [judge_edit(category, shapes(seed), shapes(seed + 100)) for seed in range(20)]

    assert sum("layout_lost" in judgement.reasons for judgement in judgements) >= 18


@pytest.mark.parametrize(
    "displaced",
    [
        pytest.param(lambda picture: picture[:, ::-1], id="mirrored"),
        pytest.param(lambda picture: np.roll(picture, 8, 1), id="to the right"),
        pytest.param(lambda picture: np.roll(picture, (-7, -7), (0, 1)), id="up and to the left"),
        pytest.param(
            lambda picture: np.array(Pillow.fromarray(picture).resize((96, 96), box=(5, 5, 91, 91))),
            id="enlarged",
        ),
    ],
)
def test_a_picture_framed_anew_has_moved_or_lost_the_layout(displaced) -> None:  # type: ignore[no-untyped-def]
    for seed in range(12):
        picture = shapes(seed)
        edited = np.ascontiguousarray(displaced(recoloured(picture)))

        assert {"layout_moved", "layout_lost"} & set(judge_edit("scene_style", picture, edited).reasons)


def test_a_new_viewpoint_may_move_everything_but_must_change_something() -> None:
    picture = shapes(1)

    assert judge_edit("view", picture, shapes(2)).reasons == ()
    assert judge_edit("view", picture, picture.copy()).reasons == ("image_unchanged",)


@pytest.mark.parametrize("quality", [50, 75, 95])
@pytest.mark.parametrize("category", LAYOUT_KEPT)
def test_the_same_picture_compressed_again_is_no_edit(category: str, quality: int) -> None:
    smooth = np.array(Pillow.fromarray(shapes(3, 24)).resize((256, 256), Pillow.Resampling.BICUBIC))

    assert "image_unchanged" in judge_edit(category, smooth, as_jpeg(smooth, quality)).reasons


def test_a_small_patch_of_another_colour_is_an_edit_and_its_size_is_measured() -> None:
    picture = np.full((64, 64, 3), 100, np.uint8)
    edited = picture.copy()
    edited[10:12, 20:22, 2] += 40  # one of 32 × 32 fields, whole

    assert largest_change(picture, edited) == 40.0
    assert largest_change(picture, edited) > MIN_CHANGE


def test_a_picture_without_edges_has_no_layout_to_keep() -> None:
    grey, white = np.full((64, 64, 3), 100, np.uint8), np.full((64, 64, 3), 255, np.uint8)

    judgement = judge_edit("scene_style", grey, white)
    assert judgement.layout == 0.0
    assert "layout_lost" in judgement.reasons


@pytest.mark.parametrize(
    ("category", "first", "second", "message"),
    [
        ("weather", shapes(1), shapes(2), "no category 'weather'"),
        ("view", shapes(1), shapes(2, 64), "bring them to one size"),
        ("view", shapes(1).astype(np.float32), shapes(2), "float32"),
        ("view", shapes(1)[..., 0], shapes(2)[..., 0], r"expected uint8 \(H, W, 3\)"),
    ],
)
def test_what_is_no_pair_of_pictures_is_refused(
    category: str, first: Picture, second: Picture, message: str
) -> None:
    with pytest.raises(FeatureError, match=message):
        judge_edit(category, first, second)


def test_every_category_has_its_row() -> None:
    assert set(LAYOUT_KEPT) == set(Category)
