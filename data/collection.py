"""The clips that an evaluation asks about, wherever they lie: a built data set, folders, or labelled videos.

Knows nothing of features.  Opening reads names and hashes; frames are decoded when they are asked for.
"""

from __future__ import annotations

import csv
import hashlib
import json
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from data import finished, manifest, store
from data.disk import file_sha256, inside
from data.errors import ConfigError, VideoError
from data.footage import VIDEO_SUFFIXES
from data.layout import REAL_CATEGORY, read_folders
from data.real_manifest import RealManifest
from data.references import FILENAME
from data.remote_store import open_store
from data.schema import Blob, Clip, FloatArray, Image, Role
from data.shards import read_rows
from data.store import Store, blob_name
from data.video import decode_each, decode_sampled

LABELS = "labels.csv"
BACKWARDS = "backwards:"  # before the sha256 of a file whose frames are taken in reverse


@dataclass(frozen=True)
class CollectedClip:
    """One clip and what is known of it; what its collection does not say is None.

    ``split`` is ``gallery`` or ``query`` where a label file says so.  A clip that is ``backwards`` shows the
    frames of its file in the order of their reversal, and its ``sha256`` is the file's with a prefix.
    """

    clip_id: str
    sha256: str
    role: Role | None = None
    triplet_id: str | None = None
    category: str | None = None
    label: str | None = None
    split: str | None = None
    distractor: bool = False
    backwards: bool = False


Content = Path | bytes


@dataclass(frozen=True)
class ClipCollection:
    """Clips in a fixed order. ``contents`` yields the clips of the wanted hashes with their file or bytes.

    ``kind`` is ``built``, ``folders``, ``labels``, ``loose`` or ``backwards``; ``root`` is what was opened.
    """

    root: Path
    kind: str
    clips: tuple[CollectedClip, ...]
    contents: Callable[[Collection[str]], Iterator[tuple[CollectedClip, Content]]]


def open_collection(root: Path) -> ClipCollection:
    """Whatever ``root`` is: a data set with ``manifest.json``, a folder with ``labels.csv``, or
    ``<category>/<name>_<number>/{ref,positive,negative}.mp4``.

    Raises ``ConfigError`` when it is none of these, or is damaged.
    """
    if not root.is_dir():
        raise ConfigError(f"there is no folder {root}")
    if (root / manifest.FILENAME).is_file() or finished.parts(root):
        return _built(root)
    if (root / LABELS).is_file():
        return _labelled(root)
    triplets = list(read_folders(root))
    if not triplets:
        raise ConfigError(
            f"{root} holds no clips: expected a built data set ({manifest.FILENAME}), {LABELS} beside "
            "videos, or <category>/<name>_<number>/ref.mp4, positive.mp4 and negative.mp4"
        )
    files = {}
    for triplet in triplets:
        triplet_id = f"{triplet.category}/{triplet.clips[Role.REFERENCE].parent.name}"
        for role, path in triplet.clips.items():
            clip = CollectedClip(
                clip_id=f"{triplet_id}/{role}",
                sha256=file_sha256(path),
                role=role,
                triplet_id=triplet_id,
                category=triplet.category,
            )
            files[clip] = path
    return _of_files(root, "folders", files)


def open_distractors(root: Path) -> ClipCollection:
    """Every video below ``root`` in the order of its path, as a candidate that is nobody's positive.

    Raises ``ConfigError`` when there is none, and for a link that leads out of ``root``.
    """
    paths = sorted(
        inside(root, str(path.relative_to(root)))
        for path in root.rglob("*")
        if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()
    )
    if not paths:
        raise ConfigError(f"{root} holds no videos ({', '.join(sorted(VIDEO_SUFFIXES))})")
    return _of_files(
        root,
        "loose",
        {
            CollectedClip(path.relative_to(root).as_posix(), file_sha256(path), distractor=True): path
            for path in paths
        },
    )


def reversed_references(collection: ClipCollection) -> ClipCollection:
    """Every reference backwards in time, as a candidate that is nobody's positive. Our own.

    It looks exactly like its query and moves otherwise, which no descriptor blind to order can tell.
    """
    clips = {
        clip.sha256: replace(
            clip,
            clip_id=f"{clip.clip_id} backwards",
            sha256=f"{BACKWARDS}{clip.sha256}",
            role=None,
            distractor=True,
            backwards=True,
        )
        for clip in collection.clips
        if clip.role == Role.REFERENCE
    }

    def contents(wanted: Collection[str]) -> Iterator[tuple[CollectedClip, Content]]:
        files = {sha256.removeprefix(BACKWARDS) for sha256 in wanted if sha256.startswith(BACKWARDS)}
        for clip, content in collection.contents(files & clips.keys()):
            yield clips[clip.sha256], content

    return ClipCollection(collection.root, "backwards", tuple(clips.values()), contents)


def true_motions(collection: ClipCollection) -> dict[str, FloatArray]:
    """The true motion of each clip, float64 (T, C) by clip id; empty where nobody knows it."""
    if collection.kind != "built":
        return {}
    facts = finished.read(collection.root)
    if isinstance(facts, RealManifest):
        return {}
    columns = [f"{role}_trajectory" for role in Role]
    shards = finished.triplet_shards(collection.root, facts)
    motions: dict[str, FloatArray] = {}
    for row in read_rows(shards, ["triplet_id", *(f"{name}.channels" for name in columns)]):
        for role, column in zip(Role, columns, strict=True):
            if row[column] is not None and row[column]["channels"] is not None:
                motions[f"{row['triplet_id']}/{role}"] = np.array(row[column]["channels"], dtype=np.float64)
    return motions


def load(clip: CollectedClip, content: Content, sample: Callable[[int], Sequence[int]]) -> Clip:
    """The frames of a clip that ``sample`` picks of as many as there are.

    Raises ``VideoError`` that names the clip.
    """
    with _file(clip, content) as path:
        decoded = decode_sampled(path, sample)
    return Clip(np.ascontiguousarray(decoded.frames[::-1]), decoded.fps) if clip.backwards else decoded


def load_each(
    clip: CollectedClip,
    content: Content,
    sample: Callable[[int], Sequence[int]],
    made: Callable[[Image], npt.NDArray[Any]],
) -> npt.NDArray[Any]:
    """What ``made`` makes of each frame of a clip that ``sample`` picks, (T, …), one frame held at a time.

    Raises ``VideoError`` that names the clip.
    """
    with _file(clip, content) as path:
        frames = decode_each(path, sample, made)
    return np.ascontiguousarray(frames[::-1]) if clip.backwards else frames


@contextmanager
def _file(clip: CollectedClip, content: Content) -> Iterator[Path]:
    """A clip's content as a file; what is wrong with it is told of the clip."""
    try:
        if isinstance(content, Path):
            yield content
            return
        with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
            file.write(content)
            file.flush()
            yield Path(file.name)
    except VideoError as error:
        detail = str(error).removeprefix(f"{error.path}: ")
        raise VideoError(clip.clip_id, error.reason, detail) from error


def _built(root: Path) -> ClipCollection:
    facts = finished.read(root)
    shards = finished.triplet_shards(root, facts)
    real = isinstance(facts, RealManifest)
    names = ["triplet_id", *([] if real else ["category"]), *(f"{role}_sha256" for role in Role)]
    clips = tuple(
        CollectedClip(
            clip_id=f"{row['triplet_id']}/{role}",
            sha256=row[f"{role}_sha256"],
            role=role,
            triplet_id=row["triplet_id"],
            category=REAL_CATEGORY if real else row["category"],
        )
        for row in read_rows(shards, names)
        for role in Role
    )
    if isinstance(facts, RealManifest) and facts.export == "references":
        return ClipCollection(root, "built", clips, partial(_kept, root, clips))
    by_id = {clip.clip_id: clip for clip in clips}

    def contents(wanted: Collection[str]) -> Iterator[tuple[CollectedClip, Content]]:
        left = set(wanted)
        for row in read_rows(shards, ["triplet_id", *Role]):
            if not left:
                return
            for role in Role:
                clip = by_id[f"{row['triplet_id']}/{role}"]
                if clip.sha256 not in left:
                    continue
                left.discard(clip.sha256)
                data = (row[role] or {}).get("bytes") or b""
                if hashlib.sha256(data).hexdigest() != clip.sha256:
                    raise ConfigError(
                        f"{root}: clip {clip.clip_id} is damaged: `simmotion verify` lists all that is"
                    )
                yield clip, data

    return ClipCollection(root, "built", clips, contents)


def _kept(
    root: Path, clips: Sequence[CollectedClip], wanted: Collection[str]
) -> Iterator[tuple[CollectedClip, Content]]:
    """Clips of a set of references, which lie in its store where that can be reached, and nowhere else."""
    kept = _store_of(root)
    by_sha256 = {clip.sha256: clip for clip in reversed(clips)}
    for sha256 in sorted(by_sha256.keys() & set(wanted)):
        clip, blob = by_sha256[sha256], Blob(sha256, 0, ".mp4")  # the rows do not tell its length
        path = kept.root / blob_name(blob)
        if not path.is_file():
            path = kept.path(blob)  # fetched, where the store is elsewhere
        if not path.is_file() or file_sha256(path) != sha256:
            raise ConfigError(
                f"{root} holds references, and the clip {clip.clip_id} is not in its store: evaluate the set "
                f"where it was built, or cut its clips anew from what {FILENAME} names"
            )
        yield clip, path


def _store_of(root: Path) -> Store:
    """The store that the build in ``root`` worked with, if it can be had; else the folder of its own."""
    own = root / store.DIRECTORY
    try:
        address = json.loads((root / "run.json").read_text(encoding="utf-8")).get("store", "")
    except (OSError, ValueError):  # a copy of a data set has none
        address = ""
    return open_store(address or own, own)


def _labelled(root: Path) -> ClipCollection:
    """``labels.csv`` with a header: file (or id), label, and perhaps split (gallery or query)."""
    files: dict[CollectedClip, Path] = {}
    names: set[str] = set()
    for line, row in _csv_rows(root / LABELS):
        where = f"{root / LABELS}, line {line}"
        name, label = row.get("file") or row.get("id") or "", row.get("label") or ""
        split = row.get("split") or None
        if not name or not label:
            raise ConfigError(f"{where}: expected the columns file and label, got {row}")
        if split not in (None, "gallery", "query"):
            raise ConfigError(f"{where}: split is {split!r}; expected gallery or query")
        path = inside(root, name)
        if not path.is_file():
            raise ConfigError(f"{where}: there is no file {path}")
        if name in names:
            raise ConfigError(f"{where}: {name} comes twice")
        names.add(name)
        clip = CollectedClip(clip_id=name, sha256=file_sha256(path), label=label, split=split)
        files[clip] = path
    if not files:
        raise ConfigError(f"{root / LABELS} names no video")
    return _of_files(root, "labels", files)


def _csv_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The number of a line and its cells by column. Separated by commas, semicolons or tabs."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            header = file.readline()
            separator = next((sign for sign in ";\t" if sign in header), ",")
            names = [name.strip() for name in next(csv.reader([header], delimiter=separator), [])]
            rows = csv.DictReader(file, names, delimiter=separator, restval="")
            for row in rows:
                cells = {name: cell.strip() for name, cell in row.items() if name is not None}
                yield rows.line_num + 1, cells  # the reader did not count the header
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"cannot read {path} as a table in UTF-8: {error}") from error


def _of_files(root: Path, kind: str, files: dict[CollectedClip, Path]) -> ClipCollection:
    def contents(wanted: Collection[str]) -> Iterator[tuple[CollectedClip, Content]]:
        left = set(wanted)
        for clip, path in files.items():
            if clip.sha256 in left:
                left.discard(clip.sha256)
                yield clip, path

    return ClipCollection(root, kind, tuple(files), contents)
