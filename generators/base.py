"""The contract of whatever makes pictures: frozen requests in, results out, facts as data.

Constructing a generator is cheap and happens anywhere; ``open`` does the heavy part (weights,
compilation) once per process, in the worker.  Nothing here knows a backend.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from data.schema import Clip, ClipFormat, Image, Plan, Role, Trajectory


@dataclass(frozen=True)
class BackendFacts:
    """What a caller must know of a backend without opening it.

    ``name`` and ``revision`` identify the model in cache keys and in every row it makes: a backend
    whose output changes must change its revision.  ``ai_generated`` is true of pictures that a trained
    model made, false of renderings.
    """

    name: str
    revision: str
    needs_gpu: bool
    ai_generated: bool
    usd_per_image: float
    usd_per_clip: float


@dataclass(frozen=True)
class ImageRequest:
    """A first frame: the reference from the base prompt, the positive as an edit of ``source``."""

    plan: Plan
    role: Role
    format: ClipFormat
    seed: int
    source: Image | None = None


@dataclass(frozen=True)
class VideoRequest:
    """Clips that must share one motion: one first frame and one resulting clip per role."""

    plan: Plan
    roles: tuple[Role, ...]
    first_frames: tuple[Image, ...]
    format: ClipFormat
    seed: int


@dataclass(frozen=True)
class VideoResult:
    """Clips in the order of the request's roles, with the true motion where the backend knows it."""

    clips: tuple[Clip, ...]
    trajectories: tuple[Trajectory, ...] | None


class ImageGenerator(Protocol):
    """Makes first frames. Raises ``SampleRejected`` or ``BackendUnavailable``, see ``data.errors``."""

    @property
    def facts(self) -> BackendFacts: ...

    def open(self) -> None: ...

    def images(self, requests: Sequence[ImageRequest]) -> Iterator[Image]: ...


class VideoGenerator(Protocol):
    """Makes clips. Raises ``SampleRejected`` or ``BackendUnavailable``, see ``data.errors``."""

    @property
    def facts(self) -> BackendFacts: ...

    def open(self) -> None: ...

    def videos(self, requests: Sequence[VideoRequest]) -> Iterator[VideoResult]: ...
