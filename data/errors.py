"""The four kinds of error, told apart by who can act on them.

    SimMotionError
    ├── ConfigError         you fix it           exit code 2, nothing was started or half-written
    │   └── VideoError      this file of yours cannot be used as a video
    ├── BackendUnavailable  try again later      retried by the flow, then counted as failed
    │   ├── Throttled       too many requests    asked again when the service says, more slowly
    │   ├── AnswerLost      perhaps carried out  as above; may have been billed
    │   └── GaveUp          asked long enough    not retried any more
    ├── BudgetReached       the money is spent   ends the run; what is open stays pending
    ├── SampleRejected      this sample is bad   recorded with its reason, retried as its remedy says
    └── ContractError       our bug              stops the run

Retries and counts follow the class, never the text of a message.
A message says which item, what came, what was expected, and what to do, and never a key: see
``data.secrets``.
"""

from typing import Literal

from data.secrets import without_secrets


class SimMotionError(Exception):
    """Base of every error that this project raises on purpose. Its message shows no secret."""

    def __init__(self, message: str = "") -> None:
        super().__init__(without_secrets(message))


class ConfigError(SimMotionError):
    """Something the user wrote or pointed to cannot be used; only the user can mend it."""


class VideoError(ConfigError):
    """A file that cannot be read as the video it claims to be.

    ``path`` names the file and ``reason`` is a stable word for counts and tests.
    """

    def __init__(self, path: object, reason: str, detail: str) -> None:
        super().__init__(f"{path}: {detail}")
        self.path = str(path)
        self.reason = reason

    def __reduce__(self) -> tuple[type, tuple[str, str, str]]:
        detail = str(self).removeprefix(f"{self.path}: ")
        return type(self), (self.path, self.reason, detail)


class BackendUnavailable(SimMotionError):
    """A service, a device or a disk does not answer now and may answer later."""


class Throttled(BackendUnavailable):
    """A service asks for fewer requests. ``retry_after_seconds`` is how long it wants to be left alone."""

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds

    def __reduce__(self) -> tuple[type, tuple[str, float | None]]:
        return type(self), (str(self), self.retry_after_seconds)


class AnswerLost(BackendUnavailable):
    """The request went out and no whole answer came back: it may have been carried out, and billed."""


class GaveUp(BackendUnavailable):
    """A service was asked again for as long as that was any use. The message ends with its last error."""


class BudgetReached(SimMotionError):
    """The next paid call could cost more than is left of ``budget_usd``."""


Remedy = Literal["again", "rewrite", "none"]
"""What may help a rejected sample: another seed, other prompts, or nothing."""


class SampleRejected(SimMotionError):
    """One sample does not hold what it promised; the others are not touched.

    ``reason`` is the stable code that ``rejects.jsonl`` and the manifest count by.
    """

    def __init__(self, reason: str, detail: str, remedy: Remedy = "again") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = without_secrets(detail)
        self.remedy: Remedy = remedy

    def __reduce__(self) -> tuple[type, tuple[str, str, Remedy]]:
        return type(self), (self.reason, self.detail, self.remedy)


class ContractError(SimMotionError):
    """A promise between two of our own parts is broken: a bug to report, not an input to mend."""
