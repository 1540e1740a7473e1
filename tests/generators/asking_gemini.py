"""The Gemini backend on its local server, requests to it and what becomes of them, in a line each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from data.errors import (
    SampleRejected,
    SimMotionError,
)
from data.schema import ClipFormat, Image, Role
from generators.base import ImageRequest
from generators.config import GeminiConfig
from generators.gemini import GeminiImages
from tests.generators.plans import plan_of
from tests.paid import PlainGateway
from tests.protocol.gemini_server import KEY, MODEL, GeminiServer

FORMAT = ClipFormat(size_px=64, duration_seconds=1.0, fps=8)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    monkeypatch.setenv("GEMINI_API_KEY", KEY)


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    with GeminiServer() as running:
        yield running


@pytest.fixture
def gateway() -> PlainGateway:
    return PlainGateway()


@pytest.fixture
def backend(server: GeminiServer, gateway: PlainGateway) -> GeminiImages:
    return opened(server.url, gateway)


def opened(url: str, gateway: PlainGateway, model: str = MODEL) -> GeminiImages:
    made = GeminiImages(GeminiConfig(model=model, base_url=url), gateway)
    made.open()
    return made


def reference_request(seed: int = 1, size_px: int = 64) -> ImageRequest:
    return ImageRequest(plan_of(), Role.REFERENCE, replace(FORMAT, size_px=size_px), seed)


def positive_request(source: Image, seed: int = 1) -> ImageRequest:
    return ImageRequest(plan_of(), Role.POSITIVE, FORMAT, seed, source)


def image(backend: GeminiImages, request: ImageRequest) -> Image:
    (made,) = backend.images([request])
    return made


def rejection(backend: GeminiImages, request: ImageRequest | None = None) -> SampleRejected:
    with pytest.raises(SampleRejected) as rejected:
        image(backend, request or reference_request())
    return rejected.value


def failure(backend: GeminiImages, kind: type[SimMotionError]) -> str:
    """The message of an error of exactly this kind."""
    with pytest.raises(SimMotionError) as failed:
        image(backend, reference_request())
    assert type(failed.value) is kind
    return str(failed.value)
