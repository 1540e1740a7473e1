"""The Python environment that Label Studio runs in, made once and kept: its pins clash with ours.

Knows nothing of servers in use, of tasks or of people.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from data.disk import disk_errors
from data.errors import BackendUnavailable

LABEL_STUDIO_VERSION = "1.23.2"
_PINS = Path(__file__).with_name("label_studio_constraints.txt")
_COMPLETE = "complete"

Progress = Callable[[str], None]
"""Told in a few words what is being waited for."""


@dataclass(frozen=True)
class Environment:
    """``program`` starts Label Studio; ``database`` is an SQLite file with all tables and nobody in them."""

    program: Path
    database: Path


def quiet(_: str) -> None:
    """The progress that nobody watches."""


def cache_folder() -> Path:
    """Where environments are kept: named by what decides their content."""
    determinants = _PINS.read_bytes() + f"{LABEL_STUDIO_VERSION} {sys.version_info[:2]}".encode()
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "simmotion" / f"label-studio-{hashlib.sha256(determinants).hexdigest()[:12]}"


def environment(progress: Progress = quiet) -> Environment:
    """The environment, made when it is not there: about 1 GB and, with a near package index, two minutes.

    Processes that ask at the same time wait for the one that makes it; what an interrupted one left is
    made anew.  Raises ``BackendUnavailable`` when the packages cannot be had, ``ConfigError`` for a disk
    that refuses.
    """
    folder = cache_folder()
    made = Environment(folder / "venv" / "bin" / "label-studio", folder / "template" / "label_studio.sqlite3")
    if is_made():
        return made
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder, progress):
            if not is_made():
                _install(folder / "venv", progress)
                _migrate(made, progress)
                (folder / _COMPLETE).touch()
    return made


def clean_variables(home: Path) -> dict[str, str]:
    """Environment variables for its programs: none of the caller's that it could take for settings.

    It reads a bare ``PORT``, ``HOST``, ``DEBUG`` or ``PASSWORD`` too, and writes below ``HOME``.
    """
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "LABEL_STUDIO_BASE_DATA_DIR": str(home),
        "LABEL_STUDIO_LATEST_VERSION_CHECK": "false",
        "LABEL_STUDIO_COLLECT_ANALYTICS": "false",
        "LABEL_STUDIO_SENTRY_DSN": "",
        "LABEL_STUDIO_FRONTEND_SENTRY_DSN": "",
    }


def is_made() -> bool:
    """Whether ``environment`` would return at once."""
    return (cache_folder() / _COMPLETE).exists()


@contextmanager
def _alone(folder: Path, progress: Progress) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another process that installs Label Studio")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(venv: Path, progress: Progress) -> None:
    progress("making an environment for Label Studio")
    shutil.rmtree(venv, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(venv)], None, "make its environment")
    progress(f"installing Label Studio {LABEL_STUDIO_VERSION} (about 1 GB, once)")
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "-c", str(_PINS), f"label-studio=={LABEL_STUDIO_VERSION}"], None, "install it")


def _migrate(made: Environment, progress: Progress) -> None:
    progress("preparing an empty database (once)")
    home = made.database.parent
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    # Asking for a user who is not there makes all the tables, starts no server and leaves no account.
    command = [str(made.program), "user", "--username", "nobody", "--data-dir", str(home)]
    _run(command, clean_variables(home), "prepare its database")


def _run(command: list[str], variables: dict[str, str] | None, purpose: str) -> None:
    done = subprocess.run(command, env=variables, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise BackendUnavailable(
            f"Label Studio {LABEL_STUDIO_VERSION}: could not {purpose} (exit code {done.returncode}): "
            f"{' | '.join(said)}. Check that a package index can be reached and run the command again, or "
            "set LABEL_STUDIO_URL and LABEL_STUDIO_TOKEN to a server that is there"
        )
