"""OpenAI's requests as published, as far as a writer of prompts could send them. Knows no server."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from tests.protocol.server import Strict


class Message(Strict):
    role: Literal["developer", "system", "user", "assistant"]
    content: str
    name: str | None = None


class JsonSchema(Strict):
    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    schema_: Annotated[dict[str, Any], Field(alias="schema")]
    strict: bool | None = None
    description: str | None = None

    @field_validator("schema_")
    @classmethod
    def follows_the_rules_of_strict_outputs(cls, schema: dict[str, Any]) -> dict[str, Any]:
        check_object(schema)
        return schema


class ResponseFormat(Strict):
    type: Literal["json_schema"]
    json_schema: JsonSchema


class ChatRequest(Strict):
    model: str
    messages: Annotated[list[Message], Field(min_length=1)]
    response_format: ResponseFormat
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    metadata: dict[str, str] | None = None
    store: bool | None = None
    user: str | None = None

    @property
    def form(self) -> str:
        return self.response_format.json_schema.name

    @property
    def last_message(self) -> str:
        return self.messages[-1].content


class BatchLine(Strict):
    custom_id: Annotated[str, Field(min_length=1, max_length=512)]
    method: Literal["POST"]
    url: Literal["/v1/chat/completions"]
    body: ChatRequest


class BatchRequest(Strict):
    input_file_id: str
    endpoint: Literal["/v1/chat/completions"]
    completion_window: Literal["24h"]
    metadata: (
        Annotated[
            dict[
                Annotated[str, Field(max_length=64)],
                Annotated[str, Field(max_length=512)],
            ],
            Field(max_length=16),
        ]
        | None
    ) = None


def check_object(schema: dict[str, Any]) -> None:
    """Raises ``ValueError`` when a schema breaks what strict outputs ask of every object in it."""
    if schema.get("type") != "object" or "anyOf" in schema:
        raise ValueError("the root of a strict schema is an object")
    pending: list[Any] = [schema]
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            pending.extend(part)
        if not isinstance(part, dict):
            continue
        if part.get("type") == "object":
            if part.get("additionalProperties") is not False:
                raise ValueError("additionalProperties has to be false in every object of a strict schema")
            if set(part.get("required", ())) != set(part.get("properties", {})):
                raise ValueError("every property of a strict schema has to be required")
        if "default" in part:
            raise ValueError("a strict schema has no defaults")
        pending.extend(part.values())
