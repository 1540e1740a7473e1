"""Looks a factor's value up in the table of what can be drawn, or says what could have been meant."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

from data.errors import ConfigError

Drawn = TypeVar("Drawn")


def choose(factor: str, value: str, known: Mapping[str, Drawn]) -> Drawn:
    """``known[value]``. Raises ``ConfigError`` that names the known values and the nearest one."""
    if value in known:
        return known[value]
    near = get_close_matches(value, known, n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ConfigError(
        f"the procedural generator cannot draw the {factor} {value!r}; "
        f"it knows {', '.join(sorted(known))}.{hint}"
    )
