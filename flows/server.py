"""A Prefect server for as long as we need one, in a child process that cannot outlive us.

Prefect's own embedded server lives in the caller's process and prints errors when it is torn down;
a child does not.  It reads our end of a pipe: when we are gone, for whatever reason, the pipe closes
and the child stops, so that ``kill -9`` leaves no orphan.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from data.errors import BackendUnavailable, ConfigError
from flows.database import require_database, without_password

# The first start of a fresh database runs every migration; on a slow disk that takes minutes.
_START_TIMEOUT_SECONDS = 300
_STOP_TIMEOUT_SECONDS = 20
# Defaults of ours, which the environment overrules.  Leases on limits outlive the server, or nobody would
# give back what a run held when both were killed; who waits for a limit asks often, so that no GPU idles.
# Runs that ended 90 days ago are removed with their tasks, as events are after 7, or the database of a team
# would grow for ever; data sets, books and ledgers lie in their folders.
_DEFAULTS = {
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    "PREFECT_SERVER_TASKS_TAG_CONCURRENCY_SLOT_WAIT_SECONDS": "2",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
}
_QUIET = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}


@contextmanager
def prefect_server(port: int | None = None, *, services: bool = False) -> Iterator[str]:
    """Start a server on 127.0.0.1, wait until it is healthy, yield its API URL, stop it.

    ``port`` None takes a free one. ``services`` also starts the scheduler and the other background
    services, which deployments need and a single run does not.  Its database is the one that Prefect's
    settings name.  Raises ``ConfigError`` when the port is taken or that database does not let us in,
    ``BackendUnavailable`` when the server or its database does not come up.
    """
    require_database()
    port = _free_port() if port is None else _unused(port)
    command = [sys.executable, "-m", "flows.server", str(port), *([] if services else ["--no-services"])]
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={"PREFECT_UI_URL": f"http://127.0.0.1:{port}", **_DEFAULTS, **os.environ, **_QUIET},
            start_new_session=True,  # Ctrl-C in the terminal is for us; the child is stopped after the run
        )
        try:
            url = f"http://127.0.0.1:{port}/api"
            _wait_until_healthy(url, child, log)
            yield url
        finally:
            _stop(child)


def is_healthy(api_url: str) -> bool:
    """Whether a Prefect server answers at ``api_url``."""
    try:
        with urllib.request.urlopen(f"{api_url}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:  # urllib's errors are OSErrors too
        return False


def _wait_until_healthy(url: str, child: subprocess.Popen[bytes], log: object) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_SECONDS
    while not is_healthy(url):
        if child.poll() is not None or time.monotonic() > deadline:
            log.seek(0)  # type: ignore[attr-defined]
            tail = log.read().decode(errors="replace").strip().splitlines()[-5:]  # type: ignore[attr-defined]
            state = "ended" if child.poll() is not None else f"not healthy after {_START_TIMEOUT_SECONDS} s"
            raise BackendUnavailable(
                f"the Prefect server on {url} {state}: {without_password(' | '.join(tail))}"
            )
        time.sleep(0.1)


def _stop(child: subprocess.Popen[bytes]) -> None:
    assert child.stdin is not None
    child.stdin.close()
    try:
        child.wait(_STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _unused(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigError(
                f"port {port} on 127.0.0.1 is taken ({error.strerror}): stop what listens there, "
                f"use --port, or set PREFECT_API_URL to the server that is already running"
            ) from error
    return port


def _die_with_parent() -> None:
    """Turn the end of our standard input into SIGINT, on which uvicorn shuts down cleanly."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=watch, daemon=True, name="die-with-parent").start()


def _child(arguments: list[str]) -> None:
    from prefect.cli import app

    _die_with_parent()
    sys.argv = ["prefect", "server", "start", "--host", "127.0.0.1", "--port", *arguments]
    app()


if __name__ == "__main__":
    _child(sys.argv[1:])
