"""The whole way on the command line: out to people and back."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

from annotation.items_file import read_items
from annotation.study import Study
from data.errors import ConfigError
from flows.cli_annotate import app
from tests.annotation.conftest import World


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_push_status_and_pull(world: World, home: Path, tmp_path: Path) -> None:
    items, people = tmp_path / "items.jsonl", tmp_path / "people.txt"
    items.write_text("".join(json.dumps(asdict(item), ensure_ascii=False) + "\n" for item in world.items))
    people.write_text("\n".join(world.emails) + "\n")
    clips = next(iter(world.clips.values())).parent
    push: tuple[object, ...] = ("push", world.folder, "--items", items, "--clips", clips)
    push += ("--annotators", people, "--per-item", 1, "--repeats", 0, "--home", home)
    said = run(*push)
    assert "4 new tasks" in said
    assert all(email in said for email in world.emails)
    assert "0 new tasks, 0 new clips" in run(*push)
    from annotation.push import invitations

    (invitation, *_) = invitations(world.studio.url, Study(world.folder))
    person = world.log_in(invitation)
    task = person.next_task()
    assert task is not None
    person.submit(task, seconds=36)
    assert "0 of 4 answers are in" in run("status", world.folder)
    said = run("pull", world.folder, "--home", home)
    assert "1 of 4 answers are in, 1 of 4 items complete; about 2 min of annotators' work are left" in said
    assert "1 of 4 answers are in" in run("status", world.folder)


def test_a_line_of_the_items_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    good = '{"item_id": "動き", "reference": "r", "candidates": ["a", "b"]}'
    for bad in (
        "{",
        "[]",
        '{"item_id": "x"}',
        '{"item_id": "x", "reference": 1, "candidates": []}',
        '{"item_id": "x", "reference": "r", "candidates": "ab"}',
        good.replace("{", '{"order": [], '),
    ):
        path.write_text(f"{good}\n{bad}\n")
        with pytest.raises(ConfigError, match="line 2"):
            read_items(path)
    path.write_text("\n")
    with pytest.raises(ConfigError, match="no items"):
        read_items(path)
    path.write_text(good)
    assert read_items(path)[0].item_id == "動き"
