"""A wanted pacing by its name, or from a file."""

from __future__ import annotations

from pathlib import Path

from data import pacing_file
from data.errors import ConfigError
from moments.pacing import PACINGS, Pacing, curve


def target_pacing(target: str) -> Pacing:
    """A pacing by its name, or from a file. Raises ``ConfigError`` when it is neither, or not monotone."""
    if target in PACINGS:
        return PACINGS[target]
    if not Path(target).is_file():
        raise ConfigError(f"target {target!r} is neither a file nor one of {', '.join(PACINGS)}")
    times, progress = pacing_file.read(Path(target))
    return curve(progress, times)


def target_text(target: str) -> str:
    """What decides the pacing: its name, or the text of its file."""
    return target if target in PACINGS or not Path(target).is_file() else Path(target).read_text("utf-8")
