"""What people are asked and what they answer, in plain records.

Knows no server, no statistics and no file format. Everything between the parts of ``annotation`` is one
of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ranked", "does_not_play", "cannot_judge"]


@dataclass(frozen=True)
class RankingItem:
    """A reference and its candidates, to be ranked by how alike they move.

    Clips are named by the sha256 of their bytes. ``known_order`` is the true order of a gold item, best
    first, and None for all others; annotators cannot tell the two apart.
    """

    item_id: str
    reference: str
    candidates: tuple[str, ...]
    known_order: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Slot:
    """One place at an item, to be filled by one annotator: it has its own order of the candidates on screen.

    ``repeat_of`` names the slot whose item the same annotator sees again, to see whether they agree with
    themselves.
    """

    slot_id: str
    item_id: str
    shown: tuple[str, ...]
    repeat_of: str | None = None


@dataclass(frozen=True)
class Ranking:
    """What one annotator answered in one slot.

    ``order`` has the candidates, best first; those of one inner tuple are tied, and what is missing was
    not ranked. It is empty unless ``verdict`` is "ranked". ``annotator`` is a stable id without a name;
    ``seconds`` is how long they took and ``submitted_at`` when, in UTC.
    """

    slot_id: str
    item_id: str
    annotator: str
    verdict: Verdict
    order: tuple[tuple[str, ...], ...]
    seconds: float
    submitted_at: str
    annotation_id: str
