"""The flow ``evaluate``: clips → vectors of every backbone → the paper's protocols → tables, page, JSON.

Order, progress and artifacts; what is asked stands in ``asking``, what is measured in ``measuring``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from prefect import Task, flow, get_run_logger
from prefect.artifacts import create_link_artifact, create_markdown_artifact
from pydantic import Field

from data.collection import ClipCollection, open_collection, open_distractors, reversed_references
from data.errors import ConfigError
from data.vectors import VectorStore
from flows.asking import QUOTED, Exam, KnnRules, compared, exam, quoted_row, rehearse
from flows.backbones import BackboneSpec, Options, embedder, parse_backbone
from flows.embedding import embed
from flows.evaluation import Ablation, Evaluation, write_json
from flows.evaluation_page import write_page
from flows.evaluation_tables import markdown_tables
from flows.measuring import NUM_FRAMES_TITLE, PAPER_FRAMES, Measurement, ablations, brought, measured, oracle
from flows.posters import posters
from flows.progress import LogProgress, watcher
from flows.tasks import LOCAL_TASK, run_step

if TYPE_CHECKING:
    from moments.descriptors import Variant
    from moments.embedder import Embedder, EmbedderFacts
    from moments.protocols.methods import Method

JSON, PAGE = "evaluation.json", "evaluation.html"
ALWAYS = ("colour", "hof")
"""Measured in every evaluation: what appearance alone and what plain optical flow can tell."""
ALL_METHODS: tuple[Method, ...] = ("mean", "moments", "order", "rhythm")
METHODS: dict[str, tuple[Method, ...]] = {"colour": ("mean",), "hof": ("mean", "moments")}
"""Backbones that are asked less than every method: colours do not move, and flow is motion already."""
ABLATION_FRAMES = 64
ABLATION_NOTE = (
    f"One pass over {ABLATION_FRAMES} frames a clip: rows of fewer frames take a nested part of them."
)

embed_task: Task[..., Any] = Task(embed, name="embed", **LOCAL_TASK)
measure_task: Task[..., Any] = Task(measured, name="measure", **LOCAL_TASK)
ablation_task: Task[..., Any] = Task(ablations, name="ablations", **LOCAL_TASK)
page_task: Task[..., Any] = Task(write_page, name="page", **LOCAL_TASK)


@flow(name="evaluate", flow_run_name="{path}", persist_result=False)
def evaluate(
    path: str = "out/demo",
    backbones: list[str] | None = None,
    protocol: Literal["synthetic", "real", "knn"] | None = None,
    distractors: str | None = None,
    candidates: Annotated[int | None, Field(ge=2)] = None,
    vectors: list[str] | None = None,
    ablation: bool = False,
    backwards: bool = False,
    k: Annotated[int, Field(ge=1)] = 20,
    knn_weight: Literal["cosine", "exponential"] = "cosine",
    knn_tie: Literal["similarity", "label"] = "similarity",
    knn_index: Literal["blocks", "faiss"] = "blocks",
    num_frames: Annotated[int | None, Field(ge=1)] = None,
    mode: Literal["released", "native"] = "released",
    precision: Literal["fp32", "bf16"] = "fp32",
    device: str | None = None,
    to: str | None = None,
) -> tuple[Evaluation, Path]:
    """Ask the paper's questions of a data set, by every backbone. Returns the page's path, too.

    Args:
        path: A built data set, a published folder tree, or a folder of videos with labels.csv.
        backbones: NAME, NAME=FOLDER, NAME=HUB/ID or NAME=HUB/ID@REVISION each; hog when empty.
        protocol: The one that fits the data when empty.
        distractors: Folder of videos that are candidates and nobody's positive.
        candidates: Clips that each query of SimMotion-Real is asked among; 1000 is the paper's 1K.
        vectors: Parquet files of vectors that were computed elsewhere.
        ablation: Tables 4 and 5 of the paper, too, from one pass over 64 frames a clip.
        backwards: Every reference backwards in time is a candidate, too.
        k: Neighbours that vote in kNN.
        knn_weight: Weight of a neighbour's vote.
        knn_tie: What decides between labels with equal votes.
        knn_index: Search by blocks of matrix products, or by faiss, which is faster in large galleries.
        num_frames: Frames taken of a clip; the backbone's own number when empty.
        mode: Preprocessing as released (squashed to 224 px) or native (aspect ratio kept).
        precision: Arithmetic of the backbone.
        device: Where the backbone runs; the accelerator when empty and there is one.
        to: Folder of the results; beside a built data set, else below out/evaluate, when empty.
    """
    from moments.backbones.catalogue import default_device

    progress = watcher.get() or LogProgress(get_run_logger())
    specs = [parse_backbone(text) for text in (*ALWAYS, *(backbones or ["hog"]))]
    first = open_collection(Path(path))
    # What is backwards comes before distractors: these fill up the candidates that are asked for.
    collections = [first, *([reversed_references(first)] if backwards else [])]
    collections += [open_distractors(Path(distractors))] if distractors else []
    questions = exam(collections, protocol, candidates, KnnRules(k, knn_weight, knn_tie, knn_index))
    if ablation and questions.protocol == "knn":
        raise ConfigError("Tables 4 and 5 are of retrieval: leave --ablation out of an evaluation by kNN")
    rehearse(questions)
    brought_rows = [brought(questions, Path(file)) for file in vectors or []]

    options = Options(num_frames, mode, precision, device or default_device())
    entrants = _entrants(specs, options, ablation)
    root = vector_root(first, to)
    found: list[Measurement] = []
    tables: list[Ablation] = []
    identities: dict[str, dict[str, Any]] = {}
    while entrants:
        entrant = entrants.pop(0)  # weights are let go before the next are loaded
        own, facts = entrant.embedder, entrant.shown
        store = VectorStore(root, own.facts.name, own.facts.identity)
        run_step(embed_task, collections, own, entrant.variants, store, progress, on_gpu=options.on_gpu)
        methods = METHODS.get(facts.name, ALL_METHODS)
        found.append(run_step(measure_task, questions, store, facts, entrant.base, methods))
        if ablation and facts.name not in ALWAYS:
            tables += run_step(ablation_task, questions, store, facts)
        identities[facts.title] = json.loads(own.facts.identity)
    found += [*brought_rows, oracle(questions, collections)]

    evaluation = _evaluation(first, questions, found, tables, identities, backwards)
    folder = results_folder(first, to, evaluation.protocol, backwards)
    _publish(evaluation, folder, collections)
    return evaluation, folder / PAGE


@dataclass(frozen=True)
class _Entrant:
    """An embedder, what is to be kept of its features, and which of it the methods are measured on."""

    embedder: Embedder
    variants: tuple[Variant, ...]
    base: Variant
    shown: EmbedderFacts


def _entrants(specs: Sequence[BackboneSpec], options: Options, ablation: bool) -> list[_Entrant]:
    """Everyone before the first clip is embedded, so that no name or checkpoint fails after hours.

    Each embedder once, whatever it is called; checkpoints of one title are told apart by where they lie.
    """
    entrants: dict[str, _Entrant] = {}
    for spec in specs:
        always = spec.name in ALWAYS
        entrant = _entrant(spec, Options() if always else options, ablation and not always)
        titles = {own.shown.title for own in entrants.values()}
        if entrant.shown.title in titles and spec.checkpoint is not None:
            title = f"{entrant.shown.title} ({spec.weights})"
            entrant = replace(entrant, shown=replace(entrant.shown, title=title))
        entrants.setdefault(entrant.embedder.facts.identity, entrant)
    return list(entrants.values())


def _entrant(spec: BackboneSpec, options: Options, ablation: bool) -> _Entrant:
    from moments.descriptors import STANDARD, Variant, ablation_variants

    own = embedder(spec, options)
    if not ablation:
        return _Entrant(own, STANDARD, Variant(), own.facts)
    if not own.facts.frame_wise:
        return _Entrant(own, ablation_variants(None), Variant(), own.facts)
    own = embedder(spec, replace(options, num_frames=ABLATION_FRAMES))
    return _Entrant(own, ablation_variants(ABLATION_FRAMES), Variant(num_frames=PAPER_FRAMES), own.facts)


def _evaluation(
    first: ClipCollection,
    questions: Exam,
    found: Sequence[Measurement],
    tables: Sequence[Ablation],
    identities: dict[str, dict[str, Any]],
    backwards: bool,
) -> Evaluation:
    rows = [row for own in found for row in own.rows]
    quoted = QUOTED[questions.protocol]
    notes = [note for own in found for note in own.notes]
    if any(table.title == NUM_FRAMES_TITLE for table in tables):
        notes.append(ABLATION_NOTE)
    if backwards:
        notes.append("Every reference backwards in time is a candidate, too.")
    return Evaluation(
        name=first.root.resolve().name,
        root=str(first.root),
        protocol=questions.protocol,
        num_queries=questions.num_queries,
        num_candidates=questions.num_candidates,
        chance=questions.chance,
        rows=tuple(rows),
        comparisons=tuple(compared(rows)),
        ablations=tuple(tables),
        quoted_source=quoted.source,
        quoted_note=quoted.note,
        quoted_rows={name: quoted_row(questions.protocol, name) for name in quoted.rows},
        embedders=identities,
        distractors=questions.distractors,
        maps=tuple(map_ for own in found for map_ in own.maps),
        confusions=tuple(confusion for own in found for confusion in own.confusions),
        notes=tuple(notes),
    )


def _publish(evaluation: Evaluation, folder: Path, collections: Sequence[ClipCollection]) -> None:
    shown = {
        clip_id for wrong in evaluation.confusions for clip_id in (wrong.query, wrong.positive, wrong.winner)
    }
    write_json(evaluation, folder / JSON)
    run_step(page_task, evaluation, folder / PAGE, posters(collections, shown))
    key = f"evaluation-{evaluation.protocol}"
    create_markdown_artifact(markdown_tables(evaluation), key=key, description="Evaluation")
    create_link_artifact((folder / PAGE).resolve().as_uri(), link_text=PAGE, key=f"{key}-page")


def vector_root(collection: ClipCollection, to: str | None) -> Path:
    """Where vectors are kept: inside a built data set; beside the results for clips that are not ours."""
    return collection.root if collection.kind == "built" else _elsewhere(collection, to)


def results_folder(collection: ClipCollection, to: str | None, protocol: str, backwards: bool) -> Path:
    """Where the page and the JSON of one kind of evaluation go."""
    if to is not None:
        return Path(to)
    name = f"{protocol}-backwards" if backwards else protocol
    own = collection.root / "evaluation" if collection.kind == "built" else _elsewhere(collection, to)
    return own / name


def _elsewhere(collection: ClipCollection, to: str | None) -> Path:
    return Path(to) if to is not None else Path("out") / "evaluate" / collection.root.resolve().name
