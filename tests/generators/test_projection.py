"""Trajectories in pixels must lie where the renderer draws the thing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.procedural.projection import project, view_at
from generators.procedural.render import render_frame
from generators.procedural.scene import Camera, Material, Shape
from tests.generators.scenes import NOTHING, Thing, primitives, scene

numbers = st.floats(-1.0, 1.0)


@settings(max_examples=12, deadline=None)
@given(st.tuples(numbers, numbers, numbers), st.tuples(numbers, numbers), st.floats(20, 60))
def test_a_tiny_ball_is_drawn_where_its_centre_projects(
    place: tuple[float, float, float], stand: tuple[float, float], fov: float
) -> None:
    centre = np.array([place[0], place[1], 1.5 + place[2]])
    camera = Camera(np.array([[stand[0], -7.0, 1.5 + stand[1]]]), np.array([[0.2, 0.0, 1.4]]), fov)
    ball = primitives([[Thing(Shape.ELLIPSOID, (0.06, 0.06, 0.06), (centre[0], centre[1], centre[2]))]])
    materials = (Material((0.0, 0.0, 0.0), gloss=0.0),)
    shown = scene("silhouette", "studio", 1, ball, NOTHING, camera, materials=materials)
    without = scene("silhouette", "studio", 1, NOTHING, NOTHING, camera, materials=materials)
    size_px = 192
    change = render_frame(without, size_px, 0).astype(float) - render_frame(shown, size_px, 0)
    weight = change[..., 1] * (change[..., 1] > 40)  # the ball itself, without its shadow
    x, y = project(camera, centre[None, None], size_px)[0, 0]
    assume_inside = 4 < x < size_px - 4 and 4 < y < size_px - 4
    if not assume_inside:
        return
    rows, columns = np.indices(weight.shape) + 0.5
    drawn = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()
    assert np.abs(drawn - [x, y]).max() < 0.25


def test_the_target_is_the_middle_and_axes_are_right_handed() -> None:
    camera = Camera(np.array([[1.0, -4.0, 3.0]]), np.array([[0.5, 0.2, 0.8]]), 40.0)
    assert project(camera, camera.target[None], 100)[0, 0] == pytest.approx([50, 50])
    up_and_right = project(camera, camera.target[None] + [[0.1, 0.0, 0.1]], 100)[0, 0]
    assert up_and_right[0] > 50
    assert up_and_right[1] < 50
    view = view_at(camera, 0, 100)
    axes = np.stack([view.right, view.up, -view.forward])
    assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1)


def test_the_field_of_view_spans_the_picture() -> None:
    camera = Camera(np.array([[0.0, -10.0, 0.0]]), np.zeros((1, 3)), 36.0)
    top = 10 * np.tan(np.radians(18))
    assert project(camera, np.array([[[0.0, 0.0, top]]]), 64)[0, 0] == pytest.approx([32, 0], abs=1e-9)


def test_a_camera_that_looks_straight_down_still_has_axes() -> None:
    camera = Camera(np.array([[0.0, 0.0, 5.0]]), np.zeros((1, 3)), 40.0)
    assert np.isfinite(project(camera, np.array([[[0.3, 0.2, 0.0]]]), 64)).all()
    assert np.isfinite(render_frame(scene(num_frames=1, camera=camera), 32, 0)).all()


def test_moving_cameras_use_their_own_row() -> None:
    camera = Camera(np.array([[0.0, -5.0, 1.0], [0.0, -6.0, 1.0]]), np.array([[0.0, 0.0, 1.0]]), 40.0)
    points = np.tile([[[1.0, 0.0, 1.0]]], (2, 1, 1))
    x = project(camera, points, 100)[:, 0, 0] - 50
    assert x[0] / x[1] == pytest.approx(6 / 5)
