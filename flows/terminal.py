"""What the commands share: the console for messages, and a flow run with a server, bars and Ctrl-C.

Nothing heavy is imported before a flow is run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import typer
from rich.console import Console

from data.errors import BackendUnavailable, SimMotionError

console = Console(stderr=True)
INTERRUPTED = 130


def prepare_environment() -> None:
    """What Prefect reads when it is imported: no telemetry, its log to its server only."""
    os.environ["DO_NOT_TRACK"] = "1"
    os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")


@contextmanager
def running(stopped: str) -> Iterator[None]:
    """A Prefect server for the flows that run inside, and their progress; Ctrl-C prints ``stopped``."""
    prepare_environment()
    from flows.api import api
    from flows.progress import bars

    try:
        with ExitStack() as stack:
            with console.status("starting Prefect"):
                url = stack.enter_context(api())
            stack.enter_context(bars(console))
            stack.enter_context(_answering(url))
            yield
    except KeyboardInterrupt:
        console.print(stopped, markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def _answering(url: str) -> Iterator[None]:
    """What goes wrong inside because the server went away is told as that, whatever the error is."""
    from flows.server import is_healthy

    try:
        yield
    except SimMotionError:
        raise
    except Exception as error:
        if is_healthy(url):
            raise
        raise BackendUnavailable(
            f"the Prefect server at {url} went away while the run was under way ({type(error).__name__}): "
            "start it if it is one of yours, and run the same command again; what is finished is kept"
        ) from error
