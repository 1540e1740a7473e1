"""Videos that clips may be cut from, and by what right: a folder, or a manifest in CSV or Parquet.

Knows nothing of shots or clips, and opens no video; where else videos may come from does not matter to it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from difflib import get_close_matches
from pathlib import Path, PurePath
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from data.errors import ConfigError

VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi"})
ADDRESSES = ("path", "url")
TEXTS = ("description",)
_NAMED_FAULTS = 10
_NO_DERIVATIVES = "-ND"
# Their terms allow use, not the passing on of clips as such.
_NOT_TO_BE_PASSED_ON = frozenset({"pexels", "pixabay", "unsplash", "coverr", "mixkit"})


@dataclass(frozen=True)
class Rights:
    """Who made a video, under which licence, where that is stated, and on which day it was looked up.

    ``licence`` is an SPDX identifier or the licence's own name, ``licence_evidence`` an address or a
    document, ``licence_checked_at`` a date as YYYY-MM-DD.  What is not known is empty.
    """

    author: str = ""
    licence: str = ""
    licence_evidence: str = ""
    licence_checked_at: str = ""

    @property
    def obstacle(self) -> str | None:
        """Why clips must not be passed on under these rights, or None when they may."""
        if absent := [name for name in RIGHTS if not getattr(self, name)]:
            return f"{', '.join(absent)} not given"
        if self.licence.lower().split()[0] in _NOT_TO_BE_PASSED_ON:
            return f"the licence {self.licence} does not allow clips to be passed on by themselves"
        if _NO_DERIVATIVES in f"{self.licence.upper()}-".replace(" ", "-"):
            return f"the licence {self.licence} does not allow cut versions to be passed on"
        return None


RIGHTS = tuple(field.name for field in fields(Rights))
COLUMNS = (*ADDRESSES, *RIGHTS, *TEXTS)


@dataclass(frozen=True)
class SourceVideo:
    """One video to cut clips from. ``video_id`` is its address: the ``url``, or the path as it was given.

    ``path`` is where the file lies on this disk; None as long as the ``url`` was not fetched.
    ``description`` says what moves, in words, where the source says it.
    """

    video_id: str
    path: Path | None
    url: str
    rights: Rights
    description: str = ""


def from_folder(root: Path, rights: Rights | None = None) -> tuple[SourceVideo, ...]:
    """Every video below ``root`` in the order of its path, all under the same ``rights``.

    Raises ``ConfigError`` when there is no such folder or no video in it, and for a wrong date.
    """
    rights = rights or Rights()
    if fault := _date_fault(rights.licence_checked_at):
        raise ConfigError(f"the rights of {root}: licence_checked_at {fault}")
    if not root.is_dir():
        raise ConfigError(f"there is no folder {root}")
    paths = sorted(
        path for path in root.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()
    )
    if not paths:
        raise ConfigError(f"{root} holds no videos ({', '.join(sorted(VIDEO_SUFFIXES))})")
    return tuple(SourceVideo(path.relative_to(root).as_posix(), path, "", rights) for path in paths)


def from_manifest(path: Path) -> tuple[SourceVideo, ...]:
    """The rows of a CSV or Parquet file in their order; its columns are among ``COLUMNS``.

    Each row has a ``path`` (absolute, or relative to the manifest), a ``url``, or both: then the file is a
    copy of what is at the address.  All other columns may be empty or absent.  Rows are counted from 1
    behind the header.

    Raises ``ConfigError`` when the file cannot be read, for an unknown column, and for faults in rows, of
    which it names row and column.
    """
    rows = _csv_rows(path) if path.suffix.lower() == ".csv" else _parquet_rows(path)
    faults: list[str] = []
    videos: list[SourceVideo] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        values = {name: (row.get(name) or "").strip() for name in COLUMNS}
        faults += [f"row {number}, {fault}" for fault in _faults(values, path.parent)]
        for address in (f"{name} {values[name]!r}" for name in ADDRESSES if values[name]):
            if seen.setdefault(address, number) != number:
                faults.append(f"row {number}, {address} stands in row {seen[address]} already")
        videos.append(_video(values, path.parent))
    if faults:
        more = f"\n  and {len(faults) - _NAMED_FAULTS} more" if len(faults) > _NAMED_FAULTS else ""
        raise ConfigError(f"{path} cannot be used:\n  " + "\n  ".join(faults[:_NAMED_FAULTS]) + more)
    if not videos:
        raise ConfigError(f"{path} has no rows; expected one for each video")
    return tuple(videos)


def require_full_export(videos: Iterable[SourceVideo]) -> None:
    """Raises ``ConfigError`` that names the videos whose clips must not be passed on, and why."""
    obstacles = [f"{video.video_id}: {why}" for video in videos if (why := video.rights.obstacle)]
    if obstacles:
        more = f"\n  and {len(obstacles) - _NAMED_FAULTS} more" if len(obstacles) > _NAMED_FAULTS else ""
        raise ConfigError(
            "a full export passes the clips themselves on, which needs author, licence, where it is stated "
            "and when that was checked. Give these, leave the videos out, or export references only:\n  "
            + "\n  ".join(obstacles[:_NAMED_FAULTS])
            + more
        )


def _csv_rows(path: Path) -> list[Mapping[str, str | None]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets put a mark before the text
            reader = csv.DictReader(file, strict=True)
            _require_columns(path, reader.fieldnames or ())
            rows: list[Mapping[str, str | None]] = []
            for row in reader:
                if None in row:
                    raise ConfigError(
                        f"{path}, row {len(rows) + 1} has more cells than the header has columns: "
                        "put texts that hold commas in quotes"
                    )
                rows.append(row)
            return rows
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"cannot read {path} as CSV in UTF-8: {error}") from error


def _parquet_rows(path: Path) -> list[Mapping[str, str | None]]:
    try:
        table = pq.read_table(path)
        _require_columns(path, table.column_names)
        # Dates come as YYYY-MM-DD, dictionaries as their texts.
        texts = pa.table({name: table[name].cast(pa.string()) for name in table.column_names})
        rows: list[Mapping[str, str | None]] = texts.to_pylist()
        return rows
    except (OSError, pa.ArrowException) as error:
        raise ConfigError(f"cannot read {path} as Parquet (or name it .csv): {error}") from error


def _require_columns(path: Path, names: Iterable[str]) -> None:
    names = list(names)
    for name in names:
        if name not in COLUMNS:
            near = get_close_matches(str(name), COLUMNS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(COLUMNS)}"
            raise ConfigError(f"{path} has a column {name!r}: {hint}")
        if names.count(name) > 1:
            raise ConfigError(f"{path} has the column {name!r} twice")
    if not set(names) & set(ADDRESSES):
        raise ConfigError(
            f"{path} has neither a column 'path' nor a column 'url': nothing says where a video is"
        )


def _faults(values: Mapping[str, str], folder: Path) -> Iterable[str]:
    path, url = values["path"], values["url"]
    if not path and not url:
        yield "path and url are empty: give one of them"
    if path and not (folder / path).is_file():
        yield f"path {path!r}: there is no such file (paths are relative to {folder})"
    if url and not is_web_address(url):
        yield f"url {url!r} is not an address that begins with https:// or http://"
    if fault := _date_fault(values["licence_checked_at"]):
        yield f"licence_checked_at {fault}"


def is_web_address(url: str) -> bool:
    """Whether this is an ``http`` or ``https`` address with a host: nothing else is ever fetched."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _date_fault(text: str) -> str | None:
    try:
        known = not text or date.fromisoformat(text).isoformat() == text
    except ValueError:
        known = False
    return None if known else f"{text!r} is not a date: write YYYY-MM-DD"


def _video(values: Mapping[str, str], folder: Path) -> SourceVideo:
    path, url = values["path"], values["url"]
    return SourceVideo(
        video_id=url or PurePath(path).as_posix(),
        path=folder / path if path else None,
        url=url,
        rights=Rights(**{name: values[name] for name in RIGHTS}),
        description=values["description"],
    )
