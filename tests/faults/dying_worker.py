"""Loaded into every worker of a cluster: the first piece of a stage's work that any begins is its end.

Dask loads it as a preload, Ray calls it as the hook of a worker's start; ``SIMMOTION_TEST_DEATHS`` is a
folder with one file for each death so far, and ``SIMMOTION_TEST_STAGE`` names the stage.
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


def dask_setup(worker: object = None) -> None:
    """What Dask looks for, with the worker; Ray is told its name, and gives nothing."""
    before(WORK[os.environ["SIMMOTION_TEST_STAGE"]], _die_once, onwards=True)
