"""Where every requested triplet of a run went, and the counts that must balance.

It knows nothing of Prefect or of files.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from data.errors import BackendUnavailable
from data.manifest import Counts
from data.schema import MEASURES, Blob, Plan, Reject, Triplet
from flows.stages import Job, Outcome, finished_triplet


@dataclass
class Tally:
    """Grows while a run goes on: accepted triplets, every reject, the plans that are still open."""

    requested: int
    max_attempts: int
    triplets: list[Triplet] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    vectors: dict[str, Blob] = field(default_factory=dict)
    given_up: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    reused: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)

    def settle(self, job: Job, outcomes: list[Outcome | BackendUnavailable]) -> Job | None:
        """Take in what the stages of one attempt left; return the next attempt if there is to be one."""
        for outcome in outcomes:
            if isinstance(outcome, BackendUnavailable):
                self.rejects.append(_failure(job, outcome))
                self.failed["backend_unavailable"] += 1
                return None
            (self.reused if outcome.reused else self.done)[outcome.stage] += 1
            if outcome.rejection:
                self.rejects.append(_rejection(outcome))
                if job.attempt + 1 < self.max_attempts:
                    return Job(job.out, job.recipe, job.plan, job.attempt + 1)
                self.given_up[outcome.rejection] += 1
                return None
        _, clips, verdict = outcomes
        assert isinstance(clips, Outcome)
        assert isinstance(verdict, Outcome)
        self.triplets.append(finished_triplet(clips, verdict))
        self.vectors[job.plan.triplet_id] = verdict.blob("vectors")
        return None

    @property
    def counts(self) -> Counts:
        settled = len(self.triplets) + self.given_up.total() + self.failed.total()
        return Counts(
            requested=self.requested,
            accepted=len(self.triplets),
            rejected=dict(sorted(self.given_up.items())),
            failed=dict(sorted(self.failed.items())),
            pending=self.requested - settled,
        )

    def in_plan_order(self, plans: tuple[Plan, ...]) -> None:
        """Sort what was settled as the plans go, so that the order of completion leaves no trace."""
        position = {plan.triplet_id: index for index, plan in enumerate(plans)}
        self.triplets.sort(key=lambda triplet: position[triplet.plan.triplet_id])
        self.rejects.sort(key=lambda reject: (position[reject.triplet_id], reject.attempt))


def _rejection(outcome: Outcome) -> Reject:
    record = outcome.record
    return Reject(
        triplet_id=outcome.job.plan.triplet_id,
        category=outcome.job.plan.category,
        attempt=outcome.job.attempt,
        seed=outcome.job.seed,
        stage=outcome.stage,
        kind="rejected",
        reason=record["rejected"],
        detail=record["detail"],
        # The store sorts names; the order of the schema makes equal rows equal bytes.
        measures={name: record["measures"][name] for name in MEASURES if name in record.get("measures", {})},
    )


def _failure(job: Job, error: BackendUnavailable) -> Reject:
    return Reject(
        triplet_id=job.plan.triplet_id,
        category=job.plan.category,
        attempt=job.attempt,
        seed=job.seed,
        stage="backend",
        kind="failed",
        reason="backend_unavailable",
        detail=str(error),
        measures={},
    )
