"""Made-up runs for the report's tests: triplets with real little clips, rejects, similarities."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from data.manifest import Counts
from data.schema import (
    MEASURES,
    Blob,
    Category,
    Clip,
    ClipFormat,
    Factors,
    Plan,
    Prompts,
    Reject,
    Role,
    Triplet,
)
from data.video import encode
from flows.report import ClipLabel, SimilarityMatrix
from flows.summary import Accuracy, RetrievalRow, RunSummary, StageRow

FORMAT = ClipFormat(size_px=64, duration_seconds=1.0, fps=16)
HOSTILE = (
    '</script><script>window.hacked = 1</script><img src=x onerror="window.hacked = 1"> "it\'s" & {{ 7 * 7 }}'
)

SUBJECTS = ("person", "dog", "robot_arm", "bird", "horse")
MOTIONS = ("walk", "hop_sideways", "wave", "spin", "bow")
STYLES = ("shaded", "toon", "sketch", "blueprint")
CHANGES = {
    Category.STATIC_OBJECT: {"scenery": "lamp_posts"},
    Category.DYNAMIC_OBJECT: {"subject": "robot"},
    Category.DYNAMIC_ATTRIBUTE: {"appearance": "violet_scarf"},
    Category.SCENE_STYLE: {"style": "painted"},
    Category.VIEW: {"camera": "slow_arc"},
}


def clip_files(folder: Path) -> Callable[[Blob], Path]:
    """Three small clips of a square that moves, and a ``clip_path`` that finds them for any blob."""
    folder.mkdir(parents=True, exist_ok=True)
    size, count = FORMAT.size_px, FORMAT.num_frames
    for role, colour in zip(Role, ((90, 140, 220), (80, 190, 120), (220, 140, 80)), strict=True):
        frames = np.full((count, size, size, 3), 40, dtype=np.uint8)
        for index in range(count):
            along, fixed = 2 + 2 * index, 24
            y, x = (along, fixed) if role is Role.NEGATIVE else (fixed, along)
            frames[index, y : y + 16, x : x + 16] = colour
        encode(Clip(frames, FORMAT.fps), folder / f"{role}.mp4")
    return lambda blob: folder / f"{Role(blob.suffix.split('.')[1])}.mp4"


def triplet(index: int, **replaced: object) -> Triplet:
    """The ``index``-th made-up triplet; categories take turns. ``replaced`` fields win."""
    rng = np.random.default_rng(index)
    category = list(Category)[index % 5]
    factors = Factors(
        subject=SUBJECTS[index % 5 - 1],
        motion=MOTIONS[index // 5 % 5],
        setting="forest_clearing",
        scenery="rocks",
        appearance="navy_stripes",
        style=STYLES[index % 4],
        camera="three_quarter_left",
    )
    plan = Plan(
        triplet_id=f"{category}_{index:04d}",
        category=category,
        factors=factors,
        positive=Factors(**{**vars(factors), **CHANGES[category]}),
        negative_motion=MOTIONS[(index // 5 + 2) % 5],
        prompts=Prompts(
            base=f"A {factors.subject} with navy stripes stands among rocks, seen from the left.",
            modification="Replace the rocks by a row of lamp posts and leave everything else as it is.",
            motion=f"The {factors.subject} starts to {factors.motion} and keeps on to the end.",
            negative_motion="It bends down slowly, waits for a moment, and comes up again.",
        ),
        seed=1000 + index,
    )
    sm_positive, sm_negative = rng.uniform(0.9, 0.99), rng.uniform(0.7, 0.92)
    measures = dict.fromkeys(MEASURES, 0.25) | {
        "synchrony": float(rng.uniform(0.86, 0.999)),
        "synchrony_lag_frames": 0.0,
        "negative_synchrony": float(rng.uniform(-0.1, 0.4)),
        "motion_difference": float(rng.uniform(0.5, 1.0)),
        "first_frame_psnr_db": float("inf") if index % 3 else 47.3,
        "sm_positive": sm_positive,
        "sm_negative": sm_negative,
        "sm_margin": sm_positive - sm_negative,
        "mean_positive": 0.93,
        "mean_negative": 0.97,
        "mean_margin": -0.04,
        **{f"{role}_largest_cut": float(rng.uniform(1.5, 4)) for role in Role},
        **{f"{role}_darkest_luma": float(rng.uniform(60, 140)) for role in Role},
        **{f"{role}_spf_range_radians": float(rng.uniform(0.5, 2.5)) for role in Role},
    }
    time = np.linspace(0, 1, FORMAT.num_frames)
    fields: dict[str, object] = {
        "plan": plan,
        "attempt": index % 7 // 6,
        "seed": plan.seed,
        "format": FORMAT,
        "clips": {
            role: Blob(hashlib.sha256(f"{index}/{role}".encode()).hexdigest(), 1000, f".{role}.mp4")
            for role in Role
        },
        "trajectories": None,
        "prompt_writer": "template",
        "image_generator": "procedural",
        "image_revision": "1",
        "video_generator": "procedural",
        "video_revision": "1",
        "measures": measures,
        "spf": {
            role: tuple(
                (time + 0.1 * (1 + place) * np.sin(2 * np.pi * time) * rng.uniform(0.3, 1))
                .clip(0, 1)
                .tolist()
            )
            for place, role in enumerate(Role)
        },
        "licence": "Apache-2.0",
        "ai_generated": False,
    }
    return Triplet(**(fields | replaced))  # type: ignore[arg-type]


def rejects(number: int) -> list[Reject]:
    return [
        Reject(
            triplet_id=f"view_{index:04d}",
            category=Category.VIEW,
            attempt=index % 3,
            seed=index,
            stage="verdict",
            kind="rejected",
            reason="out_of_sync",
            detail=f"synchrony {0.4 + 0.01 * index:.2f} is below 0.80; the positive may move otherwise",
            measures={"synchrony": 0.4 + 0.01 * index, "motion_difference": 0.9},
        )
        for index in range(number)
    ]


def summary(accepted: int, **replaced: object) -> RunSummary:
    accuracy = Accuracy(hits=48, queries=50, low=0.865, high=0.989)
    low = Accuracy(hits=13, queries=50, low=0.159, high=0.396)
    fields: dict[str, object] = {
        "name": "Motion triplets, demo",
        "recipe": "demo",
        "seed": 7,
        "data_files": "shards/*.parquet",
        "counts": Counts(
            requested=accepted + 9,
            accepted=accepted,
            rejected={"out_of_sync": 4, "static_clip": 2},
            failed={"backend_unavailable": 1},
            pending=2,
        ),
        "stages": (
            StageRow("plan", accepted + 9, 0, 0, 0, 0.04, 0.0),
            StageRow("first frames", accepted + 5, 4, 0, 1, 31.4, 0.42),
            StageRow("clips", accepted + 4, 4, 0, 0, 95.2, 3.1),
            StageRow("verdict", accepted, 4, 6, 0, 41.0, 0.0),
            StageRow("shards", 1, 0, 0, 0, 1.3, 0.0),
        ),
        "retrieval": (
            RetrievalRow("true motion (oracle)", dict.fromkeys(Category, Accuracy(50, 50, 0.929, 1.0)), 1.0),
            RetrievalRow("SemanticMoments-HOG", dict.fromkeys(Category, accuracy), 0.96),
            RetrievalRow("mean-pooled HOG", dict.fromkeys(Category, low), 0.26),
        ),
    }
    return RunSummary(**(fields | replaced))  # type: ignore[arg-type]


def similarity(triplets: list[Triplet]) -> SimilarityMatrix:
    """As a fair method would see them: own positive near, own negative not quite as near."""
    if not triplets:
        return SimilarityMatrix("SemanticMoments-HOG, cosine", np.zeros((0, 0)), ())
    rng = np.random.default_rng(0)
    labels = tuple(ClipLabel(t.plan.triplet_id, t.plan.category, role) for t in triplets for role in Role)
    motion = {t.plan.triplet_id: rng.normal(size=16) for t in triplets}
    vectors = np.stack(
        [
            motion[label.triplet_id] * (0.3 if label.role is Role.NEGATIVE else 1.0)
            + rng.normal(size=16) * 0.5
            + 0.8
            for label in labels
        ]
    )
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return SimilarityMatrix("SemanticMoments-HOG, cosine", unit @ unit.T, labels)
