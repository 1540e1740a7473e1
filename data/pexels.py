"""Pexels as one source of footage, behind an acknowledgement of what its terms rule out.

Knows nothing of clips. It asks once for each page of answers and retries nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from data.download import response_of
from data.errors import BackendUnavailable, ConfigError, SampleRejected
from data.footage import Rights, SourceVideo

KEY_VARIABLE = "PEXELS_API_KEY"
BASE_URL = "https://api.pexels.com"
LICENCE = "Pexels"
LICENCE_URL = "https://www.pexels.com/license/"
TERMS = (
    "Pexels says of its API that results must not be used to build data sets for machine learning, be it to "
    "train, fine-tune or evaluate models, and that clips must not be passed on by themselves "
    "(help.pexels.com, article 900005880463). Ask Pexels for permission, or take footage of your own by a "
    "folder or a manifest. With a permission of your own, acknowledge this in writing where you ask for "
    "Pexels; what comes of it is exported as references only"
)
_MAX_PER_PAGE = 80
_ENOUGH_PX = 720
"""The shorter side from which a larger file of the same video shows nothing more in a clip of 512 px."""


def search(
    query: str, most: int, *, terms_acknowledged: bool, base_url: str = BASE_URL
) -> Iterator[SourceVideo]:
    """Up to ``most`` videos for these words, in Pexels' order; ``description`` is the query itself.

    Each names the smallest file whose shorter side has 720 px, else the largest there is.  The key is read
    from ``PEXELS_API_KEY`` and goes to ``base_url`` alone.

    Raises ``ConfigError`` without the acknowledgement, for no or a wrong key and for ``most`` below 1,
    ``Throttled`` when the hourly or monthly allowance is used up, and ``BackendUnavailable`` when Pexels
    does not answer, or not in its own protocol.
    """
    if not terms_acknowledged:
        raise ConfigError(TERMS)
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key:
        raise ConfigError(f"{KEY_VARIABLE} is not set: Pexels gives keys at https://www.pexels.com/api/")
    if most < 1 or not query.strip():
        raise ConfigError(f"{most} videos for {query!r} were asked for; expected at least one, and words")
    checked_at = datetime.now(UTC).date().isoformat()
    found, page = 0, 1
    while found < most:
        size = min(most, _MAX_PER_PAGE)  # the same for every page: pages are counted in it
        answer = _answer(base_url, {"query": query, "per_page": str(size), "page": str(page)}, key)
        for item in answer["videos"][: most - found]:
            found += 1
            yield _video(item, query, checked_at)
        if not answer.get("next_page") or not answer["videos"]:
            return
        page += 1


def _answer(base_url: str, query: dict[str, str], key: str) -> dict[str, Any]:
    url = f"{base_url}/v1/videos/search?{urlencode(query)}"
    try:
        with response_of(url, secrets={"Authorization": key}) as response:
            answer = json.loads(response.read())
    except SampleRejected as refused:
        raise ConfigError(
            f"Pexels refuses the request: {refused.detail}; is {KEY_VARIABLE} right?"
        ) from refused
    except ValueError as error:
        raise _strange(url, f"no JSON ({error})") from error
    if not isinstance(answer, dict) or not isinstance(answer.get("videos"), list):
        raise _strange(url, "no list of videos")
    return answer


def _video(item: dict[str, Any], query: str, checked_at: str) -> SourceVideo:
    try:
        page, author = str(item["url"]), str(item["user"]["name"])
        files = [
            (min(file["width"], file["height"]), str(file["link"]))
            for file in item["video_files"]
            if file["file_type"] == "video/mp4" and file["width"] and file["height"]  # streams have no size
        ]
        enough = [file for file in files if file[0] >= _ENOUGH_PX]
        _, link = min(enough) if enough else max(files)
    except (KeyError, TypeError, ValueError) as error:
        number = item.get("id", "without id") if isinstance(item, dict) else "without id"
        raise _strange(f"video {number}", f"not the fields of a video ({error!r})") from error
    rights = Rights(author, LICENCE, f"{LICENCE_URL} (clip: {page})", checked_at)
    return SourceVideo(link, None, link, rights, query)


def _strange(what: str, came: str) -> BackendUnavailable:
    return BackendUnavailable(
        f"Pexels answers {what} with {came}; expected its documented answer: try again, or look whether the "
        "API has changed"
    )
