"""First frames from Google's image models: drawn from text, and edited by instruction.

Sends each request once; retries, rates, books and budget are the gateway's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

from data.errors import ConfigError, ContractError
from data.paid import Call, Demand, Gateway, Reply, Usage
from data.schema import Image, Role
from data.trickle import whole_in_time
from generators.base import BackendFacts, ImageRequest
from generators.config import GeminiConfig
from generators.framing import png, read_picture, squared
from generators.gemini_answer import picture_file, read_answer, usage_of

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import Content

PROVIDER = "google"
ADDRESS = "https://generativelanguage.googleapis.com"
KEY_VARIABLES = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
PURPOSES = {Role.REFERENCE: "reference_image", Role.POSITIVE: "positive_image"}
TIMEOUT_SECONDS = 180.0  # of silence; a picture takes 5–30 s, and beyond this an answer is taken for lost

REVISION = "1"  # of what is asked and of how answers are framed; raised when either changes
ASPECT_RATIO = "1:1"
PROMPT_TOKENS = 80
SOURCE_TOKENS = 258  # of a picture that is sent, up to 768 px
PICTURE_TOKENS = 1290  # of a picture that is drawn at 1024 px


class GeminiImages:
    """Reference from the base prompt; positive as an edit of the reference by the modification prompt."""

    def __init__(self, config: GeminiConfig, gateway: Gateway) -> None:
        self._config = config
        self._gateway = gateway
        self._client: Client | None = None

    @property
    def facts(self) -> BackendFacts:
        model = self._config.model
        demand = tuple(
            Demand(PROVIDER, model, purpose, calls=1.0, usage=_expected(source=role is Role.POSITIVE))
            for role, purpose in PURPOSES.items()
        )
        return BackendFacts(
            "gemini", f"{model}/{REVISION}", needs_gpu=False, ai_generated=True, demand=demand
        )

    def open(self) -> None:
        """Makes the client; nothing is asked yet. Raises ``ConfigError`` when no key is set."""
        from google.genai import Client
        from google.genai.types import HttpOptions, HttpRetryOptions

        # Everything is said here, so that no GOOGLE_… variable of the machine turns requests elsewhere.
        self._client = Client(
            api_key=_key()[1],
            vertexai=False,
            http_options=HttpOptions(
                base_url=self._config.base_url or ADDRESS,
                api_version="v1beta",
                timeout=round(TIMEOUT_SECONDS * 1000),
                client_args={"event_hooks": whole_in_time(TIMEOUT_SECONDS)},
                retry_options=HttpRetryOptions(attempts=1),
            ),
        )

    def check(self) -> None:
        """Asks, at no cost, whether the model is there; raises ``ConfigError`` or ``BackendUnavailable``."""
        from generators.gemini_errors import gemini_errors

        with gemini_errors(self._config.model, *_key()):
            self._opened().models.get(model=self._config.model)

    def images(self, requests: Sequence[ImageRequest]) -> Iterator[Image]:
        """One square picture uint8 (size_px, size_px, 3) per request, in order.

        Raises ``SampleRejected`` (see ``generators.gemini_answer`` and ``generators.framing``) and what
        the gateway raises.
        """
        for request in requests:
            item = request.plan.triplet_id
            call = self._call(request)
            reply = self._gateway.ask(call, partial(self._send, request, call.expected))
            content = picture_file(read_answer(reply.body), item)
            yield squared(read_picture(content), request.format.size_px)

    def _call(self, request: ImageRequest) -> Call:
        source = request.source
        expected_source = {Role.REFERENCE: False, Role.POSITIVE: True}.get(request.role)
        if expected_source != (source is not None):
            raise ContractError(
                f"{request.plan.triplet_id}: a picture for the {request.role} was asked "
                f"{'without' if source is None else 'with'} a source; only a reference is drawn from text, "
                "and only a positive by editing"
            )
        # The pixels and not the file: another version of the PNG encoder must not mean paying again. The
        # seed is not sent, since these models take none; it tells one attempt from the next.
        pixels = "" if source is None else f"{source.shape} {sha256(source.tobytes()).hexdigest()}"
        asked = (self._config.model, request.role.value, _prompt(request), ASPECT_RATIO, pixels, request.seed)
        return Call(
            PROVIDER,
            self._config.model,
            PURPOSES[request.role],
            request.plan.triplet_id,
            key=sha256(repr(asked).encode()).hexdigest(),
            expected=_expected(source=source is not None),
        )

    def _send(self, request: ImageRequest, expected: Usage, idempotency_id: str) -> Reply:
        """One try. Gemini itself ignores the id; what stands in its place, and our tests, book by it."""
        from google.genai.types import GenerateContentConfig, HttpOptions, ImageConfig

        from generators.gemini_errors import gemini_errors

        config = GenerateContentConfig(
            response_modalities=["IMAGE"],
            image_config=ImageConfig(aspect_ratio=ASPECT_RATIO),
            http_options=HttpOptions(headers={"X-Idempotency-Key": idempotency_id}),
            should_return_http_response=True,  # the JSON as it came, for the books
        )
        with gemini_errors(self._config.model, *_key()):
            response = self._opened().models.generate_content(
                model=self._config.model, contents=_content(request), config=config
            )
        raw = response.sdk_http_response
        body = (raw.body if raw is not None and raw.body else "").encode()
        answer = read_answer(body)
        return Reply(body, usage_of(answer, expected), answer.response_id)

    def _opened(self) -> Client:
        if self._client is None:
            raise ContractError("GeminiImages was asked before it was opened")
        return self._client


def _key() -> tuple[str, str]:
    """The variable that holds the key, and the key."""
    for variable in KEY_VARIABLES:
        if key := os.environ.get(variable, "").strip():
            return variable, key
    raise ConfigError(
        f"no key for Gemini: set {' or '.join(KEY_VARIABLES)} (from https://aistudio.google.com/api-keys), "
        "or choose images of kind diffusers or procedural"
    )


def _expected(*, source: bool) -> Usage:
    return Usage(input=PROMPT_TOKENS + SOURCE_TOKENS * source, image_output=PICTURE_TOKENS)


def _prompt(request: ImageRequest) -> str:
    prompts = request.plan.prompts
    return prompts.base if request.role is Role.REFERENCE else prompts.modification


def _content(request: ImageRequest) -> Content:
    from google.genai.types import Content, Part

    text = Part.from_text(text=_prompt(request))
    if request.source is None:
        return Content(role="user", parts=[text])
    return Content(
        role="user", parts=[Part.from_bytes(data=png(request.source), mime_type="image/png"), text]
    )
