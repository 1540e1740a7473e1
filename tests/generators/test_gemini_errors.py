"""Each way in which asking Gemini fails is one of our kinds of error, after one try and without the key."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Literal

import pytest

from data.errors import (
    AnswerLost,
    BackendUnavailable,
    ConfigError,
    SimMotionError,
    Throttled,
)
from generators import gemini
from generators.gemini import GeminiImages
from tests.generators.asking_gemini import _key as _key
from tests.generators.asking_gemini import backend as backend
from tests.generators.asking_gemini import (
    failure,
    image,
    opened,
    reference_request,
)
from tests.generators.asking_gemini import gateway as gateway
from tests.generators.asking_gemini import server as server
from tests.paid import PlainGateway
from tests.protocol.gemini_server import (
    KEY,
    OVERLOADED,
    PER_DAY,
    PER_MINUTE,
    GeminiServer,
    google_error,
    retry_info,
)
from tests.protocol.server import Fault


@pytest.mark.parametrize("variable", ["GEMINI_API_KEY", "GOOGLE_API_KEY"])
def test_a_wrong_key_is_named_by_its_variable_and_never_shown(
    server: GeminiServer, gateway: PlainGateway, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.delenv("GEMINI_API_KEY")
    monkeypatch.setenv(variable, "secret-but-wrong")
    message = failure(opened(server.url, gateway), ConfigError)

    assert variable in message
    assert "secret-but-wrong" not in message


def test_a_key_that_a_server_echoes_is_not_shown(server: GeminiServer, backend: GeminiImages) -> None:
    server.fail_next(google_error(403, "PERMISSION_DENIED", f"Key {KEY} may not do this."))
    with pytest.raises(ConfigError) as failed:
        image(backend, reference_request())

    shown = "".join(traceback.format_exception(failed.value))
    assert "GEMINI_API_KEY" in shown
    assert KEY not in shown


def test_no_key_is_said_before_anything_is_asked(
    server: GeminiServer, gateway: PlainGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "  ")
    with pytest.raises(ConfigError, match="set GEMINI_API_KEY or GOOGLE_API_KEY"):
        opened(server.url, gateway)
    assert not server.requests


def test_an_unknown_model_is_named(server: GeminiServer, gateway: PlainGateway) -> None:
    backend = opened(server.url, gateway, model="gemini-9-image")

    assert "'gemini-9-image'" in failure(backend, ConfigError)
    with pytest.raises(ConfigError, match="'gemini-9-image'"):
        backend.check()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (PER_DAY, ConfigError),
        (google_error(400, "FAILED_PRECONDITION", "User location is not supported."), ConfigError),
        (google_error(400, "INVALID_ARGUMENT", "This model makes no pictures."), ConfigError),
        (google_error(401, "UNAUTHENTICATED", "no"), ConfigError),
        (google_error(408, "", "slow"), BackendUnavailable),
        (google_error(500, "INTERNAL", "An internal error has occurred."), BackendUnavailable),
        (OVERLOADED, BackendUnavailable),
        (google_error(504, "DEADLINE_EXCEEDED", "late"), AnswerLost),
        (Fault("refuse", 502, {"Content-Type": "text/html"}), BackendUnavailable),
        (Fault("reset"), AnswerLost),
        (Fault("truncated"), AnswerLost),
        (Fault("malformed"), AnswerLost),
    ],
)
def test_each_failure_is_one_of_our_kinds_after_one_try(
    server: GeminiServer,
    backend: GeminiImages,
    gateway: PlainGateway,
    fault: Fault,
    kind: type[SimMotionError],
) -> None:
    server.fail_next(fault)

    failure(backend, kind)
    assert len(server.requests) == 1, "the SDK does not try again on its own"
    assert not gateway.replies, "a failure is not an answer"


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (PER_MINUTE, 7.25),
        (google_error(429, "RESOURCE_EXHAUSTED", "slow down", headers={"Retry-After": "12"}), 12.0),
        (google_error(429, "RESOURCE_EXHAUSTED", "slow down", headers={"Retry-After": "soon"}), None),
        (google_error(429, "RESOURCE_EXHAUSTED", "slow down"), None),
        (Fault("refuse", 429, {"Retry-After": "3"}), 3.0),
        (google_error(503, "UNAVAILABLE", "overloaded", [retry_info("4s")]), 4.0),
    ],
)
def test_too_many_requests_are_asked_again_when_the_service_says(
    server: GeminiServer, backend: GeminiImages, fault: Fault, seconds: float | None
) -> None:
    server.fail_next(fault)
    with pytest.raises(Throttled) as throttled:
        image(backend, reference_request())
    assert throttled.value.retry_after_seconds == seconds


def test_a_date_to_come_back_is_understood(server: GeminiServer, backend: GeminiImages) -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    server.fail_next(google_error(429, "RESOURCE_EXHAUSTED", "later", headers={"Retry-After": then}))
    with pytest.raises(Throttled) as throttled:
        image(backend, reference_request())
    assert throttled.value.retry_after_seconds == pytest.approx(3600, abs=300)


@pytest.mark.parametrize(("fault", "said"), [("hang", "Timeout"), ("endless", "still coming after 1 s")])
def test_a_late_answer_is_lost_and_may_be_billed(
    server: GeminiServer,
    gateway: PlainGateway,
    monkeypatch: pytest.MonkeyPatch,
    fault: Literal["hang", "endless"],
    said: str,
) -> None:
    monkeypatch.setattr(gemini, "TIMEOUT_SECONDS", 0.2)
    server.fail_next(Fault(fault))

    assert said in failure(opened(server.url, gateway), AnswerLost)
    assert len(server.billed) == 1


def test_a_server_that_is_down_was_not_asked(gateway: PlainGateway) -> None:
    with GeminiServer() as gone:
        url = gone.url

    assert "cannot be reached" in failure(opened(url, gateway), BackendUnavailable)


def test_an_address_that_is_none_is_said_to_be() -> None:
    assert "base_url" in failure(opened("ftp://127.0.0.1", PlainGateway()), ConfigError)
