"""How our tasks behave: what is retried, and that results stay where they belong, in our own stores."""

from __future__ import annotations

from typing import Any

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.utilities.annotations import opaque

from data.errors import BackendUnavailable, GaveUp


def may_answer_later(_task: Any, _run: Any, state: Any) -> bool:
    """Retry by the class of the error alone: what may answer later, unless it was asked for long already."""
    result = state.result(raise_on_failure=False)
    return isinstance(result, BackendUnavailable) and not isinstance(result, GaveUp)


# Our store is the cache and keeps the results; Prefect keeping them too would only fill its database.
_OURS = {"cache_policy": NO_CACHE, "persist_result": False}
# Work of a generator: a service or a device that is away for a moment is asked again.
GENERATOR_TASK: dict[str, Any] = {
    **_OURS,
    "retries": 3,
    "retry_delay_seconds": [2, 10, 30],
    "retry_condition_fn": may_answer_later,
}
# Work on this machine's disk and processor: what fails once fails again.
LOCAL_TASK: dict[str, Any] = {**_OURS}


def run_step(step: Task[..., Any], *arguments: Any, **options: Any) -> Any:
    """Run a task now. Prefect would otherwise walk through all of its arguments to look for futures."""
    result: Any = step(*map(opaque, arguments), **options)
    return result
