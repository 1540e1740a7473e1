"""A finished build answers at once, and goes its usual way as soon as anything is missing or changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.finished import FILENAME, finished, keep
from flows.workspace import Workspace, opened, recorded_recipe


@pytest.fixture
def workspace(undisturbed: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(undisturbed, tmp_path / "out")
    return opened(tmp_path / "out")


def first(workspace: Workspace, pattern: str) -> Path:
    return sorted(workspace.out.glob(pattern))[0]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_what_it_came_to_is_told_again(workspace: Workspace) -> None:
    found = finished(workspace, recorded_recipe(workspace))
    assert found is not None
    assert found.counts.accepted > 0
    keep(workspace, found)
    assert finished(workspace, recorded_recipe(workspace)) == found


def test_another_recipe_is_another_build(workspace: Workspace) -> None:
    assert finished(workspace, recorded_recipe(workspace).overridden(seed=8)) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda own: flip(first(own, "data/*.parquet")),
        lambda own: first(own, "data/*.parquet").unlink(),
        lambda own: flip(first(own, "store/blobs/*/*.mp4")),
        lambda own: first(own, "store/blobs/*/*.mp4").unlink(),
        lambda own: own.report.unlink(),
        lambda own: own.card.unlink(),
        lambda own: own.manifest.unlink(),
        lambda own: own.manifest.write_text(own.manifest.read_text() + " "),
        lambda own: (own.out / FILENAME).write_text("{}"),
        lambda own: (own.out / FILENAME).unlink(),
    ],
)
def test_whatever_is_missing_or_changed_is_seen(
    workspace: Workspace, damage: Callable[[Workspace], object]
) -> None:
    damage(workspace)
    assert finished(workspace, recorded_recipe(workspace)) is None


def test_what_is_left_to_do_is_done(workspace: Workspace) -> None:
    facts = json.loads(workspace.manifest.read_text())
    facts["counts"]["pending"] += 1
    facts["counts"]["requested"] += 1
    summary = finished(workspace, recorded_recipe(workspace))
    assert summary is not None
    workspace.manifest.write_text(json.dumps(facts))
    keep(workspace, summary)
    assert finished(workspace, recorded_recipe(workspace)) is None
