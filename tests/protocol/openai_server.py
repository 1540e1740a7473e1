"""A local server that speaks OpenAI's protocol: chat completions, models, files and batches.

It writes plausible prompts out of the facts in each request, the same for the same request.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any, Literal

from data.paid import Usage
from tests.protocol.openai_schema import BatchLine, BatchRequest, ChatRequest
from tests.protocol.server import Answer, BadRequest, Billed, ProtocolServer, Request

KEY = "sk-test-5f2c9d81a7"
CREATED = 1_790_000_000

Way = Literal[
    "refusal", "length", "content_filter", "schema", "not_json", "no_choices", "objections", "duplicate"
]
"""How the model may misbehave.

``schema`` leaves a field out, ``duplicate`` gives the prompts that it gave last, ``objections`` is
for the critic.
"""

DETAILS = (
    "A thin layer of dust lies on the ground",
    "Long soft shadows fall to one side",
    "The ground is a little uneven and pale",
    "A single dry leaf lies near the edge of the picture",
    "Cool even light comes from above",
    "Warm light of a late afternoon fills the scene",
    "Fine cracks run through the ground",
    "The air is clear after a night of rain",
)


@dataclass
class Batch:
    """One batch on the server. ``looks`` counts how often its state was asked for."""

    id: str
    request: BatchRequest
    lines: list[BatchLine]
    looks: int = 0
    status: str = "validating"
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)


class OpenAIServer(ProtocolServer):
    """Knows ``KEY`` and ``models``; bills a token for every four characters.

    ``batch_looks`` is after how many looks a batch ends; ``batch_end`` as what.  ``expired`` and
    ``cancelled`` leave out the second half of the requests, ``failed`` carries none out and tells
    ``batch_errors``.  ``line_errors`` maps positions in a batch to the status and error of that request.
    """

    def __init__(self, models: tuple[str, ...] = ("gpt-4.1",)) -> None:
        super().__init__()
        self.models = models
        self.batch_looks = 3
        self.batch_end: Literal["completed", "failed", "expired", "cancelled"] = "completed"
        self.batch_errors: list[dict[str, Any]] = []
        self.line_errors: dict[int, tuple[int, dict[str, Any]]] = {}
        self.batches: dict[str, Batch] = {}
        self.files: dict[str, bytes] = {}
        self._ways: list[tuple[str, str, Way]] = []
        self.last_prompts: str | None = None
        self._answers = 0

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def misbehave(self, *ways: Way, on: Literal["prompts", "critique"] = "prompts", about: str = "") -> None:
        """The next requests for this form whose message contains ``about`` meet ``ways``, one each."""
        self._ways.extend((on, about, way) for way in ways)

    def answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return error(
                401,
                "invalid_api_key",
                f"Incorrect API key provided: {request.headers.get('authorization', '')[7:]}.",
            )
        match request.method, request.path.split("/")[1:]:
            case "POST", ["v1", "chat", "completions"]:
                return self._chat(self.parsed(ChatRequest, request.body), request.idempotency_key)
            case "GET", ["v1", "models"]:
                return Answer({"object": "list", "data": [self._model(name) for name in self.models]})
            case "GET", ["v1", "models", name]:
                return Answer(self._model(name)) if name in self.models else self._no_model(name)
            case "POST", ["v1", "files"]:
                return self._upload(request)
            case "GET", ["v1", "files", file_id, "content"]:
                if file_id not in self.files:
                    return error(404, "not_found", f"No such File object: {file_id}")
                return Answer(self.files[file_id])
            case "POST", ["v1", "batches"]:
                return self._new_batch(self.parsed(BatchRequest, request.body))
            case "GET", ["v1", "batches"]:
                return self._list_batches(request.query)
            case "GET", ["v1", "batches", batch_id] if batch_id in self.batches:
                return self._look_at(self.batches[batch_id])
        raise BadRequest("no such endpoint or object")

    def refusal(self, message: str) -> Answer:
        return error(400, "invalid_request", message)

    def _chat(self, chat: ChatRequest, idempotency_key: str | None, discount: float = 0.0) -> Answer:
        if chat.model not in self.models:
            return self._no_model(chat.model)
        self._answers += 1
        response_id = f"chatcmpl-{self._answers:06}"
        way = self._way(chat)
        choice = self._choice(chat, way)
        written = choice["message"]["content"] or choice["message"]["refusal"] or ""
        usage = Usage(
            input=tokens("".join(message.content for message in chat.messages)), output=tokens(written)
        )
        body = {
            "id": response_id,
            "object": "chat.completion",
            "created": CREATED,
            "model": chat.model,
            "choices": [] if way == "no_choices" else [choice],
            "usage": {
                "prompt_tokens": usage.input,
                "completion_tokens": usage.output,
                "total_tokens": usage.input + usage.output,
                "prompt_tokens_details": {"cached_tokens": 0},
            },
        }
        bill = Billed(chat.model, usage, response_id, idempotency_key, discount)
        return Answer(body, bills=(bill,))

    def _way(self, chat: ChatRequest) -> Way | None:
        for index, (form, about, way) in enumerate(self._ways):
            if form == chat.form and about in chat.last_message:
                del self._ways[index]
                return way
        return None

    def _choice(self, chat: ChatRequest, way: Way | None) -> dict[str, Any]:
        content = critique_of(chat, way) if chat.form == "critique" else prompts_of(chat)
        if way == "duplicate" and self.last_prompts is not None:
            content = self.last_prompts
        if chat.form == "prompts":
            self.last_prompts = content
        refusal = None
        match way:
            case "refusal":
                content, refusal = "", "I cannot help with that."
            case "length" | "content_filter":
                content = content[: len(content) // 2]
            case "schema":
                content = json.dumps(dict(list(json.loads(content).items())[1:]))
            case "not_json":
                content = f"Here you are: {content}"
        return {
            "index": 0,
            "finish_reason": way if way in {"length", "content_filter"} else "stop",
            "logprobs": None,
            "message": {"role": "assistant", "content": content or None, "refusal": refusal},
        }

    def _upload(self, request: Request) -> Answer:
        head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
        parts = {
            str(part.get_param("name", header="content-disposition")): part
            for part in message_from_bytes(head + request.body).walk()
            if not part.is_multipart()
        }
        if parts.keys() != {"file", "purpose"}:
            raise BadRequest(f"an upload has a file and a purpose, got {sorted(parts)}")
        if parts["purpose"].get_payload() != "batch":
            raise BadRequest(f"unexpected purpose {parts['purpose'].get_payload()!r}")
        content = parts["file"].get_payload(decode=True)
        assert isinstance(content, bytes)
        file_id = self._keep(content)
        return Answer(
            {
                "id": file_id,
                "object": "file",
                "bytes": len(content),
                "created_at": CREATED,
                "filename": parts["file"].get_filename(),
                "purpose": "batch",
                "status": "processed",
            }
        )

    def _new_batch(self, request: BatchRequest) -> Answer:
        if request.input_file_id not in self.files:
            raise BadRequest(f"no file {request.input_file_id}")
        content = self.files[request.input_file_id]
        lines = [self.parsed(BatchLine, line) for line in content.splitlines()]
        if len({line.custom_id for line in lines}) != len(lines):
            raise BadRequest("a custom_id occurs twice in the batch")
        if len({line.body.model for line in lines}) != 1:
            raise BadRequest("a batch is for one model")
        batch = Batch(f"batch_{len(self.batches):04}", request, lines)
        self.batches[batch.id] = batch
        return Answer(self._batch_body(batch))

    def _look_at(self, batch: Batch) -> Answer:
        batch.looks += 1
        if batch.output_file_id or batch.status == "failed" or batch.looks < self.batch_looks:
            if batch.status == "validating":
                batch.status = "in_progress"
            return Answer(self._batch_body(batch))
        batch.status = self.batch_end
        if batch.status == "failed":
            batch.errors = self.batch_errors
            return Answer(self._batch_body(batch))
        outputs: list[dict[str, Any]] = []
        failures: list[dict[str, Any]] = []
        bills: list[Billed] = []
        for position, line in enumerate(batch.lines):
            entry: dict[str, Any] = {
                "id": f"req_{position}",
                "custom_id": line.custom_id,
                "response": None,
                "error": None,
            }
            if batch.status != "completed" and position >= len(batch.lines) // 2:
                failures.append(
                    entry | {"error": {"code": f"batch_{batch.status}", "message": "not executed"}}
                )
                continue
            if position in self.line_errors:
                status, body = self.line_errors[position]
                answer = Answer({"error": body}, status)
            else:
                answer = self._chat(line.body, None, discount=0.5)
            bills += answer.bills
            response = {"status_code": answer.status, "request_id": f"r{position}", "body": answer.body}
            (outputs if answer.status == 200 else failures).append(entry | {"response": response})
        # Neither vendor nor client may rely on the order of the lines.
        batch.output_file_id = self._keep(jsonl(outputs[::-1]))
        batch.error_file_id = self._keep(jsonl(failures)) if failures else None
        return Answer(self._batch_body(batch), bills=tuple(bills))

    def _list_batches(self, query: Mapping[str, str]) -> Answer:
        newest_first = list(self.batches.values())[::-1]
        ids = [batch.id for batch in newest_first]
        start = ids.index(query["after"]) + 1 if "after" in query else 0
        # Pages of two, whatever is asked, so that a client has to turn them.
        page = newest_first[start : start + min(2, int(query.get("limit", 20)))]
        return Answer(
            {
                "object": "list",
                "data": [self._batch_body(batch) for batch in page],
                "first_id": page[0].id if page else None,
                "last_id": page[-1].id if page else None,
                "has_more": start + len(page) < len(ids),
            }
        )

    def _batch_body(self, batch: Batch) -> dict[str, Any]:
        return {
            "id": batch.id,
            "object": "batch",
            "endpoint": batch.request.endpoint,
            "errors": {"object": "list", "data": batch.errors} if batch.errors else None,
            "input_file_id": batch.request.input_file_id,
            "completion_window": "24h",
            "status": batch.status,
            "output_file_id": batch.output_file_id,
            "error_file_id": batch.error_file_id,
            "created_at": CREATED,
            "request_counts": {"total": len(batch.lines), "completed": 0, "failed": 0},
            "metadata": batch.request.metadata,
        }

    def _keep(self, content: bytes) -> str:
        file_id = f"file-{len(self.files):04}"
        self.files[file_id] = content
        return file_id

    def _model(self, name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": CREATED, "owned_by": "test"}

    def _no_model(self, name: str) -> Answer:
        return error(404, "model_not_found", f"The model `{name}` does not exist.")


def prompts_of(chat: ChatRequest) -> str:
    """The four prompts for the facts in the request, worded by its seed."""
    facts = facts_in(chat.last_message)
    chance = hashlib.sha256(f"{chat.seed}{chat.last_message}".encode()).digest()
    first, second = DETAILS[chance[0] % 8], DETAILS[chance[1] % 8]
    mover = facts["Subject"].split(" with ")[0].split(" wearing ")[0].split(" ", 1)[1]
    return json.dumps(
        {
            "base": (
                f"{facts['Style'].capitalize()}, a wide shot seen {facts['Camera']}. "
                f"{facts['Subject'].capitalize()} {facts['At rest']} {facts['Place']}.\n{first}.  {second}. "
                f"In the background: {facts['Background']}."
            ),
            "modification": f"{facts['Change'].capitalize()}. Keep everything else exactly as it is.",
            "motion": f"From rest the subject {facts['Motion']}. The camera stays still.",
            "negative_motion": f"The {mover} {facts['Negative motion']}. The camera stays still.",
        }
    )


def critique_of(chat: ChatRequest, way: Way | None) -> str:
    """A critique with every check passed, or the first one failed."""
    checks = [
        name
        for name, part in chat.response_format.json_schema.schema_["properties"].items()
        if part["type"] == "boolean"
    ]
    verdicts = dict.fromkeys(checks, True)
    if way != "objections":
        return json.dumps({**verdicts, "objections": []})
    return json.dumps(
        {**verdicts, checks[0]: False, "objections": ["The light changes too: leave it alone."]}
    )


def facts_in(message: str) -> dict[str, str]:
    """The lines ``Name: value`` of a message."""
    lines = (line.partition(": ")[::2] for line in message.splitlines() if ": " in line)
    return dict(lines)


def tokens(text: str) -> int:
    return -(-len(text) // 4)


def jsonl(entries: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(entry) + "\n" for entry in entries).encode()


def error(status: int, code: str, message: str) -> Answer:
    return Answer({"error": {"message": message, "type": "error", "param": None, "code": code}}, status)
