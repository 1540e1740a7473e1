"""What the commands share: the console for messages, and a flow run with a server, bars and Ctrl-C.

Nothing heavy is imported before a flow is run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import typer
from rich.console import Console

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
    from flows.progress import bars
    from flows.serve import api

    try:
        with ExitStack() as stack:
            with console.status("starting Prefect"):
                stack.enter_context(api())
            stack.enter_context(bars(console))
            yield
    except KeyboardInterrupt:
        console.print(stopped, markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None
