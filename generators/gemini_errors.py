"""Each way in which a request to Gemini fails, as one of our four kinds of error.

Knows the SDK's exceptions and Google's error details, but nothing of what was asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
from google.genai.errors import APIError

from data.errors import AnswerLost, BackendUnavailable, ConfigError, SimMotionError, Throttled

_NEVER_WENT_OUT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
_BAD_ADDRESS = (httpx2.UnsupportedProtocol, httpx2.InvalidURL)


@contextmanager
def gemini_errors(model: str, key_variable: str, key: str) -> Iterator[None]:
    """Raises what the SDK raises as errors of ours; whatever a server echoes, the key is not shown."""
    try:
        yield
    # Without a cause: a traceback would print the vendor's text as it came.
    except APIError as error:
        raise _of_status(error, model, key_variable, _said(error, key)) from None
    except _BAD_ADDRESS as error:
        raise ConfigError(f"base_url of the Gemini images is no address that can be asked: {error}") from None
    except _NEVER_WENT_OUT as error:
        raise BackendUnavailable(f"Gemini cannot be reached: {type(error).__name__}: {error}") from None
    except (httpx2.RequestError, UnicodeDecodeError) as error:
        raise AnswerLost(
            f"the answer of Gemini was lost on the way: {type(error).__name__}: {error}"
        ) from None


def _of_status(error: APIError, model: str, key_variable: str, said: str) -> SimMotionError:
    details = _details(error)
    reasons = {detail.get("reason") for detail in details}
    match error.code:
        case 401 | 403:
            return ConfigError(
                f"Gemini refuses the key in {key_variable} ({error.code}): {said}. "
                "Set a valid key of a project that may use this model"
            )
        case 400 if "API_KEY_INVALID" in reasons or "API_KEY_EXPIRED" in reasons:
            return ConfigError(f"Gemini refuses the key in {key_variable}: {said}. Set a valid key")
        case 404:
            return ConfigError(
                f"Gemini knows no model {model!r} that can be asked for pictures: {said}. "
                "Correct images.model in the recipe"
            )
        case 429 if quota := _spent_for_today(details):
            return ConfigError(
                f"the daily quota of this Gemini project is used up ({quota}): {said}. "
                "Continue with the same command after midnight Pacific time, or enable billing"
            )
        case 429:
            return Throttled(f"Gemini asks for fewer requests: {said}", _delay_seconds(error, details))
        case 503 if (delay := _delay_seconds(error, details)) is not None:
            return Throttled(f"Gemini is overloaded: {said}", delay)
        case 504:
            return AnswerLost(f"Gemini did not finish in time (504): {said}")
        case 408 | 409 | 499:
            return BackendUnavailable(f"Gemini did not take the request ({error.code}): {said}")
        case code if code >= 500:
            return BackendUnavailable(f"Gemini failed ({code}): {said}")
    return ConfigError(
        f"Gemini refuses what is asked of {model!r} ({error.code} {error.status}): {said}. "
        "Does the model make pictures, and may this account and country use it?"
    )


def _said(error: APIError, key: str) -> str:
    text = error.message if isinstance(error.message, str) else ""
    return " ".join(text.split()).replace(key, "…")[:400].rstrip(". ") or "no reason given"


def _details(error: APIError) -> list[Mapping[str, Any]]:
    """The typed details of Google's errors (``google.rpc``), none where another server answers otherwise."""
    body = error.details if isinstance(error.details, Mapping) else {}
    inner = body.get("error")
    details = inner.get("details") if isinstance(inner, Mapping) else None
    return [detail for detail in details or () if isinstance(detail, Mapping)]


def _spent_for_today(details: list[Mapping[str, Any]]) -> str | None:
    """The name of a quota by the day among those that are used up."""
    quotas = [
        violation.get("quotaId", "") for detail in details for violation in detail.get("violations", ())
    ]
    return next((quota for quota in quotas if "PerDay" in quota), None)


def _delay_seconds(error: APIError, details: list[Mapping[str, Any]]) -> float | None:
    """How long to wait, as the details (``"20.5s"``) or the header (seconds, or a date) state it."""
    stated = next((detail["retryDelay"] for detail in details if "retryDelay" in detail), None)
    if stated is None:
        stated = getattr(error.response, "headers", {}).get("Retry-After")
    if not isinstance(stated, str):
        return None
    try:
        return max(0.0, float(stated.removesuffix("s")))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(stated) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
