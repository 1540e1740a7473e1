"""Made-up evaluations with awkward names, for the tests of how one is shown."""

from __future__ import annotations

import io
from collections.abc import Mapping
from itertools import pairwise
from math import sqrt

import numpy as np
from PIL import Image

from flows.evaluation import (
    Ablation,
    AblationCell,
    Comparison,
    Confusion,
    Evaluation,
    Kind,
    MethodRow,
    Share,
    SimilarityMap,
)

HOSTILE = '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1"> a|b [bold]_x_[/bold]'
LONG = "A_method_that_goes_by_a_name_of_one_single_word_longer_than_any_column_would_ever_like_it_to_be"
CATEGORIES = ("static_object", "dynamic_attribute", "dynamic_object", "view", "scene_style")
PER_CATEGORY = (50, 50, 50, 50, 44)
BACKBONE = "DINOv2 ViT-B/14"
PRINTED = {
    "I3D": (98.0, 96.0, 74.0, 74.0, 80.0, 84.4),
    "DINOv2": (30.0, 88.0, 18.0, 62.0, 24.0, 44.4),
    "SM-DINOv2": (96.0, 98.0, 78.0, 82.0, 78.0, 86.4),
    "CLIP4Clip": (48.0, 64.0, 18.0, 62.0, 20.0, 42.2),
}


def share(hits: int, queries: int) -> Share:
    """With the ends of Wilson's interval at z = 1.96."""
    z, p = 1.959964, hits / queries
    middle = (p + z * z / (2 * queries)) / (1 + z * z / queries)
    half = z / (1 + z * z / queries) * sqrt(p * (1 - p) / queries + z * z / (4 * queries**2))
    return Share(hits, queries, max(0.0, middle - half), min(1.0, middle + half))


def method(name: str, kind: Kind, hits: tuple[int, ...], backbone: str = "", printed: str = "") -> MethodRow:
    """A row of the synthetic protocol that answers the first ``hits`` queries of each category."""
    columns = {name: share(n, of) for name, n, of in zip(CATEGORIES, hits, PER_CATEGORY, strict=True)}
    return MethodRow(
        method=name,
        backbone=backbone,
        kind=kind,
        columns=columns,
        overall=share(sum(hits), sum(PER_CATEGORY)),
        mean=sum(column.value for column in columns.values()) / len(columns),
        hits=tuple(i < n for n, of in zip(hits, PER_CATEGORY, strict=True) for i in range(of)),
        quoted=quoted(PRINTED[printed]) if printed else {},
        quoted_name=printed,
    )


def quoted(printed: tuple[float, ...]) -> dict[str, float]:
    return dict(zip((*CATEGORIES, "average"), printed, strict=True))


def synthetic(name: str = "demo_244", **replaced: object) -> Evaluation:
    """A whole evaluation by the synthetic protocol; ``replaced`` fields win."""
    rows = (
        method("True motion (oracle)", "oracle", PER_CATEGORY),
        method(f"{BACKBONE}, SemanticMoments + order", "order", (49, 49, 47, 44, 41), BACKBONE),
        method(f"{BACKBONE}, SemanticMoments", "moments", (47, 48, 40, 42, 36), BACKBONE, "SM-DINOv2"),
        method(f"{BACKBONE}, mean-pooled", "mean", (16, 43, 8, 30, 11), BACKBONE, "DINOv2"),
        method(f"{BACKBONE}, rhythm", "rhythm", (44, 46, 41, 40, 35), BACKBONE),
        method("colour histogram", "floor", (20, 7, 3, 11, 0)),
        method("HOF", "floor", (45, 49, 32, 13, 38)),
        method(LONG, "mean", (2, 43, 8, 30, 11), HOSTILE),
    )
    fields: dict[str, object] = {
        "name": name,
        "root": "/data/sets/demo_244",
        "protocol": "synthetic",
        "num_queries": 244,
        "num_candidates": 731,
        "chance": 1 / 731,
        "rows": rows,
        "comparisons": (
            Comparison(f"{BACKBONE}, SemanticMoments", f"{BACKBONE}, mean-pooled", 110, 5, 3.1e-27),
            Comparison(f"{BACKBONE}, SemanticMoments + order", f"{BACKBONE}, SemanticMoments", 21, 9, 0.0428),
            Comparison(LONG, HOSTILE, 1, 1, 1.0),
        ),
        "ablations": (
            Ablation(
                "Moments and their weights (Table 4)",
                BACKBONE,
                (
                    AblationCell("(1, 0, 0)", share(108, 244), 0.4431, 12.5),
                    AblationCell("(1, 8, 4) patch concat", share(213, 244), 0.8732, 42.5),
                    AblationCell("(1, 8, 4) patch-difference concat", share(190, 244), 0.779, None),
                ),
                "arXiv 2602.09146, Table 4, SimMotion-Real-1K, SM-DINOv2",
                share(209, 244),
                ((1.0, 8.0, 4.0), (1.0, 4.0, 4.0), (1.0, 8.0, 4.0), (0.0, 2.0, 1.0), (1.0, 8.0, 4.0)),
            ),
            Ablation(
                "Frames (Table 5)",
                BACKBONE,
                tuple(
                    AblationCell(f"{frames} frames", share(hits, 244), hits / 244, quoted)
                    for frames, hits, quoted in ((4, 150, 22.5), (8, 180, 35.0), (32, 213, 42.5))
                ),
                "arXiv 2602.09146, Table 5, SimMotion-Real-1K, SM-DINOv2",
            ),
        ),
        "quoted_source": "arXiv 2602.09146, Table 1, SimMotion-Synthetic",
        "quoted_note": "Another data set than this one: its clips were made by video models.",
        "quoted_rows": {name: quoted(row) for name, row in PRINTED.items()},
        "embedders": {
            BACKBONE: {"name": "dinov2-base", "revision": "f9e44c8", "frames": 32, "weights": [1, 8, 4]},
            HOSTILE: {"path": "/models/" + "deep/" * 30, "remark": HOSTILE},
        },
        "maps": (similarity_map(f"{BACKBONE}, SemanticMoments", 1), similarity_map(LONG, 2, distractors=25)),
        "confusions": (
            Confusion(
                f"{BACKBONE}, SemanticMoments",
                "scene_style",
                "scene_style_0003.r",
                "scene_style_0003.p",
                "view_0001.n",
            ),
            Confusion(f"{BACKBONE}, SemanticMoments", "view", "view_0001.r", "view_0001.p", LONG),
            Confusion(LONG, "static_object", HOSTILE, "static_object_0001.p", "static_object_0001.n"),
        ),
        "notes": ("Decoded at 518 px.", f"A note with {HOSTILE}"),
    }
    return Evaluation(**(fields | replaced))  # type: ignore[arg-type]


def knn(**replaced: object) -> Evaluation:
    """An evaluation by the kNN protocol: columns are votes, and nothing is quoted."""

    def row(name: str, kind: Kind, hits: tuple[int, int, int]) -> MethodRow:
        columns = {
            vote: share(n, 1200) for vote, n in zip(("majority", "weighted", "top5"), hits, strict=True)
        }
        answered = tuple(i < hits[0] for i in range(1200))
        return MethodRow(name, BACKBONE, kind, columns, columns["majority"], sum(hits) / 3600, answered)

    fields: dict[str, object] = {
        "name": "jester",
        "root": "/data/jester",
        "protocol": "knn",
        "num_queries": 1200,
        "num_candidates": 118_562,
        "chance": 1 / 27,
        "rows": (
            row(f"{BACKBONE}, mean-pooled", "mean", (103, 94, 117)),
            row(f"{BACKBONE}, SemanticMoments", "moments", (308, 300, 610)),
        ),
        "comparisons": (),
        "ablations": (),
        "quoted_source": "",
        "quoted_note": "",
        "quoted_rows": {},
        "embedders": {},
    }
    return Evaluation(**(fields | replaced))  # type: ignore[arg-type]


def similarity_map(name: str, seed: int, distractors: int = 0) -> SimilarityMap:
    """12 references against 36 clips of the categories, and against ``distractors`` more."""
    rng = np.random.default_rng(seed)
    sizes = (3, 3, 2, 2, 2)
    values = rng.uniform(0.1, 0.5, (sum(sizes), 3 * sum(sizes) + distractors))
    for query in range(sum(sizes)):
        values[query, 3 * query : 3 * query + 2] = 1.0, 0.85
    starts = dict(zip(CATEGORIES, np.cumsum((0, *sizes))[:-1].tolist(), strict=True))
    columns = {category: 3 * start for category, start in starts.items()}
    if distractors:
        columns[""] = 3 * sum(sizes)
    return SimilarityMap(name, values.astype(np.float32), starts, columns)


def posters(evaluation: Evaluation, num_frames: int = 4, size_px: int = 96) -> Mapping[str, list[bytes]]:
    """A strip for every clip of the confusions: a square that moves before a background of its own."""
    clips = dict.fromkeys(
        clip for each in evaluation.confusions for clip in (each.query, each.positive, each.winner)
    )
    return {clip: _strip(number, num_frames, size_px) for number, clip in enumerate(clips)}


def _strip(number: int, num_frames: int, size_px: int) -> list[bytes]:
    background = np.random.default_rng(number).integers(40, 200, 3, dtype=np.uint8)
    edges = np.linspace(0, size_px, num_frames + 1).astype(int)
    pictures = []
    for start, stop in pairwise(edges.tolist()):
        frame = np.tile(background, (size_px, size_px, 1))
        frame[size_px // 3 : size_px // 2, start:stop] = 250
        buffer = io.BytesIO()
        Image.fromarray(frame).save(buffer, format="JPEG", quality=80)
        pictures.append(buffer.getvalue())
    return pictures
