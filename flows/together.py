"""Several pieces of work in one Prefect task, so that what Prefect keeps of a run stays small. No Prefect.

A task costs about 20 ms and some kilobytes of Prefect's database; small clips are made in less.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from data.errors import BackendUnavailable, BudgetReached
from data.schema import ClipFormat, Role
from flows.stages import Job, Outcome
from flows.tally import Ending

Member = TypeVar("Member", bound=Job | Outcome)

LARGE_PIXELS = 10_000_000
"""Of the clips of a triplet: such take a second and more, and are worked on one by one."""
_TASKS_PER_WORKER = 4  # in every wave, so that no worker idles while another is in its last one


@dataclass(frozen=True)
class Batch(Generic[Member]):
    """What one task works on, one member after the other."""

    members: tuple[Member, ...]

    def __str__(self) -> str:
        first = self.members[0]
        name = (first if isinstance(first, Job) else first.job).plan.triplet_id
        return name if len(self.members) == 1 else f"{name} and {len(self.members) - 1} more"


def work_on(batch: Batch[Member], work: Callable[[Member], Outcome]) -> list[Ending]:
    """How each member ended. What one cannot have now does not keep the others from theirs.

    A member alone raises its error, so that Prefect asks again.
    """
    endings: list[Ending] = []
    for member in batch.members:
        try:
            endings.append(work(member))
        except (BackendUnavailable, BudgetReached) as error:
            if len(batch.members) == 1:
                raise
            endings.append(error)
    return endings


def batch_size(num_jobs: int, workers: int, clips: ClipFormat) -> int:
    """How many jobs to put into one task."""
    if len(Role) * clips.num_frames * clips.size_px**2 >= LARGE_PIXELS:
        return 1
    return max(1, math.ceil(num_jobs / (_TASKS_PER_WORKER * workers)))


def parted(jobs: Sequence[Job], size: int) -> list[tuple[Job, ...]]:
    """The jobs in runs of ``size``."""
    return [tuple(jobs[start : start + size]) for start in range(0, len(jobs), size)]
