"""Footage as plain functions: videos found, clips cut and described, questions chosen. No Prefect.

What was cut of a video, and how its clips look and move, is looked up in the store by a hash of all that
determines it, so that a run that goes on reads no video twice.
"""

from __future__ import annotations

import functools
import io
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data import pexels
from data.cutting import CutClip, FootageReject, cut_video
from data.disk import file_sha256
from data.download import fetched
from data.errors import ConfigError, SampleRejected
from data.footage import Rights, SourceVideo, from_folder, from_manifest, require_full_export
from data.lease import run_once
from data.schema import Blob, Frames
from data.store import Store, artifact_key
from data.video import ENCODER, decode
from flows.backbones import Options, embedder, parse_backbone
from flows.real_recipe import FolderFootage, ManifestFootage, PexelsFootage, RealRecipe
from flows.workspace import Workspace

if TYPE_CHECKING:
    from moments.embedder import Embedder
    from moments.real_clips import RealClip
    from moments.real_items import RealItem

STAGE = "footage"
REVISION = 1  # to be raised when the same video would give other clips or other numbers
DOWNLOADS = "downloads"  # inside an output folder
_ARRAYS = ("appearance", "motion", "hashes")

_describing = threading.Lock()


@dataclass(frozen=True)
class FootageJob:
    """One video of one run. ``out`` is the run's folder."""

    out: Path
    recipe: RealRecipe
    video: SourceVideo


@dataclass(frozen=True)
class Prepared:
    """What came of one video: usable clips, the blob with what is known of them, and rejects."""

    video: SourceVideo
    clips: tuple[CutClip, ...]
    vectors: Blob | None
    rejects: tuple[FootageReject, ...]
    reused: bool


@dataclass(frozen=True)
class Choice:
    """The questions, what is known of their clips, and all that was left out on the way."""

    items: tuple[RealItem, ...]
    standings: dict[str, tuple[float, float]]  # reference → how alike its negative looks, and moves
    clips: dict[str, CutClip]
    videos: dict[str, SourceVideo]
    rejects: tuple[FootageReject, ...]


def find_videos(recipe: RealRecipe) -> tuple[SourceVideo, ...]:
    """Every video of the footage; for a full export all must be free to be passed on.

    Raises ``ConfigError`` for footage that is not there, and as ``data.footage`` and ``data.pexels`` do.
    """
    match recipe.footage:
        case FolderFootage() as folder:
            rights = Rights(folder.author, folder.licence, folder.licence_evidence, folder.licence_checked_at)
            videos = from_folder(folder.path, rights)
        case ManifestFootage(path=path):
            videos = from_manifest(path)
        case PexelsFootage() as source:
            found = [
                video
                for query in source.queries
                for video in pexels.search(
                    query,
                    source.most_per_query,
                    terms_acknowledged=source.terms_acknowledged,
                    base_url=source.base_url,
                )
            ]
            videos = tuple({video.video_id: video for video in found}.values())
    if recipe.export == "full":
        require_full_export(videos)
    return videos


def prepare_video(job: FootageJob) -> Prepared:
    """The usable clips of one video, and how they look and move. A video that gives none is no error.

    Raises ``BackendUnavailable`` for an address that does not answer, ``ConfigError`` for a disk that
    refuses and for a backbone that cannot be had.
    """
    store, recipe = Workspace(job.out, job.recipe.store).store, job.recipe
    try:
        video = fetched(job.video, job.out / DOWNLOADS)
    except SampleRejected as gone:
        return _nothing(job.video, gone.reason, gone.detail)
    path = video.path
    if path is None or not path.is_file():
        return _nothing(video, "missing", f"{path} is not there any more")
    eyes = _eyes(recipe.backbone)
    key = artifact_key(
        STAGE,
        revision=REVISION,
        video_id=video.video_id,
        source_sha256=file_sha256(path),
        format=recipe.format,
        encoder=ENCODER,
        embedder=eyes.facts.identity,
    )
    record, reused = run_once(store, STAGE, key, lambda store: _made(video, path, store, recipe, eyes))
    return Prepared(
        video,
        tuple(CutClip(**clip) for clip in record["clips"]),
        record["vectors"],
        tuple(FootageReject(**reject) for reject in record["rejects"]),
        reused,
    )


def choose(out: Path, recipe: RealRecipe, prepared: Sequence[Prepared]) -> Choice:
    """The questions that the footage allows, at most ``recipe.items``.

    The same footage gives the same questions, in whatever order its videos were prepared.  Raises
    ``GalleryError`` when it does not suffice for one.
    """
    from moments.errors import GalleryError
    from moments.hard_negatives import hard_negatives
    from moments.nearest import distinct
    from moments.real_items import choose_items

    store = Workspace(out, recipe.store).store
    prepared = sorted(prepared, key=lambda own: own.video.video_id)
    known = [clip for own in prepared for clip in _described(own, store)]
    if not known:
        raise GalleryError(
            f"none of {len(prepared)} videos gave a usable clip; the reasons are in footage_rejects.jsonl: "
            "give footage with longer shots, in which something moves"
        )
    unique = list({clip.clip_id: clip for clip in known}.values())  # one file under two names
    kept = distinct(_with_texts(unique, prepared))
    negatives = hard_negatives(kept.clips)
    items = choose_items(kept.clips, negatives, kept.groups, recipe.items, recipe.candidates)
    clips = {clip.blob.sha256: clip for own in reversed(prepared) for clip in own.clips}
    repeats = tuple(_repeat(clips[sha256], clips[of]) for sha256, of in kept.repeats.items())
    return Choice(
        items,
        {pair.reference: (pair.looks_alike, pair.moves_alike) for pair in negatives},
        clips,
        {own.video.video_id: own.video for own in prepared},
        (*(reject for own in prepared for reject in own.rejects), *repeats),
    )


def _repeat(clip: CutClip, of: CutClip) -> FootageReject:
    there = f"{of.video_id} from {of.start_seconds:.2f} s on"
    return FootageReject(clip.video_id, clip.shot, "repeats_another_clip", f"shows what is in {there}")


def _made(video: SourceVideo, path: Path, store: Store, recipe: RealRecipe, eyes: Embedder) -> dict[str, Any]:
    from moments.usable import unusable

    made = cut_video(video, path, store, recipe.format)
    rejects, clips = list(made.rejects), []
    for clip in made.clips:
        reasons = unusable(_frames(store, clip), recipe.format.fps)
        if reasons:
            place = f"the clip from {clip.start_seconds:.2f} s on: {', '.join(reasons)}"
            rejects.append(FootageReject(video.video_id, clip.shot, reasons[0], place))
        else:
            clips.append(clip)
    vectors = None
    if clips:
        with _describing:  # the backbone splits its work over all processors by itself
            vectors = store.put_bytes(_arrays(_looked_at(clips, store, eyes)), ".npz")
    return {
        "clips": [vars(clip) for clip in clips],
        "vectors": vectors,
        "rejects": [vars(reject) for reject in rejects],
    }


def _looked_at(clips: Sequence[CutClip], store: Store, eyes: Embedder) -> Iterator[RealClip]:
    from moments.real_clips import real_clips

    loads = ((clip.blob.sha256, clip.video_id, functools.partial(_frames, store, clip)) for clip in clips)
    return real_clips(loads, eyes)


def _arrays(found: Iterable[RealClip]) -> bytes:
    """Vectors and hashes as one file whose bytes depend on them alone."""
    rows = list(found)
    appearance, motion, hashes = (np.stack([getattr(row, name) for row in rows]) for name in _ARRAYS)
    file = io.BytesIO()
    np.savez(file, appearance=appearance, motion=motion, hashes=hashes)
    return file.getvalue()


def _described(own: Prepared, store: Store) -> Iterator[RealClip]:
    from moments.real_clips import RealClip

    if own.vectors is None:
        return
    with np.load(io.BytesIO(store.read(own.vectors)), allow_pickle=False) as file:
        columns = [file[name] for name in _ARRAYS]
    for clip, *rows in zip(own.clips, *columns, strict=True):
        yield RealClip(clip.blob.sha256, clip.video_id, *rows)


def _with_texts(clips: Sequence[RealClip], prepared: Sequence[Prepared]) -> list[RealClip]:
    """Clips with the words of their videos, where every video has some: else words would count for a few."""
    from moments.texts import text_vectors

    texts = {own.video.video_id: own.video.description for own in prepared}
    own_texts = [texts[clip.video_id] for clip in clips]
    if not all(text.strip() for text in own_texts):
        return list(clips)
    return [replace(clip, text=row) for clip, row in zip(clips, text_vectors(own_texts), strict=True)]


def _frames(store: Store, clip: CutClip) -> Frames:
    return decode(store.path(clip.blob)).frames


def _nothing(video: SourceVideo, reason: str, detail: str) -> Prepared:
    return Prepared(video, (), None, (FootageReject(video.video_id, None, reason, detail),), False)


@functools.cache
def _eyes(backbone: str) -> Embedder:
    """The backbone, opened once per process."""
    from moments.backbones.catalogue import default_device

    with _describing:
        eyes = embedder(parse_backbone(backbone), Options(device=default_device()))
        eyes.open()
    return eyes


def require_backbone(recipe: RealRecipe) -> None:
    """Raises for a backbone that is unknown or cannot be had, before any video is read."""
    if not recipe.backbone:
        raise ConfigError(f"recipe {recipe.name!r} names no backbone: hog needs no weights")
    _eyes(recipe.backbone)
