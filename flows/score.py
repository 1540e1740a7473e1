"""The flow ``score``: clips → vectors of every backbone → numbers of each clip in Parquet.

Order and progress; the scores are those of ``moments``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from prefect import Task, flow, get_run_logger
from pydantic import Field

from data import scores
from data.collection import ClipCollection, CollectedClip, open_collection
from data.schema import Role
from data.scores import ClipScore, write_scores
from data.vectors import Vectors, VectorStore
from flows.backbones import Options, embedder, parse_backbone
from flows.embedding import ORDER, RHYTHM, embed
from flows.evaluate import vector_root
from flows.progress import LogProgress, watcher
from flows.tasks import LOCAL_TASK, run_step

embed_task: Task[..., Any] = Task(embed, name="embed", **LOCAL_TASK)


@flow(name="score", flow_run_name="{path}", persist_result=False)
def score(
    path: str = "out/demo",
    backbones: list[str] | None = None,
    num_frames: Annotated[int | None, Field(ge=1)] = None,
    mode: Literal["released", "native"] = "released",
    precision: Literal["fp32", "bf16"] = "fp32",
    device: str | None = None,
    to: str | None = None,
) -> dict[str, int]:
    """Score every clip: its pace, and its likeness to the reference of its triplet.

    Returns the files written, and how many clips each holds.

    Args:
        path: A built data set, a published folder tree, or a folder of videos with labels.csv.
        backbones: NAME, NAME=FOLDER, NAME=HUB/ID or NAME=HUB/ID@REVISION each; hog when empty.
        num_frames: Frames taken of a clip; the backbone's own number when empty.
        mode: Preprocessing as released (squashed to 224 px) or native (aspect ratio kept).
        precision: Arithmetic of the backbone.
        device: Where the backbone runs; the accelerator when empty and there is one.
        to: Folder of the results; inside a built data set, else below out/evaluate, when empty.
    """
    from moments.backbones.catalogue import default_device
    from moments.descriptors import STANDARD

    progress = watcher.get() or LogProgress(get_run_logger())
    options = Options(num_frames, mode, precision, device or default_device())
    collection = open_collection(Path(path))
    root = vector_root(collection, to)
    # All are found before the first clip is embedded, so that no name or checkpoint fails after hours.
    embedders = [embedder(spec, options) for spec in map(parse_backbone, backbones or ["hog"])]
    written = {}
    while embedders:
        own = embedders.pop(0)  # weights are let go before the next are loaded
        store = VectorStore(root, own.facts.name, own.facts.identity)
        run_step(
            embed_task, [collection], own, STANDARD, store, progress, on_gpu=options.on_gpu, keep_frames=True
        )
        rows = clip_scores(collection, store)
        file = (Path(to) if to else root) / scores.DIRECTORY / f"{own.facts.name}-{own.facts.key}.parquet"
        write_scores(rows, file, own.facts.identity)
        written[str(file)] = len(rows)
    return written


def clip_scores(collection: ClipCollection, store: VectorStore) -> list[ClipScore]:
    """The scores of every clip, in order. Raises ``ConfigError`` for vectors that are not in the store."""
    from moments.descriptors import FRAMES, STANDARD
    from moments.protocols.methods import ClipVectors, Method, joined

    shas = [clip.sha256 for clip in collection.clips]
    moments, order = store.read(shas, str(STANDARD[0])), store.read(shas, ORDER)
    rhythms = dict(store.each(set(shas), RHYTHM))
    frames = dict(store.each(set(shas), FRAMES))
    empty = np.zeros((len(shas), 1, 1), np.float32)
    kept = ClipVectors(moments, order, empty)
    methods: tuple[Method, ...] = ("mean", "moments", "order")
    vectors: dict[str, Vectors] = {method: joined(kept, method) for method in methods}
    references = {
        clip.triplet_id: index for index, clip in enumerate(collection.clips) if clip.role == Role.REFERENCE
    }
    rows = []
    for index, clip in enumerate(collection.clips):
        reference = references.get(clip.triplet_id) if clip.triplet_id is not None else None
        to_reference: dict[str, float | None] = dict.fromkeys((*vectors, RHYTHM))
        if reference is not None:
            to_reference |= {name: _cosine(own[index], own[reference]) for name, own in vectors.items()}
            to_reference[RHYTHM] = _cosine(rhythms[clip.sha256], rhythms[shas[reference]])
        rows.append(_row(clip, frames[clip.sha256], to_reference))
    return rows


def _row(clip: CollectedClip, frames: Vectors, to_reference: Mapping[str, float | None]) -> ClipScore:
    from moments.progress import semantic_progress

    progress = semantic_progress(frames)
    return ClipScore(
        clip_sha256=clip.sha256,
        clip_id=clip.clip_id,
        triplet_id=clip.triplet_id,
        category=clip.category,
        role=clip.role,
        label=clip.label,
        spf_range_radians=progress.range_radians,
        spf_rms_deviation=progress.rms_deviation,
        spf_max_deviation=progress.max_deviation,
        spf_largest_jump=progress.largest_jump,
        spf_interpretable=progress.interpretable,
        spf=tuple(progress.progress),
        mean_to_reference=to_reference["mean"],
        sm_to_reference=to_reference["moments"],
        order_to_reference=to_reference["order"],
        rhythm_to_reference=to_reference[RHYTHM],
    )


def _cosine(first: Vectors, second: Vectors) -> float | None:
    """None for clips of another length, whose rhythms cannot be compared."""
    if first.shape != second.shape:
        return None
    sizes = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.sum(first * second)) / sizes if sizes > 0 else 0.0
