"""Loaded into every Dask worker: as on another machine, the folder of the run is not there.

Dask loads it with ``DASK_DISTRIBUTED__WORKER__PRELOAD``; SIMMOTION_TEST_UNSEEN is the folder, and
SIMMOTION_TEST_WORKERS one with a file for each process that loaded this.
"""

import errno
import os
import sys
from pathlib import Path
from typing import Any

from flows import workspace

unseen, workers = os.environ["SIMMOTION_TEST_UNSEEN"], Path(os.environ["SIMMOTION_TEST_WORKERS"])
stat = os.stat


def _is_unseen(path: object) -> bool:
    return isinstance(path, str | os.PathLike) and f"{os.fspath(path)}/".startswith(f"{unseen}/")


def _stat(path: Any, *arguments: Any, **options: Any) -> os.stat_result:
    if _is_unseen(path):
        raise FileNotFoundError(errno.ENOENT, "not on this machine", path)
    return stat(path, *arguments, **options)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("open", "os.mkdir", "os.rename", "os.listdir") and any(map(_is_unseen, arguments)):
        raise FileNotFoundError(errno.ENOENT, f"{event}: not on this machine", str(arguments[0]))


os.stat = _stat
sys.addaudithook(_audit)
workspace._CACHE = workers / f"cache-{os.getpid()}"  # each machine has one of its own
(workers / f"worker-{os.getpid()}").touch()
