"""One run at a time in an output folder. Knows nothing of what the run does there."""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path
from types import TracebackType

from data.disk import disk_errors
from data.errors import ConfigError

FILENAME = ".lock"


class RunLock:
    """Holds ``<out>/.lock`` while the ``with`` block runs; the system frees it when the process dies.

    Raises ``ConfigError`` that names the process that holds it.  The file itself stays, empty:
    removing it would let a third process lock a name that no longer leads here.
    """

    def __init__(self, out: Path) -> None:
        self.path = out / FILENAME
        self._descriptor = -1

    def __enter__(self) -> RunLock:
        with disk_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(descriptor, 1000).decode(errors="replace").strip()
            os.close(descriptor)
            raise ConfigError(
                f"{self.path.parent} is being written by {holder or 'another process'}: "
                "wait for it, stop it, or choose another output folder"
            ) from error
        self._descriptor = descriptor
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
