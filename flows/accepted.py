"""An accepted triplet of a run: a few hundred bytes in memory, the rest read from the store when asked for.

Knows nothing of Prefect.
"""

from __future__ import annotations

from dataclasses import dataclass

from data.errors import ConfigError
from data.schema import Triplet
from flows.stages import Job, Outcome, finished_triplet


@dataclass(frozen=True, slots=True)
class Accepted:
    """The attempt that passed, and the keys of what its last two stages left.

    What reads raises ``ConfigError`` when a record was lost meanwhile, and as the store does.
    """

    job: Job
    clips_key: str
    verdict_key: str

    @property
    def triplet_id(self) -> str:
        return self.job.plan.triplet_id

    def clips(self) -> Outcome:
        return self._read("clips", self.clips_key)

    def verdict(self) -> Outcome:
        return self._read("verdict", self.verdict_key)

    def triplet(self) -> Triplet:
        """As the shards take it."""
        return finished_triplet(self.clips(), self.verdict())

    def _read(self, stage: str, key: str) -> Outcome:
        record = self.job.workspace.store.find(stage, key)
        if record is None:
            raise ConfigError(
                f"the {stage} record of {self.triplet_id}, or bytes it names, went from the store while the "
                "run was under way: run the same command again to make it anew"
            )
        return Outcome(self.job, stage, key, record, reused=True)
