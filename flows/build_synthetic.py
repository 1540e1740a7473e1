"""The flow ``build-synthetic``: plan → first frames → clips → verdict → shards → manifest → report.

Order, branching, concurrency, retries and progress; what is done in a stage stands elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from prefect import Task, flow, get_run_logger, tags
from prefect.artifacts import create_link_artifact, create_markdown_artifact
from prefect.futures import PrefectFuture
from prefect.utilities.annotations import opaque
from pydantic import Field

from data.errors import BackendUnavailable, BudgetReached
from data.schema import Category
from flows import filming, publish, stages, wording
from flows.backends import image_generator, open_vendors, released, video_generator, writer
from flows.concurrency import limited, tags_of
from flows.deadline import moving
from flows.finished import finished, keep
from flows.ledger import Entry, append
from flows.progress import LogProgress, StageProgress, watcher
from flows.recipe import Recipe, Runner, load_recipe
from flows.runners import Crew, Place, crew, place_of, require_extra
from flows.stages import Job, Outcome
from flows.summary import RunSummary, markdown_summary
from flows.tally import Ending, Tally
from flows.tasks import GENERATOR_TASK, LOCAL_TASK
from flows.together import Batch, batch_size, parted, work_on
from flows.wording import UNWRITTEN
from flows.workspace import Workspace, claimed
from generators.config import require_format, require_weights
from prompts.sampling import plan_of
from prompts.writer import Draft

prompts: Task[..., Any] = Task(wording.write_prompts, name="prompts", **GENERATOR_TASK)


def frames_of(batch: Batch[Job]) -> list[Ending]:
    return work_on(batch, stages.make_first_frames)


def clips_of(batch: Batch[Outcome]) -> list[Ending]:
    return work_on(batch, filming.make_clips)


def verdicts_on(batch: Batch[Outcome]) -> list[Ending]:
    return work_on(batch, stages.judge_clips)


first_frames: Task[..., Any] = Task(
    frames_of, name="first-frames", task_run_name="first frames of {batch}", **GENERATOR_TASK
)
clips: Task[..., Any] = Task(clips_of, name="clips", task_run_name="clips of {batch}", **GENERATOR_TASK)
verdict: Task[..., Any] = Task(verdicts_on, name="verdict", task_run_name="verdict on {batch}", **LOCAL_TASK)
retrieve: Task[..., Any] = Task(publish.retrieve, name="retrieval", **LOCAL_TASK)
shards: Task[..., Any] = Task(publish.write_data, name="shards", **LOCAL_TASK)
manifest: Task[..., Any] = Task(publish.write_manifest, name="manifest", **LOCAL_TASK)
report: Task[..., Any] = Task(publish.write_page, name="report", **LOCAL_TASK)

# Triplets in flight at once: enough to keep every worker busy to the end of a wave, few enough that
# neither memory nor a kill in the middle costs more than a wave.
_WAVE_PER_WORKER = 32

_NO_MEMORY = (
    "this machine ran out of memory: close other programs, or name fewer --workers or a smaller --size; "
    "what is finished is kept"
)

_PROMPTS_AT_A_TIME = 8  # drafts in one task of a writer that takes them one by one


@dataclass(frozen=True)
class _Post:
    """Who may work on a stage, and the tags by which Prefect counts its tasks where a team has set limits."""

    place: Place
    tags: tuple[str, ...]


@dataclass(frozen=True)
class _Stage:
    """What every attempt goes through: its task, and its name on the screen."""

    task: Task[..., Any]
    shown: str


_STAGES = (
    _Stage(first_frames, "first frames"),
    _Stage(clips, "clips"),
    _Stage(verdict, "verdict"),
)


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
    runner: Runner | None = None,
    cluster: str | None = None,
    store: str | None = None,
    budget_usd: Annotated[float | None, Field(ge=0)] = None,
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
        runner: What works on them: "threads", "dask" or "ray".
        cluster: Address of a Dask or Ray cluster; empty starts one on this machine.
        store: Folder or fsspec URL of the artifacts, if not within the data set's folder.
        budget_usd: Stop before a paid call that could exceed so many US dollars in all.
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
        cluster=cluster,
        store=store,
        budget_usd=budget_usd,
    )
    require_format(resolved.video, resolved.clip_format)
    require_extra(resolved)
    drafts = resolved.drafts()
    with claimed(Path(out), resolved, fork=fork) as workspace, released(workspace.out):
        done = finished(workspace, resolved)
        return _build(workspace, resolved, drafts, drafts[:limit]) if done is None else done


def _build(
    workspace: Workspace, recipe: Recipe, drafts: tuple[Draft, ...], wanted: tuple[Draft, ...]
) -> RunSummary:
    progress = watcher.get() or LogProgress(get_run_logger())
    tally = Tally(requested=len(drafts), max_attempts=recipe.max_attempts)
    if not recipe.cluster:  # machines elsewhere have weights of their own
        require_weights(recipe.images, recipe.video)
    open_vendors(workspace.out, recipe)
    posts = _posts(workspace.out, recipe)
    with crew(recipe, needs_gpu=any(post.place == "gpu" for post in posts.values())) as workers:
        unwritten = [Job(workspace.out, recipe, plan_of(draft, UNWRITTEN), attempt=0) for draft in wanted]
        planned = _planned(workers, posts[prompts.name], unwritten, tally, progress)
        for stage in _STAGES:
            progress.expect(stage.shown, len(planned))
        wave = _WAVE_PER_WORKER * recipe.workers
        again: list[Job] = []  # with the next wave: alone they would leave workers idle
        while (again or planned) and tally.stopped is None:
            room = max(0, wave - len(again))
            jobs, planned = again + planned[:room], planned[room:]
            with moving(progress, recipe.no_progress_minutes) as watched:
                attempts = _attempt(workers, posts, jobs, watched)
            settled = [tally.settle(*attempt) for attempt in attempts]
            again = _reworded(
                workers, posts[prompts.name], [job for job in settled if job is not None], tally, progress
            )
            for stage in _STAGES:
                progress.expect(stage.shown, len(again))
    tally.in_plan_order([draft.triplet_id for draft in drafts])
    return _publish(workspace, recipe, tally, progress)


def _posts(out: Path, recipe: Recipe) -> dict[str, _Post]:
    """Who may work on each stage of an attempt, and which limits of a team it counts against."""
    images, video = image_generator(out, recipe).facts, video_generator(recipe).facts
    asked = tags_of(writer(out, recipe).facts.demand)
    pictured = tags_of(images.demand, needs_gpu=images.needs_gpu)
    filmed = tags_of(video.demand, needs_gpu=video.needs_gpu)
    return {
        prompts.name: _Post("here", limited(asked)),
        first_frames.name: _Post(place_of(images), limited(pictured)),
        clips.name: _Post(place_of(video), limited(filmed)),
        verdict.name: _Post("anywhere", ()),
    }


def _planned(workers: Crew, post: _Post, jobs: list[Job], tally: Tally, progress: StageProgress) -> list[Job]:
    """The jobs with their prompts, no two alike where the writer finds its own words."""
    jobs = _written(workers, post, jobs, tally, progress)
    if not jobs or not writer(jobs[0].out, jobs[0].recipe).facts.invents:
        return jobs
    for _ in range(wording.DUPLICATE_ROUNDS):
        again = {job.plan.triplet_id: job for job in wording.repeated(jobs)}
        anew = {
            job.plan.triplet_id: job for job in _written(workers, post, list(again.values()), tally, progress)
        }
        # What could not be written again was counted, and goes no further.
        jobs = [
            anew.get(job.plan.triplet_id, job)
            for job in jobs
            if job.plan.triplet_id in anew or job.plan.triplet_id not in again
        ]
    repeated = {job.plan.triplet_id: job for job in wording.repeated(jobs)}
    for job in repeated.values():
        tally.reject(job, wording.STAGE, "prompts_repeated", job.objections[0])
    return [job for job in jobs if job.plan.triplet_id not in repeated]


def _reworded(
    workers: Crew, post: _Post, jobs: list[Job], tally: Tally, progress: StageProgress
) -> list[Job]:
    """The jobs, with new prompts where there were objections to the last ones."""
    refused = [replace(job, rewrites=job.rewrites + 1) for job in jobs if job.objections]
    return [job for job in jobs if not job.objections] + _written(workers, post, refused, tally, progress)


def _written(workers: Crew, post: _Post, jobs: list[Job], tally: Tally, progress: StageProgress) -> list[Job]:
    """The jobs that got prompts, in order; the others are counted."""
    if not jobs:
        return []
    progress.expect("prompts", len(jobs))
    at_once = writer(jobs[0].out, jobs[0].recipe).facts.at_once
    size = len(jobs) if at_once else _PROMPTS_AT_A_TIME
    parts = [jobs[start : start + size] for start in range(0, len(jobs), size)]
    with tags(*post.tags):
        part_of = {workers.submit(prompts, post.place, jobs=part).task_run_id: part for part in parts}
    written: dict[str, Job] = {}
    for _ in parts:
        future = workers.next_done()
        part, answers = part_of[future.task_run_id], _ending(workers, future)
        for job, answer in zip(
            part, answers if isinstance(answers, list) else [answers] * len(part), strict=True
        ):
            progress.advance("prompts")
            if tally.takes(job, answer):
                written[job.plan.triplet_id] = wording.worded(answer)
            elif isinstance(answer, Outcome):
                tally.give_up(answer.record["rejected"])
    return [written[job.plan.triplet_id] for job in jobs if job.plan.triplet_id in written]


def _attempt(
    workers: Crew, posts: Mapping[str, _Post], jobs: Sequence[Job], progress: StageProgress
) -> list[tuple[Job, list[Ending]]]:
    """One attempt at each job, as far as it goes. Jobs that share a task go on together."""
    endings: dict[str, list[Ending]] = {job.plan.triplet_id: [] for job in jobs}
    running: dict[UUID, tuple[int, tuple[Job, ...]]] = {}

    def start(number: int, group: tuple[Job, ...], members: Sequence[Job | Outcome]) -> None:
        stage = _STAGES[number]
        post = posts[stage.task.name]
        with tags(*post.tags):
            future = workers.submit(stage.task, post.place, batch=Batch(tuple(members)))
        running[future.task_run_id] = (number, group)

    # Work that takes minutes, and work that is paid, has a task of its own: Prefect asks again for it alone.
    alone = {posts[first_frames.name].place, posts[clips.name].place} != {"anywhere"}
    recipe = jobs[0].recipe
    size = 1 if alone else batch_size(len(jobs), recipe.workers, recipe.clip_format)
    for group in parted(jobs, size):
        start(0, group, group)
    while running:
        future = workers.next_done()
        number, group = running.pop(future.task_run_id)
        ended: Any = _ending(workers, future)
        found: list[Ending] = ended if isinstance(ended, list) else [ended] * len(group)
        going = []
        for job, ending in zip(group, found, strict=True):
            endings[job.plan.triplet_id].append(ending)
            progress.advance(_STAGES[number].shown)
            if isinstance(ending, Outcome) and not ending.rejection:
                going.append((job, ending))
                continue
            for stage in _STAGES[number + 1 :]:  # nothing is left to wait for
                progress.advance(stage.shown)
        if going and number + 1 < len(_STAGES):
            start(number + 1, tuple(job for job, _ in going), [outcome for _, outcome in going])
    return [(job, endings[job.plan.triplet_id]) for job in jobs]


def _ending(workers: Crew, future: PrefectFuture[Any]) -> Any:
    """What a task returned. A backend that stayed away, a spent budget and full memory are values, too."""
    result = workers.result(future)
    if isinstance(result, MemoryError):
        result = BackendUnavailable(_NO_MEMORY)
    if isinstance(result, BaseException) and not isinstance(result, (BackendUnavailable, BudgetReached)):
        raise result
    for outcome in result if isinstance(result, list) else [result]:
        if isinstance(outcome, Outcome) and not outcome.reused:
            entry = Entry(outcome.stage, outcome.key, outcome.job.plan.triplet_id, outcome.seconds)
            append(outcome.job.workspace.ledger, entry)
    return result


def _publish(workspace: Workspace, recipe: Recipe, tally: Tally, progress: StageProgress) -> RunSummary:
    # opaque: Prefect would otherwise walk through every field of every triplet to look for futures.
    everything = opaque(tally)
    found: publish.Retrieved = _step(retrieve, progress, workspace, everything)
    files = _step(shards, progress, workspace, everything)
    _step(manifest, progress, workspace, recipe, everything, files, opaque(found))
    summary = publish.summarise(workspace, recipe, tally, found)
    _step(report, progress, workspace, recipe, summary, everything, opaque(found))
    keep(workspace, summary)
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
