"""``simmotion up``: a Prefect server and a process that serves every deployment, in one command.

The deployments are the bundled recipes: ``build-synthetic/<recipe>``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prefect import serve
from prefect.deployments.runner import RunnerDeployment
from prefect.logging.handlers import APILogHandler
from prefect.settings import PREFECT_API_URL, temporary_settings

from data.errors import BackendUnavailable
from flows.build_synthetic import build_synthetic
from flows.recipe import load_recipe, recipe_names
from flows.server import is_healthy, prefect_server


@contextmanager
def api(port: int | None = None, *, services: bool = False) -> Iterator[str]:
    """The API that is configured, or a server of our own for as long as the block runs.

    Raises ``BackendUnavailable`` when a configured API does not answer.
    """
    configured = PREFECT_API_URL.value()
    if configured:
        if not is_healthy(configured):
            raise BackendUnavailable(
                f"no Prefect server answers at PREFECT_API_URL={configured}: start it, or unset the "
                "variable (prefect config unset PREFECT_API_URL) to let a server of our own start"
            )
        yield configured
        return
    with prefect_server(port, services=services) as url, temporary_settings({PREFECT_API_URL: url}):
        try:
            yield url
        finally:
            APILogHandler().flush()  # what is still on its way would find no server and complain


def deployments() -> list[RunnerDeployment]:
    """One deployment for each bundled recipe, with its folder below the working directory."""
    return [_deployment(name) for name in recipe_names()]


def _deployment(name: str) -> RunnerDeployment:
    deployment = build_synthetic.to_deployment(
        name=name,
        parameters={"recipe": name, "out": str(Path("out") / name)},
        description=load_recipe(name).description,
        tags=["simmotion"],
    )
    assert isinstance(deployment, RunnerDeployment), "awaitable only inside a running event loop"
    return deployment


def up(port: int, announce: Callable[[str], None]) -> None:
    """Serve until interrupted. ``announce`` is told the API's address once everything is ready."""
    with api(port, services=True) as url:
        ready = deployments()
        announce(url)
        serve(*ready, print_starting_message=False)
