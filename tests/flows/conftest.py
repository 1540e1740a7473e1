"""One finished tiny build and tiny checkpoints for all tests that need them."""

import shutil
from pathlib import Path

import pytest

from tests.conftest import Prefect as Prefect
from tests.flows.browser import browser as browser
from tests.flows.commands import TINY, simmotion
from tests.moments.backbones.checkpoints import save


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
