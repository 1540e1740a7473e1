"""The renderer's promises, on small pictures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from data.errors import ConfigError, ContractError
from data.schema import FloatArray, Image
from generators.procedural.place import place_of
from generators.procedural.projection import project
from generators.procedural.render import render, render_frame
from generators.procedural.scene import (
    Camera,
    Environment,
    Light,
    Material,
    Pattern,
    Primitives,
    Scene,
    Shape,
)
from tests.generators.scenes import (
    LIGHT,
    MATERIALS,
    NOTHING,
    Thing,
    arcing_camera,
    primitives,
    scene,
    standing_camera,
    subject,
    turned,
)

STYLES = ("shaded", "toon", "sketch", "painted", "silhouette", "blueprint")
KINDS = (
    *("meadow", "beach", "desert", "snowfield", "street", "plaza", "forest_clearing", "rooftop"),
    *("gym", "studio", "living_room", "warehouse"),
)
PLAIN = (Material((0.8, 0.1, 0.1), gloss=0.0),)
LEVEL = Camera(np.array([[0.0, -6.0, 1.0]]), np.array([[0.0, 0.0, 1.0]]), 36.0)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("moving_camera", [False, True])
def test_a_frame_has_the_same_bytes_alone_and_in_its_clip(style: str, moving_camera: bool) -> None:
    shown = scene(style, camera=arcing_camera(4) if moving_camera else None)
    clip = render(shown, 48)
    assert clip.shape == (4, 48, 48, 3)
    assert clip.dtype == np.uint8
    for frame in (3, 1):
        assert np.array_equal(render_frame(shown, 48, frame), clip[frame])


def test_clips_drawn_in_several_threads_have_the_same_bytes() -> None:
    scenes = [scene(style, kind) for style, kind in zip(STYLES, KINDS, strict=False)]
    alone = [render(each, 64) for each in scenes]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda each: render(each, 64), scenes))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_a_still_scene_has_identical_frames() -> None:
    shown = scene(moving=primitives([subject(0)]), num_frames=3)
    clip = render(shown, 64)
    assert np.array_equal(clip[0], clip[1])
    assert np.array_equal(clip[0], clip[2])


def test_only_the_subject_and_its_shadow_change_before_a_standing_camera() -> None:
    clip = render(scene(num_frames=2), 96)
    changed = (clip[0] != clip[1]).any(-1)
    assert 0.002 < changed.mean() < 0.25
    assert not changed[:20].any(), "the sky stays"


def test_every_setting_and_style_draws_a_full_picture() -> None:
    for kind in KINDS:
        for style in STYLES:
            picture = render_frame(scene(style, kind, 1), 48, 0)
            assert picture.std() > 4, (kind, style)
            assert picture.mean() > 12, (kind, style)


def test_styles_look_different() -> None:
    pictures = {style: render_frame(scene(style), 64, 0).astype(float) for style in STYLES}
    for a in STYLES:
        for b in STYLES:
            if a < b:
                assert np.abs(pictures[a] - pictures[b]).mean() > 4, (a, b)


def test_settings_look_different() -> None:
    pictures = {kind: render_frame(scene("shaded", kind, 1, NOTHING, NOTHING), 64, 0) for kind in KINDS}
    for a in KINDS:
        for b in KINDS:
            if a < b:
                assert np.abs(pictures[a].astype(float) - pictures[b]).mean() > 8, (a, b)


@pytest.mark.parametrize("style", STYLES)
def test_the_subject_stands_out_of_every_style(style: str) -> None:
    shown, without = scene(style, num_frames=1), scene(style, num_frames=1, moving=NOTHING)
    difference = np.abs(render_frame(shown, 96, 0).astype(float) - render_frame(without, 96, 0)).max(-1)
    joints = np.array([[[-0.6, 0.0, 1.1]]])
    x, y = project(standing_camera(), joints, 96)[0, 0].astype(int)
    assert difference[y - 3 : y + 4, x - 3 : x + 4].mean() > 25


def mask_of(thing: Thing, camera: Camera, size_px: int) -> FloatArray:
    """Coverage (H, W) of one primitive in a picture, from how much it darkens a silhouette's backdrop."""
    shown = scene("silhouette", "studio", 1, primitives([[thing]]), NOTHING, camera, LIGHT, PLAIN)
    bare = replace(shown, moving=NOTHING)
    change = np.abs(render_frame(bare, size_px, 0).astype(float) - render_frame(shown, size_px, 0)).max(-1)
    return np.asarray(np.clip(change / np.quantile(change, 0.999), 0, 1), np.float64)


def test_a_ball_has_the_right_radius() -> None:
    mask = mask_of(
        Thing(Shape.ELLIPSOID, (0.5, 0.5, 0.5), (0.0, 0.0, 2.0)),
        replace(LEVEL, target=np.array([[0, 0, 1.0]])),
        256,
    )
    mask = mask * (np.indices(mask.shape)[0] < 128)  # above its shadow
    focal = 128 / np.tan(np.radians(18))
    distance2 = 6.0**2 + 1.0**2
    solid_angle = 2 * np.pi * (1 - np.sqrt(1 - 0.25 / distance2))
    # Its rim catches light, hence the low threshold.
    # A patch of the picture at angle θ off the middle is 1 / cos³θ larger than its solid angle.
    expected = focal**2 * solid_angle / (6.0 / np.sqrt(distance2)) ** 3
    assert (mask > 0.2).sum() == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(
    ("thing", "left", "right", "top", "bottom"),
    [
        (Thing(Shape.BOX, (0.4, 0.001, 0.3), (0.2, 0.0, 1.5)), -0.2, 0.6, 1.8, 1.2),
        (
            Thing(Shape.CYLINDER, (0.3, 0.001, 0.0), (0.2, 0.0, 1.5), turned(0, np.pi / 2)),
            -0.1,
            0.5,
            1.8,
            1.2,
        ),
        (Thing(Shape.ELLIPSOID, (0.5, 0.001, 0.25), (0.2, 0.0, 1.5)), -0.3, 0.7, 1.75, 1.25),
        (
            Thing(Shape.ROUND_CONE, (0.2, 0.1, 0.5), (0.2, 0.0, 1.3), np.diag([1, 0.001, 1])),
            0.0,
            0.4,
            1.9,
            1.1,
        ),
    ],
)
def test_edges_lie_where_geometry_says(
    thing: Thing, left: float, right: float, top: float, bottom: float
) -> None:
    mask = mask_of(thing, LEVEL, 256) > 0.5
    mask[128:] = False  # the shadow lies below the horizon
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    corners = project(LEVEL, np.array([[[left, 0.0, top], [right, 0.0, bottom]]]), 256)[0]
    assert columns[0] == pytest.approx(corners[0, 0], abs=1)
    assert columns[-1] + 1 == pytest.approx(corners[1, 0], abs=1)
    assert rows[0] == pytest.approx(corners[0, 1], abs=1)
    assert rows[-1] + 1 == pytest.approx(min(corners[1, 1], 128), abs=1)


def decoded(picture: Image) -> FloatArray:
    """Linear light of sRGB bytes."""
    c = picture / 255
    return np.asarray(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4), np.float64)


def test_edges_are_close_to_sixty_four_samples_a_pixel() -> None:
    shown = scene("silhouette", "studio", 1, static=NOTHING)
    fine = decoded(render_frame(shown, 512, 0)).reshape(64, 8, 64, 8, 3)
    truth, single = fine.mean((1, 3)), fine[:, 4, :, 4]
    smooth = decoded(render_frame(shown, 64, 0))
    edge = fine.std((1, 3)).max(-1) > 0.05
    assert edge.sum() > 100
    error = np.abs(smooth - truth)[edge].mean()
    assert error < 0.02
    assert error < 0.35 * np.abs(single - truth)[edge].mean()
    low, high = truth[edge].min(), truth[edge].max()
    between = (smooth[edge] > low + 0.2 * (high - low)) & (smooth[edge] < low + 0.8 * (high - low))
    assert between.mean() > 0.2


def test_a_thin_post_is_not_lost_between_pixels() -> None:
    post = primitives([[Thing(Shape.CYLINDER, (0.012, 1.0, 0.0), (0.013, 0.0, 1.0))]])
    shown = scene(
        "shaded", "studio", 1, NOTHING, post, LEVEL, materials=(Material((0.0, 0.0, 0.0), gloss=0.0),)
    )
    bare = replace(shown, static=NOTHING)
    rows = np.abs(render_frame(bare, 64, 0).astype(float) - render_frame(shown, 64, 0)).max(-1)[17:47].max(1)
    assert rows.min() > 12
    assert rows.max() < 2.5 * rows.min()


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_the_shadow_falls_on_the_far_side_of_the_sun(side: float) -> None:
    ball = primitives([[Thing(Shape.ELLIPSOID, (0.3, 0.3, 0.3), (0.0, 0.0, 0.3))]])
    light = Light((side, 0.0, 1.0), (2.5, 2.5, 2.5), (0.6, 0.6, 0.6))
    shown = scene("shaded", "studio", 1, ball, NOTHING, light=light)
    darker = render_frame(replace(shown, moving=NOTHING), 128, 0).astype(float) - render_frame(shown, 128, 0)
    camera = shown.camera
    spots = project(camera, np.array([[[-side * 0.5, 0.0, 0.0], [side * 0.5, 0.0, 0.0]]]), 128)[0].astype(int)
    far, near = (darker[y, x].mean() for x, y in spots)
    assert far > 40
    assert abs(near) < 15


def test_scenery_throws_its_shadow_on_the_subject() -> None:
    roof = primitives([[Thing(Shape.BOX, (3.0, 3.0, 0.05), (0.0, 0.0, 3.2))]])
    overhead = Light((0.0, 0.0, 1.0), LIGHT.sun, LIGHT.ambient)
    free = scene(static=NOTHING, light=overhead, num_frames=1)
    x, y = project(free.camera, np.array([[[-0.5, 0.0, 1.85]]]), 128)[0, 0].astype(int)
    lit = render_frame(free, 128, 0)[y, x].astype(int).sum()
    assert render_frame(replace(free, static=roof), 128, 0)[y, x].astype(int).sum() < 0.8 * lit


def test_patterns_turn_with_the_body() -> None:
    wheel = [
        [Thing(Shape.CYLINDER, (0.6, 0.1, 0.0), (0.0, 0.0, 1.0), turned(0, np.pi / 2) @ turned(2, a), 3)]
        for a in (0.0, 0.4)
    ]
    clip = render(scene(moving=primitives(wheel), static=NOTHING, num_frames=2), 96)
    assert (np.abs(clip[0].astype(int) - clip[1]).max(-1) > 40).sum() > 100


@pytest.mark.parametrize("pattern", list(Pattern))
def test_patterns_far_away_melt_into_their_mean(pattern: Pattern) -> None:
    """A pattern much finer than a pixel must not shimmer when the body creeps."""
    frames = [
        [Thing(Shape.BOX, (2.0, 0.2, 2.0), (0.003 * i, 30.0, 2.2), turned(1, 0.01 * i))] for i in range(4)
    ]
    fine = (Material((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), pattern, 0.02, 0.0),)
    clip = render(scene("shaded", "studio", 4, primitives(frames), NOTHING, materials=fine), 64).astype(float)
    x, y = project(standing_camera(), np.array([[[0.0, 29.8, 2.2]]]), 64)[0, 0].astype(int)
    inner = clip[:, y - 1 : y + 2, x - 1 : x + 2]
    assert (inner.max(0) - inner.min(0)).max() < 40


def test_a_creeping_camera_does_not_make_the_ground_shimmer() -> None:
    positions = np.stack([np.linspace(0, 0.02, 4), np.full(4, -6.0), np.full(4, 1.5)], 1)
    camera = Camera(positions, np.array([[0.0, 0.0, 1.0]]), 36.0)
    clip = render(scene("shaded", "plaza", 4, NOTHING, NOTHING, camera), 96).astype(float)
    assert np.abs(np.diff(clip, axis=0)).mean() < 2.5


def degenerate() -> dict[str, Primitives]:
    """Input that geometry does not like."""
    squashed = Thing(Shape.BOX, (0.3, 0.3, 0.3), (0.0, 0.0, 1.0), np.diag([1.0, 1.0, 0.0]))
    return {
        "nothing": NOTHING,
        "behind the camera": primitives([[Thing(Shape.ELLIPSOID, (0.5, 0.5, 0.5), (0.0, -20.0, 1.0))]]),
        "squashed flat": primitives([[squashed]]),
        "no size": primitives([[Thing(Shape.CYLINDER, (0.0, 0.0, 0.0), (0.0, 0.0, 1.0))]]),
        "under the ground": primitives([[Thing(Shape.ROUND_CONE, (0.2, 0.3, 0.1), (0.0, 0.0, -3.0))]]),
    }


@pytest.mark.parametrize("name", degenerate())
@pytest.mark.parametrize("style", STYLES)
def test_degenerate_input_leaves_a_clean_picture(name: str, style: str) -> None:
    things = degenerate()[name]
    bare = render_frame(scene(style, num_frames=1, moving=NOTHING, static=NOTHING), 48, 0)
    picture = render_frame(scene(style, num_frames=1, moving=things, static=things), 48, 0)
    assert (np.abs(picture.astype(int) - bare).max(-1) > 30).mean() < 0.03


def test_a_body_around_the_camera_hides_nothing_but_the_sun() -> None:
    around = primitives([[Thing(Shape.BOX, (3.0, 3.0, 3.0), (-0.7, -5.5, 1.7))]])
    picture = render_frame(scene(num_frames=1, moving=around), 48, 0)
    bare = render_frame(scene(num_frames=1, moving=NOTHING), 48, 0)
    assert np.array_equal(picture[:14], bare[:14]), "the sky is still there"
    assert (picture <= bare + 1).mean() > 0.98


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'oil'.*shaded, toon, sketch, painted, silhouette, blueprint"):
        render_frame(scene("oil"), 16, 0)
    with pytest.raises(ConfigError, match=r"'moon'.*meadow.*warehouse"):
        render_frame(scene(kind="moon"), 16, 0)
    with pytest.raises(ConfigError, match="'moon'"):
        place_of(Environment("moon", LIGHT, 0))


def test_parts_that_do_not_fit_are_refused() -> None:
    good = scene(num_frames=4)
    with pytest.raises(ContractError, match=r"moving\.linear has 3 rows"):
        render(replace(good, moving=primitives([subject(i) for i in range(3)])), 16)
    with pytest.raises(ContractError, match="material 5"):
        render(replace(good, materials=MATERIALS[:2]), 16)


def test_the_seed_of_the_environment_changes_the_picture_and_nothing_else_does() -> None:
    def ground(seed: int) -> Image:
        shown: Scene = scene(moving=NOTHING, static=NOTHING, num_frames=1)
        return render_frame(replace(shown, environment=Environment("meadow", LIGHT, seed)), 48, 0)

    assert np.array_equal(ground(1), ground(1))
    assert not np.array_equal(ground(1), ground(2))
