"""A Label Studio of our own: started, found again, stopped; or the one that is already there.

Knows nothing of tasks, of clips or of what people answer.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from annotation import loopback
from annotation.environment import Progress, clean_variables, environment, quiet
from data.disk import disk_errors
from data.errors import BackendUnavailable, ConfigError

ADMIN = "admin@localhost"
SECRETS, LOG, _LOCK = "server.json", "label-studio.log", ".lock"
# All tables are made at the first start on PostgreSQL; on a slow disk that takes minutes.
_START_TIMEOUT_SECONDS = 600
_STOP_TIMEOUT_SECONDS = 20


Database = Literal["sqlite", "postgresql"]


@dataclass(frozen=True)
class Connection:
    """Where a Label Studio answers, and the token that it lets us in with."""

    url: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class Server:
    """Our own server as ``server.json`` keeps it; the file is for its owner's eyes only."""

    url: str
    pid: int
    email: str
    password: str = field(repr=False)
    token: str = field(repr=False)
    database: Database

    @property
    def connection(self) -> Connection:
        return Connection(self.url, self.token)


def default_home() -> Path:
    """Where our own server keeps its data, unless told otherwise."""
    return (
        Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "simmotion/label-studio"
    )


def connect(home: Path, variables: Mapping[str, str] = os.environ) -> Connection:
    """``LABEL_STUDIO_URL`` with ``LABEL_STUDIO_TOKEN`` where set, else our own server, which must be running.

    Raises ``ConfigError`` when only one of the two is set, or when there is neither.
    """
    url, token = variables.get("LABEL_STUDIO_URL", ""), variables.get("LABEL_STUDIO_TOKEN", "")
    if url and not token:
        raise ConfigError(
            f"LABEL_STUDIO_URL is {url} but LABEL_STUDIO_TOKEN is not set: copy the access token from that "
            "server's page Account & Settings"
        )
    if token and not url:
        raise ConfigError("LABEL_STUDIO_TOKEN is set but LABEL_STUDIO_URL is not: set both or neither")
    if url:
        if not url.startswith(("http://", "https://")):
            raise ConfigError(f"LABEL_STUDIO_URL is {url!r}, expected an address that starts with http")
        return Connection(url.rstrip("/"), token)
    server = running(home)
    if server is None:
        raise ConfigError(
            f"no Label Studio runs from {home}: start it with `simmotion annotate up`, or set "
            "LABEL_STUDIO_URL and LABEL_STUDIO_TOKEN"
        )
    return server.connection


def running(home: Path) -> Server | None:
    """The server that runs from ``home``, or None. It holds a lock, so that a dead one never counts."""
    server = recorded(home)
    if server is None:
        return None
    with (home / _LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return server
    return None


def recorded(home: Path) -> Server | None:
    """What is kept of the server in ``home``, running or not. Raises ``ConfigError`` for a damaged file."""
    try:
        return Server(**json.loads((home / SECRETS).read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"{home / SECRETS} is damaged ({error}): put back a copy, or use a new --home"
        ) from error


def start(home: Path, port: int | None = None, progress: Progress = quiet) -> Server:
    """Start the server of ``home`` in the background, or find it running; it outlives this process.

    It listens on 127.0.0.1 only, sends nothing anywhere, and has an administrator with a generated password.
    ``port`` None takes the one it had, else a free one.  Its data is an SQLite file below ``home``, or a
    PostgreSQL database where the variables ``POSTGRE_HOST``, ``POSTGRE_PORT``, ``POSTGRE_NAME``,
    ``POSTGRE_USER`` and ``POSTGRE_PASSWORD`` name one.
    Raises ``ConfigError`` for a port in use, a home in use or another database than before;
    ``BackendUnavailable`` when it does not come up.
    """
    found = running(home)
    if found is not None:
        if port is not None and found.url != _url(port):
            raise ConfigError(f"it runs at {found.url} already: `simmotion annotate down` first")
        return found
    made = environment(progress)
    known = recorded(home)
    planned = Server(
        url=_url(_reserved(port, known)),
        pid=0,
        email=ADMIN,
        password=known.password if known else secrets.token_urlsafe(15),
        token=known.token if known else secrets.token_hex(20),
        database=_database(home, known),
    )
    data = home / "data"
    with disk_errors(home):
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        data.mkdir(exist_ok=True, mode=0o700)
    command = [str(made.program), "start", "--no-browser", "--internal-host", "127.0.0.1"]
    command += ["--port", planned.url.rsplit(":", 1)[1], "--data-dir", str(data)]
    with disk_errors(home), (home / _LOCK).open("a") as lock, (home / LOG).open("ab") as log:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError(f"another process is starting the server of {home}: wait for it") from error
        if planned.database == "sqlite" and not (data / made.database.name).exists():
            temporary = data / f"{made.database.name}.new"
            shutil.copyfile(made.database, temporary)
            temporary.replace(data / made.database.name)
        progress(f"starting Label Studio on {planned.url}")
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=_variables(data, planned),
            cwd=data,
            start_new_session=True,  # Ctrl-C in the terminal, and its closing, are not for the server
            pass_fds=(lock.fileno(),),
        )
        server = replace(planned, pid=child.pid)
        try:
            _write_secrets(home / SECRETS, server)
            wait_until_ours(server, child, home / LOG, progress)
        except BaseException:
            child.kill()
            child.wait()
            raise
    with warnings.catch_warnings():
        # It is meant to outlive us; Python warns of a child that nobody waits for.
        warnings.simplefilter("ignore", ResourceWarning)
        del child
    return server


def stop(home: Path) -> bool:
    """Stop the server that runs from ``home``; False when none does. Nothing that was submitted is lost."""
    server = running(home)
    if server is None:
        return False
    # SIGTERM, since a process that a script put in the background has SIGINT ignored.
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):  # it ended by itself in the meantime
            os.kill(server.pid, sign)
        deadline = time.monotonic() + _STOP_TIMEOUT_SECONDS
        while running(home) is not None and time.monotonic() < deadline:
            time.sleep(0.05)
        if running(home) is None:
            break
    return True


def is_healthy(url: str) -> bool:
    """Whether something answers at ``url`` as Label Studio does when it is well."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=10) as answer:
            return bool(json.load(answer).get("status") == "UP")
    except (OSError, ValueError, AttributeError):
        return False


def wait_until_ours(server: Server, child: subprocess.Popen[bytes], log: Path, progress: Progress) -> None:
    """Wait for health, then make sure by the token that no other Label Studio has answered.

    Label Studio takes the next port without a word when its own was taken in the meantime.
    """
    begun = time.monotonic()
    while not is_healthy(server.url):
        waited = time.monotonic() - begun
        if child.poll() is not None or waited > _START_TIMEOUT_SECONDS:
            state = "ended" if child.poll() is not None else f"was not healthy after {waited:.0f} s"
            tail = " | ".join(log.read_text("utf-8", errors="replace").strip().splitlines()[-3:])
            raise BackendUnavailable(f"Label Studio on {server.url} {state}; see {log}: {tail}")
        progress(f"waiting for Label Studio on {server.url} ({waited:.0f} s)")
        time.sleep(0.2)
    request = urllib.request.Request(
        f"{server.url}/api/current-user/whoami", headers={"Authorization": f"Token {server.token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            ours = json.load(answer).get("email") == server.email
    except (urllib.error.HTTPError, ValueError):
        ours = False
    except OSError as error:
        raise BackendUnavailable(
            f"Label Studio on {server.url} went away while it started: {error}"
        ) from error
    if not ours:
        raise BackendUnavailable(
            f"another server answers at {server.url}, or its database has another {server.email}: run the "
            "command again with a free --port"
        )


def _postgres() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("POSTGRE_")}


def _database(home: Path, known: Server | None) -> Database:
    """What the caller's variables ask for, unless the tasks of ``home`` are elsewhere."""
    asked: Database = "postgresql" if _postgres() else "sqlite"
    if known is not None and known.database != asked:
        raise ConfigError(
            f"the tasks of {home} are in {known.database}, but now {asked} would be used: "
            f"{'set' if asked == 'sqlite' else 'remove'} the variables POSTGRE_… as when it was first started"
        )
    return asked


def _variables(data: Path, server: Server) -> dict[str, str]:
    """What the server is told. Not on the command line, where every user of the machine could read it."""
    return (
        clean_variables(data)
        | loopback.variables()
        | _postgres()
        | {
            "LABEL_STUDIO_USERNAME": server.email,
            "LABEL_STUDIO_PASSWORD": server.password,
            "LABEL_STUDIO_USER_TOKEN": server.token,
            "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
            "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
            "LABEL_STUDIO_DJANGO_DB": "default" if server.database == "postgresql" else "sqlite",
        }
    )


def _write_secrets(path: Path, server: Server) -> None:
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(server), file, indent=1)
    temporary.replace(path)


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _reserved(port: int | None, known: Server | None) -> int:
    """A port that is free now: the asked one, the one that addresses in people's hands have, or any."""
    wanted = port if port is not None else int(known.url.rsplit(":", 1)[1]) if known else 0
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            raise ConfigError(
                f"port {wanted} on 127.0.0.1 cannot be had ({error.strerror}): stop what listens there, or "
                "choose another with --port (addresses that annotators have then change)"
            ) from error
        return int(probe.getsockname()[1])
