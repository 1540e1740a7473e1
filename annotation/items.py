"""What people are asked and what they answer, in plain records.

Knows no server, no statistics and no file format. Everything between the parts of ``annotation`` is one
of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["ranking", "check", "preference"]
"""What a study asks: the order of candidates, of each of two whether it moves alike, or the better of two."""

Said = Literal["yes", "no", "unsure"]
Verdict = Literal["ranked", "does_not_play", "cannot_judge"]


@dataclass(frozen=True)
class RankingItem:
    """A reference and its candidates, to be ranked by how alike they move.

    Clips are named by the sha256 of their bytes. ``known_order`` is the true order of a gold item, best
    first, and None for all others; candidates that it leaves out come behind it, nobody knows in which order.
    Annotators cannot tell gold from the rest.

    A check has the positive and the negative as candidates, in this order; a preference has the clips made
    one way and the other, and ``reference`` is the source of both, or empty where none is to be shown.
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


@dataclass(frozen=True)
class Judgement(Ranking):
    """What one annotator answered in one slot of a check: of each clip, whether it moves like the reference.

    It is also an order, "yes" before "unsure" before "no", so that whatever counts rankings counts it too.
    ``said`` is empty unless ``verdict`` is "ranked".
    """

    said: tuple[tuple[str, Said], ...]

    def of(self, clip: str) -> Said | None:
        """What was said of a clip; None where nothing was."""
        return dict(self.said).get(clip)
