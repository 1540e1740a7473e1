"""One Prefect server, one finished tiny build and tiny checkpoints for all tests that need them."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.server import prefect_server
from tests.flows.browser import browser as browser
from tests.flows.commands import TINY, simmotion
from tests.moments.backbones.checkpoints import save


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


@pytest.fixture(scope="module")
def built(undisturbed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an evaluation needs of that build, to write into."""
    out = tmp_path_factory.mktemp("built") / "tiny"
    out.mkdir()
    shutil.copy(undisturbed / "manifest.json", out)
    shutil.copytree(undisturbed / "data", out / "data")
    return out


@pytest.fixture(scope="session")
def dinov2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint of an image backbone."""
    return save("dinov2", tmp_path_factory.mktemp("checkpoints") / "dinov2")


@pytest.fixture(scope="session")
def videomae(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint of a backbone that joins frames."""
    return save("videomae", tmp_path_factory.mktemp("checkpoints") / "videomae")
