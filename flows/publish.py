"""The last stages of a build: retrieval, shards, manifest, card, report. Plain functions, no Prefect."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from data import card, manifest, rejects, trajectory
from data.manifest import ShardFacts
from data.schema import Category, FloatArray, Role
from data.shards import write_shards
from data.video import ENCODER
from flows import backends, calls, ledger
from flows.accepted import Accepted
from flows.money import money
from flows.recipe import Recipe
from flows.report import ClipLabel, Limit, SimilarityMatrix, write_report
from flows.stages import trajectories_of
from flows.summary import Accuracy, RetrievalRow, RunSummary, StageRow
from flows.tally import Tally
from flows.workspace import Workspace

if TYPE_CHECKING:
    from moments.protocols.gallery import Gallery

STAGES = ("plan", "first_frames", "clips", "verdict")


MOST_SHOWN = 250
"""Triplets of those compared on the page and in the picture of similarities, at even distances, too."""
_QUERIES_AT_ONCE = 256

Item = TypeVar("Item")


@dataclass(frozen=True)
class Retrieved:
    """Retrieval accuracy by method, and the (n, n) SemanticMoments similarity of the clips that are shown.

    Clips are ordered by triplet, then by role: reference, positive, negative.
    """

    rows: tuple[RetrievalRow, ...]
    similarity: FloatArray


def retrieve(workspace: Workspace, tally: Tally) -> Retrieved:
    """Who finds the positive among all compared clips: mean pooling, SemanticMoments, and the true motion."""
    from moments.protocols.methods import ClipVectors, joined
    from moments.protocols.oracle import trajectory_similarities
    from moments.protocols.similarity import cosine_blocks, cosines

    compared, store = evenly(tally.accepted, manifest.MOST_COMPARED), workspace.store
    if not compared:
        return Retrieved((), np.zeros((0, 0)))
    verdicts = (accepted.verdict() for accepted in compared)
    loaded = [
        np.load(io.BytesIO(store.read(verdict.blob("vectors"))), allow_pickle=False) for verdict in verdicts
    ]
    moments = np.concatenate(loaded)  # (N, 3, D)
    empty = np.zeros((len(moments), 1, 1))
    mean, joint = (joined(ClipVectors(moments, empty, empty), method) for method in ("mean", "moments"))
    gallery = _gallery(compared)
    rows = [
        _row(method, cosine_blocks(vectors[gallery.queries], vectors), gallery)
        for method, vectors in (("HOG, mean-pooled", mean), ("HOG, SemanticMoments", joint))
    ]
    known = [trajectories_of(accepted.clips()) for accepted in compared]
    if all(known):
        motions = [
            trajectory.from_bytes(store.read(own[role])).channels for own in known if own for role in Role
        ]
        asked = [motions[query] for query in gallery.queries]
        parts = [slice(at, at + _QUERIES_AT_ONCE) for at in range(0, len(asked), _QUERIES_AT_ONCE)]
        blocks = ((part, trajectory_similarities(asked[part], motions)) for part in parts)
        rows.append(_row("true motion (oracle)", blocks, gallery))
    shown = evenly(range(len(compared)), MOST_SHOWN)
    pictured = [3 * index + role for index in shown for role in range(3)]
    return Retrieved(tuple(rows), cosines(joint[pictured], joint[pictured]).astype(np.float64))


def write_data(workspace: Workspace, tally: Tally) -> list[ShardFacts]:
    """The Parquet shards of all accepted triplets, and one line for each reject.

    A manifest of an earlier, smaller run goes first: it must never stand beside data it does not describe.
    """
    workspace.manifest.unlink(missing_ok=True)
    rejects.write(tally.rejects, workspace.rejects)
    triplets = (accepted.triplet() for accepted in tally.accepted)
    return write_shards(triplets, workspace.store, workspace.shards)


def write_manifest(
    workspace: Workspace, recipe: Recipe, tally: Tally, shards: Sequence[ShardFacts], found: Retrieved
) -> None:
    """The card, then the manifest: when that is there, everything before it is."""
    clips = (accepted.clips() for accepted in tally.accepted)
    writer = backends.writer(workspace.out, recipe).facts
    images = backends.image_generator(workspace.out, recipe).facts
    video = backends.video_generator(recipe).facts
    by_category = Counter(accepted.job.plan.category for accepted in tally.accepted)
    written = manifest.Manifest(
        recipe_name=recipe.name,
        recipe_fingerprint=recipe.fingerprint,
        recipe=recipe.content,
        counts=tally.counts,
        accepted_by_category={category: by_category[category] for category in recipe.categories},
        generators={
            "prompts": f"{writer.name}@{writer.revision}",
            "images": f"{images.name}@{images.revision}",
            "videos": f"{video.name}@{video.revision}",
        },
        ai_generated=images.ai_generated or video.ai_generated,
        licence=recipe.licence,
        shards=tuple(shards),
        num_clips=len(Role) * len(tally.accepted),
        num_clip_bytes=sum(made.blob(role).num_bytes for made in clips for role in Role),
        retrieval={row.method: _shares(row) for row in found.rows},
        software={"encoder": ENCODER},
    )
    card.write(written, workspace.card)
    manifest.write(written, workspace.manifest)


def summarise(workspace: Workspace, recipe: Recipe, tally: Tally, found: Retrieved) -> RunSummary:
    """What the run came to, for the terminal, the Prefect artifact and the page."""
    totals = ledger.totals(ledger.read(workspace.ledger))
    usd = _usd_by_stage(workspace, recipe)
    rejected = {
        stage: sum(r.stage == stage and r.kind == "rejected" for r in tally.rejects) for stage in STAGES
    }
    failed = sum(reject.kind == "failed" for reject in tally.rejects)
    rows = [
        StageRow(
            name=stage.replace("_", " "),
            done=totals[stage].count if stage in totals else 0,
            reused=tally.reused[stage],
            rejected=rejected[stage],
            failed=failed if stage == "clips" else 0,
            seconds=totals[stage].seconds if stage in totals else 0.0,
            usd=usd[stage],
        )
        for stage in STAGES
    ]
    return RunSummary(
        name=recipe.name,
        recipe=recipe.name,
        seed=recipe.seed,
        data_files="data/*.parquet",
        counts=tally.counts,
        stages=rows,
        retrieval=found.rows,
        money=money(
            calls.read(workspace.calls),
            {(accepted.triplet_id, accepted.job.attempt) for accepted in tally.accepted},
            tally.rejects,
        ),
        stopped="" if tally.stopped is None else str(tally.stopped),
        trouble=next((reject.detail for reject in reversed(tally.rejects) if reject.kind == "failed"), ""),
    )


def _usd_by_stage(workspace: Workspace, recipe: Recipe) -> dict[str, float]:
    """What was paid so far, and may have been paid, by the stage whose backend asks for it."""
    stage_of = {
        demand.purpose: stage
        for stage, facts in (
            ("plan", backends.writer(workspace.out, recipe).facts),
            ("first_frames", backends.image_generator(workspace.out, recipe).facts),
        )
        for demand in facts.demand
    }
    usd = dict.fromkeys(STAGES, 0.0)
    for call in calls.read(workspace.calls):
        usd[stage_of[call.intent.purpose]] += call.paid_usd + call.possibly_usd
    return usd


def write_page(
    workspace: Workspace, recipe: Recipe, summary: RunSummary, tally: Tally, found: Retrieved
) -> Path:
    """The page to look at."""
    shown = [
        accepted.triplet() for accepted in evenly(evenly(tally.accepted, manifest.MOST_COMPARED), MOST_SHOWN)
    ]
    labels = tuple(
        ClipLabel(triplet.plan.triplet_id, triplet.plan.category, role) for triplet in shown for role in Role
    )
    return write_report(
        workspace.out,
        summary=summary,
        triplets=shown,
        rejects=tally.rejects,
        similarity=SimilarityMatrix("SemanticMoments on HOG", found.similarity, labels),
        limits=_limits(recipe),
        clip_path=workspace.store.path,
        workers=recipe.workers,
    )


def evenly(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many of the items, at even distances, first and last among them."""
    number = min(len(items), most)
    return [items[int(place)] for place in np.linspace(0, len(items) - 1, number).round()] if number else []


def _gallery(compared: Sequence[Accepted]) -> Gallery:
    """Clips that stand for themselves, not for their bytes: two alike are found by ``evaluate``, and do not
    keep a data set from being written.
    """
    from moments.protocols.gallery import Gallery, GalleryClip

    names = [(accepted.triplet_id, accepted.job.plan.category) for accepted in compared]
    return Gallery(
        tuple(
            GalleryClip(f"{name}/{role}", f"{name}/{role}", role, name, category)
            for name, category in names
            for role in Role
        )
    )


def _row(
    method: str, blocks: Iterable[tuple[slice, npt.NDArray[np.floating]]], gallery: Gallery
) -> RetrievalRow:
    from moments.protocols.retrieval import retrieval_by_blocks

    result = retrieval_by_blocks(blocks, gallery)
    return RetrievalRow(
        method,
        {Category(name): _accuracy(found) for name, found in result.categories.items()},
        result.mean,
    )


def _limits(recipe: Recipe) -> dict[str, Limit]:
    """The gates of the verdict by the name of the measure that they bound."""
    gates = recipe.thresholds
    each_clip = {
        "motion": Limit(minimum=gates.min_motion),
        "largest_cut": Limit(maximum=gates.max_cut),
        "darkest_luma": Limit(minimum=gates.min_luma),
    }
    return {f"{role}_{name}": limit for role in Role for name, limit in each_clip.items()} | {
        "synchrony": Limit(minimum=gates.min_synchrony),
        "synchrony_lag_frames": Limit(-gates.max_lag_frames, gates.max_lag_frames),
        "positive_to_reference_motion": Limit(1 / gates.max_motion_ratio, gates.max_motion_ratio),
        "still_alone_frames": Limit(maximum=gates.max_still_alone_frames),
        "bleeding": Limit(maximum=gates.max_bleeding),
        "motion_difference": Limit(minimum=gates.min_motion_difference),
        "first_frame_psnr_db": Limit(minimum=gates.min_first_frame_psnr_db),
    }


def _shares(row: RetrievalRow) -> dict[str, float]:
    return {category: accuracy.value for category, accuracy in row.per_category.items()} | {
        "average": row.mean
    }


def _accuracy(found: Any) -> Accuracy:
    return Accuracy(found.hits, found.queries, found.low, found.high)
