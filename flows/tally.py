"""Where every requested triplet of a run went, and the counts that must balance.

It knows nothing of Prefect or of files.  Of an accepted triplet it keeps where its records lie: what they
hold is read when it is written down, so that memory does not grow with curves and measures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from data.errors import BackendUnavailable, BudgetReached
from data.manifest import Counts
from data.schema import MEASURES, Reject
from flows.accepted import Accepted
from flows.stages import Job, Outcome

Ending = Outcome | BackendUnavailable | BudgetReached
"""How a stage can end without stopping the run."""


@dataclass
class Tally:
    """Grows while a run goes on: accepted triplets, every reject, the plans that are still open."""

    requested: int
    max_attempts: int
    accepted: list[Accepted] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    given_up: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    reused: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    stopped: BudgetReached | None = None

    def settle(self, job: Job, outcomes: list[Ending]) -> Job | None:
        """Take in what the stages of one attempt left; return the next attempt if there is to be one.

        A triplet that the budget did not cover stays pending.
        """
        for outcome in outcomes:
            if not self.takes(job, outcome):
                return self._next(job, outcome)
        _, clips, verdict = outcomes
        assert isinstance(clips, Outcome)
        assert isinstance(verdict, Outcome)
        self.accepted.append(Accepted(verdict.job, clips.key, verdict.key))
        return None

    def takes(self, job: Job, outcome: Ending) -> bool:
        """Count what one stage left, and say whether the triplet goes on to the next."""
        if isinstance(outcome, BudgetReached):
            self.stopped = outcome
            return False
        if isinstance(outcome, BackendUnavailable):
            self.rejects.append(_failure(job, outcome))
            self.failed["backend_unavailable"] += 1
            return False
        (self.reused if outcome.reused else self.done)[outcome.stage] += 1
        if outcome.rejection is None:
            return True
        self.rejects.append(_reject(job, outcome.stage, outcome.record))
        return False

    def give_up(self, reason: str) -> None:
        """One triplet is rejected for good."""
        self.given_up[reason] += 1

    def _next(self, job: Job, outcome: Ending) -> Job | None:
        """The next attempt at a job whose last stage was not passed, as far as the remedy allows."""
        if not isinstance(outcome, Outcome) or outcome.rejection is None:
            return None
        remedy = outcome.record["remedy"]
        if remedy == "none" or job.attempt + 1 >= self.max_attempts:
            self.give_up(outcome.rejection)
            return None
        objections = (outcome.record["detail"],) if remedy == "rewrite" else ()
        return replace(job, attempt=job.attempt + 1, objections=objections)

    @property
    def counts(self) -> Counts:
        settled = len(self.accepted) + self.given_up.total() + self.failed.total()
        return Counts(
            requested=self.requested,
            accepted=len(self.accepted),
            rejected=dict(sorted(self.given_up.items())),
            failed=dict(sorted(self.failed.items())),
            pending=self.requested - settled,
        )

    def reject(self, job: Job, stage: str, reason: str, detail: str) -> None:
        """One triplet is rejected for good by the run itself."""
        self.rejects.append(_reject(job, stage, {"rejected": reason, "detail": detail}))
        self.give_up(reason)

    def in_plan_order(self, triplet_ids: Sequence[str]) -> None:
        """Sort what was settled as the plans go, so that the order of completion leaves no trace."""
        position = {triplet_id: index for index, triplet_id in enumerate(triplet_ids)}
        self.accepted.sort(key=lambda accepted: position[accepted.triplet_id])
        self.rejects.sort(key=lambda reject: (position[reject.triplet_id], reject.attempt))


def _reject(job: Job, stage: str, record: dict[str, Any]) -> Reject:
    return Reject(
        triplet_id=job.plan.triplet_id,
        category=job.plan.category,
        attempt=job.attempt,
        seed=job.seed,
        stage=stage,
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
