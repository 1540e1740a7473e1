"""The local server answers as the vendor's SDK expects, and lets no request pass that breaks the schema."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from prompts.openai_questions import CRITIQUE
from tests.protocol.openai_server import KEY, OpenAIServer
from tests.protocol.server import Fault

BODY: dict[str, Any] = {
    "model": "gpt-4.1",
    "messages": [{"role": "user", "content": "What is wrong?"}],
    "response_format": CRITIQUE.response_format,
}


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


def sdk(server: OpenAIServer) -> openai.OpenAI:
    return openai.OpenAI(
        api_key=KEY, base_url=server.base_url, max_retries=0, _strict_response_validation=True
    )


def post(server: OpenAIServer, body: object) -> int:
    request = urllib.request.Request(
        f"{server.base_url}/chat/completions",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_its_answers_are_what_the_sdk_knows(server: OpenAIServer) -> None:
    client = sdk(server)
    completion = client.chat.completions.create(**BODY)
    assert completion.usage
    assert (
        completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens
    )
    assert client.models.retrieve("gpt-4.1").id == "gpt-4.1"
    assert [model.id for model in client.models.list()] == ["gpt-4.1"]
    line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": BODY}
    file = client.files.create(file=("x.jsonl", json.dumps(line).encode()), purpose="batch")
    for _ in range(3):
        client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    newest_first = [batch.id for batch in client.batches.list()]
    assert newest_first == sorted(newest_first, reverse=True)
    assert len(newest_first) == 3
    states = [client.batches.retrieve(newest_first[0]).status for _ in range(4)]
    assert states == ["in_progress", "in_progress", "completed", "completed"]


@pytest.mark.parametrize(
    "change",
    [
        {"max_tokens": 5},
        {"temperature": "hot"},
        {"temperature": 3},
        {"messages": []},
        {"messages": [{"role": "user", "text": "hello"}]},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a b", "schema": {}}}},
    ],
)
def test_a_request_that_breaks_the_schema_fails_the_test(change: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match="ChatRequest"), OpenAIServer() as server:
        assert post(server, BODY | change) == 400


@pytest.mark.parametrize(
    "spoil",
    [
        lambda schema: schema.pop("additionalProperties"),
        lambda schema: schema["required"].pop(),
        lambda schema: schema.update(type="array"),
        lambda schema: schema["properties"]["objections"].update(default=[]),
    ],
)
def test_a_schema_that_strict_outputs_would_refuse_fails_the_test(spoil: Any) -> None:
    body = json.loads(json.dumps(BODY))
    spoil(body["response_format"]["json_schema"]["schema"])
    with pytest.raises(AssertionError, match="strict schema"), OpenAIServer() as server:
        assert post(server, body) == 400


def test_a_wrong_key_is_refused_and_nothing_is_billed(server: OpenAIServer) -> None:
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(api_key="sk-wrong", base_url=server.base_url, max_retries=0).models.list()
    assert not server.billed


def test_the_same_idempotency_key_is_answered_again_and_billed_once(server: OpenAIServer) -> None:
    header = {"Idempotency-Key": "one"}
    first = sdk(server).chat.completions.create(**BODY, extra_headers=header)
    assert sdk(server).chat.completions.create(**BODY, extra_headers=header) == first
    assert len(server.billed) == 1
    assert len(server.requests) == 2


def test_another_body_under_the_same_idempotency_key_is_complained_of(server: OpenAIServer) -> None:
    for seed in (1, 2):
        sdk(server).chat.completions.create(**BODY, seed=seed, extra_headers={"Idempotency-Key": "one"})
    (complaint,) = server.complaints
    assert "another body" in complaint
    server.complaints.clear()


@pytest.mark.parametrize("kind", ["hang", "reset", "truncated", "malformed"])
def test_a_spoiled_answer_was_billed_and_a_refused_one_was_not(server: OpenAIServer, kind: Any) -> None:
    server.fail_next(Fault("refuse", 500), Fault(kind))
    client = sdk(server).with_options(timeout=0.5 if kind == "hang" else 10)
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(**BODY)
    assert not server.billed
    with pytest.raises((openai.APIError, json.JSONDecodeError)):
        client.chat.completions.create(**BODY)
    assert len(server.billed) == 1


def test_a_fault_waits_for_the_path_it_is_meant_for(server: OpenAIServer) -> None:
    server.fail_next(Fault("refuse", 503), on="/models")
    sdk(server).chat.completions.create(**BODY)
    with pytest.raises(openai.InternalServerError):
        sdk(server).models.list()


def test_what_hangs_is_let_go(server: OpenAIServer) -> None:
    server.fail_next(Fault("hang"))
    server.release()
    assert sdk(server).chat.completions.create(**BODY).choices
