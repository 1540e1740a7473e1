"""Rows of an evaluation from kept vectors: methods of a backbone, vectors from elsewhere, the true motion.

It knows nothing of Prefect or of how vectors were made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data.collection import ClipCollection, true_motions
from data.errors import ConfigError
from data.vectors import Vectors, VectorStore, read_brought
from flows.asking import Exam, answer, answer_similarity, ask, confusions, share, similarity_map
from flows.embedding import ORDER, RHYTHM
from flows.evaluation import (
    Ablation,
    AblationCell,
    Confusion,
    Kind,
    MethodRow,
    SimilarityMap,
)
from moments.protocols.ablation import TABLE_4, TABLE_5, AblationRow, evaluate_rows, held_out_weights
from moments.protocols.oracle import trajectory_similarities
from moments.protocols.quoted import TABLE_4 as QUOTED_4
from moments.protocols.quoted import TABLE_5 as QUOTED_5
from moments.protocols.quoted import QuotedTable
from moments.protocols.similarity import cosines, moment_cosines

if TYPE_CHECKING:
    from moments.descriptors import Variant
    from moments.embedder import EmbedderFacts
    from moments.protocols.methods import Method
    from moments.semantic_moments import Level

PAPER_FRAMES = 32  # of every row of Table 4
FLOORS = ("colour",)
"""What sees no motion at all: its rows are no method's, but what every method must beat."""
NUM_FRAMES_TITLE = "Number of frames"
FOLDS = 5  # for weights held out


@dataclass(frozen=True, eq=False)
class Measurement:
    """What one backbone adds to an evaluation."""

    rows: tuple[MethodRow, ...] = ()
    maps: tuple[SimilarityMap, ...] = ()
    confusions: tuple[Confusion, ...] = ()
    notes: tuple[str, ...] = ()


def measured(
    exam: Exam, store: VectorStore, facts: EmbedderFacts, variant: Variant, methods: Sequence[Method]
) -> Measurement:
    """A row for each of ``methods``; maps and confusions where SemanticMoments is among them.

    Raises ``ConfigError`` for vectors that are not in the store.
    """
    from moments.protocols.methods import TITLES, ClipVectors, joined

    clips = [clip.sha256 for clip in exam.gallery.clips]
    rhythm, notes = _rhythm(store, clips, facts.title)
    kept = ClipVectors(store.read(clips, str(variant)), store.read(clips, ORDER), rhythm)
    rows, maps, wrong = [], [], []
    for method in methods:
        if method == "rhythm" and notes:
            continue
        title = f"{facts.title}, {TITLES[method]}"
        vectors = joined(kept, method)
        kind: Kind = "floor" if facts.name in FLOORS else method
        rows.append(answer(exam, vectors, title, facts.title, kind, facts.name))
        if exam.protocol != "knn" and len(methods) > 2 and method in ("mean", "moments"):
            similarity = cosines(vectors[exam.gallery.queries], vectors)
            maps.append(similarity_map(exam, similarity, title))
            if method == "moments":
                wrong = list(confusions(exam, similarity, title))
    return Measurement(tuple(rows), tuple(maps), tuple(wrong), notes)


def brought(exam: Exam, path: Path) -> Measurement:
    """A row for vectors that were computed elsewhere, named after the file.

    Three moments a clip are weighted as SemanticMoments; one is compared as it is.  Raises ``ConfigError``
    as ``read_brought``, and for a clip of the evaluation that the file lacks.
    """
    from moments.protocols.methods import ClipVectors, joined

    found = read_brought(path)
    absent = [clip for clip in exam.gallery.clips if not {clip.sha256, clip.clip_id} & found.keys()]
    if absent:
        raise ConfigError(
            f"{path} lacks the vectors of {len(absent)} of {len(exam.gallery)} clips: the first is "
            f"{absent[0].clip_id}, sha256 {absent[0].sha256}"
        )
    vectors = np.stack(
        [found[clip.sha256 if clip.sha256 in found else clip.clip_id] for clip in exam.gallery.clips]
    )
    if vectors.shape[1] not in (1, 3):
        raise ConfigError(f"{path} has {vectors.shape[1]} rows a clip; expected 1, or the 3 moments")
    empty = np.zeros((len(vectors), 1, 1), np.float32)
    method: Method = "moments" if vectors.shape[1] == 3 else "mean"
    plain = joined(ClipVectors(vectors, empty, empty), method)
    return Measurement((answer(exam, plain, f"{path.stem} (brought)", path.stem, "brought", path.stem),))


def oracle(exam: Exam, collections: Sequence[ClipCollection]) -> Measurement:
    """The true motion as a method, where the generator of every clip knew it; nothing otherwise."""
    motions = {clip_id: motion for own in collections for clip_id, motion in true_motions(own).items()}
    for own in collections:
        for clip in own.clips:
            forwards = motions.get(clip.clip_id.removesuffix(" backwards"))
            if clip.backwards and forwards is not None:
                motions[clip.clip_id] = forwards[::-1]
    if exam.protocol == "knn" or any(clip.clip_id not in motions for clip in exam.gallery.clips):
        return Measurement()
    ordered = [motions[clip.clip_id] for clip in exam.gallery.clips]
    similarity = trajectory_similarities([ordered[query] for query in exam.gallery.queries], ordered)
    row = answer_similarity(exam, similarity, "True motion (oracle)", "oracle", "oracle", "")
    return Measurement((row,))


def ablations(exam: Exam, store: VectorStore, facts: EmbedderFacts) -> tuple[Ablation, ...]:
    """Tables 4 and 5 of the paper from what ``ablation_variants`` left in the store.

    Where the backbone joins frames, Table 4 is of all its frames, and there is no Table 5.  Raises
    ``ConfigError`` for vectors that are not in the store.
    """
    from moments.descriptors import Variant

    clips = [clip.sha256 for clip in exam.gallery.clips]
    nested = facts.frame_wise and facts.num_frames is not None
    usual = min(PAPER_FRAMES, facts.num_frames or 0) if nested else None

    def vectors(key: tuple[Level, int | None]) -> Vectors:
        return store.read(clips, str(Variant(level=key[0], num_frames=key[1] or usual)))

    def table(title: str, rows: Sequence[AblationRow], quoted: QuotedTable) -> Ablation:
        answers = evaluate_rows(rows, vectors, exam.gallery, protocol)
        cells = tuple(
            AblationCell(row.title, share(found.overall), found.mean, quoted.value(row.title, "accuracy"))
            for row, found in zip(rows, answers, strict=True)
        )
        return Ablation(title, facts.title, cells, quoted.source)

    protocol = partial(ask, exam)
    frames = f"{usual} frames" if usual else "all frames"
    fourth = table(f"Moments, weights, level and fusion; {frames}", TABLE_4, QUOTED_4)
    if exam.num_queries > 1:
        cosine, lengths = moment_cosines(vectors(("patch", None)), exam.gallery.queries)
        chosen = held_out_weights(
            cosine,
            exam.gallery,
            protocol=protocol,
            lengths=(lengths[:, exam.gallery.queries], lengths),
            folds=min(FOLDS, exam.num_queries),
        )
        fourth = replace(fourth, held_out=share(chosen.accuracy), held_out_weights=chosen.weights)
    if not nested:
        return (fourth,)
    rows = [row for row in TABLE_5 if (row.num_frames or 0) <= (facts.num_frames or 0)]
    return fourth, table(NUM_FRAMES_TITLE, rows, QUOTED_5)


def _rhythm(store: VectorStore, clips: Sequence[str], title: str) -> tuple[Vectors, tuple[str, ...]]:
    """Rhythms compare clips of one length only; where lengths differ, a note says so."""
    found = dict(store.each(set(clips), RHYTHM))
    lengths = {found[clip].size for clip in clips if clip in found}
    if len(lengths) > 1:
        note = f"{title}, rhythm: left out, because it compares clips of one number of frames only."
        return np.zeros((len(clips), 1, 1), np.float32), (note,)
    return store.read(clips, RHYTHM), ()
