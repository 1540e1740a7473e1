"""What one triplet of footage is, and what people said of it: the records of a set of real clips.

Knows neither files nor how people were asked.
"""

from __future__ import annotations

from dataclasses import dataclass

from data.cutting import CutClip
from data.footage import SourceVideo
from data.schema import ClipFormat, Role


@dataclass(frozen=True)
class FilmedClip:
    """One clip and the video it was cut from."""

    clip: CutClip
    video: SourceVideo


@dataclass(frozen=True)
class CandidateStanding:
    """One clip that people ranked. ``strength`` is its Plackett–Luce log-odds, mean 0 over the candidates."""

    sha256: str
    strength: float
    low: float
    high: float


@dataclass(frozen=True)
class PeopleSaid:
    """What annotators said of one item, of those that count.

    ``lead``, in log-odds, is the winner's over whoever comes next, with its interval at ``level``;
    ``kendalls_w`` and ``tau`` (mean over pairs of annotators) are None where they are not defined.
    """

    num_ranked: int
    num_cannot_judge: int
    num_does_not_play: int
    lead: float
    lead_low: float
    lead_high: float
    level: float
    kendalls_w: float | None
    tau: float | None
    median_seconds: float


@dataclass(frozen=True)
class RealTriplet:
    """One accepted triplet: the reference, the candidate that people put first, and the hard negative.

    ``looks_alike`` and ``moves_alike`` are the standings of reference and negative among pairs of
    strangers, 0–1 (``moments.hard_negatives``).  ``candidates`` are all that were ranked, best first.
    """

    triplet_id: str
    format: ClipFormat
    clips: dict[Role, FilmedClip]
    looks_alike: float
    moves_alike: float
    candidates: tuple[CandidateStanding, ...]
    people: PeopleSaid


@dataclass(frozen=True)
class RawAnnotation:
    """One answer as it came, without names: a row of the annotations' own table.

    ``annotator`` and ``annotation_id`` are pseudonyms; ``day`` is the date (UTC, YYYY-MM-DD) alone, since
    exact times lead to people.  ``shown`` is the order on screen, ``order`` the answer, best first, ties
    together, empty unless ``verdict`` is "ranked".  ``known_order`` is that of a gold item.
    ``uncounted`` says why it does not count, None when it does.
    """

    annotation_id: str
    item_id: str
    annotator: str
    reference_sha256: str
    shown: tuple[str, ...]
    verdict: str
    order: tuple[tuple[str, ...], ...]
    known_order: tuple[str, ...] | None
    is_repeat: bool
    seconds: float
    day: str
    uncounted: str | None
