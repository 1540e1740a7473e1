"""The command line as a user runs it: in a process of its own, with its output and exit code."""

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

# Small enough for a second or two of rendering, large enough for every gate to have something to see.
TINY = ("--per-category", "1", "--size", "96", "--seconds", "2", "--fps", "8")


def simmotion(
    *arguments: object, environment: Mapping[str, str], module: str = "flows.cli"
) -> subprocess.CompletedProcess[str]:
    """Run ``simmotion`` to its end; ``module`` may be one that wraps it."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)


def simmotion_here(*arguments: object, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """The same in this process, which spares the seconds that its imports take."""
    from prefect.logging.handlers import APILogHandler
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows.cli import main

    output, errors, code = io.StringIO(), io.StringIO(), 0
    command = ["simmotion", *map(str, arguments)]
    with (
        patch.object(sys, "argv", command),
        patch.dict(os.environ, environment),
        temporary_settings({PREFECT_API_URL: environment["PREFECT_API_URL"]}),
        redirect_stdout(output),
        redirect_stderr(errors),
    ):
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            APILogHandler().flush()
    return subprocess.CompletedProcess(command, code, output.getvalue(), errors.getvalue())
