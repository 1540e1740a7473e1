"""``simmotion up`` on PostgreSQL: it runs there, and says what is wrong where it cannot."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL, temporary_settings

from data import manifest
from data.errors import BackendUnavailable, ConfigError
from flows.database import require_database, without_password
from tests.flows.commands import simmotion
from tests.flows.up import Up
from tests.postgres_server import USER, Postgres, postgres_server

TINY = ("per_category=1", 'categories=["view"]', "size_px=96", "duration_seconds=2", "fps=8")
VARIABLE = "PREFECT_API_DATABASE_CONNECTION_URL"
CANARY = "canary"  # in the password, however it is spelled


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with postgres_server() as started:
        started.query("postgres", "CREATE DATABASE prefect")
        yield started


def _refusal(url: str, kind: type[Exception]) -> str:
    with temporary_settings({PREFECT_API_DATABASE_CONNECTION_URL: url}), pytest.raises(kind) as refused:
        require_database()
    assert CANARY not in str(refused.value)
    return str(refused.value)


def test_a_deployment_runs_and_its_rows_are_in_postgresql(postgres: Postgres, tmp_path: Path) -> None:
    home = tmp_path / "home"
    up = Up(tmp_path, home, **{VARIABLE: postgres.url("prefect")})
    try:
        run = up.run("build-synthetic/demo", *TINY)
        assert run.returncode == 0, run.stdout + run.stderr + "".join(up.lines)
        assert manifest.read(tmp_path / "out" / "demo" / "manifest.json").counts.accepted == 1
        children = psutil.Process(up.process.pid).children(recursive=True)
        up.process.send_signal(signal.SIGINT)
        assert up.process.wait(timeout=60) == 0
        _, alive = psutil.wait_procs(children, timeout=60)
        assert not alive
    finally:
        up.close()
    said = "".join(up.lines) + run.stdout + run.stderr
    assert CANARY not in said
    assert "Traceback" not in said
    rows = postgres.query(
        "prefect", "SELECT flow.name, state_type::text FROM flow_run JOIN flow ON flow_id = flow.id"
    )
    assert ("build-synthetic", "COMPLETED") in rows
    assert not list(home.glob("*.db")), "SQLite was not to be used"


def test_a_database_that_is_not_there_is_named_and_nothing_is_started(
    postgres: Postgres, tmp_path: Path
) -> None:
    environment = {**os.environ, "PREFECT_HOME": str(tmp_path), VARIABLE: postgres.url("nowhere")}
    refused = simmotion("up", "--port", "0", environment=environment)
    assert refused.returncode == 2
    assert "has no database 'nowhere': create it" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert CANARY not in refused.stderr


def test_a_wrong_password_is_told_without_it(postgres: Postgres) -> None:
    said = _refusal(postgres.url("prefect", "another canary"), ConfigError)
    assert f"127.0.0.1:{postgres.port} does not let '{USER}' into 'prefect'" in said


def test_who_may_not_enter_a_database_is_told_so(postgres: Postgres) -> None:
    postgres.query("postgres", "CREATE ROLE guest LOGIN PASSWORD 'canary'")
    postgres.query("prefect", "REVOKE CONNECT ON DATABASE prefect FROM PUBLIC")
    url = f"postgresql+asyncpg://guest:canary@127.0.0.1:{postgres.port}/prefect"
    assert "permission denied" in _refusal(url, ConfigError)


def test_a_postgresql_without_what_prefect_needs_is_told_apart(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.database.EXTENSION", "an_extension_that_is_nowhere")
    said = _refusal(postgres.url("prefect"), ConfigError)
    assert "lacks the extension an_extension_that_is_nowhere" in said


def test_where_nobody_listens_it_may_be_tried_again() -> None:
    said = _refusal("postgresql+asyncpg://team:canary@127.0.0.1:1/prefect", BackendUnavailable)
    assert "PostgreSQL at 127.0.0.1:1 does not answer" in said


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://team:canary@127.0.0.1/prefect",
        "mysql+aiomysql://team:canary@127.0.0.1/prefect",
        "postgresql+asyncpg://team:canary@127.0.0.1:port/prefect",
        "team canary",
    ],
)
def test_an_address_that_prefect_cannot_use_is_refused_with_the_form_of_one_that_it_can(url: str) -> None:
    assert "postgresql+asyncpg://USER:PASSWORD@HOST:5432/DATABASE" in _refusal(url, ConfigError)


def test_without_a_named_database_nothing_is_asked() -> None:
    with temporary_settings(restore_defaults={PREFECT_API_DATABASE_CONNECTION_URL}):
        require_database()


def test_what_a_server_said_last_is_shown_without_the_password() -> None:
    url = "postgresql+asyncpg://team:c%40nary%2F@127.0.0.1/prefect"
    with temporary_settings({PREFECT_API_DATABASE_CONNECTION_URL: url}):
        assert (
            without_password(f"at {url}:\n  c@nary/")
            == "at postgresql+asyncpg://team:***@127.0.0.1/prefect: ***"
        )
