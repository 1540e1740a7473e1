"""Writing to disk so that a file is either whole or absent, and so that a full disk is said plainly.

Knows nothing of what the bytes mean.
"""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath

from data.errors import ConfigError

TEMPORARY_SUFFIX = ".partial"

# What the owner of the machine can mend, and how. Any other OSError is not ours to explain.
_REMEDIES = {
    errno.ENOSPC: "free some space and run the same command again; finished work is kept",
    errno.EDQUOT: "free some of your quota and run the same command again; finished work is kept",
    errno.EFBIG: "raise the file size limit (ulimit -f) or choose another disk",
    errno.EROFS: "choose an output folder on a disk that can be written",
    errno.EACCES: "give yourself write access or choose another output folder",
    errno.EPERM: "give yourself write access or choose another output folder",
    errno.ENOTDIR: "a part of this path is a file; choose another output folder",
    errno.EEXIST: "a file stands where a folder is needed; move it or choose another output folder",
    errno.EISDIR: "a folder stands where a file is needed; move it or choose another output folder",
    errno.ENOENT: "this place takes no folders of yours; choose another output folder",
    errno.ENAMETOOLONG: "choose an output folder with a shorter name",
}


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn what the disk refuses inside the block into a ``ConfigError`` that names ``path`` and a remedy."""
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0)
        if remedy is None:
            raise
        raise ConfigError(f"cannot write {path}: {os.strerror(error.errno or 0)}; {remedy}") from error


def sync_file(path: Path) -> None:
    """Put the bytes of a file on the disk itself, so that a rename cannot overtake them."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` survive a power cut. A rename alone lives in memory until then."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` by way of a temporary file beside it; missing folders are made.

    Raises ``ConfigError`` when the disk is full, read-only or not ours.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=TEMPORARY_SUFFIX)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(0o644)  # mkstemp makes files that only their owner may read
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(path.parent)


def sweep_partial(folder: Path) -> None:
    """Remove what ``write_atomically`` left in ``folder`` (not below) when its process was killed."""
    for leftover in folder.glob(f".*{TEMPORARY_SUFFIX}"):
        leftover.unlink(missing_ok=True)


def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def inside(root: Path, relative: str) -> Path:
    """``root / relative``; ``ConfigError`` when that lies outside ``root`` or is a path of Windows.

    Outside is whatever ``..``, an absolute path or a link leads out, and ``root`` itself.
    """
    path = root / relative
    try:
        within = path.resolve().relative_to(root.resolve()) != Path()
    except (ValueError, RuntimeError):  # outside, a NUL in it, or links in a circle
        within = False
    if not within or PureWindowsPath(relative).drive:
        raise ConfigError(
            f"{relative!r} leaves the folder {root}: a file name must stay inside it, and so must what a "
            "link leads to"
        )
    return path
