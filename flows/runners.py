"""Where the tasks of a run are worked on: threads of this process, or processes of a Dask or Ray cluster.

Knows nothing of triplets.  Alone imports prefect_dask, prefect_ray and what lies below them.  Within a
cluster weights stay in the process that loaded them, so every GPU needs a worker of its own.
"""

from __future__ import annotations

import os
import queue
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from prefect import Task
from prefect.context import FlowRunContext
from prefect.futures import PrefectFuture
from prefect.settings import PREFECT_API_URL
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect.utilities.annotations import opaque

from data.errors import BackendUnavailable, ConfigError
from data.secrets import without_secrets
from flows.recipe import Recipe
from generators.base import BackendFacts

Place = Literal["here", "anywhere", "gpu"]
"""Who may work on a task: this process alone, any worker, or a worker that holds a GPU."""

START_SECONDS = 60.0  # how long a cluster may take to answer, and to have its first worker
ALONE_SECONDS = 60.0  # how long it may be without any worker, before a run ends
_LOOK_SECONDS = 5.0  # between two looks at the workers while nothing is finished
_RAY_STORE_BYTES = 80 * 1024 * 1024  # what travels is small; Ray asks for no less

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_AGAIN = "what is finished is kept: run the same command again when it is well"


def place_of(facts: BackendFacts) -> Place:
    """Paid calls are made where the books lie; other work goes to whoever has what it needs."""
    if facts.demand:
        return "here"
    return "gpu" if facts.needs_gpu else "anywhere"


@dataclass(frozen=True)
class Crew:
    """Who works on the tasks of one run: threads ``here``, and a task runner ``there``, perhaps the same.

    ``num_able`` counts workers ``there``, ``answers`` says whether anybody is connected, and ``killed`` are
    the errors of a piece of work that its process did not survive.
    """

    name: str
    here: TaskRunner[Any]
    there: TaskRunner[Any]
    with_gpu: Callable[[], AbstractContextManager[object]] = nullcontext
    num_able: Callable[[], int] = lambda: 1
    answers: Callable[[], bool] = lambda: True
    killed: tuple[type[BaseException], ...] = ()
    _done: queue.SimpleQueue[PrefectFuture[Any]] = field(default_factory=queue.SimpleQueue)

    def submit(self, task: Task[..., Any], place: Place, **arguments: object) -> PrefectFuture[Any]:
        """Hand in a task; its future comes back from ``next_done``. Raises ``BackendUnavailable``."""
        runner, parameters = self.there, arguments
        if place == "here" or runner is self.here:
            # opaque: Prefect would otherwise walk through every field to look for futures. Dask would walk
            # through the wrapping, too, and lose it.
            runner = self.here
            parameters = {name: opaque(value) for name, value in arguments.items()}
        with self._answering(), self.with_gpu() if place == "gpu" else nullcontext():
            future: PrefectFuture[Any] = runner.submit(task, parameters)
            future.add_done_callback(self._done.put)
        return future

    def next_done(self) -> PrefectFuture[Any]:
        """The next task to end, in whatever way. ``BackendUnavailable`` when nobody is left to work."""
        alone_since: float | None = None
        while True:
            try:
                return self._done.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                with self._answering():
                    able = self.num_able()
            now = time.monotonic()
            alone_since = None if able else alone_since or now
            if alone_since is not None and now - alone_since > ALONE_SECONDS:
                raise BackendUnavailable(
                    f"{self.name} has had no worker for {now - alone_since:.0f} s: start workers; {_AGAIN}"
                )

    def result(self, future: PrefectFuture[Any]) -> Any:
        """What a task returned, or its error as a value; ``BackendUnavailable`` when its workers died."""
        with self._answering():
            try:
                return _forgotten(future.result(raise_on_failure=False))
            except self.killed as error:
                return BackendUnavailable(
                    f"the worker of {self.name} died each time it was given this work, perhaps for want of "
                    f"memory; see its log ({type(error).__name__}: {_line(error)})"
                )

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if self.answers():
                raise
            raise BackendUnavailable(
                f"{self.name} does not answer any more ({type(error).__name__}: {_line(error)}); {_AGAIN}"
            ) from error


def _forgotten(result: Any) -> Any:
    """``result``; Prefect would remember for the whole flow which task it came from, to draw its graph."""
    running = FlowRunContext.get()
    if running is not None:
        running.run_results.clear()
    return result


@contextmanager
def crew(recipe: Recipe, *, needs_gpu: bool) -> Iterator[Crew]:
    """Who works on the tasks of a run of ``recipe`` for as long as the block lasts.

    Raises ``ConfigError`` for a missing extra or workers without a GPU, ``BackendUnavailable`` for a cluster
    that does not answer.
    """
    here: TaskRunner[Any] = ThreadPoolTaskRunner(max_workers=recipe.workers)
    with here:
        match recipe.runner:
            case "threads":
                yield Crew("this process", here, here)
            case "dask":
                with _dask(recipe, here, needs_gpu) as found:
                    yield found
            case "ray":
                with _ray(recipe, here, needs_gpu) as found:
                    yield found


def require_extra(recipe: Recipe) -> None:
    """Raises ``ConfigError`` when what the recipe's runner needs is not installed."""
    try:
        if recipe.runner != "threads":
            import_module(f"prefect_{recipe.runner}")
    except ImportError as error:
        raise ConfigError(
            f"runner: {recipe.runner} needs packages that are not installed ({_line(error)}): "
            f"pip install 'simmotion[{recipe.runner}]'"
        ) from error


@contextmanager
def _dask(recipe: Recipe, here: TaskRunner[Any], needs_gpu: bool) -> Iterator[Crew]:
    from dask.base import annotate
    from distributed import KilledWorker, SpecCluster
    from prefect_dask.task_runners import DaskTaskRunner

    name = f"the Dask cluster at {recipe.cluster}" if recipe.cluster else "the local Dask cluster"
    if recipe.cluster:
        _require_answer(name, recipe.cluster)
        there = DaskTaskRunner(address=recipe.cluster, client_kwargs={"timeout": START_SECONDS})
    else:
        there = DaskTaskRunner(
            cluster_class=SpecCluster, cluster_kwargs=_local_dask(recipe.workers, needs_gpu)
        )

    def num_able() -> int:
        workers = there.client.scheduler_info(n_workers=-1)["workers"].values()
        return sum(not needs_gpu or "GPU" in worker["resources"] for worker in workers)

    with there:
        try:
            there.client.wait_for_workers(1, timeout=START_SECONDS)
        except OSError as error:  # a timeout is one, too
            raise _away(name, error) from error
        if not num_able():
            raise ConfigError(
                f"{name} has no worker with a GPU, and the recipe needs one: start each with "
                "'CUDA_VISIBLE_DEVICES=N dask worker ADDRESS --nthreads 1 --resources GPU=1'"
            )
        yield Crew(
            name,
            here,
            there,
            with_gpu=partial(annotate, resources={"GPU": 1}),
            num_able=num_able,
            answers=lambda: there.client.status == "running",
            killed=(KilledWorker,),
        )


def _local_dask(workers: int, needs_gpu: bool) -> dict[str, Any]:
    """A process for each GPU of this machine if they are needed, and ``workers`` that have none."""
    from distributed import Nanny, Scheduler

    options = {"host": "127.0.0.1", "nthreads": 1, "memory_limit": 0, "dashboard": False}
    spec: dict[str, Any] = {f"cpu-{index}": {"cls": Nanny, "options": options} for index in range(workers)}
    for gpu in _gpus() if needs_gpu else []:
        own = {"resources": {"GPU": 1}, "env": {"CUDA_VISIBLE_DEVICES": gpu}}
        spec[f"gpu-{gpu}"] = {"cls": Nanny, "options": options | own}
    scheduler = {"cls": Scheduler, "options": {"host": "127.0.0.1", "port": 0, "dashboard": False}}
    return {"workers": spec, "scheduler": scheduler, "silence_logs": "CRITICAL"}


def _gpus() -> list[str]:
    """The GPUs that this process may see, as CUDA names them."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        return [name for name in allowed.split(",") if name]
    return [str(index) for index, _ in enumerate(Path("/proc/driver/nvidia/gpus").glob("*"))]


@contextmanager
def _ray(recipe: Recipe, here: TaskRunner[Any], needs_gpu: bool) -> Iterator[Crew]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_ENABLE_AUTO_CONNECT"] = "0"  # or a lost connection would be sought for ever
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray
    from prefect_ray.context import remote_options  # type: ignore[import-untyped]
    from prefect_ray.task_runners import RayTaskRunner  # type: ignore[import-untyped]
    from ray import exceptions

    name = f"the Ray cluster at {recipe.cluster}" if recipe.cluster else "the local Ray cluster"
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if recipe.cluster:
        _require_answer(name, recipe.cluster)
    else:
        options |= {
            "address": "local",
            "num_cpus": recipe.workers,
            "num_gpus": min(1, len(_gpus())),
            "object_store_memory": _RAY_STORE_BYTES,
            "include_dashboard": False,
        }
    there: Any = RayTaskRunner(address=recipe.cluster or None, init_kwargs=options)

    def nodes() -> list[dict[str, float]]:
        """What each node that is alive offers, by the name of the resource."""
        found: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
        return [node["Resources"] for node in found if node["Alive"]]

    ours = not ray.is_initialized()
    try:
        there.__enter__()
    except (ConnectionError, TimeoutError, exceptions.RayError) as error:
        raise _away(name, error) from error
    try:
        if needs_gpu:
            _require_one_gpu_a_node(name, nodes())
        yield Crew(
            name,
            here,
            there,
            # max_calls: Ray would end a worker after each task on a GPU, and its weights with it.
            with_gpu=partial(remote_options, num_gpus=1, max_calls=0),
            num_able=lambda: sum("GPU" in node if needs_gpu else "CPU" in node for node in nodes()),
            answers=ray.is_initialized,
            killed=(
                exceptions.WorkerCrashedError,
                exceptions.NodeDiedError,
                exceptions.OutOfMemoryError,
                exceptions.ObjectLostError,
            ),
        )
    finally:
        if ours:  # not by the task runner, which asks the cluster first whether it may
            ray.shutdown()


def _require_one_gpu_a_node(name: str, nodes: list[dict[str, float]]) -> None:
    how = "start one Ray node for each: 'CUDA_VISIBLE_DEVICES=N ray start --address ADDRESS --num-gpus 1'"
    most = max((node.get("GPU", 0.0) for node in nodes), default=0.0)
    if not most:
        raise ConfigError(f"{name} has no GPU, and the recipe needs one: {how}")
    if most > 1:
        raise ConfigError(
            f"{name} has a node with {most:.0f} GPUs, and Ray may give a process another one than that "
            f"on which its weights lie: {how}"
        )


def _require_answer(name: str, address: str) -> None:
    """Told at once: Dask and Ray try for minutes to reach what nobody listens at."""
    at = urlsplit(address)
    server = PREFECT_API_URL.value() or ""
    if urlsplit(server).hostname in _LOOPBACK and at.hostname not in _LOOPBACK:
        raise ConfigError(
            f"workers of {name} cannot reach the Prefect server at {server}, which only this machine can: "
            "start one with 'prefect server start --host 0.0.0.0' and set PREFECT_API_URL to "
            "http://THIS-MACHINE:4200/api"
        )
    try:
        socket.create_connection((at.hostname, at.port), timeout=START_SECONDS).close()
    except OSError as error:
        raise _away(name, error) from error


def _away(name: str, error: BaseException) -> BackendUnavailable:
    return BackendUnavailable(
        f"{name} does not answer ({_line(error)}): start it and its workers, or correct cluster: in the "
        f"recipe (a Ray cluster with a token needs it here, too, and RAY_AUTH_MODE=token); {_AGAIN}"
    )


def _line(error: BaseException) -> str:
    return without_secrets(" ".join(str(error).split()))[:300]
