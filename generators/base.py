"""The contract of whatever makes pictures: frozen requests in, results out, facts as data.

Constructing a generator is cheap and happens anywhere; ``open`` does the heavy part (weights,
compilation) once per process, in the worker.  Nothing here knows a backend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from data.paid import Demand
from data.schema import Clip, ClipFormat, FloatArray, Image, Plan, Role, Trajectory

OnStep = Callable[[], None]
"""Called after every step of a request that takes long, from the thread that makes it."""

Positions = Callable[[float], FloatArray]
"""From a noise level in [0, 1] to temporal positions in latent frames, float64 (bands, latent frames)."""


def ignored() -> None:
    """Reports a step to nobody."""


@dataclass(frozen=True)
class BackendFacts:
    """What a caller must know of a backend without opening it.

    ``name`` and ``revision`` identify the model in cache keys and in every row it makes: a backend
    whose output changes must change its revision.  ``ai_generated`` is true of pictures that a trained
    model made, false of renderings.  ``demand`` is what one triplet asks of vendors, for an estimate.
    ``steps_per_request`` is how often ``videos`` reports a step of one request.
    """

    name: str
    revision: str
    needs_gpu: bool
    ai_generated: bool
    demand: tuple[Demand, ...] = ()
    steps_per_request: int = 0


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
    """Clips that must share one motion: one first frame and one resulting clip per role.

    ``positions`` bend time while the clips are made, for backends that can (``WarpableVideoGenerator``).
    """

    plan: Plan
    roles: tuple[Role, ...]
    first_frames: tuple[Image, ...]
    format: ClipFormat
    seed: int
    positions: Positions | None = None


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

    def videos(
        self, requests: Sequence[VideoRequest], on_step: OnStep = ignored
    ) -> Iterator[VideoResult]: ...


@runtime_checkable
class WarpableVideoGenerator(VideoGenerator, Protocol):
    """A backend that lets temporal positions be set while it makes a clip (ReTime)."""

    @property
    def temporal_bands(self) -> int:
        """Rows of the positions. Known once it is open."""

    def num_generated_frames(self, clip_format: ClipFormat) -> int:
        """Frames that are made for a clip of this format, of which the first ones are kept."""
