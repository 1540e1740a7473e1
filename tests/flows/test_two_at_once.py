"""Two builds at once: into one folder the second is sent away; with one store they share the work."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from data import lease
from data.errors import BackendUnavailable, SampleRejected
from data.store import Store
from flows import calls, ledger
from flows.filming import make_clips
from flows.once import each_made_once, made_once
from flows.recipe import Recipe, load_recipe
from flows.stages import Job, Outcome, judge_clips, make_first_frames, run_stage
from flows.wording import UNWRITTEN, worded, write_prompts
from flows.workspace import Workspace, claimed
from prompts.sampling import plan_of
from tests.data.buckets import URL
from tests.flows.commands import TINY, simmotion_here
from tests.flows.conftest import Prefect
from tests.flows.paper_world import paper_world
from tests.s3_server import Server

KEY, OTHER = "ab" * 32, "cd" * 32


@pytest.fixture(params=["folder", "s3"])
def shared(request: pytest.FixtureRequest, s3: Server, tmp_path: Path) -> str:
    """The address of a store for several runs."""
    return {"folder": str(tmp_path / "shared"), "s3": URL}[request.param]


@pytest.fixture
def runs(shared: str, tmp_path: Path) -> list[Workspace]:
    return [Workspace(_folder(tmp_path / name), shared) for name in ("one", "other")]


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _both(work: Callable[[Workspace], Any], runs: Iterable[Workspace]) -> list[Any]:
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(work, runs))


# --- one folder -----------------------------------------------------------------------------------


def test_the_second_build_into_a_folder_is_told_who_holds_it(prefect: Prefect, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with claimed(out, load_recipe("demo").overridden(per_category=1)):
        run = simmotion_here("build", "--out", out, "--per-category", "1", environment=prefect.environment)
    assert run.returncode == 2
    assert f"being written by process {os.getpid()}" in run.stderr


# --- one store, piece by piece --------------------------------------------------------------------


def test_what_two_runs_ask_for_at_once_is_made_once(runs: list[Workspace]) -> None:
    made: list[Path] = []
    both_asked = threading.Barrier(2)

    def ask(run: Workspace) -> Any:
        def make(store: Store) -> dict[str, Any]:
            made.append(run.out)
            return {"made_by": run.out.name}

        both_asked.wait(60)
        return made_once(run, "clips", KEY, make)

    first, second = _both(ask, runs)
    assert len(made) == 1
    assert first.record == second.record == {"made_by": made[0].name}
    assert sorted([first.reused, second.reused]) == [False, True]


def test_a_batch_of_one_run_is_waited_for_as_a_whole(runs: list[Workspace]) -> None:
    asked: list[list[str]] = []
    begun, both = threading.Event(), iter(([KEY, OTHER], [OTHER]))

    def make(keys: list[str]) -> Iterable[tuple[str, dict[str, Any]]]:
        begun.set()
        asked.append(keys)
        return [(key, {"words": key}) for key in keys]

    def ask(run: Workspace) -> Any:
        keys = next(both)
        if keys == [OTHER]:
            assert begun.wait(60)
        return each_made_once(run, "plan", keys, make, batch="a writer")

    first, second = _both(ask, runs)
    assert asked == [[KEY, OTHER]]
    assert {key: made.reused for key, made in first.items()} == {KEY: False, OTHER: False}
    assert {key: made.reused for key, made in second.items()} == {OTHER: True}


def test_a_folder_of_its_own_needs_no_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "lease_of", lambda *_: pytest.fail("nobody else can be there"))
    run = Workspace(tmp_path)
    assert not made_once(run, "clips", KEY, lambda store: {"a": 1}).reused
    assert made_once(run, "clips", KEY, lambda store: {"a": 2}) == ({"a": 1}, True)


def test_a_rejected_sample_counts_for_both_and_an_error_for_neither(
    runs: list[Workspace], shared: str
) -> None:
    (job, *_) = _jobs(runs[0].out, _small(shared))

    def away(store: Store) -> dict[str, Any]:
        raise BackendUnavailable("not now")

    def reject(store: Store) -> dict[str, Any]:
        raise SampleRejected("dark", "too dark")

    with pytest.raises(BackendUnavailable):
        run_stage("clips", job, away, number=1)
    assert run_stage("clips", job, reject, number=1).rejection == "dark"
    (other, *_) = _jobs(runs[1].out, _small(shared))
    again = run_stage("clips", other, away, number=1)
    assert (again.rejection, again.reused, again.seconds) == ("dark", True, 0.0)


def test_two_runs_share_all_the_work_of_their_stages(runs: list[Workspace], shared: str) -> None:
    recipe = _small(shared)

    def work(run: Workspace) -> list[Outcome]:
        outcomes = []
        for words in write_prompts(_jobs(run.out, recipe)):
            assert isinstance(words, Outcome)
            frames = make_first_frames(worded(words))
            clips = make_clips(frames)
            outcomes += [words, frames, clips, judge_clips(clips)]
        return outcomes

    first, second = _both(work, runs)
    assert [outcome.record for outcome in first] == [outcome.record for outcome in second]
    makers = Counter(outcome.key for outcome in (*first, *second) if not outcome.reused)
    assert makers == Counter({outcome.key: 1 for outcome in first}), "each piece has one maker"


def _small(store: str) -> Recipe:
    return load_recipe("demo").overridden(
        per_category=1, categories=["view"], size_px=64, duration_seconds=1.0, fps=8, store=store
    )


def _jobs(out: Path, recipe: Recipe) -> list[Job]:
    return [Job(out, recipe, plan_of(draft, UNWRITTEN), attempt=0) for draft in recipe.drafts()]


@pytest.mark.parametrize("batch", [False, True])
def test_nothing_is_paid_by_both(
    batch: bool,
    runs: list[Workspace],
    shared: str,
    prefect: Prefect,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with paper_world(tmp_path, prefect, tmp_path) as world:
        world.openai.batch_looks = 1
        for name, key in world.keys.items():
            monkeypatch.setenv(name, key)
        writer = {"kind": "openai", "base_url": world.openai.base_url, "batch": batch}
        recipe = load_recipe(str(world.recipe(writer=writer, store=shared)))

        def work(run: Workspace) -> list[Outcome]:
            words = write_prompts(_jobs(run.out, recipe))
            return [make_first_frames(worded(own)) for own in words if isinstance(own, Outcome)]

        first, second = _both(work, runs)
        assert [outcome.record for outcome in first] == [outcome.record for outcome in second]
        assert len(first) == 2
        asked = Counter(call.intent.key for run in runs for call in calls.read(run.calls))
        assert max(asked.values()) == 1, "each call is paid by one of them"
        assert asked.total() == world.billed_ids().total() >= 2 * 3
        assert world.gemini.billed


# --- one store, whole builds ------------------------------------------------------------------------


def _build(out: Path, shared: str, *options: str, module: str = "flows.cli") -> list[str]:
    build = [sys.executable, "-m", module, "build", "--out", str(out), *TINY]
    return [*build, "--store", shared, *options]


def _running(command: list[str], prefect: Prefect) -> AbstractContextManager[subprocess.Popen[str]]:
    return subprocess.Popen(command, env=prefect.environment, stderr=subprocess.PIPE, text=True)


def _made(*folders: Path) -> Counter[tuple[str, str]]:
    paths = [out / "ledger.jsonl" for out in folders]
    return Counter((own.stage, own.key) for path in paths if path.exists() for own in ledger.read(path))


def test_the_work_of_a_run_that_dies_is_taken_over(
    prefect: Prefect, undisturbed: Path, tmp_path: Path
) -> None:
    shared, hung, alive = str(tmp_path / "shared"), tmp_path / "hung", tmp_path / "alive"
    records = tmp_path / "shared" / "records"
    stopped = _build(hung, shared, "--workers", "1", module="tests.flows.stopped_build")
    with _running(stopped, prefect) as holder:
        try:
            _, status = os.waitpid(holder.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status), "it was to stop in the middle of a clip"
            with _running(_build(alive, shared), prefect) as other:
                _wait_until_all_is_made_but(2, undisturbed, records, other)  # that clip, and its verdict
                holder.kill()
                _, errors = other.communicate(timeout=240)
        finally:
            holder.kill()
    assert other.returncode == 0, errors
    assert (alive / "manifest.json").read_bytes() == (undisturbed / "manifest.json").read_bytes()
    assert max(_made(hung, alive).values()) == 1, "each piece was made once"
    assert _made(alive), "the rest"


def _wait_until_all_is_made_but(
    number: int, undisturbed: Path, records: Path, build: subprocess.Popen[str]
) -> None:
    deadline = time.monotonic() + 240
    while len(list(records.rglob("*.json"))) < _made(undisturbed).total() - number:
        with pytest.raises(subprocess.TimeoutExpired):  # it goes on, or waits for the other
            build.wait(0.2)
        assert time.monotonic() < deadline
