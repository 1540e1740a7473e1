"""The stages of a triplet as plain functions: first frames and verdict. They work without Prefect.

The prompts before them and the clips between them are in ``wording`` and ``filming``.

Each looks its result up in the store by a hash of everything that determines it, and makes it only
when it is not there.  Between stages travel small records, never frames.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from data.errors import SampleRejected
from data.schema import Blob, Frames, Image, Plan, Role, Triplet
from data.store import Store, artifact_key
from data.video import decode
from flows import backends
from flows.calls import attempt_of
from flows.once import made_once
from flows.recipe import Recipe
from flows.workspace import Workspace
from generators.base import BackendFacts, ImageGenerator, ImageRequest

EDITS_REVISION = 1  # of ``moments.alignment``: to be raised when it would judge another way
PAIR = (Role.REFERENCE, Role.POSITIVE)


@dataclass(frozen=True)
class Job:
    """One attempt at one triplet. ``out`` is the run's folder, which only its own process can rely on.

    ``rewrites`` counts how often its prompts were written again, for ``objections`` to the last ones.
    """

    out: Path
    recipe: Recipe
    plan: Plan
    attempt: int
    rewrites: int = 0
    objections: tuple[str, ...] = ()

    @property
    def seed(self) -> int:
        """The attempt's own seed: the plan's at first, then one derived from it."""
        if self.attempt == 0:
            return self.plan.seed
        digest = hashlib.sha256(f"{self.plan.seed}/{self.attempt}".encode()).digest()
        return int.from_bytes(digest[:8], "big") >> 1

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.out, self.recipe.store)


@dataclass(frozen=True)
class Outcome:
    """What a stage left in the store, or why the sample went no further.

    ``record`` is what the store holds under ``key``; ``reused`` says that it was there before, and
    ``seconds`` of wall time went into it if not.
    """

    job: Job
    stage: str
    key: str
    record: dict[str, Any]
    reused: bool
    seconds: float = 0.0

    @property
    def rejection(self) -> str | None:
        reason: str | None = self.record.get("rejected")
        return reason

    def blob(self, name: str) -> Blob:
        blob: Blob = self.record["blobs"][name]
        return blob


def make_first_frames(job: Job) -> Outcome:
    """The first frames of reference and positive, as PNG blobs named by role."""
    generator = backends.image_generator(job.out, job.recipe)

    def make(store: Store) -> dict[str, Any]:
        backends.opened(generator)
        with attempt_of(job.attempt):
            reference = _image(generator, job, Role.REFERENCE, None)
            images = (reference, _image(generator, job, Role.POSITIVE, reference))
        if generator.facts.ai_generated:
            _check_edit(job, *images)
        return {"blobs": {role: _put_png(store, image) for role, image in zip(PAIR, images, strict=True)}}

    return run_stage(
        "first_frames",
        job,
        make,
        backend=identity(generator.facts),
        edits_revision=EDITS_REVISION,
        plan=job.plan,
        format=job.recipe.clip_format,
        seed=job.seed,
    )


def judge_clips(clips: Outcome) -> Outcome:
    """The verdict on three clips: every gate's number, and the reason where one is not met."""
    if clips.rejection:
        return clips
    from moments.gates import REVISION, judge

    job = clips.job
    thresholds, fps = job.recipe.thresholds, job.recipe.format.fps

    def make(store: Store) -> dict[str, Any]:
        reference, positive, negative = (_frames(store, clips.blob(role)) for role in Role)
        judgement = judge(reference, positive, negative, fps, thresholds)
        vectors = io.BytesIO()
        np.save(vectors, np.stack([judgement.vectors[role] for role in Role]), allow_pickle=False)
        record: dict[str, Any] = {
            "measures": judgement.measures,
            "spf": {role: list(judgement.progress[role]) for role in Role},
            "agreement": list(judgement.agreement),
            "blobs": {"vectors": store.put_bytes(vectors.getvalue(), ".npy")},
        }
        if judgement.reasons:
            record |= rejection_record(SampleRejected(judgement.reasons[0], ", ".join(judgement.reasons)))
        return record

    return run_stage(
        "verdict",
        job,
        make,
        revision=REVISION,
        thresholds=thresholds,
        fps=fps,
        clips=[clips.blob(role) for role in Role],
    )


def finished_triplet(clips: Outcome, verdict: Outcome) -> Triplet:
    """An accepted triplet as the shards take it."""
    job = clips.job
    writer = backends.writer(job.out, job.recipe).facts
    image = backends.image_generator(job.out, job.recipe).facts
    video = backends.video_generator(job.recipe).facts
    return Triplet(
        plan=job.plan,
        attempt=job.attempt,
        seed=clips.record["seed"],
        format=job.recipe.clip_format,
        clips={role: clips.blob(role) for role in Role},
        trajectories=trajectories_of(clips),
        prompt_writer=f"{writer.name}@{writer.revision}",
        image_generator=image.name,
        image_revision=image.revision,
        video_generator=video.name,
        video_revision=video.revision,
        measures=verdict.record["measures"],
        spf={role: tuple(verdict.record["spf"][role]) for role in Role},
        licence=job.recipe.licence,
        ai_generated=image.ai_generated or video.ai_generated,
    )


def trajectories_of(clips: Outcome) -> dict[Role, Blob] | None:
    """The true motion of each clip, where its generator knows it."""
    if f"{Role.REFERENCE}_trajectory" not in clips.record["blobs"]:
        return None
    return {role: clips.blob(f"{role}_trajectory") for role in Role}


def run_stage(stage: str, job: Job, make: Callable[[Store], dict[str, Any]], **determinants: Any) -> Outcome:
    """Find the stage's record or make it; a rejected sample is a record too, and is not made again."""
    key = artifact_key(stage, **determinants)
    started = 0.0

    def timed(store: Store) -> dict[str, Any]:
        nonlocal started
        started = time.monotonic()  # not before: another run may have been waited for
        try:
            return make(store)
        except SampleRejected as rejection:
            return rejection_record(rejection)

    made = made_once(job.workspace, stage, key, timed)
    seconds = 0.0 if made.reused else round(time.monotonic() - started, 3)
    return Outcome(job, stage, key, made.record, made.reused, seconds)


def _frames(store: Store, clip: Blob) -> Frames:
    # Its hash is looked at first: a verdict on bytes that changed on the disk would be kept and believed.
    store.read(clip)
    return decode(store.path(clip)).frames


def _image(generator: ImageGenerator, job: Job, role: Role, source: Image | None) -> Image:
    request = ImageRequest(job.plan, role, job.recipe.clip_format, job.seed, source)
    (image,) = generator.images([request])
    return image


def _check_edit(job: Job, reference: Image, positive: Image) -> None:
    """Raises ``SampleRejected`` for an edit that is none, or that moved what it should have kept."""
    from moments.alignment import judge_edit

    found = judge_edit(job.plan.category, reference, positive)
    if found.reasons:
        raise SampleRejected(
            found.reasons[0],
            f"{', '.join(found.reasons)}: layout {found.layout:.2f}, displaced {found.displaced_layout:.2f}, "
            f"largest change {found.largest_change:.0f} of 255",
        )


def identity(facts: BackendFacts) -> str:
    return f"{facts.name}@{facts.revision}"


def rejection_record(rejection: SampleRejected) -> dict[str, Any]:
    """What the store keeps of a rejected sample."""
    return {"rejected": rejection.reason, "detail": rejection.detail, "remedy": rejection.remedy}


def _put_png(store: Store, image: Image) -> Blob:
    buffer = io.BytesIO()
    PillowImage.fromarray(image).save(buffer, format="PNG", compress_level=1)
    return store.put_bytes(buffer.getvalue(), ".png")


def from_png(data: bytes) -> Image:
    with PillowImage.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))
