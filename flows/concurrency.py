"""Limits over all runs of a team: how many tasks may ask one vendor, or use one GPU, at a time.

Knows no numbers: they are set on the Prefect server, and what is not set there is not limited.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.context import FlowRunContext
from prefect.exceptions import ObjectNotFound

from data.paid import Demand

ALL_GPUS = "simmotion-gpu"


def tags_of(demand: Sequence[Demand], *, needs_gpu: bool = False) -> tuple[str, ...]:
    """The tags of tasks that ask vendors, or use the GPU of this process.

    ``simmotion-openai`` · ``simmotion-google`` · ``simmotion-gpu`` and ``simmotion-gpu-HOST-0``.
    """
    vendors = sorted({f"simmotion-{asked.provider}" for asked in demand})
    return (
        (*vendors, ALL_GPUS, f"{ALL_GPUS}-{socket.gethostname()}-{_gpu()}") if needs_gpu else tuple(vendors)
    )


def limited(names: Sequence[str]) -> tuple[str, ...]:
    """Those of ``names`` on which the server of this run has a limit now: the tags for Prefect's ``tags``.

    Asked once a run, since a tag costs each task some milliseconds even where nothing is limited.  Only
    runs of deployments have any: those of the command line may have a server to themselves, where nobody
    would give back what a killed run held.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or context.flow_run.deployment_id is None:
        return ()
    with get_client(sync_client=True) as client:
        return tuple(name for name in names if _is_limited(client, name))


def _is_limited(client: SyncPrefectClient, name: str) -> bool:
    try:
        client.read_concurrency_limit_by_tag(name)
    except ObjectNotFound:
        return False
    return True


def _gpu() -> str:
    """The first GPU that this process may see, as CUDA names it."""
    return os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0] or "0"
