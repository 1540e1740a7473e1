"""Settings for every test, and what all tests share: Prefect, S3, Label Studio, tiny WAN checkpoints.

A fixture of a session is made anew for each module that imports it. A second S3 service would be asked by
some and emptied by others, since a process keeps its connections; so servers are fixtures here alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from annotation.server import Server
    from tests import s3_server

# A test may be slow on a busy machine and still be right.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")

# A model hub or telemetry is never asked, whatever the machine allows.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["DO_NOT_TRACK"] = "1"
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"


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
    from flows.server import prefect_server

    home = tmp_path_factory.mktemp("prefect")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(home))
        with prefect_server() as url:
            yield Prefect(url, home)


@pytest.fixture(scope="session")
def running_s3() -> Iterator[s3_server.Server]:
    from tests.s3_server import serving

    with serving() as server:
        yield server


@pytest.fixture
def s3(running_s3: s3_server.Server, monkeypatch: pytest.MonkeyPatch) -> s3_server.Server:
    """An S3 service with one empty bucket, to which this process and its children are led."""
    running_s3.prepare(monkeypatch)
    return running_s3


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where that Label Studio keeps its data."""
    return tmp_path_factory.mktemp("annotation") / "home"


@pytest.fixture(scope="session")
def server(home: Path) -> Iterator[Server]:
    """Started once for all tests; the first time on a machine installs it, which takes two minutes."""
    from annotation.server import start, stop

    yield start(home)
    stop(home)


@pytest.fixture(scope="session")
def tiny_wan_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole WAN checkpoint of the large model's kind with few and random weights. Not to be written to."""
    from tests.generators.tiny_wan import save_tiny_wan

    return save_tiny_wan(tmp_path_factory.mktemp("wan"))


@pytest.fixture(scope="session")
def tiny_wan_5b_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of the small model's kind."""
    from tests.generators.tiny_wan import save_tiny_wan_5b

    return save_tiny_wan_5b(tmp_path_factory.mktemp("wan_5b"))
