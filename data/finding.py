"""One line of a check-up: what was looked at, whether it is well, and what to do where it is not.

Knows nothing of what is checked, or of how a line is shown.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """``detail`` says what was found, never a key; ``what_to_do`` is empty where nothing is to be done."""

    name: str
    ok: bool
    detail: str
    what_to_do: str = ""
