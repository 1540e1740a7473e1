"""``simmotion`` in a process of its own, forked from one that has imported everything; hooks go in first.

Knows no fault. A fork spares each run the seconds of its imports, and can be killed, starved and locked
out like any process, since nothing of it is shared with the tests.
"""

import contextlib
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext

Hook = Callable[[], object]
"""Runs in the process of the build before the command. Pickled: a module's function, or a partial of one."""

_PRELOADED = [
    "flows.cli",
    "flows.build_synthetic",
    "flows.cli_real",
    "flows.summary",
    "generators.gemini",
    "generators.gemini_errors",
    "generators.procedural.generator",
    "google.genai.types",
    "moments.alignment",
    "moments.gates",
    "moments.protocols.methods",
    "moments.protocols.oracle",
    "prompts.openai_writer",
    "tests.faults.injections",
]


@dataclass(frozen=True)
class Run:
    """How a command ended: ``code`` is that of the process (-9 when killed), ``said`` all that it printed."""

    code: int
    said: str
    seconds: float


def simmotion(
    arguments: Sequence[object],
    environment: Mapping[str, str],
    hooks: Sequence[Hook] = (),
    patience_seconds: float = 120.0,
) -> Run:
    """Run the command to its end. One that goes on for longer is killed and says so."""
    reader, writer = _forks().Pipe(duplex=False)
    child = _forks().Process(
        target=_child, args=([str(word) for word in arguments], dict(environment), tuple(hooks), writer)
    )
    started = time.monotonic()
    child.start()
    writer.close()
    said: list[bytes] = []
    listener = threading.Thread(target=_listen, args=(reader, said), daemon=True)
    listener.start()
    child.join(patience_seconds)
    late = child.is_alive()
    if late:
        child.kill()
        child.join()
    listener.join(5)
    text = b"".join(said).decode(errors="replace")
    if late:
        text += f"\n(killed by the test after {patience_seconds:.0f} s)"
    return Run(child.exitcode or 0, text, time.monotonic() - started)


def _forks() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


def _listen(reader: Connection, said: list[bytes]) -> None:
    with contextlib.suppress(OSError):
        while piece := os.read(reader.fileno(), 65536):
            said.append(piece)


def _child(
    arguments: list[str], environment: dict[str, str], hooks: tuple[Hook, ...], out: Connection
) -> None:
    for descriptor in (1, 2):
        os.dup2(out.fileno(), descriptor)
    sys.stdout, sys.stderr = (open(descriptor, "w", closefd=False) for descriptor in (1, 2))  # noqa: SIM115
    out.close()
    os.environ.update(environment)
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows.cli import main

    sys.argv = ["simmotion", *arguments]
    with temporary_settings({PREFECT_API_URL: environment.get("PREFECT_API_URL")}):
        for hook in hooks:
            hook()
        try:
            main()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
