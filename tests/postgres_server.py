"""A PostgreSQL server for tests: its own process, data folder and port, and gone at the end.

The programs are the machine's own.  They refuse to run as root, so root runs them as the user nobody.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest

USER, PASSWORD = "team", "canary:p@ss/word"
_NOBODY = 65534


@dataclass(frozen=True)
class Postgres:
    """A running server: where it listens."""

    port: int

    def url(self, database: str, password: str = PASSWORD) -> str:
        """As Prefect takes it, with the password as an address spells it."""
        return f"postgresql+asyncpg://{USER}:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}"

    def query(self, database: str, sql: str) -> list[tuple[object, ...]]:
        """The rows of one statement."""

        async def rows() -> list[tuple[object, ...]]:
            connection = await asyncpg.connect(
                host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, database=database
            )
            try:
                return [tuple(row) for row in await connection.fetch(sql)]
            finally:
                await connection.close()

        return asyncio.run(rows())


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """A server with one user, who may create databases, and with passwords checked."""
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        folder = Path(name)
        binaries = _binaries()
        data = folder / "data"
        data.mkdir(mode=0o700)
        password = folder / "password"
        password.write_text(PASSWORD)
        _give_away(folder, data, password)
        command = [binaries / "initdb", "--pgdata", data, "--username", USER, "--pwfile", password]
        options = ("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync")
        subprocess.run([*command, *options], check=True, capture_output=True, **_as_anyone(folder))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        # No socket file, nothing forced to disk: what is kept here is forgotten anyway.
        options = ("-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", "", "-F")
        process = subprocess.Popen(
            [binaries / "postgres", *options], stderr=subprocess.PIPE, **_as_anyone(folder)
        )
        try:
            _wait_until_ready(process)
            yield Postgres(port)
        finally:
            process.send_signal(signal.SIGINT)  # does not wait for clients, as SIGTERM would
            process.communicate(timeout=60)


def _wait_until_ready(process: "subprocess.Popen[bytes]") -> None:
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line.decode())
        if "ready to accept connections" in said[-1]:
            return
    raise AssertionError("".join(said))


def _binaries() -> Path:
    """Where this machine has PostgreSQL. Without one tests are skipped, or fail where it is required."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        reason = "no PostgreSQL was found: install the packages postgresql and postgresql-contrib"
        if os.environ.get("SIMMOTION_REQUIRE_POSTGRESQL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found[-1].parent if found else Path(str(on_path)).resolve().parent


def _give_away(*paths: Path) -> None:
    if not os.geteuid():
        for path in paths:
            os.chown(path, _NOBODY, _NOBODY)


def _as_anyone(folder: Path) -> dict[str, object]:
    identity = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if not os.geteuid() else {}
    return {**identity, "cwd": folder}
