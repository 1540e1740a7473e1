"""One Prefect server and one finished tiny build for all tests that need them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.server import prefect_server
from tests.flows.commands import TINY, simmotion


@dataclass(frozen=True)
class Prefect:
    """A running server: its API and the home of its database."""

    url: str
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PREFECT_HOME": str(self.home), "PREFECT_API_URL": self.url}


@pytest.fixture(scope="session")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    home = tmp_path_factory.mktemp("prefect")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(home))
        with prefect_server() as url:
            yield Prefect(url, home)


@pytest.fixture(scope="session")
def undisturbed(prefect: Prefect, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny build that nobody disturbed."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    run = simmotion("build", "--out", out, *TINY, environment=prefect.environment)
    assert run.returncode == 0, run.stderr
    return out
