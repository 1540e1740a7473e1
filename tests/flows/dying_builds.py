"""Builds that die at named moments, each forked from one process that has imported everything.

Orders come on stdin, one line of JSON each: ``[moment, count, arguments…]`` as ``killed_build`` takes them.
The answer is a line with the exit code; what a build prints goes to stderr.  ``Deaths`` gives the orders.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.flows.commands import TINY


@dataclass(frozen=True)
class Deaths:
    """A running process of this module, and the file that holds what its builds print."""

    process: subprocess.Popen[str]
    printed: Path

    def at(self, moment: str, count: int, out: Path) -> None:
        """A tiny build into ``out`` that is killed the ``count``-th time that it comes to ``moment``."""
        assert self.process.stdin
        assert self.process.stdout
        order = [moment, count, "build", "--out", str(out), *TINY]
        self.process.stdin.write(f"{json.dumps(order)}\n")
        self.process.stdin.flush()
        ended = self.process.stdout.readline().strip()
        assert ended == str(-signal.SIGKILL), self.printed.read_text(errors="replace")[-4000:]


@contextmanager
def deaths(environment: Mapping[str, str], folder: Path) -> Iterator[Deaths]:
    """Ready for orders for as long as the block runs."""
    printed = folder / "printed"
    # One thread, as a build has it: what other threads of the parent hold is lost in a forked child.
    with (
        printed.open("w") as file,
        subprocess.Popen(
            [sys.executable, "-m", "tests.flows.dying_builds"],
            env={**environment, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
        ) as process,
    ):
        yield Deaths(process, printed)
        assert process.stdin
        process.stdin.close()  # no more orders


def obey() -> None:
    """Build as told, one order after the other, until there are no more."""
    import flows.api  # noqa: F401
    import moments.gates  # noqa: F401
    from flows.cli import main
    from generators.procedural.generator import ProceduralGenerator
    from tests.flows.killed_build import die_at

    ProceduralGenerator().open()
    for line in sys.stdin:
        moment, count, *arguments = json.loads(line)
        child = os.fork()
        if child == 0:
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
            die_at(moment, count)
            sys.argv = ["simmotion", *arguments]
            main()
            os._exit(0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    obey()
