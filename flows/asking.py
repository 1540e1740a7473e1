"""Questions to vectors: which clips ask which, and what a method answers. Plain functions, no files.

It knows nothing of how vectors came about or how answers are shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from data.collection import ClipCollection
from data.errors import ConfigError
from flows.evaluation import Comparison, Confusion, Kind, MethodRow, ProtocolName, Share, SimilarityMap
from moments.protocols.gallery import Gallery, GalleryClip
from moments.protocols.heat_map import heat_map
from moments.protocols.neighbours import Tie, Weight, classify
from moments.protocols.quoted import AVERAGE, TABLE_1, TABLE_2, TABLE_3, QuotedTable
from moments.protocols.real import real_retrieval
from moments.protocols.retrieval import Retrieval, Similarity, retrieval
from moments.protocols.similarity import Index, Vectors, cosines
from moments.protocols.statistics import Accuracy, mcnemar

QUOTED: dict[ProtocolName, QuotedTable] = {"synthetic": TABLE_1, "real": TABLE_2, "knn": TABLE_3}

# Our embedders' names begin like this where the paper has a row of the model.
_PAPER_NAMES = {
    "dinov2": "DINOv2",
    "videomae": "VideoMAE",
    "vjepa2": "V-JEPA 2",
    "videoprism": "VideoPrism",
    "clip4clip": "CLIP4Clip",
    "xclip": "X-CLIP",
    "timesformer": "TimeSformer",
}
_MAP_TRIPLETS = 50  # of each category, as rows of a heat map
_CONFUSIONS_SHOWN = 3  # of each category


@dataclass(frozen=True)
class KnnRules:
    """What the paper leaves open of its vote on labels, see ``moments.protocols.neighbours``."""

    k: int = 20
    weight: Weight = "cosine"
    tie: Tie = "similarity"
    index: Index = "blocks"


@dataclass(frozen=True, eq=False)
class Exam:
    """Clips and what is asked of them. ``query`` and ``other`` are the clips of kNN's two sides."""

    protocol: ProtocolName
    gallery: Gallery
    candidates: int | None
    rules: KnnRules
    query: tuple[int, ...] = ()
    other: tuple[int, ...] = ()

    @property
    def num_queries(self) -> int:
        return len(self.query) if self.protocol == "knn" else len(self.gallery.queries)

    @property
    def num_candidates(self) -> int:
        """How many clips each query is asked among."""
        if self.protocol == "knn":
            return len(self.other) - (self.query == self.other)
        if self.protocol == "real":
            return self.candidates or sum(not clip.distractor for clip in self.gallery.clips) - 1
        return len(self.gallery) - 1

    @property
    def distractors(self) -> tuple[str, ...]:
        """Ids of the candidates that belong to no triplet: without a number asked for, only ours count."""
        ids = tuple(clip.clip_id for clip in self.gallery.clips if clip.distractor)
        if self.protocol == "real":
            return ids[: self.num_candidates - (len(self.gallery) - len(ids) - 1)]
        return ids

    @property
    def chance(self) -> float:
        """Share that guessing answers: one of the candidates, or of the labels."""
        if self.protocol == "knn":
            return 1 / len({self.gallery.clips[index].label for index in self.other})
        return 1 / self.num_candidates


def exam(
    collections: Sequence[ClipCollection],
    protocol: ProtocolName | None,
    candidates: int | None,
    rules: KnnRules,
) -> Exam:
    """The questions of a protocol, or of the one that fits the first collection.

    Labelled videos are classified; a folder tree with the one category ``examples`` is SimMotion-Real,
    all other triplets are asked as SimMotion-Synthetic.  Clips that come in further collections are all
    candidates unless a number is asked for.  Raises ``ConfigError`` for clips without what the protocol
    needs, and for what the protocol has no use for.
    """
    clips = tuple(
        GalleryClip(
            clip.clip_id,
            clip.sha256,
            role=clip.role,
            group=clip.triplet_id,
            category=clip.category,
            label=clip.label,
            distractor=clip.distractor,
        )
        for own in collections
        for clip in own.clips
    )
    first = collections[0]
    if protocol is None:
        categories = {clip.category for clip in first.clips}
        fitting: ProtocolName = "real" if categories == {"examples"} else "synthetic"
        protocol = "knn" if first.kind == "labels" else fitting
    if candidates is not None and protocol != "real":
        raise ConfigError(
            f"{candidates} candidates are asked for, which only SimMotion-Real has: leave --candidates out, "
            "or evaluate with --protocol real"
        )
    if protocol != "knn":
        if first.kind == "labels":
            raise ConfigError(f"{first.root} has labels and no triplets: evaluate it with --protocol knn")
        if protocol == "real" and candidates is None and len(collections) > 1:
            candidates = len(clips) - 1
        return Exam(protocol, Gallery(clips), candidates, rules)
    if first.kind != "labels":
        raise ConfigError(f"{first.root} has no labels.csv: kNN asks for the label of a clip")
    if len(collections) > 1:
        raise ConfigError("kNN asks among labelled clips alone: leave --distractors and --backwards out")
    splits = [clip.split for clip in first.clips]
    query = tuple(index for index, split in enumerate(splits) if split != "gallery")
    other = tuple(index for index, split in enumerate(splits) if split == "gallery") or query
    if not query:
        raise ConfigError(f"{first.root}: every clip of labels.csv is of the gallery, none is a query")
    return Exam(protocol, Gallery(clips), candidates, rules, query, other)


def rehearse(exam: Exam) -> None:
    """Raise before hours of work what the protocols would raise after them: ``GalleryError``."""
    answer(exam, np.ones((len(exam.gallery), 1)), "rehearsal", "", "floor", "")


def answer(exam: Exam, vectors: Vectors, method: str, backbone: str, kind: Kind, name: str) -> MethodRow:
    """What a method's vectors (N, d) answer, by cosine. ``name`` is the embedder's, to find its quoted row.

    Raises ``GalleryError`` and ``FeatureError`` as the protocols do.
    """
    if exam.protocol != "knn":
        queries = exam.gallery.queries
        return answer_similarity(exam, cosines(vectors[queries], vectors), method, backbone, kind, name)
    labels = [str(clip.label) for clip in exam.gallery.clips]
    found = classify(
        vectors[list(exam.query)],
        [labels[index] for index in exam.query],
        vectors[list(exam.other)],
        [labels[index] for index in exam.other],
        leave_one_out=exam.query == exam.other,
        k=exam.rules.k,
        weight=exam.rules.weight,
        tie=exam.rules.tie,
        index=exam.rules.index,
    )
    paper = _paper_row(exam.protocol, name, kind)
    return MethodRow(
        method,
        backbone,
        kind,
        columns={
            "majority": share(found.majority),
            "weighted": share(found.weighted),
            "top5": share(found.top5),
        },
        overall=share(found.majority),
        mean=found.majority.value,
        hits=tuple(map(bool, found.majority_hits)),
        quoted=quoted_row(exam.protocol, paper),
        quoted_name=paper,
    )


def answer_similarity(
    exam: Exam, similarity: Similarity, method: str, backbone: str, kind: Kind, name: str
) -> MethodRow:
    """What a similarity (Q, N) of queries to clips answers. Raises as ``answer``."""
    found = ask(exam, similarity, exam.gallery)
    paper = _paper_row(exam.protocol, name, kind)
    return MethodRow(
        method,
        backbone,
        kind,
        columns={category: share(own) for category, own in found.categories.items()},
        overall=share(found.overall),
        mean=found.mean,
        hits=tuple(map(bool, found.hits)),
        quoted=quoted_row(exam.protocol, paper),
        quoted_name=paper,
    )


def ask(exam: Exam, similarity: Similarity, gallery: Gallery) -> Retrieval:
    """The answer of the exam's retrieval protocol to a similarity (Q, N). Raises as the protocols do."""
    if exam.protocol == "real":
        return real_retrieval(similarity, gallery, exam.candidates)
    return retrieval(similarity, gallery)


def compared(rows: Sequence[MethodRow]) -> Iterator[Comparison]:
    """Paired tests: in each backbone each method with the one before, then SemanticMoments across them."""
    backbones = dict.fromkeys(row.backbone for row in rows if row.kind not in ("floor", "oracle"))
    for backbone in backbones:
        own = [row for row in rows if row.backbone == backbone and row.kind != "rhythm"]
        yield from (_compared(second, first) for first, second in pairwise(own))
    across = [row for row in rows if row.kind in ("moments", "brought")]
    for index, first in enumerate(across):
        yield from (_compared(second, first) for second in across[index + 1 :])


def similarity_map(exam: Exam, similarity: Similarity, method: str) -> SimilarityMap:
    """References of every category against all clips, both by category."""
    groups: dict[str, list[str]] = {}
    for query in exam.gallery.queries:
        clip = exam.gallery.clips[query]
        groups.setdefault(clip.category or "", []).append(str(clip.group))
    shown = {category: own[:_MAP_TRIPLETS] for category, own in groups.items()}
    found = heat_map(similarity, exam.gallery, [group for own in shown.values() for group in own])
    starts: dict[str, int] = {}
    for category in shown:
        starts[category] = sum(len(shown[before]) for before in starts)
    return SimilarityMap(method, found.values, starts, found.starts)


def confusions(exam: Exam, similarity: Similarity, method: str) -> Iterator[Confusion]:
    """The first few queries of each category that find another clip than their positive."""
    found = ask(exam, similarity, exam.gallery)
    told: dict[str, int] = {}
    clips, positives = exam.gallery.clips, exam.gallery.positives
    for row in np.flatnonzero(~found.hits):
        query = clips[exam.gallery.queries[row]]
        category = query.category or ""
        told[category] = told.get(category, 0) + 1
        if told[category] <= _CONFUSIONS_SHOWN:
            positive, winner = clips[positives[row]], clips[found.winners[row]]
            yield Confusion(method, category, query.clip_id, positive.clip_id, winner.clip_id)


def _compared(first: MethodRow, second: MethodRow) -> Comparison:
    test = mcnemar(np.array(first.hits), np.array(second.hits))
    return Comparison(first.method, second.method, test.only_first, test.only_second, test.p_value)


def _paper_row(protocol: ProtocolName, name: str, kind: Kind) -> str:
    """What the paper's table calls an embedder's like; empty where it has none."""
    model = next((title for start, title in _PAPER_NAMES.items() if name.startswith(start)), name)
    row = {"mean": model, "moments": f"SM-{model}", "brought": model}.get(kind, "")
    return row if row in QUOTED[protocol].rows else ""


def quoted_row(protocol: ProtocolName, row: str) -> dict[str, float]:
    """A row of the paper's table in percent, empty for none of its rows.

    SimMotion-Real has no categories, only their average.
    """
    table = QUOTED[protocol]
    columns = (AVERAGE,) if protocol == "real" else table.columns
    return dict(zip(columns, table.rows[row], strict=True)) if row in table.rows else {}


def share(accuracy: Accuracy) -> Share:
    """The same, with its interval, as it is shown and written."""
    return Share(accuracy.hits, accuracy.queries, accuracy.low, accuracy.high)
