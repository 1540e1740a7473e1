"""Backbones of others: found by entry point, built like our own.

It knows nothing of what they compute.  A package brings one by an entry point of the group
``simmotion.embedders``, whose name is the embedder's and whose object is a ``Builder``::

    [project.entry-points."simmotion.embedders"]
    slowfast = "my_package.slowfast:build"
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Protocol

from moments.backbones.preprocessing import Mode
from moments.embedder import Embedder, EmbedderFacts, Precision
from moments.errors import BackboneError

GROUP = "simmotion.embedders"


class Builder(Protocol):
    """What an entry point is: called by keyword, with the arguments of ``build_embedder``."""

    def __call__(
        self,
        *,
        checkpoint: str | None,
        revision: str | None,
        num_frames: int | None,
        mode: Mode,
        precision: Precision,
        device: str,
    ) -> Embedder: ...


def external_names() -> list[str]:
    """Names of the embedders that installed packages bring, sorted."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def build_external(
    name: str,
    *,
    checkpoint: str | None,
    revision: str | None,
    num_frames: int | None,
    mode: Mode,
    precision: Precision,
    device: str,
) -> Embedder:
    """The embedder that an installed package makes of this name.

    Raises ``BackboneError`` that names the package: when none or several bring the name, when its code cannot
    be imported or raises anything, and when what it makes is no embedder.
    """
    points = [point for point in entry_points(group=GROUP) if point.name == name]
    if len(points) != 1:
        raise BackboneError(
            f"{name}: {len(points)} installed packages bring an embedder of this name "
            f"({', '.join(map(origin, points)) or 'none'}), expected one; uninstall the others"
        )
    [point] = points
    try:
        builder: Builder = point.load()
        embedder = builder(
            checkpoint=checkpoint,
            revision=revision,
            num_frames=num_frames,
            mode=mode,
            precision=precision,
            device=device,
        )
    except Exception as error:
        raise BackboneError(f"{name}: {origin(point)} fails: {type(error).__name__}: {error}") from error
    absent = [
        member for member in ("open", "prepare", "parts") if not callable(getattr(embedder, member, None))
    ]
    if not isinstance(getattr(embedder, "facts", None), EmbedderFacts):
        absent.insert(0, "facts")
    if absent:
        raise BackboneError(
            f"{name}: {origin(point)} made {type(embedder).__name__}, expected an Embedder, which has "
            f"{' and '.join(absent)}; see moments/embedder.py"
        )
    return embedder


def origin(point: EntryPoint) -> str:
    """Which distribution an entry point comes from, and what it points to."""
    package = f"{point.dist.name} {point.dist.version}" if point.dist else "an unnamed package"
    return f"{point.value} of {package}"
