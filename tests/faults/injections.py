"""Faults as functions: what befalls the process of a build, what befalls its files, what befalls its vendors.

Nothing of the product knows of these. ``at`` patches a fault in before a stage's first piece of work;
whatever then happens is the real thing wherever the system can be made to do it.
"""

import inspect
import json
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil

STAGES = ("plan", "first frames", "clips", "verdict", "shards", "manifest", "report", "people")

# What each stage calls first, by the name under which it is looked up at the time of the call.
WORK = {
    "plan": "flows.wording:artifact_key",
    "first frames": "flows.stages:_image",
    "clips": "flows.filming:_made",
    "verdict": "flows.stages:decode",
    "shards": "flows.publish:write_shards",
    "manifest": "data.card:write",
    "report": "flows.publish:write_report",
    "people": "flows.consulting:begin",
}

Act = Callable[[], object]
FILLER = "filler"
DEATHS = "deaths"


def at(stage: str, act: Act, *, call: int = 1, onwards: bool = False) -> Act:
    """A hook: ``act`` happens before the ``call``-th piece of the stage's work, or before all from there."""
    return partial(before, WORK[stage], act, call=call, onwards=onwards)


def before(target: str, act: Act, *, call: int = 1, onwards: bool = False) -> None:
    """Patch ``module:name`` or ``module:Class.name`` so that ``act`` happens before it is called."""
    module, _, path = target.partition(":")
    *owners, name = path.split(".")
    owner: Any = import_module(module)
    for step in owners:
        owner = getattr(owner, step)
    original, lock, calls = getattr(owner, name), threading.Lock(), 0

    def wrapped(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        with lock:
            calls += 1
            due = calls >= call if onwards else calls == call
        if due:
            act()
        return original(*arguments, **options)

    setattr(owner, name, wrapped)


# -- what befalls the process


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def no_memory() -> None:
    raise MemoryError


def no_gpu_memory() -> None:
    import torch

    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB")


def hang() -> None:
    threading.Event().wait()


def large_files_refused() -> None:
    """From now on the kernel refuses every write to a file (EFBIG), whichever library makes it."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def fill_disk() -> None:
    """Leave no byte on the disk of the cell's folder, which is a small one: the next write meets ENOSPC."""
    with (_folder() / FILLER).open("wb", buffering=0) as filler:
        for piece in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    filler.write(bytes(piece))
            except OSError:
                continue


def lock_out() -> None:
    """From now on the process may read the cell's folder and write nowhere: EACCES from the kernel."""
    _set_modes(_folder(), 0o555, 0o444)
    if os.geteuid() == 0:  # root may write anywhere
        for parent in _folder().parents:  # pytest's own are closed to others, who could not even read then
            if not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)
        os.seteuid(65534)


def let_in(folder: Path) -> None:
    """The end of ``lock_out``."""
    _set_modes(folder, 0o755, 0o644)


def _set_modes(folder: Path, of_folders: int, of_files: int) -> None:
    for path in (folder, *folder.rglob("*")):
        with suppress(FileNotFoundError):  # temporary files come and go while other threads work
            path.chmod(of_folders if path.is_dir() else of_files)


def _folder() -> Path:
    """The cell's own: the build writes to ``out`` in it."""
    return Path(sys.argv[sys.argv.index("--out") + 1]).parent


def clock_jumps(seconds: float) -> None:
    """The time of day is another from now on. The monotonic clock does not jump, as on a real machine."""
    real = time.time
    time.time = lambda: real() + seconds

    class Jumped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(seconds=seconds)

    for name in ("flows.calls", "flows.backends", "flows.summary", "flows.estimate"):
        module: Any = import_module(name)
        if hasattr(module, "datetime"):
            module.datetime = Jumped


def worker_dies(stage: str) -> None:
    """The first worker of a Dask or Ray cluster that comes to ``stage`` is killed there."""
    deaths = _folder() / DEATHS
    deaths.mkdir()
    hook = {"worker_process_setup_hook": "tests.faults.dying_worker.dask_setup"}
    os.environ |= {
        "DASK_DISTRIBUTED__WORKER__PRELOAD": "tests.faults.dying_worker",
        "RAY_JOB_CONFIG_JSON_ENV_VAR": json.dumps({"runtime_env": hook}),
        "PYTHONPATH": str(Path(__file__).parents[2]),  # where a worker of Ray finds that hook
        "SIMMOTION_TEST_DEATHS": str(deaths),
        "SIMMOTION_TEST_STAGE": stage,
    }


def no_prefect() -> None:
    """The server that is configured does not answer."""
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        _use_prefect(f"http://127.0.0.1:{unheard.getsockname()[1]}/api")


def no_label_studio() -> None:
    """Nobody listens where Label Studio was."""
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        os.environ["LABEL_STUDIO_URL"] = f"http://127.0.0.1:{unheard.getsockname()[1]}"


def prefect_dies_at(stage: str) -> None:
    """The server that is configured is killed before the first piece of the stage's work."""
    from flows.server import prefect_server

    server = prefect_server()
    _use_prefect(server.__enter__())
    _held.append(server)  # or it would be stopped when this function ends
    (child,) = psutil.Process().children()
    before(WORK[stage], child.kill)


_held: list[object] = []


def _use_prefect(url: str) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    settings = temporary_settings({PREFECT_API_URL: url})
    settings.__enter__()
    _held.append(settings)


# -- what makes waiting short: no fault by itself


def impatient(deadline_seconds: float = 600.0, answer_seconds: float = 180.0) -> None:
    """Pauses between tries are over at once, and deadlines are as given."""
    from flows import build_synthetic, gateway
    from generators import gemini
    from prompts.openai_writer import OpenAIWriter

    gateway.FIRST_PAUSE_SECONDS = 0.01
    for task in (build_synthetic.prompts, build_synthetic.first_frames, build_synthetic.clips):
        task.retry_delay_seconds = [0.01]
    gemini.TIMEOUT_SECONDS = answer_seconds
    _default(OpenAIWriter.__init__, "timeout_seconds", answer_seconds)
    _default(gateway.PaidGateway.__init__, "no_progress_seconds", deadline_seconds)


def short_deadline() -> None:
    """A run in which nothing moves is ended after three seconds."""
    from flows import build_synthetic

    flow: Any = build_synthetic
    moving = flow.moving
    flow.moving = lambda shown, minutes: moving(shown, 0.05)


def _default(function: Any, name: str, value: object) -> None:
    """``function`` takes another value for ``name`` when it is given none."""
    if name in (function.__kwdefaults__ or {}):
        function.__kwdefaults__[name] = value
        return
    names = list(inspect.signature(function).parameters)
    defaults = list(function.__defaults__)
    defaults[names.index(name) - len(names)] = value
    function.__defaults__ = tuple(defaults)


# -- what befalls files


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flip_bit(path: Path) -> None:
    """One bit in the middle of the file is another. Its size and times stay."""
    times = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
