"""Tiny triplets of footage, what people said of them, and whole sets of them. Irregular on purpose."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from data.cutting import CutClip
from data.footage import Rights, SourceVideo
from data.real import CandidateStanding, FilmedClip, PeopleSaid, RawAnnotation, RealTriplet
from data.real_columns import Export
from data.real_manifest import RealManifest
from data.real_set import write_real
from data.schema import Role
from data.store import Store
from data.video import encode
from tests.data.samples import FORMAT, clip

FREE = Rights("Ada, with <b>tags</b>", "CC-BY-4.0", "https://example.org/licence", "2026-11-20")
UNKNOWN = Rights()
ITEMS = {
    "real-0000": "accepted",
    "real-0001": "accepted",
    "real-0002": "no_agreement",
    "real-0003": "undecided",
    "gold-0000": "gold",
}


def video(number: int, rights: Rights = FREE) -> SourceVideo:
    """Every third has no address but its name."""
    name = f"films/{number}.mp4"
    url = "" if number % 3 == 2 else f"https://example.org/{name}"
    return SourceVideo(url or name, None, url, rights)


def filmed(store: Store, seed: int, source: SourceVideo, first_frame: int) -> FilmedClip:
    blob = store.put_file(partial(encode, clip(seed), origin="footage"), ".mp4")
    start = first_frame / 24
    source_sha256 = f"{sum(source.video_id.encode()):064x}"
    cut = CutClip(source.video_id, source_sha256, first_frame // 30, first_frame, start, start + 0.5, blob)
    return FilmedClip(cut, source)


def triplet(store: Store, number: int, rights: Rights = FREE) -> RealTriplet:
    own, other = video(2 * number, rights), video(2 * number + 1, rights)
    clips = {
        Role.REFERENCE: filmed(store, 5 * number + 100, own, 3),
        Role.POSITIVE: filmed(store, 5 * number + 101, other, 40),
        Role.NEGATIVE: filmed(store, 5 * number + 102, own, 70),
    }
    candidates = (
        CandidateStanding(clips[Role.POSITIVE].clip.blob.sha256, 1.25 + number, 0.5, 2.0 + number),
        CandidateStanding(f"{number:064x}", -1.25 - number, -2.0, -0.5),
    )
    people = PeopleSaid(
        5, 1, number, 2.5, 0.75, 4.0, 0.95, 0.8 if number else None, 0.6 if number else None, 12.5
    )
    return RealTriplet(f"real-{number:04d}", FORMAT, clips, 0.9, 0.1, candidates, people)


def answers(triplets: list[RealTriplet]) -> list[RawAnnotation]:
    """Two for each triplet, one of a rejected item, one of a gold one; the last of them does not count."""
    made = []
    for number, each in enumerate(triplets):
        shown = tuple(candidate.sha256 for candidate in each.candidates)
        own = each.clips[Role.REFERENCE].clip.blob.sha256
        ranked = RawAnnotation(
            f"a{number}0",
            each.triplet_id,
            "p1",
            own,
            shown,
            "ranked",
            (shown,),
            None,
            False,
            9.5,
            "2026-11-21",
            None,
        )
        made += [
            replace(ranked, order=tuple((sha256,) for sha256 in shown)),
            replace(ranked, annotation_id=f"a{number}1", annotator="p2", shown=shown[::-1]),
        ]
    other = replace(
        made[0], reference_sha256="e" * 64, shown=("c" * 64, "d" * 64), order=(), verdict="cannot_judge"
    )
    return [
        *made,
        replace(other, annotation_id="b", item_id="real-0002"),
        replace(
            other,
            annotation_id="c",
            item_id="gold-0000",
            verdict="ranked",
            order=(("d" * 64,), ("c" * 64,)),
            known_order=("c" * 64, "d" * 64),
            is_repeat=True,
            uncounted="excluded: gold",
        ),
    ]


def real_set(out: Path, export: Export = "full", rights: Rights = FREE) -> RealManifest:
    """A finished set: two accepted, one rejected, one undecided, and one gold item."""
    store = Store(out / "store")
    triplets = [triplet(store, number, rights) for number in range(2)]
    return write_real(
        triplets,
        answers(triplets),
        store,
        out,
        items=ITEMS,
        recipe_name="tiny",
        recipe_fingerprint="1e" * 32,
        recipe={"seed": 1, "items": 4},
        export=export,
    )
