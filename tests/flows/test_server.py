"""A Prefect server for as long as it is needed: quiet, clean, and never an orphan."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from prefect.settings.models.server.services import ServerServicesDBVacuumSettings

from data.errors import ConfigError
from flows import server
from flows.server import is_healthy, prefect_server
from tests.flows.conftest import Prefect

_HOLDER = """
import sys
from flows.server import prefect_server
with prefect_server() as url:
    print(url, flush=True)
    sys.stdin.read()
"""


def test_a_server_answers_inside_the_block(prefect: Prefect) -> None:
    assert is_healthy(prefect.url)


def test_nobody_answers_where_nothing_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert not is_healthy(f"http://127.0.0.1:{free.getsockname()[1]}/api")


def test_a_taken_port_is_named_before_anything_starts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} on 127.0.0.1 is taken"), prefect_server(port):
            pass


def test_a_server_of_ours_forgets_runs_that_ended_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server._DEFAULTS.items():
        monkeypatch.setenv(name, value)
    assert ServerServicesDBVacuumSettings().enabled_vacuum_types >= {"events", "flow_runs"}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_dies_with_its_owner_however_it_dies(
    how: signal.Signals, prefect: Prefect, tmp_path: Path
) -> None:
    environment = {**os.environ, "PREFECT_HOME": str(prefect.home)}
    owner = subprocess.Popen(
        [sys.executable, "-c", _HOLDER],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        assert owner.stdout is not None
        url = owner.stdout.readline().strip()
        assert is_healthy(url)
        (server,) = psutil.Process(owner.pid).children()
        owner.send_signal(how)
        owner.wait(timeout=60)
    server.wait(timeout=60)
    assert not is_healthy(url)
