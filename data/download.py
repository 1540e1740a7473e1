"""Bytes from the web: one request, and errors that say who can act on them.

Knows nothing of videos or services, and never asks twice: whoever calls decides about that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path, PurePosixPath
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from data.disk import TEMPORARY_SUFFIX, disk_errors, sync_file
from data.errors import AnswerLost, BackendUnavailable, ConfigError, SampleRejected, Throttled
from data.footage import VIDEO_SUFFIXES, SourceVideo, is_web_address

TIMEOUT_SECONDS = 60.0
_CHUNK_BYTES = 1 << 20
_GONE = frozenset({400, 401, 403, 404, 405, 410, 451})
_USER_AGENT = "simmotion"  # some hosts refuse the library's own name


@contextmanager
def response_of(url: str, secrets: Mapping[str, str] | None = None) -> Iterator[HTTPResponse]:
    """The answer to a GET, inside the block. ``secrets`` are headers that no redirection carries on.

    Raises ``ConfigError`` for anything but an http(s) address, ``Throttled`` for 429, ``SampleRejected``
    with the reason ``source_gone`` for an address that the host does not (or not to us) give,
    ``AnswerLost`` for an answer that breaks off, and ``BackendUnavailable`` for all other failures.
    """
    if not is_web_address(url):
        raise ConfigError(f"{url!r} is not an address that begins with https:// or http://")
    request = Request(url, headers={"User-Agent": _USER_AGENT})
    for name, value in (secrets or {}).items():
        request.add_unredirected_header(name, value)
    try:
        with urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            yield response
    except HTTPError as error:
        with error:  # without a cause: a traceback would print the server's words, which may repeat a key
            raise _refusal(url, error) from None
    except (HTTPException, TimeoutError, ConnectionResetError) as error:
        raise AnswerLost(f"{url}: the answer broke off ({error or type(error).__name__})") from error
    except OSError as error:
        raise BackendUnavailable(f"{url} does not answer: {error}") from error


def fetched(video: SourceVideo, folder: Path) -> SourceVideo:
    """``video`` with the path of its file, fetched into ``folder`` unless it lies on this disk already.

    The file is named by the hash of its address and appears whole. Raises as ``response_of`` does, and
    ``ConfigError`` when the disk refuses.
    """
    if video.path is not None:
        return video
    suffix = PurePosixPath(urlsplit(video.url).path).suffix.lower()
    name = hashlib.sha256(video.url.encode()).hexdigest()
    path = folder / f"{name}{suffix if suffix in VIDEO_SUFFIXES else '.mp4'}"
    if not path.is_file():
        partial = path.with_name(f".{path.name}{TEMPORARY_SUFFIX}")
        try:
            _download(video.url, partial)
            with disk_errors(path):
                partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    return replace(video, path=path)


def _download(url: str, path: Path) -> None:
    with response_of(url) as response:
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
        num_bytes = 0
        while chunk := response.read(_CHUNK_BYTES):
            num_bytes += len(chunk)
            with disk_errors(path), path.open("ab") as file:
                file.write(chunk)
        expected = response.headers.get("Content-Length")
    # The library takes a body that ends early for a whole one when it is read in pieces.
    if expected is not None and num_bytes != int(expected):
        raise AnswerLost(f"{url}: the answer broke off after {num_bytes} of {expected} bytes")
    with disk_errors(path):
        sync_file(path)


def _refusal(url: str, error: HTTPError) -> Exception:
    said = f"{url} answers {error.code} {error.reason}"
    if error.code == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(said, _seconds(error.headers.get("Retry-After")))
    if error.code in _GONE:
        return SampleRejected("source_gone", said, "none")
    return BackendUnavailable(said)


def _seconds(retry_after: str | None) -> float | None:
    """A number of seconds; the other form, a date, is left to the caller's own patience."""
    return float(retry_after) if retry_after and retry_after.isdigit() else None
