"""Secrets of the environment are in no error text, whole or as addresses spell them."""

from __future__ import annotations

import pickle
import traceback
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import pexels
from data.errors import (
    AnswerLost,
    BackendUnavailable,
    BudgetReached,
    ConfigError,
    ContractError,
    GaveUp,
    SampleRejected,
    SimMotionError,
    Throttled,
    VideoError,
)
from data.secrets import HIDDEN, VARIABLES, without_secrets

SECRET = "k3y/with+signs=9f8e7d"


@pytest.fixture(params=VARIABLES)
def secret(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(request.param, SECRET)
    return SECRET


def test_every_secret_is_hidden_however_it_is_spelled(secret: str) -> None:
    said = without_secrets(f"key {secret}, url ?key={quote(secret, safe='')}&x, again {secret}{secret}")
    assert said == f"key {HIDDEN}, url ?key={HIDDEN}&x, again {HIDDEN}{HIDDEN}"


@pytest.mark.parametrize(
    "error",
    [
        ConfigError,
        BackendUnavailable,
        AnswerLost,
        GaveUp,
        BudgetReached,
        ContractError,
        Throttled,
        SimMotionError,
    ],
)
def test_no_error_of_ours_shows_it(error: type[SimMotionError], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    made = error(f"the server says: bad key {SECRET}")
    for each in (made, pickle.loads(pickle.dumps(made))):
        assert str(each) == f"the server says: bad key {HIDDEN}"
        assert SECRET not in repr(each)


def test_fields_do_not_show_it_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", SECRET)
    rejected = SampleRejected("prompt_refused", f"told {SECRET}")
    assert SECRET not in f"{rejected} {rejected.detail} {rejected.args} {rejected.__reduce__()}"
    assert SECRET not in str(VideoError("a.mp4", "unreadable", f"told {SECRET}"))


class _Repeating(BaseHTTPRequestHandler):
    """Refuses every request with the key that it came with, in the status line."""

    def do_GET(self) -> None:
        self.send_response(401, f"wrong key {self.headers['Authorization']}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def test_a_source_of_footage_that_repeats_the_key_is_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(pexels.KEY_VARIABLE, SECRET)
    with HTTPServer(("127.0.0.1", 0), _Repeating) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with pytest.raises(ConfigError, match="wrong key …") as refused:
            list(pexels.search("waves", 1, terms_acknowledged=True, base_url=url))
        thread.join()
    assert SECRET not in "".join(traceback.format_exception(refused.value))


@given(text=st.text())
def test_other_texts_stay_as_they_are(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for variable in VARIABLES:
            patch.delenv(variable, raising=False)
        patch.setenv("OPENAI_API_KEY", "-")  # as servers of one's own take it
        assert without_secrets(text) == text
