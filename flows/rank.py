"""The flow ``rank``: looks after the builds that wait for people, and resumes those that need wait no longer.

A schedule runs it every few minutes. All it knows is in Prefect's database and in the folders of the builds,
so that it may be stopped, and everything else too, at any time.
"""

from __future__ import annotations

from pathlib import Path

from prefect import flow, get_run_logger, resume_flow_run
from prefect.artifacts import create_table_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateName,
)
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort

from annotation.server import connect, default_home
from annotation.studio import Studio
from data.errors import BackendUnavailable, ConfigError
from flows.consulting import STUDY, Look, attend
from flows.real_recipe import load_real_recipe

EVERY_SECONDS = 300
SUSPENDED = "Suspended"
_MOST_AT_ONCE = 200  # as the server allows; the others have their turn once these have gone on


@flow(name="rank", persist_result=False)
def rank() -> dict[str, str]:
    """Take in answers for every build that waits, ask further where needed, resume what has all it needs.

    Returns for each folder what became of it. A Label Studio that is away and a folder that is in use are
    told in the log, and looked at again the next time.
    """
    found = {}
    with Studio(connect(default_home())) as studio:
        for run in _suspended():
            found[str(run.parameters["out"])] = _look_after(run, studio)
    create_table_artifact(
        [{"folder": out, "standing": said} for out, said in found.items()]
        or [{"folder": "–", "standing": "no build waits for people"}],
        key="rank",
        description="Builds that wait for people",
    )
    return found


def _look_after(run: FlowRun, studio: Studio) -> str:
    logger = get_run_logger()
    out = str(run.parameters["out"])
    try:
        look = attend(studio, Path(out).resolve() / STUDY, load_real_recipe(str(run.parameters["recipe"])))
    except (ConfigError, BackendUnavailable) as trouble:
        logger.warning("%s: %s", out, trouble)
        return str(trouble)
    said = words(look)
    logger.info("%s: %s", out, said)
    if look.settled:
        resume_flow_run(run.id)
    return said


def words(look: Look) -> str:
    """One line of where a study stands."""
    accepted = sum(decision.outcome == "accept" for decision in look.decisions)
    if look.settled:
        return f"all is said: {accepted} of {len(look.decisions)} questions have a clear winner"
    return (
        f"{len(look.answers.rankings)} answers in, {look.waiting} to come; {accepted} of "
        f"{len(look.decisions)} questions have a clear winner"
    )


def _suspended() -> list[FlowRun]:
    from flows.build_real import build_real

    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=[build_real.name])),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(name=FlowRunFilterStateName(any_=[SUSPENDED]))
            ),
            sort=FlowRunSort.EXPECTED_START_TIME_ASC,  # the synchronous client needs both said
            limit=_MOST_AT_ONCE,
        )
    return list(runs)
