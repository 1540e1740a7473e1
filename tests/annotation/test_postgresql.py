"""A Label Studio of our own whose data is in PostgreSQL, as the variables POSTGRE_… ask for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotation.pull import pull
from annotation.server import start, stop
from annotation.studio import Studio
from tests.annotation.conftest import World
from tests.postgres_server import PASSWORD, USER, postgres_server


def test_a_study_lives_in_postgresql(
    tmp_path: Path, clips: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres_server() as postgres:
        postgres.query("postgres", "CREATE DATABASE labels")
        settings = {"HOST": "127.0.0.1", "PORT": str(postgres.port), "NAME": "labels"}
        for name, value in (settings | {"USER": USER, "PASSWORD": PASSWORD}).items():
            monkeypatch.setenv(f"POSTGRE_{name}", value)
        home = tmp_path / "home"
        server = start(home)
        try:
            assert server.database == "postgresql"
            with Studio(server.connection) as studio:
                world = World(tmp_path / "study", studio, clips)
                person = world.log_in(world.push().invitations[0])
                task = person.next_task()
                assert task is not None
                person.submit(task)
                person.browser.close()
                assert len(pull(studio, world.folder).rankings) == 1
            assert postgres.query("labels", "SELECT count(*) FROM task_completion") == [(1,)]
            assert not list((home / "data").glob("*.sqlite3"))
        finally:
            stop(home)
