"""Settings for every test, and what all tests share that need it: a Label Studio, tiny WAN checkpoints."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from annotation.server import Server

# A test may be slow on a busy machine and still be right.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")

# A model hub or telemetry is never asked, whatever the machine allows.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["DO_NOT_TRACK"] = "1"
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"


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
