"""The flow ``build-synthetic``: plan → first frames → clips → verdict → shards → manifest → report.

Order, branching, concurrency, retries and progress; what is done in a stage stands elsewhere.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from prefect import Task, flow, get_run_logger
from prefect.artifacts import create_link_artifact, create_markdown_artifact
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect.utilities.annotations import opaque
from pydantic import Field

from data.errors import BackendUnavailable, ContractError
from data.schema import Category, Plan
from flows import publish, stages
from flows.progress import LogProgress, StageProgress, watcher
from flows.recipe import Recipe, load_recipe
from flows.stages import Job, Outcome
from flows.summary import RunSummary, markdown_summary
from flows.tally import Tally
from flows.tasks import GENERATOR_TASK, LOCAL_TASK
from flows.workspace import Workspace, claimed

first_frames: Task[..., Any] = Task(
    stages.make_first_frames,
    name="first-frames",
    task_run_name="first frames of {job.plan.triplet_id}",
    **GENERATOR_TASK,
)
clips: Task[..., Any] = Task(
    stages.make_clips, name="clips", task_run_name="clips of {frames.job.plan.triplet_id}", **GENERATOR_TASK
)
verdict: Task[..., Any] = Task(
    stages.judge_clips, name="verdict", task_run_name="verdict on {clips.job.plan.triplet_id}", **LOCAL_TASK
)
retrieve: Task[..., Any] = Task(publish.retrieve, name="retrieval", **LOCAL_TASK)
shards: Task[..., Any] = Task(publish.write_data, name="shards", **LOCAL_TASK)
manifest: Task[..., Any] = Task(publish.write_manifest, name="manifest", **LOCAL_TASK)
report: Task[..., Any] = Task(publish.write_page, name="report", **LOCAL_TASK)

# Triplets in flight at once: enough to keep every worker busy to the end of a wave, few enough that
# neither memory nor a kill in the middle costs more than a wave.
_WAVE_PER_WORKER = 16

_EACH = ("first frames", "clips", "verdict")  # what every attempt goes through, as the watcher reads it


@flow(name="build-synthetic", flow_run_name="{recipe} → {out}", persist_result=False)
def build_synthetic(
    recipe: str = "demo",
    out: str = "out/demo",
    per_category: Annotated[int | None, Field(ge=1)] = None,
    categories: list[Category] | None = None,
    seed: Annotated[int | None, Field(ge=0)] = None,
    size_px: Annotated[int | None, Field(ge=16, multiple_of=16)] = None,
    duration_seconds: Annotated[float | None, Field(gt=0, le=60)] = None,
    fps: Annotated[int | None, Field(ge=1, le=120)] = None,
    workers: Annotated[int | None, Field(ge=1, le=256)] = None,
    runner: Literal["threads"] | None = None,
    limit: Annotated[int | None, Field(ge=1)] = None,
    fork: bool = False,
) -> RunSummary:
    """Build a data set of motion-similarity triplets, or continue one.

    Args:
        recipe: Name of a bundled recipe, or a YAML file.
        out: Folder of the data set. A folder of the same recipe is continued.
        per_category: Triplets of each category; the recipe's when empty, like all that follow.
        categories: Which of the five categories.
        seed: Seed of the plans.
        size_px: Width and height of the clips, a multiple of 16.
        duration_seconds: Length of the clips.
        fps: Frames a second.
        workers: Triplets worked on at a time.
        runner: Task runner; "threads".
        limit: Make at most so many triplets now; the others stay pending.
        fork: Start a new folder beside one that belongs to another recipe.
    """
    resolved = load_recipe(recipe).overridden(
        per_category=per_category,
        categories=categories,
        seed=seed,
        size_px=size_px,
        duration_seconds=duration_seconds,
        fps=fps,
        workers=workers,
        runner=runner,
    )
    plans = resolved.plans()
    with claimed(Path(out), resolved, fork=fork) as workspace:
        return _build(workspace, resolved, plans, plans[:limit])


def _build(
    workspace: Workspace, recipe: Recipe, plans: tuple[Plan, ...], wanted: tuple[Plan, ...]
) -> RunSummary:
    progress = watcher.get() or LogProgress(get_run_logger())
    tally = Tally(requested=len(plans), max_attempts=recipe.max_attempts)
    for stage in _EACH:
        progress.expect(stage, len(wanted))
    with _task_runner(recipe) as runner:
        wave = _WAVE_PER_WORKER * recipe.workers
        for start in range(0, len(wanted), wave):
            jobs = [Job(workspace.out, recipe, plan, attempt=0) for plan in wanted[start : start + wave]]
            while jobs:
                settled = [tally.settle(*attempt) for attempt in _attempt(runner, jobs, progress)]
                jobs = [job for job in settled if job is not None]
                for stage in _EACH:
                    progress.expect(stage, len(jobs))
    tally.in_plan_order(plans)
    return _publish(workspace, recipe, tally, progress)


def _attempt(
    runner: TaskRunner[Any], jobs: Sequence[Job], progress: StageProgress
) -> Iterator[tuple[Job, list[Outcome | BackendUnavailable]]]:
    """One attempt at each job, as far as it goes."""
    framed = runner.map(first_frames, {"job": list(jobs)})
    clipped = runner.map(clips, {"frames": framed})
    judged = runner.map(verdict, {"clips": clipped})
    for stage, futures in zip(_EACH, (framed, clipped, judged), strict=True):
        for future in futures:
            future.add_done_callback(functools.partial(_advance, progress, stage))
    for job, *chain in zip(jobs, framed, clipped, judged, strict=True):
        outcomes: list[Outcome | BackendUnavailable] = []
        for future in chain:
            outcome = _outcome(future)
            outcomes.append(outcome)
            if isinstance(outcome, BackendUnavailable) or outcome.rejection:
                break
        yield job, outcomes


def _advance(progress: StageProgress, stage: str, _future: object) -> None:
    progress.advance(stage)


def _outcome(future: PrefectFuture[Outcome]) -> Outcome | BackendUnavailable:
    """The stage's outcome; a backend that stayed away is a value, everything else stops the run."""
    result: Any = future.result(raise_on_failure=False)
    if isinstance(result, (Outcome, BackendUnavailable)):
        return result
    if isinstance(result, BaseException):
        raise result
    raise ContractError(f"a stage returned {type(result).__name__}, expected an Outcome")


def _publish(workspace: Workspace, recipe: Recipe, tally: Tally, progress: StageProgress) -> RunSummary:
    # opaque: Prefect would otherwise walk through every field of every triplet to look for futures.
    everything = opaque(tally)
    found: publish.Retrieved = _step(retrieve, progress, workspace, everything)
    files = _step(shards, progress, workspace, everything)
    _step(manifest, progress, workspace, recipe, everything, files, opaque(found))
    summary = publish.summarise(workspace, recipe, tally, found)
    _step(report, progress, workspace, recipe, summary, everything, opaque(found))
    create_markdown_artifact(
        markdown_summary(summary),
        key=f"build-{recipe.name.replace('_', '-')}",
        description="Summary of the build",
    )
    create_link_artifact(
        workspace.report.as_uri(), link_text="report.html", key=f"report-{recipe.name.replace('_', '-')}"
    )
    return summary


def _step(step: Task[..., Any], progress: StageProgress, *arguments: Any) -> Any:
    progress.expect(step.name, 1)
    result: Any = step(*arguments)
    progress.advance(step.name)
    return result


def _task_runner(recipe: Recipe) -> TaskRunner[Any]:
    match recipe.runner:
        case "threads":
            return ThreadPoolTaskRunner(max_workers=recipe.workers)
