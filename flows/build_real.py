"""The flow ``build-real``: footage → clips → questions → people → triplets → Parquet.

Order, branching, concurrency and progress; what is done in a stage stands elsewhere. While people work
the run is suspended: ``flows.rank`` looks after it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from prefect import Task, flow, get_run_logger, runtime, suspend_flow_run
from prefect.artifacts import create_link_artifact, create_markdown_artifact
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect.utilities.annotations import opaque
from pydantic import Field

from annotation.server import connect, default_home
from annotation.studio import Studio
from flows import consulting, footage, gold, real_publish, real_set
from flows.consulting import STUDY, Look
from flows.progress import LogProgress, StageProgress, watcher
from flows.real_recipe import RealRecipe, load_real_recipe
from flows.real_set import RealSummary
from flows.tasks import GENERATOR_TASK, LOCAL_TASK, run_step
from flows.workspace import Workspace, claimed

videos: Task[..., Any] = Task(
    footage.prepare_video, name="videos", task_run_name="clips of {job.video.video_id}", **GENERATOR_TASK
)
questions: Task[..., Any] = Task(footage.choose, name="questions", **LOCAL_TASK)
gold_questions: Task[..., Any] = Task(gold.gold_items, name="gold", **LOCAL_TASK)
publish: Task[..., Any] = Task(real_publish.write, name="data set", **LOCAL_TASK)

# People take days; a run that was forgotten for a year is given up by Prefect.
_PATIENCE_SECONDS = 365 * 24 * 3600


@flow(name="build-real", flow_run_name="{recipe} → {out}", persist_result=False)
def build_real(
    recipe: str = "footage",
    out: str = "out/footage",
    footage: str | None = None,
    annotators: str | None = None,
    workers: Annotated[int | None, Field(ge=1, le=256)] = None,
) -> RealSummary:
    """Turn footage into motion-similarity triplets that people have ranked, or continue to.

    As a deployment the run is suspended while people work, and ``rank`` resumes it; called from Python it
    returns how many answers are still to come, and the same call continues.

    Args:
        recipe: Name of a bundled recipe, or a YAML file.
        out: Folder of the data set. A folder of the same recipe is continued.
        footage: Folder of videos, or a manifest (CSV, Parquet), in place of the recipe's.
        annotators: File with an e-mail address on each line, in place of the recipe's.
        workers: Videos cut at a time.
    """
    resolved = load_real_recipe(recipe).overridden(footage=footage, annotators=annotators, workers=workers)
    with claimed(Path(out), resolved) as workspace:
        summary = _build(workspace, resolved)
    if summary.waiting and runtime.deployment.id:
        suspend_flow_run(timeout=_PATIENCE_SECONDS)
    return summary


def _build(workspace: Workspace, recipe: RealRecipe) -> RealSummary:
    progress = watcher.get() or LogProgress(get_run_logger())
    consulting.annotators_of(recipe)  # a missing file is told before hours of cutting
    footage.require_backbone(recipe)
    prepared = _prepared(workspace, recipe, progress)
    real_set.write_rejects([reject for own in prepared for reject in own.rejects], workspace.out)
    choice: footage.Choice = run_step(questions, workspace.out, recipe, prepared)
    real_set.write_rejects(choice.rejects, workspace.out)
    look = _asked(workspace, recipe, choice, progress)
    summary = real_publish.summarise(workspace, recipe, choice, look)
    if look.settled:
        run_step(publish, workspace, recipe, choice, look)
    _tell(workspace, recipe, summary)
    return summary


def _prepared(workspace: Workspace, recipe: RealRecipe, progress: StageProgress) -> list[footage.Prepared]:
    found = footage.find_videos(recipe)
    progress.expect(videos.name, len(found))
    jobs = [footage.FootageJob(workspace.out, recipe, video) for video in found]
    runner: TaskRunner[Any] = ThreadPoolTaskRunner(max_workers=recipe.workers)
    with runner:
        futures = runner.map(videos, {"job": [opaque(job) for job in jobs]})
        for future in futures:
            future.add_done_callback(lambda _: progress.advance(videos.name))
        return [future.result() for future in futures]


def _asked(workspace: Workspace, recipe: RealRecipe, choice: footage.Choice, progress: StageProgress) -> Look:
    store, clip_format = workspace.store, recipe.format
    progress.expect(gold_questions.name, 1)
    known, clips = run_step(
        gold_questions, store, recipe.gold, recipe.candidates, clip_format, seed=recipe.seed
    )
    progress.advance(gold_questions.name)
    clips |= {sha256: store.path(clip.blob) for sha256, clip in choice.clips.items()}
    asked = [*real_set.ranking_items(choice.items), *known]
    with Studio(connect(default_home())) as studio:
        progress.expect("people", 2)
        consulting.begin(studio, workspace.out / STUDY, recipe, asked, clips)
        progress.advance("people")
        look = consulting.attend(studio, workspace.out / STUDY, recipe)
        progress.advance("people")
    return look


def _tell(workspace: Workspace, recipe: RealRecipe, summary: RealSummary) -> None:
    """What stands on the page of the run. Nothing of who was asked."""
    key = f"real-{recipe.name.replace('_', '-')}"
    create_markdown_artifact(real_publish.markdown(summary), key=key, description="Where the build stands")
    create_link_artifact(workspace.report.as_uri(), link_text=workspace.report.name, key=f"{key}-report")
