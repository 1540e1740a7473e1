"""Gemini's generateContent as it is published, with real pictures, every finish reason, and real bills.

Draws what a prompt asks for from the prompt's hash; an edit keeps the layout and changes the colours.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import Any, Literal

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw
from pydantic import ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from data.paid import Usage
from tests.protocol.server import Answer, BadRequest, Billed, Fault, ProtocolServer, Request, Strict

MODEL = "gemini-2.5-flash-image"
KEY = "test-gemini-key"
PICTURE_TOKENS = 1290
SOURCE_TOKENS = 258
SILENT_TOKENS = 1304  # billed for words in place of a picture, as users have seen it

AspectRatio = Literal["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"]
SourceType = Literal["image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"]


class Proto(Strict):
    """A message of the schema. Google takes its fields in camel case and as the proto spells them."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True)


class Blob(Proto):
    mime_type: SourceType
    data: str = Field(min_length=1)


class Part(Proto):
    """``data`` of a part is a union: exactly one of its fields is set."""

    text: str | None = Field(default=None, min_length=1)
    inline_data: Blob | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Part:
        if (self.text is None) == (self.inline_data is None):
            raise ValueError("a part holds exactly one of text and inlineData")
        return self


class Content(Proto):
    role: Literal["user", "model"] = "user"
    parts: list[Part] = Field(min_length=1)


class ImageConfig(Proto):
    aspect_ratio: AspectRatio | None = None
    image_size: Literal["1K", "2K", "4K"] | None = None


class GenerationConfig(Proto):
    response_modalities: list[Literal["TEXT", "IMAGE"]] | None = None
    image_config: ImageConfig = ImageConfig()
    candidate_count: Literal[1] = 1
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    max_output_tokens: int | None = Field(default=None, ge=1)


class GenerateContentRequest(Proto):
    contents: list[Content] = Field(min_length=1)
    generation_config: GenerationConfig = GenerationConfig()


@dataclass(frozen=True)
class Outcome:
    """What one request leads to; a PNG as asked for by default.

    ``block_reason`` turns the prompt away, any ``finish_reason`` but STOP ends without a picture, and so
    does ``words``.  ``cut`` shortens the file, or its base64 to a length that none has.  ``counted=False``
    leaves out the token counts, as some servers in Gemini's place do.
    """

    finish_reason: str = "STOP"
    block_reason: str | None = None
    words: str | None = None
    file: Literal["PNG", "JPEG", "WEBP", "GIF", "SVG"] = "PNG"
    size_px: tuple[int, int] = (1024, 1024)
    cut: Literal["none", "file", "base64"] = "none"
    sketch_first: bool = False
    counted: bool = True


def google_error(
    code: int,
    status: str,
    message: str,
    details: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> Fault:
    """A refusal in the form of ``google.rpc.Status``."""
    body = {"error": {"code": code, "message": message, "status": status, "details": list(details)}}
    return Fault("refuse", code, headers or {}, body)


def retry_info(delay: str) -> dict[str, str]:
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


def quota_failure(*quota_ids: str) -> dict[str, Any]:
    violations = [
        {"quotaMetric": "generativelanguage.googleapis.com/generate_requests", "quotaId": quota}
        for quota in quota_ids
    ]
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": violations}


PER_MINUTE = google_error(
    429,
    "RESOURCE_EXHAUSTED",
    "You exceeded your current quota",
    [quota_failure("GenerateRequestsPerMinutePerProjectPerModel"), retry_info("7.25s")],
)
PER_DAY = google_error(
    429,
    "RESOURCE_EXHAUSTED",
    "You exceeded your current quota",
    [
        quota_failure(
            "GenerateRequestsPerMinutePerProjectPerModel-FreeTier",
            "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
        ),
        retry_info("31s"),
    ],
)
OVERLOADED = google_error(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")


class GeminiServer(ProtocolServer):
    """Answers for ``models`` to whoever holds ``key``."""

    def __init__(self, models: Sequence[str] = (MODEL,), key: str = KEY) -> None:
        super().__init__()
        self.models = tuple(models)
        self._key = key
        self._outcomes: list[Outcome] = []
        self._answered = 0

    def answer_next(self, *outcomes: Outcome) -> None:
        """The next requests that are carried out end like this, one each."""
        self._outcomes.extend(outcomes)

    def refusal(self, message: str) -> Answer:
        return _error(400, "INVALID_ARGUMENT", message)

    def answer(self, request: Request) -> Answer:
        key = request.headers.get("x-goog-api-key", request.query.get("key"))
        if key is None:
            return _error(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers.")
        if key != self._key:
            reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
            return _error(
                400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", [reason]
            )
        _, version, resource, *rest = request.path.split("/", 3)
        if (version, resource) != ("v1beta", "models"):
            return _error(404, "NOT_FOUND", f"no such path: {request.path}")
        name, _, method = (rest[0] if rest else "").partition(":")
        if request.method == "GET" and not name:
            return Answer({"models": [_model(model) for model in self.models]})
        if name not in self.models:
            return _error(404, "NOT_FOUND", f"models/{name} is not found for API version v1beta")
        if request.method == "GET" and not method:
            return Answer(_model(name))
        if (request.method, method) != ("POST", "generateContent"):
            return _error(404, "NOT_FOUND", f"no such method: {request.method} {request.path}")
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise BadRequest("Content-Type is not application/json")
        return self._generated(name, self.parsed(GenerateContentRequest, request.body), request)

    def _generated(self, model: str, asked: GenerateContentRequest, request: Request) -> Answer:
        parts = [part for content in asked.contents for part in content.parts]
        prompt = "\n".join(part.text for part in parts if part.text is not None)
        sources = [_opened(part.inline_data) for part in parts if part.inline_data is not None]
        outcome = self._outcomes.pop(0) if self._outcomes else Outcome()
        self._answered += 1
        response_id = f"gemini-{self._answered}"
        body: dict[str, Any] = {"modelVersion": model, "responseId": response_id}
        words_tokens = image_tokens = 0
        if outcome.block_reason is not None:
            body["promptFeedback"] = {"blockReason": outcome.block_reason}
        elif outcome.words is not None:
            words_tokens = SILENT_TOKENS
            body["candidates"] = [_candidate([{"text": outcome.words}], outcome.finish_reason)]
        elif outcome.finish_reason != "STOP":
            body["candidates"] = [_candidate([], outcome.finish_reason)]
        else:
            image_tokens = PICTURE_TOKENS
            picture = edited(sources[-1], prompt) if sources else drawn(prompt)
            blobs = [_part(picture, outcome)]
            if outcome.sketch_first:
                blobs.insert(0, {"thought": True, **_part(drawn("a sketch"), Outcome())})
            body["candidates"] = [_candidate(blobs, "STOP")]
        input_tokens = len(prompt) // 4 + 1 + SOURCE_TOKENS * len(sources)
        if outcome.counted:
            body["usageMetadata"] = _counts(input_tokens, words_tokens, image_tokens)
        usage = Usage(input=input_tokens, output=words_tokens, image_output=image_tokens)
        billed = Billed(model, usage, response_id, request.headers.get("x-idempotency-key"))
        return Answer(body, bills=(billed,))


def drawn(prompt: str) -> Pillow.Image:
    """A scene of eight shapes on two grounds, 1024 px square, decided by ``prompt`` alone."""
    rng = np.random.default_rng(list(sha256(prompt.encode()).digest()))
    picture = Pillow.new("RGB", (1024, 1024), _colour(rng))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, int(rng.integers(400, 800)), 1024, 1024), fill=_colour(rng))
    for _ in range(8):
        left, top = (int(start) for start in rng.integers(0, 800, 2))
        width, height = (int(side) for side in rng.integers(80, 320, 2))
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((left, top, left + width, top + height), fill=_colour(rng))
    return picture


def edited(source: Pillow.Image, prompt: str) -> Pillow.Image:
    """``source`` with its colours turned by ``prompt``, at 1024 px; every edge stays where it is."""
    turn = sha256(prompt.encode()).digest()[0] % 2
    red, green, blue = source.convert("RGB").split()
    turned = Pillow.merge("RGB", (green, blue, red) if turn else (blue, red, green))
    return turned.resize((1024, 1024), Pillow.Resampling.BICUBIC)


def _colour(rng: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (int(level) for level in rng.integers(0, 256, 3))
    return red, green, blue


def _opened(blob: Blob) -> Pillow.Image:
    """The picture in a part: the SDK writes base64 for addresses, others the plain kind; both are right."""
    try:
        content = base64.b64decode(blob.data.translate(str.maketrans("-_", "+/")), validate=True)
        picture = Pillow.open(BytesIO(content))
        picture.load()
    except (binascii.Error, OSError) as error:
        raise BadRequest(f"inlineData is no picture: {error}") from error
    if picture.get_format_mimetype() != blob.mime_type:
        raise BadRequest(f"inlineData is {picture.format}, but its mimeType says {blob.mime_type}")
    return picture


def _part(picture: Pillow.Image, outcome: Outcome) -> dict[str, Any]:
    content = BytesIO()
    if outcome.file == "SVG":
        content.write(b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>')
        kind = "image/svg+xml"
    else:
        picture.resize(outcome.size_px).save(content, outcome.file)
        kind = f"image/{outcome.file.lower()}"
    file = content.getvalue()
    if outcome.cut == "file":
        file = file[: len(file) // 2]
    text = base64.b64encode(file).decode()
    if outcome.cut == "base64":
        text = text[: len(text) // 8 * 4 + 1]
    return {"inlineData": {"mimeType": kind, "data": text}}


def _candidate(parts: list[dict[str, Any]], finish_reason: str) -> dict[str, Any]:
    content: dict[str, Any] = {"role": "model"} | ({"parts": parts} if parts else {})
    return {"index": 0, "content": content, "finishReason": finish_reason}


def _counts(input_tokens: int, words_tokens: int, image_tokens: int) -> dict[str, Any]:
    """As the vendor counts: what is zero is left out."""
    counts: dict[str, Any] = {
        "promptTokenCount": input_tokens,
        "totalTokenCount": input_tokens + words_tokens + image_tokens,
    }
    if words_tokens + image_tokens:
        counts["candidatesTokenCount"] = words_tokens + image_tokens
    if image_tokens:
        counts["candidatesTokensDetails"] = [{"modality": "IMAGE", "tokenCount": image_tokens}]
    return counts


def _model(name: str) -> dict[str, Any]:
    return {"name": f"models/{name}", "supportedGenerationMethods": ["generateContent", "countTokens"]}


def _error(code: int, status: str, message: str, details: Sequence[Mapping[str, Any]] = ()) -> Answer:
    fault = google_error(code, status, message, details)
    return Answer(fault.body, fault.status, fault.headers)
