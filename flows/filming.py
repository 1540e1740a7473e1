"""The stage of the clips as a plain function: pair and negative, from candidates, at a pace if asked for.

It works without Prefect. What a clip must hold is judged elsewhere.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from data import trajectory
from data.errors import ConfigError
from data.provenance import origin_of
from data.schema import Blob, Role
from data.store import Store
from data.video import ENCODER, encode
from flows import backends
from flows.backbones import Options
from flows.pace_backbone import pace_backbone
from flows.pacing import paced
from flows.progress import watcher
from flows.stages import PAIR, Job, Outcome, from_png, identity, run_stage
from flows.targets import target_pacing, target_text
from generators.base import (
    Positions,
    VideoGenerator,
    VideoRequest,
    VideoResult,
    WarpableVideoGenerator,
)
from generators.wan_config import PacingConfig, WanConfig
from moments.embedder import Embedder

STEPS = "denoising"
"""The name under which steps of a backend that takes long are shown."""


def make_clips(frames: Outcome) -> Outcome:
    """The three clips: reference and positive in one request, so that they share one motion.

    Of several candidates for the pair the best is kept, and its seed makes the negative, too.
    """
    if frames.rejection:
        return frames
    job = frames.job
    generator = backends.video_generator(job.recipe)
    config = job.recipe.video
    pacing = config.pacing if isinstance(config, WanConfig) else None
    candidates = config.candidates if isinstance(config, WanConfig) else 1

    def make(store: Store) -> dict[str, Any]:
        backends.opened(generator)
        first = {role: from_png(store.read(frames.blob(role))) for role in PAIR}
        first[Role.NEGATIVE] = first[Role.REFERENCE]

        def request(roles: tuple[Role, ...], seed: int) -> VideoRequest:
            return VideoRequest(
                plan=job.plan,
                roles=roles,
                first_frames=tuple(first[role] for role in roles),
                format=job.recipe.clip_format,
                seed=seed,
            )

        seeds = [candidate_seed(job.seed, index) for index in range(candidates)]
        pairs = _made(generator, [request(PAIR, seed) for seed in seeds], pacing)
        best = _best([result for result, _ in pairs], job)
        pair, pair_record = pairs[best]
        ((negative, negative_record),) = _made(generator, [request((Role.NEGATIVE,), seeds[best])], pacing)
        blobs: dict[str, Blob] = {}
        for roles, result in ((PAIR, pair), ((Role.NEGATIVE,), negative)):
            blobs |= _kept(store, roles, result, ai_generated=generator.facts.ai_generated)
        return {"blobs": blobs, "seed": seeds[best], "pair": pair_record, "negative": negative_record}

    return run_stage(
        "clips",
        job,
        make,
        backend=identity(generator.facts),
        encoder=ENCODER,
        candidates=candidates,
        pacing=None if pacing is None else {**pacing.model_dump(), "target": target_text(pacing.target)},
        plan=job.plan,
        format=job.recipe.clip_format,
        seed=job.seed,
        first_frames=frames.record["blobs"],
    )


def candidate_seed(seed: int, index: int) -> int:
    """The seed of a candidate: the attempt's own at first, then ones derived from it."""
    if index == 0:
        return seed
    digest = hashlib.sha256(f"{seed}/candidate/{index}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _made(
    generator: VideoGenerator, requests: Sequence[VideoRequest], pacing: PacingConfig | None
) -> list[tuple[VideoResult, dict[str, Any]]]:
    """The clips of each request, and what is to be kept of how they came about.

    Without pacing the backend gets all requests at once, and may make several in one go.
    """
    if pacing is None:
        return [(result, {}) for result in generator.videos(requests, _step_of(generator, len(requests)))]
    if not isinstance(generator, WarpableVideoGenerator):
        raise ConfigError(f"video.pacing was asked for, but the backend {generator.facts.name} bends no time")
    return [_paced(generator, request, pacing) for request in requests]


def _paced(
    generator: WarpableVideoGenerator, request: VideoRequest, pacing: PacingConfig
) -> tuple[VideoResult, dict[str, Any]]:
    def generate(positions: Positions | None) -> VideoResult:
        (result,) = generator.videos([replace(request, positions=positions)], _step_of(generator, 1))
        return result

    made = paced(
        generate,
        lambda result: [clip.frames for clip in result.clips],
        pacing,
        target=target_pacing(pacing.target),
        eyes=_eyes(pacing.backbone),
        bands=generator.temporal_bands,
        num_generated=generator.num_generated_frames(request.format),
    )
    return made.clip, {"pace_deviations": list(made.deviations), "pass": made.best}


@functools.cache
def _eyes(backbone: str) -> Embedder:
    """What sees the pace of clips, opened once per process."""
    from moments.backbones.catalogue import default_device

    eyes = pace_backbone(backbone, Options(device=default_device()))
    eyes.open()
    return eyes


def _step_of(generator: VideoGenerator, num_requests: int) -> Callable[[], None]:
    progress, steps = watcher.get(), generator.facts.steps_per_request
    if progress is None or not steps:
        return lambda: None
    progress.expect(STEPS, steps * num_requests)
    return functools.partial(progress.advance, STEPS)


def _best(pairs: list[VideoResult], job: Job) -> int:
    """The index of the pair that moves best in sync."""
    if len(pairs) == 1:
        return 0
    from moments.candidates import best_candidate
    from moments.gates import judge

    fps, thresholds = job.recipe.format.fps, job.recipe.thresholds
    measured = []
    for pair in pairs:
        reference, positive = (clip.frames for clip in pair.clips)
        # The negative is made for the best pair only; what is measured of the pair does not ask for it.
        measured.append(judge(reference, positive, reference, fps, thresholds).measures)
    return best_candidate(measured)


def _kept(
    store: Store, roles: tuple[Role, ...], result: VideoResult, *, ai_generated: bool
) -> dict[str, Blob]:
    blobs: dict[str, Blob] = {}
    for index, role in enumerate(roles):
        write = functools.partial(encode, result.clips[index], origin=origin_of(ai_generated))
        blobs[role] = store.put_file(write, ".mp4")
        if result.trajectories is not None:
            data = trajectory.to_bytes(result.trajectories[index])
            blobs[f"{role}_trajectory"] = store.put_bytes(data, trajectory.SUFFIX)
    return blobs
