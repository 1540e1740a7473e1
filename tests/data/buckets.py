"""What tests of stores share: a folder, memory and an S3 service that can be told to fail, and a clock.

The fixtures are imported by ``conftest``.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from data.remote_store import RemoteStore, open_store
from data.store import Store
from tests.s3_server import Server

URL = "s3://store/some/prefix"
KEY = "ab" * 32


class Clock:
    """A monotonic clock of one machine, set by hand."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(params=["folder", "s3"])
def address(request: pytest.FixtureRequest, s3: Server, tmp_path: Path) -> str:
    """Where several processes find one store."""
    return {"folder": str(tmp_path / "store"), "s3": URL}[request.param]


@pytest.fixture(params=["folder", "memory", "s3"])
def stores(request: pytest.FixtureRequest, s3: Server, tmp_path: Path) -> Callable[[], Store]:
    """Opens one store again and again, each time with a cache of its own."""
    memory = f"memory://{uuid.uuid4().hex}/store"
    address: dict[str, str | Path] = {"folder": tmp_path / "store", "memory": memory, "s3": URL}
    return lambda: open_store(address[request.param], tmp_path / uuid.uuid4().hex)


@pytest.fixture
def waits() -> list[float]:
    """How many seconds ``fresh`` stores waited each time they were refused; no time passes meanwhile."""
    return []


@pytest.fixture
def fresh(s3: Server, tmp_path: Path, waits: list[float]) -> Callable[[], RemoteStore]:
    """Makes stores of one URL, each with a cache of its own, as of workers on other machines."""
    return lambda: RemoteStore(URL, tmp_path / uuid.uuid4().hex, waits.append)


@pytest.fixture
def store(fresh: Callable[[], RemoteStore]) -> RemoteStore:
    return fresh()


def files(store: Store) -> list[Path]:
    """All files of a store in a folder, or of the cache of another."""
    return sorted(path for path in store.root.rglob("*") if path.is_file())


def run_python(script: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a script in a process of its own; what it prints can be read."""
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True)
