"""The folder of a run: whose it is, who holds it, how it forks."""

import json
import os
from pathlib import Path

import pytest

from data.errors import ConfigError
from flows.recipe import load_recipe
from flows.workspace import claimed, opened, recorded_recipe, target_folder

DEMO = load_recipe("demo")
OTHER = DEMO.overridden(seed=99)


def test_a_new_folder_is_made_and_remembers_its_recipe(tmp_path: Path) -> None:
    with claimed(tmp_path / "deep" / "out", DEMO) as workspace:
        assert recorded_recipe(workspace).fingerprint == DEMO.fingerprint
    assert opened(tmp_path / "deep" / "out").out == workspace.out


def test_the_same_recipe_continues_whatever_its_workers(tmp_path: Path) -> None:
    with claimed(tmp_path / "out", DEMO):
        pass
    with claimed(tmp_path / "out", DEMO.overridden(workers=9)) as workspace:
        assert workspace.out == tmp_path / "out"


def test_another_recipe_is_refused_and_the_difference_named(tmp_path: Path) -> None:
    with claimed(tmp_path / "out", DEMO):
        pass
    with pytest.raises(ConfigError, match=r"belongs to another recipe \(seed: 7 → 99\).*--fork"):
        target_folder(tmp_path / "out", OTHER)


def test_a_fork_starts_beside_it_with_the_finished_artifacts(tmp_path: Path) -> None:
    with claimed(tmp_path / "out", DEMO) as parent:
        blob = parent.store.put_bytes(b"finished", ".bin")
        parent.store.publish("clips", "ab" * 32, {"blobs": {"clip": blob}})
    with claimed(tmp_path / "out", OTHER, fork=True) as child:
        assert child.out == tmp_path / f"out-{OTHER.fingerprint[:8]}"
        assert child.store.find("clips", "ab" * 32) == {"blobs": {"clip": blob}}
    assert recorded_recipe(parent).fingerprint == DEMO.fingerprint
    with claimed(tmp_path / "out", OTHER, fork=True) as again:
        assert again.out == child.out


def test_a_fork_of_the_same_recipe_is_the_folder_itself(tmp_path: Path) -> None:
    with claimed(tmp_path / "out", DEMO):
        pass
    assert target_folder(tmp_path / "out", DEMO, fork=True) == tmp_path / "out"


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ConfigError, match="is a file: --out must name a folder"):
        target_folder(tmp_path / "out", DEMO)
    assert (tmp_path / "out").read_text() == "mine"


def test_a_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with (
        pytest.raises(ConfigError, match="a part of this path is a file"),
        claimed(tmp_path / "file" / "out", DEMO),
    ):
        pass


def test_a_folder_with_foreign_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"holds files but no run\.json of ours"):
        target_folder(tmp_path, DEMO)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_run_killed_before_its_first_record_can_start_again(tmp_path: Path) -> None:
    (tmp_path / ".lock").touch()
    with claimed(tmp_path, DEMO):
        pass


def test_a_second_run_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    with (
        claimed(tmp_path / "out", DEMO),
        pytest.raises(ConfigError, match=f"being written by process {os.getpid()}"),
        claimed(tmp_path / "out", DEMO),
    ):
        pass


def test_leftovers_of_a_killed_run_are_swept(tmp_path: Path) -> None:
    with claimed(tmp_path / "out", DEMO) as workspace, workspace.store.temporary(".mp4") as lost:
        pass
    lost.write_bytes(b"half")
    with claimed(tmp_path / "out", DEMO):
        assert not lost.exists()


def test_a_damaged_record_of_the_recipe_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"recipe": {}})[:-3])
    with pytest.raises(ConfigError, match=r"run.json cannot be read"):
        target_folder(tmp_path, DEMO)


def test_a_folder_without_a_run_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no run"):
        opened(tmp_path)
