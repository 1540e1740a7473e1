"""Settings for every test, and the one Label Studio that all tests share which need it."""

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
