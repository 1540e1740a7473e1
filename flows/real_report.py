"""The page of a set of real clips: every triplet with its clips, what people said, what was left out.

Knows nothing of servers; whose answers these are stands on another page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from annotation.decision import Decision
from data.cutting import FootageReject
from data.disk import disk_errors, write_atomically
from data.real import RealTriplet
from data.references import timecode
from data.schema import Blob, Role
from flows.pages import style, template
from flows.real_set import RealSummary
from flows.report import make_preview
from flows.report_cards import Preview, number_text

PEOPLE = "annotators.html"


@dataclass(frozen=True)
class RealCard:
    """One triplet of the page; ``strengths`` are label, words, and three positions within 0–100."""

    triplet: RealTriplet
    preview: Preview
    sources: list[tuple[str, str]]
    strengths: list[tuple[str, str, float, float, float]]


def write_real_report(
    out: Path,
    summary: RealSummary,
    triplets: Sequence[RealTriplet],
    decisions: Sequence[Decision],
    rejects: Sequence[FootageReject],
    clip_path: Callable[[Blob], Path],
) -> Path:
    """Write ``out/report/report.html`` and its clips. Raises ``VideoError`` and ``ConfigError``."""
    media = out / "report" / "media"
    with disk_errors(media):
        media.mkdir(parents=True, exist_ok=True)
    cards = [_card(triplet, media, clip_path) for triplet in triplets]
    page = out / "report" / "report.html"
    levels = {f"{triplet.people.level:.0%}" for triplet in triplets}
    filters: dict[str, Callable[..., str]] = {
        "words": lambda key: str(key).replace("_", " "),
        "number": number_text,
        "signed": lambda value: number_text(value, signed=True),
    }
    text = template("real_report.html.j2", filters).render(
        summary=summary,
        cards=cards,
        decisions=decisions,
        rejects=sorted(rejects, key=lambda one: (one.video_id, one.shot or 0)),
        level=" ".join(levels),
        people_page=PEOPLE,
        style=style("report.css"),
    )
    write_atomically(page, text.encode())
    return page


def _card(triplet: RealTriplet, media: Path, clip_path: Callable[[Blob], Path]) -> RealCard:
    blobs = [triplet.clips[role].clip.blob for role in Role]
    sources = [
        (str(role), f"{filmed.video.video_id}, from {timecode(filmed.clip.start_seconds)}")
        for role, filmed in triplet.clips.items()
    ]
    low = min(own.low for own in triplet.candidates)
    span = max(own.high for own in triplet.candidates) - low or 1.0
    strengths = [
        (
            "positive" if rank == 0 else f"place {rank + 1}",
            f"{number_text(own.strength, signed=True)} [{number_text(own.low)}, {number_text(own.high)}]",
            round(100 * (own.low - low) / span, 2),
            round(100 * (own.high - own.low) / span, 2),
            round(min(99.0, 100 * (own.strength - low) / span), 2),
        )
        for rank, own in enumerate(triplet.candidates)
    ]
    return RealCard(triplet, make_preview(media, blobs, clip_path), sources, strengths)
