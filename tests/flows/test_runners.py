"""The same data set from threads, Dask and Ray, and what happens when workers die, lack a GPU or are away."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.task_runners import ThreadPoolTaskRunner

from data import manifest
from data.errors import BackendUnavailable, ConfigError
from flows import ledger, runners
from flows.filming import make_clips
from flows.recipe import Recipe, load_recipe
from flows.runners import Crew, crew, place_of, require_extra
from flows.stages import Job, judge_clips, make_first_frames
from generators.base import BackendFacts
from prompts.sampling import plan_of
from tests.flows.commands import TINY, simmotion
from tests.flows.conftest import Prefect


def _assert_alike(out: Path, undisturbed: Path) -> None:
    assert (out / "manifest.json").read_bytes() == (undisturbed / "manifest.json").read_bytes()
    shards = [shard.path for shard in manifest.read(out / "manifest.json").shards]
    assert shards
    assert all((out / path).read_bytes() == (undisturbed / path).read_bytes() for path in shards)
    made = Counter((entry.stage, entry.key) for entry in ledger.read(out / "ledger.jsonl"))
    assert made == Counter((entry.stage, entry.key) for entry in ledger.read(undisturbed / "ledger.jsonl"))


def test_dask_makes_the_same_data_set_although_a_worker_is_killed(
    prefect: Prefect, undisturbed: Path, tmp_path: Path
) -> None:
    deadly = {
        **prefect.environment,
        "DASK_DISTRIBUTED__WORKER__PRELOAD": "tests.flows.dying_worker",
        "SIMMOTION_TEST_DEATHS": str(tmp_path),
    }
    run = simmotion("build", "--out", tmp_path / "out", *TINY, "--runner", "dask", environment=deadly)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "first").exists(), "a worker was to die"
    _assert_alike(tmp_path / "out", undisturbed)


def test_ray_makes_the_same_data_set_although_a_worker_is_killed(
    prefect: Prefect, undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "flows.cli", "build", "--out", out, *TINY, "--runner", "ray"]
    with subprocess.Popen(command, env=prefect.environment, stderr=subprocess.PIPE, text=True) as build:
        victim, pause = None, threading.Event()
        while victim is None:
            assert build.poll() is None, (
                f"no worker of clips was found before the end: {build.communicate()[1]}"
            )
            pause.wait(0.02)  # looking all the time would take a core away from the build
            victim = _stopped_at(build.pid, "ray::clips")
        left = psutil.Process(build.pid).children(recursive=True)
        victim.kill()
        _, errors = build.communicate(timeout=240)
    assert build.returncode == 0, errors
    _assert_alike(out, undisturbed)
    _, alive = psutil.wait_procs(left, timeout=60)
    assert not alive, "processes of the cluster are left behind"


def _stopped_at(pid: int, task: str) -> psutil.Process | None:
    """A process below ``pid`` that was stopped while it worked on ``task``."""
    for child in psutil.Process(pid).children(recursive=True):
        try:
            if task not in " ".join(child.cmdline()):
                continue
            child.send_signal(signal.SIGSTOP)
            if task in " ".join(child.cmdline()):
                return child
            child.send_signal(signal.SIGCONT)
        except psutil.NoSuchProcess:
            continue
    return None


@pytest.mark.parametrize(("runner", "scheme"), [("dask", "tcp"), ("ray", "ray")])
def test_a_cluster_that_is_away_is_named_with_what_to_do(
    runner: str, scheme: str, prefect: Prefect, tmp_path: Path
) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        address = f"{scheme}://127.0.0.1:{unheard.getsockname()[1]}"
        recipe = load_recipe("demo").overridden(runner=runner, cluster=address)
        with pytest.raises(BackendUnavailable, match=f"{address} does not answer.*start it"):
            crew(recipe, needs_gpu=False).__enter__()


def test_a_prefect_server_that_workers_elsewhere_cannot_reach_is_refused() -> None:
    recipe = load_recipe("demo").overridden(runner="dask", cluster="tcp://scheduler.example:8786")
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:4200/api"}),
        pytest.raises(ConfigError, match=r"cannot reach the Prefect server at http://127\.0\.0\.1:4200"),
    ):
        crew(recipe, needs_gpu=False).__enter__()


@pytest.mark.parametrize("runner", ["dask", "ray"])
def test_a_missing_extra_is_named(runner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, f"prefect_{runner}", None)
    with pytest.raises(ConfigError, match=rf"pip install 'simmotion\[{runner}\]'"):
        require_extra(load_recipe("demo").overridden(runner=runner))
    require_extra(load_recipe("demo"))


@pytest.mark.parametrize(
    ("runner", "cluster"),
    [("threads", "tcp://a:1"), ("dask", "ray://a:1"), ("ray", "tcp://a:1"), ("ray", "a:1"), ("dask", "a")],
)
def test_an_address_that_is_none_of_the_runners_is_refused(runner: str, cluster: str) -> None:
    with pytest.raises(ConfigError, match="cluster: the runner"):
        load_recipe("demo").overridden(runner=runner, cluster=cluster)


def test_where_a_run_works_does_not_change_what_it_makes(tmp_path: Path) -> None:
    here = load_recipe("demo")
    there = here.overridden(runner="ray", cluster="ray://a:10001", store=str(tmp_path))
    assert there.fingerprint == here.fingerprint


def test_paid_work_stays_where_the_books_lie() -> None:
    facts = BackendFacts("a", "1", needs_gpu=False, ai_generated=True)
    paid: Any = SimpleNamespace(demand=("a call",), needs_gpu=False)
    assert place_of(paid) == "here"
    assert place_of(facts) == "anywhere"
    assert place_of(BackendFacts("a", "1", needs_gpu=True, ai_generated=True)) == "gpu"


def test_a_worker_needs_nothing_but_the_store(tmp_path: Path) -> None:
    recipe = _small(tmp_path)
    (draft,) = recipe.drafts()
    job = Job(tmp_path / "elsewhere", recipe, plan_of(draft, _words()), attempt=0)
    verdict = judge_clips(make_clips(make_first_frames(job)))
    assert verdict.blob("vectors").num_bytes
    assert verdict.seconds > 0
    assert not (tmp_path / "elsewhere").exists()
    assert judge_clips(make_clips(make_first_frames(job))).seconds == 0.0


def _small(folder: Path) -> Recipe:
    return load_recipe("demo").overridden(
        per_category=1, categories=["view"], size_px=96, duration_seconds=2.0, fps=8, store=str(folder / "s")
    )


def _words() -> Any:
    from data.schema import Prompts

    return Prompts("a", "b", "c", "d")


def _crew(**options: Any) -> Crew:
    here: Any = ThreadPoolTaskRunner(max_workers=1)
    return Crew("the cluster", here, here, **options)


def test_a_cluster_without_workers_ends_the_run_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "_LOOK_SECONDS", 0.001)
    monkeypatch.setattr(runners, "ALONE_SECONDS", 0.01)
    with pytest.raises(
        BackendUnavailable, match=r"had no worker for .* start workers; what is finished is kept"
    ):
        _crew(num_able=lambda: 0).next_done()


def test_an_error_of_a_lost_connection_is_no_bug_of_ours() -> None:
    def failing() -> int:
        raise ValueError("closed channel")

    future: Any = SimpleNamespace(result=lambda **_: failing())
    with pytest.raises(BackendUnavailable, match=r"does not answer any more \(ValueError: closed channel\)"):
        _crew(answers=lambda: False).result(future)
    with pytest.raises(ValueError, match="closed channel"):
        _crew(answers=lambda: True).result(future)


def test_work_that_kills_its_workers_is_given_up_alone() -> None:
    class Killed(Exception):
        pass

    def failing() -> None:
        raise Killed("four times")

    future: Any = SimpleNamespace(result=lambda **_: failing())
    answer = _crew(killed=(Killed,)).result(future)
    assert isinstance(answer, BackendUnavailable)
    assert "Killed: four times" in str(answer)


@pytest.mark.parametrize("runner", ["dask", "ray"])
def test_work_for_a_gpu_goes_to_a_worker_that_holds_one(runner: str, prefect: Prefect) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.flows.placed_work", runner],
        env={**prefect.environment, "CUDA_VISIBLE_DEVICES": "7"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert run.returncode == 0, run.stderr
    seen, pids = run.stdout.split("|")[0], run.stdout.split("|")[1].split()
    assert seen.split() == ["7", "7", "7"] if runner == "dask" else ["0", "0", "0"]
    assert len(set(pids)) == 1, "weights would be loaded anew"
