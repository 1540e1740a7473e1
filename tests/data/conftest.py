from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.data.samples import data_set


@pytest.fixture(scope="session")
def _pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished") / "out"
    data_set(out)
    return out


@pytest.fixture
def finished(_pristine: Path, tmp_path: Path) -> Path:
    """A finished data set of three triplets that the test may damage."""
    return Path(shutil.copytree(_pristine, tmp_path / "out"))
