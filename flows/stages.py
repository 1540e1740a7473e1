"""The stages of a triplet as plain functions: first frames, clips, verdict. They work without Prefect.

Each looks its result up in the store by a hash of everything that determines it, and makes it only
when it is not there.  Between stages travel small records, never frames.
"""

from __future__ import annotations

import functools
import hashlib
import io
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image as PillowImage

from data import trajectory
from data.errors import SampleRejected
from data.schema import Blob, Image, Plan, Role, Triplet
from data.store import Store, artifact_key
from data.video import ENCODER, decode, encode
from flows.ledger import Entry, append
from flows.recipe import Recipe
from flows.workspace import Workspace
from generators.base import ImageGenerator, ImageRequest, VideoGenerator, VideoRequest
from generators.config import ImageConfig, VideoConfig, build_image_generator, build_video_generator

PAIR = (Role.REFERENCE, Role.POSITIVE)


@dataclass(frozen=True)
class Job:
    """One attempt at one triplet. ``out`` is the run's folder."""

    out: Path
    recipe: Recipe
    plan: Plan
    attempt: int

    @property
    def seed(self) -> int:
        """The attempt's own seed: the plan's at first, then one derived from it."""
        if self.attempt == 0:
            return self.plan.seed
        digest = hashlib.sha256(f"{self.plan.seed}/{self.attempt}".encode()).digest()
        return int.from_bytes(digest[:8], "big") >> 1

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.out)


@dataclass(frozen=True)
class Outcome:
    """What a stage left in the store, or why the sample went no further.

    ``record`` is what the store holds under ``key``; ``reused`` says that it was there before.
    """

    job: Job
    stage: str
    key: str
    record: dict[str, Any]
    reused: bool

    @property
    def rejection(self) -> str | None:
        reason: str | None = self.record.get("rejected")
        return reason

    def blob(self, name: str) -> Blob:
        blob: Blob = self.record["blobs"][name]
        return blob


def make_first_frames(job: Job) -> Outcome:
    """The first frames of reference and positive, as PNG blobs named by role."""
    generator = _image_generator(job.recipe.images)

    def make(store: Store) -> dict[str, Any]:
        reference = _image(generator, job, Role.REFERENCE, None)
        images = (reference, _image(generator, job, Role.POSITIVE, reference))
        return {"blobs": {role: _put_png(store, image) for role, image in zip(PAIR, images, strict=True)}}

    return _stage(
        "first_frames",
        job,
        make,
        usd=2 * generator.facts.usd_per_image,
        backend=_identity(generator),
        plan=job.plan,
        format=job.recipe.clip_format,
        seed=job.seed,
    )


def make_clips(frames: Outcome) -> Outcome:
    """The three clips: reference and positive in one request, so that they share one motion."""
    if frames.rejection:
        return frames
    job = frames.job
    generator = _video_generator(job.recipe.video)

    def make(store: Store) -> dict[str, Any]:
        first = {role: _from_png(store.read(frames.blob(role))) for role in PAIR}
        first[Role.NEGATIVE] = first[Role.REFERENCE]
        blobs: dict[str, Blob] = {}
        for roles in (PAIR, (Role.NEGATIVE,)):
            request = VideoRequest(
                plan=job.plan,
                roles=roles,
                first_frames=tuple(first[role] for role in roles),
                format=job.recipe.clip_format,
                seed=job.seed,
            )
            (result,) = generator.videos([request])
            for index, role in enumerate(roles):
                write = functools.partial(
                    encode, result.clips[index], ai_generated=generator.facts.ai_generated
                )
                blobs[role] = store.put_file(write, ".mp4")
                if result.trajectories is not None:
                    data = trajectory.to_bytes(result.trajectories[index])
                    blobs[f"{role}_trajectory"] = store.put_bytes(data, trajectory.SUFFIX)
        return {"blobs": blobs}

    return _stage(
        "clips",
        job,
        make,
        usd=3 * generator.facts.usd_per_clip,
        backend=_identity(generator),
        encoder=ENCODER,
        plan=job.plan,
        format=job.recipe.clip_format,
        seed=job.seed,
        first_frames=frames.record["blobs"],
    )


def judge_clips(clips: Outcome) -> Outcome:
    """The verdict on three clips: every gate's number, and the reason where one is not met."""
    if clips.rejection:
        return clips
    from moments.gates import REVISION, judge

    job = clips.job
    thresholds, fps = job.recipe.thresholds, job.recipe.format.fps

    def make(store: Store) -> dict[str, Any]:
        reference, positive, negative = (decode(store.path(clips.blob(role))).frames for role in Role)
        judgement = judge(reference, positive, negative, fps, thresholds)
        vectors = io.BytesIO()
        np.save(vectors, np.stack([judgement.vectors[role] for role in Role]), allow_pickle=False)
        record: dict[str, Any] = {
            "measures": judgement.measures,
            "spf": {role: list(judgement.progress[role]) for role in Role},
            "blobs": {"vectors": store.put_bytes(vectors.getvalue(), ".npy")},
        }
        if judgement.reasons:
            record |= {"rejected": judgement.reasons[0], "detail": ", ".join(judgement.reasons)}
        return record

    return _stage(
        "verdict",
        job,
        make,
        usd=0.0,
        revision=REVISION,
        thresholds=thresholds,
        fps=fps,
        clips=[clips.blob(role) for role in Role],
    )


def finished_triplet(clips: Outcome, verdict: Outcome) -> Triplet:
    """An accepted triplet as the shards take it."""
    job = clips.job
    image, video = _image_generator(job.recipe.images).facts, _video_generator(job.recipe.video).facts
    has_motion = f"{Role.REFERENCE}_trajectory" in clips.record["blobs"]
    return Triplet(
        plan=job.plan,
        attempt=job.attempt,
        seed=job.seed,
        format=job.recipe.clip_format,
        clips={role: clips.blob(role) for role in Role},
        trajectories={role: clips.blob(f"{role}_trajectory") for role in Role} if has_motion else None,
        prompt_writer=job.recipe.writer.kind,
        image_generator=image.name,
        image_revision=image.revision,
        video_generator=video.name,
        video_revision=video.revision,
        measures=verdict.record["measures"],
        spf={role: tuple(verdict.record["spf"][role]) for role in Role},
        licence=job.recipe.licence,
        ai_generated=image.ai_generated or video.ai_generated,
    )


def _stage(
    stage: str, job: Job, make: Callable[[Store], dict[str, Any]], *, usd: float, **determinants: Any
) -> Outcome:
    """Find the stage's record or make it; a rejected sample is a record too, and is not made again."""
    store = job.workspace.store
    key = artifact_key(stage, **determinants)
    found = store.find(stage, key)
    if found is not None:
        return Outcome(job, stage, key, found, reused=True)
    started = time.monotonic()
    try:
        record = make(store)
    except SampleRejected as rejection:
        record = {"rejected": rejection.reason, "detail": rejection.detail}
    store.publish(stage, key, record)
    entry = Entry(stage, key, job.plan.triplet_id, round(time.monotonic() - started, 3), usd)
    append(job.workspace.ledger, entry)
    return Outcome(job, stage, key, record, reused=False)


def _image(generator: ImageGenerator, job: Job, role: Role, source: Image | None) -> Image:
    request = ImageRequest(job.plan, role, job.recipe.clip_format, job.seed, source)
    (image,) = generator.images([request])
    return image


def _identity(generator: ImageGenerator | VideoGenerator) -> str:
    return f"{generator.facts.name}@{generator.facts.revision}"


def _put_png(store: Store, image: Image) -> Blob:
    buffer = io.BytesIO()
    PillowImage.fromarray(image).save(buffer, format="PNG", compress_level=1)
    return store.put_bytes(buffer.getvalue(), ".png")


def _from_png(data: bytes) -> Image:
    with PillowImage.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


_Generator = TypeVar("_Generator", ImageGenerator, VideoGenerator)
_opening = threading.Lock()


def _opened(generator: _Generator) -> _Generator:
    generator.open()
    return generator


# Weights load once per process: the first task that needs a backend opens it, the others wait for it.
@functools.cache
def _image_generator_of(config: ImageConfig) -> ImageGenerator:
    return _opened(build_image_generator(config))


@functools.cache
def _video_generator_of(config: VideoConfig) -> VideoGenerator:
    return _opened(build_video_generator(config))


def _image_generator(config: ImageConfig) -> ImageGenerator:
    with _opening:
        return _image_generator_of(config)


def _video_generator(config: VideoConfig) -> VideoGenerator:
    with _opening:
        return _video_generator_of(config)
