"""Objects under one URL: read, put, put only when new, replaced only when unchanged; retried, explained.

Knows nothing of blobs, records or leases.  An object is whole or absent: a put shows nothing before its
last byte has arrived, and what a killed upload leaves is never listed nor read.
"""

from __future__ import annotations

import functools
import hashlib
import os
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from data.errors import BackendUnavailable, ConfigError

T = TypeVar("T")

PART_BYTES = 8 * 2**20
"""Files of at least two parts go up in parts of this size, smaller ones in one request."""

ATTEMPTS = 8
FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 0.2, 10.0

# Answers that another attempt may change, beside every status of 500 and above.
_TRANSIENT_CODES = frozenset(
    {
        "BadDigest",  # the bytes were changed on their way
        "ConditionalRequestConflict",  # two conditional puts at the same instant
        "IncompleteBody",
        "OperationAborted",
        "RequestTimeout",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        "XAmzContentSHA256Mismatch",
    }
)
_TRANSIENT_STATUSES = frozenset({408, 409, 425, 429})
# By name, so that no SDK is imported for it: connections of botocore and of aiohttp that broke.
_TRANSIENT_CLASSES = frozenset({"HTTPClientError", "ConnectionError", "ResponseParserError", "ClientError"})
_CREDENTIAL_CLASSES = frozenset(
    {
        "NoCredentialsError",
        "PartialCredentialsError",
        "CredentialRetrievalError",
        "TokenRetrievalError",
        "ProfileNotFound",
    }
)
_KEYS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE) to those of this bucket"
_REMEDIES = {
    "NoSuchBucket": "create the bucket, or correct its name in the recipe's store",
    "InvalidBucketName": "correct the bucket's name in the recipe's store",
    "InvalidAccessKeyId": f"the service does not know the access key: {_KEYS}",
    "SignatureDoesNotMatch": f"the secret does not belong to the access key: {_KEYS}",
    "ExpiredToken": "the session's token has expired: log in again, then run the same command again",
    "RequestTimeTooSkewed": "the clock of this machine is wrong: set it, then run the same command again",
    "PermanentRedirect": "the bucket lies in another region: set AWS_REGION to its own",
    "AuthorizationHeaderMalformed": "the bucket lies in another region: set AWS_REGION to its own",
}
_ACCESS = f"let these keys list the bucket and get, put and delete objects in it, or {_KEYS}"


@dataclass(frozen=True)
class Stat:
    """Length of an object in bytes, and a tag that is another one after every change."""

    num_bytes: int
    tag: str


@dataclass(frozen=True)
class Bucket:
    """The objects below ``url``, by names relative to it. Constructing touches nothing; it pickles.

    Every method raises ``ConfigError`` for what only the user can mend (a missing bucket, wrong keys) and
    ``BackendUnavailable`` when the service has not answered after ``ATTEMPTS`` attempts, between which
    ``wait`` is called with seconds.
    """

    url: str
    wait: Callable[[float], None] = time.sleep

    def stat(self, name: str) -> Stat | None:
        """What is there under ``name``. A missing bucket looks like a missing object here."""
        try:
            return self._ask(f"look at {name}", lambda fs, root: _stat(fs, f"{root}/{name}"))
        except FileNotFoundError:
            return None

    def get(self, name: str) -> bytes | None:
        """The bytes under ``name``."""
        try:
            data: bytes = self._ask(f"read {name}", lambda fs, root: _get(fs, f"{root}/{name}"))
        except FileNotFoundError:
            return None
        return data

    def download(self, name: str, path: Path) -> bool:
        """Write the object to ``path``, in part when this raises; False when it is not there."""
        try:
            self._ask(f"read {name}", lambda fs, root: fs.get_file(f"{root}/{name}", str(path)))
        except FileNotFoundError:
            return False
        return True

    def upload(self, name: str, path: Path) -> None:
        """Put a file whole under ``name``, in parts when it is long, and look that it arrived in full."""
        wanted = path.stat().st_size

        def put(fs: Any, root: str) -> None:
            parts = {"chunksize": PART_BYTES} if _is_s3(fs) else {}
            fs.put_file(str(path), f"{root}/{name}", **parts)
            there = _stat(fs, f"{root}/{name}")
            if there.num_bytes != wanted:
                raise ConnectionError(f"{there.num_bytes} of {wanted} bytes arrived")

        self._ask(f"write {name}", put)

    def create(self, name: str, data: bytes) -> bool:
        """Put ``data`` under a new name; False when something is there already.

        After an answer was lost, False may mean that the first attempt did it: look at what is there.
        """
        try:
            self._ask(f"write {name}", lambda fs, root: _create(fs, f"{root}/{name}", data))
        except FileExistsError:
            return False
        return True

    def replace(self, name: str, data: bytes, tag: str) -> bool:
        """Put ``data`` where the object still has the ``tag``; False when it changed or went meanwhile.

        One atomic step on S3.  Elsewhere a comparison and a new put: of two at the same instant both may
        think that they were first.
        """

        def put(fs: Any, root: str) -> None:
            path = f"{root}/{name}"
            if _is_s3(fs):
                fs.pipe_file(path, data, IfMatch=tag)
                return
            if _stat(fs, path).tag != tag:
                raise FileExistsError(path)
            fs.rm_file(path)
            _create(fs, path, data)

        try:
            self._ask(f"write {name}", put)
        except (FileExistsError, FileNotFoundError):
            return False
        return True

    def delete(self, name: str, still: Callable[[], bool] = lambda: True) -> None:
        """Remove the object if it is there.

        After an answer was lost it may have been removed, and another put in its place: ``still`` is asked
        before every further attempt, and says whether to go on.
        """
        attempts = 0

        def remove(fs: Any, root: str) -> None:
            nonlocal attempts
            attempts += 1
            if attempts == 1 or still():
                fs.rm_file(f"{root}/{name}")

        try:
            self._ask(f"delete {name}", remove)
        except FileNotFoundError:
            return

    def names(self, folder: str) -> Iterator[str]:
        """The names of all objects below ``folder``, sorted; asked for page by page."""
        found: list[str] = self._ask(f"list {folder}", lambda fs, root: _find(fs, root, folder))
        yield from found

    def _ask(self, what: str, request: Callable[[Any, str], T]) -> T:
        fs, root = opened(self.url, os.getpid())
        attempt = 0
        while True:
            attempt += 1
            try:
                return request(fs, root)
            except Exception as error:
                final = _final(error, f"cannot {what} in {self.url}")
                if final is error:
                    raise
                if attempt == ATTEMPTS:
                    final = final or BackendUnavailable(
                        f"cannot {what} in {self.url}: {_summary(error)}, {ATTEMPTS} times; "
                        "run the same command again later: finished work is kept"
                    )
                if final is not None:
                    # The chain is cut: the text of a service may repeat the request, with the key's id.
                    raise final from None
            longest = min(FIRST_DELAY_SECONDS * 2 ** (attempt - 1), LONGEST_DELAY_SECONDS)
            self.wait(random.uniform(longest / 2, longest))


def checked_url(url: str) -> str:
    """``url`` without a trailing slash. Raises ``ConfigError`` for keys inside it and for unknown schemes."""
    from fsspec import available_protocols

    scheme, _, rest = url.partition("://")
    if "@" in rest.split("/")[0]:
        raise ConfigError(f"the store's address holds keys: write {scheme}://BUCKET/PREFIX, and {_KEYS}")
    if "?" in rest or "#" in rest or "::" in url:
        raise ConfigError(f"the store's address {url} holds more than SCHEME://BUCKET/PREFIX")
    if scheme not in available_protocols() or not rest.strip("/"):
        raise ConfigError(f"{url} is no address of a store: expected a folder or SCHEME://BUCKET/PREFIX")
    return url.rstrip("/")


@functools.cache
def opened(url: str, pid: int) -> tuple[Any, str]:
    """The file system of ``url`` in process ``pid``, and the path of ``url`` in it.

    One per process: its event loop and its connections do not survive a fork.
    """
    import fsspec

    options: dict[str, Any] = {"skip_instance_cache": True}
    if url.startswith(("s3://", "s3a://")):
        # One layer of retries, ours; and no memory of listings, which others change.
        once = {"retries": {"total_max_attempts": 1}}
        options |= {"config_kwargs": once, "use_listings_cache": False}
    try:
        fs, root = fsspec.core.url_to_fs(url, **options)
    except ImportError as error:
        raise ConfigError(f"{url} needs a package that is not installed: {error}") from error
    if _is_s3(fs):
        fs.retries = 1
    return fs, str(root).rstrip("/")


def _is_s3(fs: Any) -> bool:
    return "s3" in fs.protocol


def _stat(fs: Any, path: str) -> Stat:
    if _is_s3(fs):  # ``info`` would ask once more, whether a missing object is a folder
        bucket, key, _ = fs.split_path(path)
        head = fs.call_s3("head_object", Bucket=bucket, Key=key)
        return Stat(head["ContentLength"], head["ETag"])
    info = fs.info(path)
    if info["type"] != "file":
        raise FileNotFoundError(path)
    return Stat(info["size"], hashlib.sha256(repr(sorted(info.items())).encode()).hexdigest())


def _get(fs: Any, path: str) -> Any:
    # Without the limit s3fs asks for the length first, and lists a folder of that name when there is none.
    return fs.cat_file(path, max_concurrency=1) if _is_s3(fs) else fs.cat_file(path)


def _create(fs: Any, path: str, data: bytes) -> None:
    fs.pipe_file(path, data, mode="create")


def _find(fs: Any, root: str, folder: str) -> list[str]:
    return [path.removeprefix(f"{root}/") for path in sorted(fs.find(f"{root}/{folder}"))]


def _final(error: Exception, what: str) -> Exception | None:
    """What to raise for an error that another attempt does not mend; None for one that it may mend.

    ``FileNotFoundError`` and ``FileExistsError`` say that an object is not there, or is, or has changed.
    """
    code, status = _answer(error)
    classes = {cls.__name__ for cls in type(error).__mro__}
    if code in _REMEDIES:
        return ConfigError(f"{what}: {code}; {_REMEDIES[code]}")
    if isinstance(error, FileExistsError) or code == "PreconditionFailed" or status == 412:
        return FileExistsError(what)
    if isinstance(error, FileNotFoundError) or status == 404:
        return FileNotFoundError(what)
    if code in _TRANSIENT_CODES or status in _TRANSIENT_STATUSES or status >= 500:
        return None
    if status in (401, 403) or (isinstance(error, PermissionError) and error.errno is None):
        return ConfigError(f"{what}: access denied ({code}); {_ACCESS}")
    if status >= 300:
        return ConfigError(f"{what}: the service answers {status} {code}; check the store's address")
    if classes & _CREDENTIAL_CLASSES:
        return ConfigError(f"{what}: no keys were found; {_KEYS}")
    if "ParamValidationError" in classes:
        return ConfigError(f"{what}: {_REMEDIES['InvalidBucketName']}")
    if isinstance(error, ConnectionError | TimeoutError) or classes & _TRANSIENT_CLASSES:
        return None
    return error


def _answer(error: BaseException | None) -> tuple[str, int]:
    """Code and status that the service answered with; empty and 0 when there was no answer."""
    while error is not None:
        response = getattr(error, "response", None)
        if isinstance(response, dict):
            status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            return str(response.get("Error", {}).get("Code", "")), int(status)
        error = error.__cause__
    return "", 0


def _summary(error: Exception) -> str:
    code, status = _answer(error)
    if status:
        return f"it answers {status} {code}"
    return re.sub(r"\s+", " ", f"{type(error).__name__}: {error}")
