"""Write the report of a run: one folder with a page and its media, which opens from disk.

It knows nothing of how the numbers came about, of codecs, or of Prefect.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from markupsafe import Markup

from data import preview
from data.disk import disk_errors, sweep_partial, write_atomically
from data.manifest import MOST_COMPARED
from data.schema import Blob, Category, Reject, Role, Triplet
from flows.pages import source, style, template
from flows.report_cards import (
    CURVE_HEIGHT,
    CURVE_WIDTH,
    Card,
    Limit,
    Preview,
    choices,
    grouped,
    number_text,
    provenance,
)
from flows.report_plots import ClipLabel, SimilarityMatrix, heat_map, palette_css
from flows.summary import (
    RunSummary,
    accuracy_text,
    category_text,
    duration_text,
    percent_text,
    rate_text,
    usd_text,
)

__all__ = ["ClipLabel", "Limit", "Preview", "SimilarityMatrix", "make_preview", "write_report"]

PREVIEW_HEIGHT_PX = 256

WHAT_CHANGES = {
    Category.STATIC_OBJECT: "The positive gains, loses or swaps scenery; the subject and its motion stay.",
    Category.DYNAMIC_OBJECT: "Another body carries the very same motion in the positive.",
    Category.DYNAMIC_ATTRIBUTE: "The subject of the positive wears something else, and moves alike.",
    Category.SCENE_STYLE: "The positive is drawn in another style; everything in it moves alike.",
    Category.VIEW: "Another camera watches the same motion in the positive.",
}


def write_report(
    out: Path,
    *,
    summary: RunSummary,
    triplets: Sequence[Triplet],
    rejects: Sequence[Reject],
    similarity: SimilarityMatrix,
    limits: Mapping[str, Limit],
    clip_path: Callable[[Blob], Path],
    workers: int = 1,
) -> Path:
    """Write ``out/report/report.html`` and ``out/report/media``; return the page's path.

    ``limits`` holds the gates by the name of their measure, and ``clip_path`` tells where the file of
    a blob lies.  So many ``workers`` make previews at a time; those that an earlier call made are kept,
    whatever else the media folder holds is removed.  The page appears whole or not at all.

    Raises ``data.errors.VideoError`` for a clip that cannot be read, and ``ConfigError`` when the disk
    refuses.
    """
    media = out / "report" / "media"
    with disk_errors(media):
        media.mkdir(parents=True, exist_ok=True)
    clips = [tuple(triplet.clips[role] for role in Role) for triplet in triplets]
    apart = list(dict.fromkeys(clips))  # two of the same clips share one file
    with ThreadPoolExecutor(workers) as pool:  # each of them waits for a process of one thread
        made = pool.map(lambda own: make_preview(media, own, clip_path), apart)
        preview_of = dict(zip(apart, made, strict=True))
    previews = [preview_of[own] for own in clips]
    _prune(media, {name for shown in previews for name in (shown.video, shown.poster)})
    cards = [Card(triplet, made, limits) for triplet, made in zip(triplets, previews, strict=True)]
    page = out / "report" / "report.html"
    sweep_partial(page.parent)
    write_atomically(page, _page(summary, cards, rejects, similarity, limits).encode())
    return page


def make_preview(media: Path, clips: Sequence[Blob], clip_path: Callable[[Blob], Path]) -> Preview:
    """Make the preview of one triplet in the existing folder ``media``, unless it is there already.

    Its name follows from the content of the clips, so that a second run makes nothing again.
    """
    content = " ".join([str(PREVIEW_HEIGHT_PX), *(clip.sha256 for clip in clips)])
    key = hashlib.sha256(content.encode()).hexdigest()[:24]
    video, poster = media / f"{key}.mp4", media / f"{key}.jpg"
    if not video.exists():
        unfinished = media / f"{key}.part.mp4"
        preview.side_by_side([clip_path(clip) for clip in clips], unfinished, PREVIEW_HEIGHT_PX)
        unfinished.replace(video)
    if not poster.exists():
        unfinished = media / f"{key}.part.jpg"
        preview.poster(video, unfinished, PREVIEW_HEIGHT_PX)
        unfinished.replace(poster)
    return Preview(video.name, poster.name)


def _prune(media: Path, wanted: set[str]) -> None:
    """Remove what a killed run or another set of triplets left in the folder."""
    for path in media.iterdir():
        if path.name not in wanted:
            path.unlink()


def _page(
    summary: RunSummary,
    cards: Sequence[Card],
    rejects: Sequence[Reject],
    similarity: SimilarityMatrix,
    limits: Mapping[str, Limit],
) -> str:
    filters: dict[str, Callable[..., str]] = {
        "words": lambda key: str(key).replace("_", " "),
        "number": number_text,
        "signed": partial(number_text, signed=True),
        "percent": percent_text,
        "duration": duration_text,
        "usd": usd_text,
        "rate": rate_text,
        "accuracy": accuracy_text,
        "category": category_text,
    }
    # Style and script are our own files, the only text that goes in unescaped; the page's content
    # security policy runs no script but the one of this hash.
    script = source("report.js")
    asked = {category for row in summary.retrieval for category in row.per_category}
    return template("report.html.j2", filters).render(
        summary=summary,
        groups=grouped(cards),
        choices=choices(cards),
        provenance=provenance([card.triplet for card in cards]),
        what_changes=WHAT_CHANGES,
        roles=tuple(Role),
        rejects=rejects,
        limits=limits,
        curve={"width": CURVE_WIDTH, "height": CURVE_HEIGHT},
        heat=heat_map(similarity) if similarity.labels else None,
        palette=palette_css(),
        most_compared=MOST_COMPARED,
        retrieval_categories=[category for category in Category if category in asked],
        style=style("report.css"),
        script=Markup(script),
        script_sha256=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
    )
