"""Clips told by where they can be cut anew: address, timecodes, hashes and rights, and no bytes of them.

Knows nothing of triplets beyond their ids. Whoever holds the videos gets the same clips, and can prove it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from functools import partial
from itertools import groupby
from pathlib import Path, PurePath
from typing import Any, Literal

from data.cutting import CutClip, cut
from data.disk import file_sha256, write_atomically
from data.errors import ConfigError, ContractError, SampleRejected, VideoError
from data.footage import Rights, SourceVideo
from data.schema import Blob, ClipFormat
from data.store import Store
from data.video import ENCODER, encode

FILENAME = "references.csv"
_HEX_DIGITS = 64


@dataclass(frozen=True)
class Reference:
    """One clip, a row of ``references.csv``; ``role`` is its place in the triplet ``triplet_id``.

    ``address`` is the URL of the video, or its name where it has none.  ``first_frame`` of the source
    (counted from 0) and the clip's format say exactly what was cut; the timecodes, HH:MM:SS.mmm, say it to
    people.  ``sha256`` is the clip's as ``encoder`` wrote it, ``source_sha256`` the whole video file's.
    """

    triplet_id: str
    role: str
    address: str
    source_sha256: str
    start_timecode: str
    end_timecode: str
    first_frame: int
    size_px: int
    fps: int
    num_frames: int
    sha256: str
    num_bytes: int
    encoder: str
    author: str
    licence: str
    licence_evidence: str
    licence_checked_at: str

    @property
    def format(self) -> ClipFormat:
        return ClipFormat(self.size_px, self.num_frames / self.fps, self.fps)

    @property
    def rights(self) -> Rights:
        return Rights(self.author, self.licence, self.licence_evidence, self.licence_checked_at)


_COLUMNS = tuple(field.name for field in fields(Reference))
_NUMBERS = tuple(field.name for field in fields(Reference) if field.type == "int")

Outcome = Literal["same", "other_source", "other_clip", "missing"]


@dataclass(frozen=True)
class Recut:
    """What came of cutting one reference again; ``blob`` is the clip unless there is no source.

    ``other_source``: the file at hand is not the one that was cut.  ``other_clip``: it is, and yet the clip
    has other bytes.  ``missing``: there is no file, or it does not hold the clip.
    """

    reference: Reference
    outcome: Outcome
    detail: str
    blob: Blob | None = None


def reference_of(
    triplet_id: str, role: str, clip: CutClip, video: SourceVideo, format_: ClipFormat
) -> Reference:
    """The row of one clip. Raises ``ContractError`` when the clip is of another video."""
    if clip.video_id != video.video_id:
        raise ContractError(f"{triplet_id}/{role} is cut from {clip.video_id}, not from {video.video_id}")
    return Reference(
        triplet_id=triplet_id,
        role=role,
        address=video.url or _without_folders_of_ours(video.video_id),
        source_sha256=clip.source_sha256,
        start_timecode=timecode(clip.start_seconds),
        end_timecode=timecode(clip.end_seconds),
        first_frame=clip.first_frame,
        size_px=format_.size_px,
        fps=format_.fps,
        num_frames=format_.num_frames,
        sha256=clip.blob.sha256,
        num_bytes=clip.blob.num_bytes,
        encoder=ENCODER,
        **asdict(video.rights),
    )


def write(references: Iterable[Reference], path: Path) -> None:
    """All rows by triplet and role, whole or not at all; the same references give the same bytes."""
    text = io.StringIO()
    rows = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    rows.writeheader()
    ordered = sorted(references, key=lambda reference: (reference.triplet_id, reference.role))
    rows.writerows(asdict(reference) for reference in ordered)
    write_atomically(path, text.getvalue().encode())


def read(path: Path) -> tuple[Reference, ...]:
    """Every row; ``ConfigError`` names the row and the column that cannot be read."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file, strict=True)
            if tuple(rows.fieldnames or ()) != _COLUMNS:
                raise ConfigError(f"{path} has the columns {rows.fieldnames}; expected {', '.join(_COLUMNS)}")
            return tuple(_reference(path, number, row) for number, row in enumerate(rows, start=1))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error


def recut(
    references: Iterable[Reference], source: Callable[[Reference], Path | None], store: Store
) -> Iterator[Recut]:
    """Cut every reference again into ``store`` and compare hashes; ``source`` finds the video's file.

    By address and place; each video is read once for each format.  Raises ``ConfigError`` when the disk
    refuses.
    """

    def one_pass(reference: Reference) -> tuple[Any, ...]:
        format_ = (reference.size_px, reference.fps, reference.num_frames)
        return (reference.address, reference.source_sha256, *format_)

    ordered = sorted(references, key=lambda reference: (one_pass(reference), reference.first_frame))
    for _, group in groupby(ordered, key=one_pass):
        yield from _recut_one(tuple(group), source, store)


def timecode(seconds: float) -> str:
    """HH:MM:SS.mmm, rounded to the nearest millisecond."""
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"


def _recut_one(
    references: tuple[Reference, ...], source: Callable[[Reference], Path | None], store: Store
) -> Iterator[Recut]:
    path = source(references[0])
    if path is None or not path.is_file():
        yield from (Recut(each, "missing", f"there is no file of {each.address}") for each in references)
        return
    same_source = file_sha256(path) == references[0].source_sha256
    starts = sorted({reference.first_frame for reference in references})
    clips = cut(path, starts, references[0].format)
    made: dict[int, Blob] = {}
    failure = ""
    try:
        for start, clip in zip(starts, clips, strict=True):
            made[start] = store.put_file(partial(encode, clip, origin="footage"), ".mp4")
    except (VideoError, SampleRejected) as error:
        failure = str(error)
    for reference in references:
        blob = made.get(reference.first_frame)
        if blob is None:
            yield Recut(reference, "missing", failure)
        elif blob.sha256 == reference.sha256:
            yield Recut(reference, "same", "", blob)
        elif not same_source:
            yield Recut(reference, "other_source", f"{path} is not the file that the clip was cut from", blob)
        else:
            yield Recut(reference, "other_clip", _why(reference), blob)


def _why(reference: Reference) -> str:
    if reference.encoder != ENCODER:
        return f"it was encoded by {reference.encoder}; here that is {ENCODER}"
    return "same source and same encoder, yet other bytes: the row was changed, or a decoder differs"


def _reference(path: Path, number: int, row: dict[str, str]) -> Reference:
    if None in row or None in row.values():
        raise ConfigError(f"{path}, row {number}: expected {len(_COLUMNS)} cells")
    values: dict[str, Any] = dict(row)
    for name in _NUMBERS:
        if not row[name].isdecimal():
            raise ConfigError(f"{path}, row {number}, {name} {row[name]!r} is not a whole number from 0 up")
        values[name] = int(row[name])
    for name in ("sha256", "source_sha256"):
        if len(row[name]) != _HEX_DIGITS or not set(row[name]) <= set("0123456789abcdef"):
            raise ConfigError(f"{path}, row {number}, {name} {row[name]!r} is not a sha256 of 64 hex digits")
    try:
        ClipFormat(values["size_px"], values["num_frames"] / values["fps"], values["fps"])
        return Reference(**values)
    except (ConfigError, ZeroDivisionError) as error:
        raise ConfigError(f"{path}, row {number}, the format of the clip: {error}") from error


def _without_folders_of_ours(video_id: str) -> str:
    """A path as it was given, but where it is absolute: then it tells of this disk, and the name suffices."""
    given = PurePath(video_id)
    return given.name if given.is_absolute() else video_id
