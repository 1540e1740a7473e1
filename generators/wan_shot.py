"""One clip asked of WAN, its shape, and which clips may be made in one call.

It knows nothing of weights and memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from data.errors import ConfigError
from data.schema import Image
from generators.base import Positions

FRAME_STEP = 4
"""Frames that share a latent; the first has one to itself."""


@dataclass(frozen=True)
class ClipShape:
    """``num_frames`` that are made, of the whole canvas."""

    num_frames: int
    height_px: int
    width_px: int

    @property
    def pixels(self) -> int:
        """Of one frame."""
        return self.height_px * self.width_px

    def latents(self, latent_px: int) -> tuple[int, int, int]:
        """Frames, rows and columns of latents that stand for squares of ``latent_px``."""
        frames = -(-(self.num_frames - 1) // FRAME_STEP) + 1
        return frames, self.height_px // latent_px, self.width_px // latent_px

    def tokens(self, token_px: int) -> int:
        """What a transformer reads of a clip, one token a square of ``token_px`` in a latent frame."""
        frames, rows, columns = self.latents(token_px)
        return frames * rows * columns

    def require(self, source: str, multiple_px: int) -> None:
        """Raises ``ConfigError`` with the nearest good values for a shape that ``source`` would round."""
        for side in (self.height_px, self.width_px):
            if side % multiple_px or side == 0:
                lower = max(side // multiple_px, 1) * multiple_px
                raise ConfigError(
                    f"{source} makes sides that are multiples of {multiple_px} px; got {self.width_px} x "
                    f"{self.height_px}. Nearest to {side} are {lower} and {lower + multiple_px}"
                )
        if self.num_frames % FRAME_STEP != 1 or self.num_frames <= FRAME_STEP:
            lower = max((self.num_frames - 1) // FRAME_STEP, 1) * FRAME_STEP + 1
            raise ConfigError(
                f"{source} makes {FRAME_STEP}k + 1 frames, at least {FRAME_STEP + 1}; got "
                f"{self.num_frames}. Nearest are {lower} and {lower + FRAME_STEP}"
            )

    def __str__(self) -> str:
        return f"{self.width_px} x {self.height_px} px, {self.num_frames} frames"


@dataclass(frozen=True, eq=False)
class Shot:
    """One clip to be made, of ``num_frames`` (4·k + 1) frames that begin with ``first``.

    ``last`` is its last frame where that is given, too; ``positions`` bend time (``generators.warped_rope``).
    """

    first: Image
    prompt: str
    num_frames: int
    seed: int
    last: Image | None = None
    positions: Positions | None = None

    @property
    def shape(self) -> ClipShape:
        height, width, _ = self.first.shape
        return ClipShape(self.num_frames, height, width)

    def goes_with(self, other: Shot) -> bool:
        """Whether one call can make both: of one shape, each with a last frame or none, in plain time."""
        return (
            self.shape == other.shape
            and (self.last is None) == (other.last is None)
            and self.positions is None
            and other.positions is None
        )


def alike(shots: Sequence[Shot]) -> Iterator[tuple[Shot, ...]]:
    """The shots in their order, neighbours that can be made in one call together."""
    group: list[Shot] = []
    for shot in shots:
        if group and not shot.goes_with(group[-1]):
            yield tuple(group)
            group = []
        group.append(shot)
    if group:
        yield tuple(group)
