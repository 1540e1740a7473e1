"""The four kinds of error, told apart by who can act on them.

    SimMotionError
    ├── ConfigError         you fix it           exit code 2, nothing was started or half-written
    │   └── VideoError      this file of yours cannot be used as a video
    ├── BackendUnavailable  try again later      retried by the flow, then counted as failed
    ├── SampleRejected      this sample is bad   recorded with its reason, retried with a new seed
    └── ContractError       our bug              stops the run

Retries and counts follow the class, never the text of a message.
A message says which item, what came, what was expected, and what to do.
"""


class SimMotionError(Exception):
    """Base of every error that this project raises on purpose."""


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


class SampleRejected(SimMotionError):
    """One sample does not hold what it promised; the others are not touched.

    ``reason`` is the stable code that ``rejects.jsonl`` and the manifest count by.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.reason, self.detail)


class ContractError(SimMotionError):
    """A promise between two of our own parts is broken: a bug to report, not an input to mend."""
