"""The last stages of ``build-real``: where the run stands, the data set, the pages. Plain functions."""

from __future__ import annotations

from annotation.study import Study
from data.real_manifest import counted
from data.real_set import write_real
from flows.annotators_page import write_annotators_page
from flows.consulting import STUDY, Look
from flows.footage import Choice
from flows.real_recipe import RealRecipe
from flows.real_report import PEOPLE, write_real_report
from flows.real_set import RealSummary, outcomes, raw_annotations, triplets_of
from flows.workspace import Workspace


def summarise(workspace: Workspace, recipe: RealRecipe, choice: Choice, look: Look) -> RealSummary:
    """Where the run stands, with the pages that show it."""
    study = Study(workspace.out / STUDY)
    summary = RealSummary(
        name=recipe.name,
        counts=counted(outcomes(study, look.decisions)),
        num_wanted=recipe.items,
        num_videos=len(choice.videos),
        num_clips=len(choice.clips),
        waiting=look.waiting,
        answered=len(look.answers.rankings),
        unheard={annotator: list(faults) for annotator, faults in sorted(look.unheard.items())},
        study=str(workspace.out / STUDY),
        report=str(workspace.report),
    )
    triplets = triplets_of(study, look, choice, recipe)
    write_real_report(workspace.out, summary, triplets, look.decisions, choice.rejects, workspace.store.path)
    people = workspace.report.with_name(PEOPLE)
    write_annotators_page(study, look.answers, recipe.exclusion, people, look.decisions, name=recipe.name)
    return summary


def write(workspace: Workspace, recipe: RealRecipe, choice: Choice, look: Look) -> None:
    """The data set itself, its manifest last."""
    study = Study(workspace.out / STUDY)
    write_real(
        triplets_of(study, look, choice, recipe),
        raw_annotations(study, look),
        workspace.store,
        workspace.out,
        items=outcomes(study, look.decisions),
        recipe_name=recipe.name,
        recipe_fingerprint=recipe.fingerprint,
        recipe=recipe.content,
        export=recipe.export,
    )


def markdown(summary: RealSummary) -> str:
    """Where the run stands, as text for a terminal and for Prefect. Nothing of who was asked."""
    counts = summary.counts
    lines = [
        f"{summary.num_videos} videos gave {summary.num_clips} clips.",
        f"Questions: {counts.requested} = {counts.accepted} accepted + {counts.num_rejected} rejected + "
        f"{counts.num_failed} failed + {counts.pending} pending.",
        f"Answers: {summary.answered} are in, {summary.waiting} are still to come.",
    ]
    if summary.shortage:
        lines.append(f"- {summary.shortage}")
    lines += [
        f"- rejected, {reason.replace('_', ' ')}: {number}" for reason, number in counts.rejected.items()
    ]
    lines += [f"- not heard: {who} ({', '.join(why)})" for who, why in summary.unheard.items()]
    lines.append(f"Page: {summary.report}")
    return "\n".join(lines)
