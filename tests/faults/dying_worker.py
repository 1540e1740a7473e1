"""Loaded into every Dask worker: the first piece of a stage's work that any of them begins is its end.

Dask loads it with ``DASK_DISTRIBUTED__WORKER__PRELOAD``; ``SIMMOTION_TEST_DEATHS`` is a folder with one file
for each death so far, and ``SIMMOTION_TEST_STAGE`` names the stage.
"""

import os
from pathlib import Path

from tests.faults.injections import WORK, before, die

_deaths = Path(os.environ["SIMMOTION_TEST_DEATHS"])


def _die_once() -> None:
    try:
        (_deaths / "first").touch(exist_ok=False)
    except FileExistsError:
        return
    die()


before(WORK[os.environ["SIMMOTION_TEST_STAGE"]], _die_once, onwards=True)
