"""The Prefect API that runs speak to: the one that is configured, or a server of our own.

It knows no flow: a command that runs one would otherwise load all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.logging.handlers import APILogHandler
from prefect.settings import PREFECT_API_URL, temporary_settings

from data.errors import BackendUnavailable
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
