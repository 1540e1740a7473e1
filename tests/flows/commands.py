"""The command line as a user runs it: in a process of its own, with its output and exit code."""

import subprocess
import sys
from collections.abc import Mapping

# Small enough for a second or two of rendering, large enough for every gate to have something to see.
TINY = ("--per-category", "1", "--size", "96", "--seconds", "2", "--fps", "8")


def simmotion(
    *arguments: object, environment: Mapping[str, str], module: str = "flows.cli"
) -> subprocess.CompletedProcess[str]:
    """Run ``simmotion`` to its end; ``module`` may be one that wraps it."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
