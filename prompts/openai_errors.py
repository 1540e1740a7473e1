"""From the errors of the OpenAI SDK, and of single lines of a batch, to ours.

Knows what a status means, but makes no call and never retries.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from openai import APIConnectionError, APIError, APIStatusError

from data.errors import (
    AnswerLost,
    BackendUnavailable,
    ConfigError,
    SampleRejected,
    SimMotionError,
    Throttled,
)
from data.secrets import without_secrets

KEY_VARIABLE = "OPENAI_API_KEY"

_CONTENT_POLICY = {"content_policy_violation", "content_filter", "invalid_prompt"}
_NO_MONEY = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
# The SDK runs over httpx or httpx2, whose errors share these names: nothing was sent yet.
_NEVER_SENT = {"ConnectError", "ConnectTimeout", "PoolTimeout"}


def translated(error: APIError, model: str, server: str) -> SimMotionError:
    """``error`` of a call to ``model`` at ``server`` as one of our classes."""
    match error:
        case APIStatusError():
            body = error.body if isinstance(error.body, Mapping) else {"message": error.message}
            return status_error(error.status_code, body, error.response.headers, model, server)
        case APIConnectionError() if type(error.__cause__).__name__ in _NEVER_SENT:
            return BackendUnavailable(f"{server} cannot be reached: check the network, then run again")
    return AnswerLost(f"{server} took a request for {model} and sent no whole answer: {error.message}")


def status_error(
    status: int, error: Mapping[str, Any], headers: Mapping[str, str], model: str, server: str
) -> SimMotionError:
    """What an HTTP ``status`` with the vendor's ``error`` object means."""
    code = str(error.get("code") or error.get("type") or "no code")
    said = f"{server} says {status} ({code})"
    # A message about the key may repeat parts of it, and is left out.
    message = without_secrets(str(error.get("message") or "no message"))[:500]
    match status:
        case 401 | 403:
            return ConfigError(f"{said}: set {KEY_VARIABLE} to a key that may use {model} there")
        case 404:
            return ConfigError(
                f"{said}: it has no model {model!r} for this key, or the recipe's writer.base_url "
                "does not end where its API begins (mostly in /v1)"
            )
        case 429 if code in _NO_MONEY:
            return ConfigError(f"{said}: the account behind {KEY_VARIABLE} has no money left; add some there")
        case 429:
            return Throttled(f"{said}: {message}", retry_after_seconds(headers))
        case 400 if code in _CONTENT_POLICY:
            return SampleRejected("prompt_refused", f"{said}: {message}", remedy="rewrite")
        case 408 | 409:
            return BackendUnavailable(f"{said}: {message}")
        case 504:
            return AnswerLost(f"{said}: {message}")
        case _ if 400 <= status < 500:
            return ConfigError(f"{said}: {message}; {model} there does not take what was asked for")
    wait = retry_after_seconds(headers)
    if wait is not None:
        return Throttled(f"{said}: {message}", wait)
    return BackendUnavailable(f"{said}: {message}")


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """How long the server asks to be left alone, in milliseconds, seconds or as a date; or None."""
    for name, seconds_each in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * seconds_each)
        except (KeyError, ValueError):
            continue
    try:
        until = parsedate_to_datetime(headers["retry-after"])
    except (KeyError, ValueError):
        return None
    return max(0.0, (until.astimezone(UTC) - datetime.now(UTC)).total_seconds())
