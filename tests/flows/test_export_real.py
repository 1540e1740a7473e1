"""The command writes and checks sets of real clips, alone and beside a synthetic one."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from data.errors import ConfigError
from flows.cli import app
from tests.data.real_samples import UNKNOWN, real_set
from tests.data.samples import data_set


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sets")
    data_set(root / "synthetic")
    real_set(root / "full")
    real_set(root / "references", "references", UNKNOWN)
    return root


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("kind", ["full", "references"])
def test_two_sets_become_one_that_verifies(kind: str, sets: Path, tmp_path: Path) -> None:
    to = tmp_path / "both"
    run("export", sets / "synthetic", "--real", sets / kind, "--layout", "parquet", "--to", to)
    assert sorted(path.name for path in to.iterdir()) == ["README.md", "real", "synthetic"]
    assert "every hash and count agrees" in " ".join(run("verify", to).split())
    (to / "real" / "references.csv").unlink()
    with pytest.raises(ConfigError, match="1 things differ"):
        run("verify", to)


def test_a_set_of_real_clips_becomes_the_published_folders(sets: Path, tmp_path: Path) -> None:
    run("export", sets / "full", "--to", tmp_path / "folders")
    assert len(list((tmp_path / "folders" / "examples").glob("triplet_*/*.mp4"))) == 6


def test_folders_hold_one_set(sets: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="folders hold one data set"):
        run("export", sets / "synthetic", "--real", sets / "full", "--to", tmp_path / "folders")
    assert not (tmp_path / "folders").exists()
