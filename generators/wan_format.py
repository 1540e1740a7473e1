"""Which sizes and frame rates WAN makes, told before anything is loaded or paid.

It looks at the checkpoint's index where that is at hand, else at the model's name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from data.errors import ConfigError
from data.schema import ClipFormat
from generators.checkpoint_check import at_hand
from generators.wan_config import WanConfig

PIPELINES = ("WanImageToVideoPipeline",)
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class WanFormat:
    """What a model makes: ``fps``, and sides that are multiples of ``side_px``, that of a token."""

    fps: int
    side_px: int

    def changes(self, asked: ClipFormat) -> tuple[str, ...]:
        """What a recipe would have to say instead; nothing when the model makes what is asked."""
        wrong = []
        if asked.fps != self.fps:
            wrong.append(f"format.fps: {self.fps}")
        if asked.size_px % self.side_px:
            lower = max(asked.size_px // self.side_px, 1) * self.side_px
            wrong.append(f"format.size_px: {lower} or {lower + self.side_px}")
        return tuple(wrong)

    def sentence(self, model: str, asked: ClipFormat) -> str:
        return (
            f"{model} makes {self.fps} frames a second and sides in multiples of {self.side_px} px; asked "
            f"for are {asked.fps} and {asked.size_px}"
        )


LARGE, SMALL = WanFormat(fps=16, side_px=16), WanFormat(fps=24, side_px=32)


def format_of(config: WanConfig) -> WanFormat:
    """The format of the model with two experts, or of the small one."""
    found = at_hand(config.model, config.revision, PIPELINES)
    small = bool(found.index.get("expand_timesteps")) if found else "5B" in config.model
    return SMALL if small else LARGE


def require_format(config: WanConfig, asked: ClipFormat) -> None:
    """Raises ``ConfigError`` with the nearest good values for a format that the model would round.

    Also for a model that is neither a folder nor named like one of the hub's.
    """
    if not Path(config.model).expanduser().is_dir() and not HUB_ID.fullmatch(config.model):
        raise ConfigError(
            f"video.model {config.model!r} is no folder here, and no hub id such as {WanConfig().model}: "
            "correct the path"
        )
    made = format_of(config)
    if changes := made.changes(asked):
        raise ConfigError(f"{made.sentence(config.model, asked)}: set {', '.join(changes)}")
