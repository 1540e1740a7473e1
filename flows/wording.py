"""The first stage of a triplet as a plain function: its four prompts. It works without Prefect.

Like every stage it looks into the store first, so that no words are paid for twice.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from data.errors import BackendUnavailable, SampleRejected
from data.schema import Plan, Prompts
from data.store import artifact_key
from flows import backends
from flows.once import each_made_once
from flows.stages import Job, Outcome, rejection_record
from prompts.duplicates import near_duplicates
from prompts.writer import Draft, WriteRequest

STAGE = "plan"
UNWRITTEN = Prompts("", "", "", "")
DUPLICATE_ROUNDS = 2
"""So often prompts that resemble those of another triplet are written anew, before it is rejected."""


def write_prompts(jobs: Sequence[Job]) -> list[Outcome | BackendUnavailable]:
    """The prompts of each job in order, as a record; for a backend that is away, its error."""
    if not jobs:
        return []
    writer = backends.writer(jobs[0].out, jobs[0].recipe)
    identity = f"{writer.facts.name}@{writer.facts.revision}"
    requests = [
        WriteRequest(
            draft_of(job.plan), job.rewrites, job.objections, job.recipe.clip_format.duration_seconds
        )
        for job in jobs
    ]
    keys = [artifact_key(STAGE, writer=identity, request=request) for request in requests]
    request_of = dict(zip(keys, requests, strict=True))
    away: dict[str, BackendUnavailable] = {}
    seconds: dict[str, float] = {}

    def make(missing: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        started = time.monotonic()
        answers = backends.opened(writer).write([request_of[key] for key in missing])
        for key, answer in zip(missing, answers, strict=True):
            match answer:
                case BackendUnavailable():
                    away[key] = answer
                    continue
                case SampleRejected():
                    yield key, rejection_record(answer)
                case _:
                    yield key, {"prompts": dataclasses.asdict(answer)}
            seconds[key], started = round(time.monotonic() - started, 3), time.monotonic()

    batch = artifact_key(STAGE, writer=identity) if writer.facts.at_once else ""
    made = each_made_once(jobs[0].workspace, STAGE, keys, make, batch=batch)
    return [
        Outcome(job, STAGE, key, made[key].record, made[key].reused, seconds.get(key, 0.0))
        if key in made
        else away[key]
        for job, key in zip(jobs, keys, strict=True)
    ]


def worded(outcome: Outcome) -> Job:
    """The job with the prompts that were written for it."""
    job = outcome.job
    return replace(job, plan=replace(job.plan, prompts=Prompts(**outcome.record["prompts"])), objections=())


def repeated(jobs: Sequence[Job]) -> Iterator[Job]:
    """The jobs whose prompts resemble those of an earlier one, with that as an objection."""
    by_id = {job.plan.triplet_id: job for job in jobs}
    for found in near_duplicates({triplet_id: job.plan.prompts for triplet_id, job in by_id.items()}):
        job = by_id[found.triplet_id]
        yield replace(job, rewrites=job.rewrites + 1, objections=(found.objection,))


def draft_of(plan: Plan) -> Draft:
    """The plan without its words."""
    return Draft(**{field.name: getattr(plan, field.name) for field in dataclasses.fields(Draft)})
