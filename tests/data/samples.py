"""Tiny clips, triplets and whole data sets for the tests of this folder. Irregular on purpose."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from data import manifest, rejects, trajectory
from data.manifest import Counts, Manifest
from data.schema import (
    MEASURES,
    Category,
    Clip,
    ClipFormat,
    Factors,
    Plan,
    Prompts,
    Reject,
    Role,
    Trajectory,
    Triplet,
)
from data.shards import write_shards
from data.store import Store
from data.video import encode

FORMAT = ClipFormat(size_px=48, duration_seconds=0.5, fps=16)


def clip(seed: int = 0, num_frames: int = 8, height: int = 48, width: int = 48, fps: float = 16.0) -> Clip:
    """A smooth coloured ramp with an off-centre bright block that moves; every frame differs."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    background = np.stack([x * 2 + 40, y * 2 + 30, (x + y) + rng.integers(20, 60)], axis=-1)
    frames = np.repeat(background[None], num_frames, axis=0)
    for index in range(num_frames):
        left = 4 + (index * 3) % (width // 2)
        frames[index, 10:22, left : left + 9] = (210, 180 - 10 * (seed % 10), 90)
    return Clip(frames.clip(0, 255).astype(np.uint8), fps)


def motion(seed: int = 0, num_frames: int = 8) -> Trajectory:
    rng = np.random.default_rng(seed)
    return Trajectory(
        channels=rng.normal(size=(num_frames, 3)),
        channel_names=("lift", "swing", "turn"),
        joints=rng.normal(size=(num_frames, 2, 3)),
        joint_names=("hip", "knee"),
        joints_px=rng.normal(size=(num_frames, 2, 2)),
    )


def plan(number: int, category: Category = Category.VIEW) -> Plan:
    factors = Factors("dog", "walk", "meadow", "trees", "navy_stripes", "shaded", "front")
    positive = Factors("dog", "walk", "meadow", "trees", "navy_stripes", "shaded", "side")
    prompts = Prompts("a dog", "seen from the side", "it walks | trots", 'it "waves"')
    return Plan(f"{category}-{number:04d}", category, factors, positive, "wave", prompts, seed=2**62 + number)


def triplet(
    store: Store, number: int, category: Category = Category.VIEW, with_motion: bool = True
) -> Triplet:
    clips = {
        role: store.put_file(lambda path, seed=3 * number + index: encode(clip(seed), path), ".mp4")
        for index, role in enumerate(Role)
    }
    motions = {
        role: store.put_bytes(trajectory.to_bytes(motion(number + index)), trajectory.SUFFIX)
        for index, role in enumerate(Role)
    }
    return Triplet(
        plan=plan(number, category),
        attempt=number % 2,
        seed=2**63 - 1 - number,
        format=FORMAT,
        clips=clips,
        trajectories=motions if with_motion else None,
        prompt_writer="template",
        image_generator="procedural",
        image_revision="1",
        video_generator="procedural",
        video_revision="2",
        measures={name: number + index / 7 for index, name in enumerate(MEASURES)},
        spf=dict.fromkeys(Role, tuple(float(value) for value in np.linspace(0, 1, 8))),
        licence="CC-BY-4.0",
        ai_generated=False,
    )


def reject(triplet_id: str, attempt: int, reason: str, kind: str = "rejected") -> Reject:
    measures = {"reference_motion": 0.125, "synchrony": float("nan")}
    return Reject(triplet_id, Category.VIEW, attempt, 7, "verdict", kind, reason, "as it was", measures)


def data_set(out: Path) -> Manifest:
    """A finished data set: 2 triplets of ``view``, 1 of ``scene_style``, one rejected, one failed."""
    store = Store(out / "store")
    triplets = [
        triplet(store, 0, Category.SCENE_STYLE),
        triplet(store, 1),
        triplet(store, 2, with_motion=False),
    ]
    shards = write_shards(iter(triplets), store, out / "data", rows_per_group=2)
    rejects.write(
        [
            reject(triplets[1].plan.triplet_id, 0, "hard_cut"),  # accepted at the second attempt
            reject("view-0007", 1, "out_of_sync"),
            reject("view-0007", 0, "static"),
            reject("view-0008", 0, "unavailable", kind="failed"),
        ],
        out / rejects.FILENAME,
    )
    clips = [blob for made in triplets for blob in made.clips.values()]
    facts = Manifest(
        recipe_name="tiny",
        recipe_fingerprint="0f" * 32,
        recipe={"seed": 1, "categories": ["scene_style", "view"]},
        counts=Counts(5, 3, {"out_of_sync": 1}, {"unavailable": 1}, 0),
        accepted_by_category={"scene_style": 1, "view": 2, "static_object": 0},
        generators={"prompts": "template", "images": "procedural@1", "videos": "procedural@2"},
        ai_generated=False,
        licence="CC-BY-4.0",
        shards=tuple(shards),
        num_clips=len(clips),
        num_clip_bytes=sum(blob.num_bytes for blob in clips),
        retrieval={"oracle": {"view": 1.0, "average": 1.0}, "mean <pooled>": {"view": 0.5, "average": 0.5}},
        software={"encoder": "libx264"},
    )
    manifest.write(facts, out / manifest.FILENAME)
    return facts
