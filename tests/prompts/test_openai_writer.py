"""Prompts from a chat model: what is sent, what is accepted, and what every failure becomes."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator

import pytest

from data.errors import AnswerLost, BackendUnavailable, ConfigError, ContractError, SampleRejected, Throttled
from data.schema import Category, Prompts
from prompts.config import OpenAIConfig
from prompts.openai_client import OpenAIClient
from prompts.openai_conversation import MAX_ROUNDS, MAX_TRIES
from prompts.openai_questions import PROMPTS, facts_of, texts, writing_payload
from prompts.openai_writer import OpenAIWriter
from prompts.sampling import draw_drafts
from prompts.writer import Draft, WriteRequest
from tests.paid import PlainGateway
from tests.protocol.openai_server import KEY, OpenAIServer, Way
from tests.protocol.server import Fault

DRAFTS = draw_drafts(tuple(Category), 1, seed=0)
DRAFT = DRAFTS[0]


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


def opened(
    server: OpenAIServer, gateway: PlainGateway | None = None, model: str = "gpt-4.1", patience: float = 10.0
) -> OpenAIWriter:
    config = OpenAIConfig(model=model, base_url=server.base_url)
    writer = OpenAIWriter(config, gateway or PlainGateway(), timeout_seconds=patience)
    writer.open()
    return writer


def write(writer: OpenAIWriter, draft: Draft = DRAFT, rewrite: int = 0, *objections: str) -> object:
    (outcome,) = writer.write([WriteRequest(draft, rewrite, objections)])
    return outcome


def sent(server: OpenAIServer) -> list[dict[str, object]]:
    return [json.loads(request.body) for request in server.requests]


def message(body: dict[str, object], role: str) -> str:
    messages = body["messages"]
    assert isinstance(messages, list)
    (content,) = (part["content"] for part in messages if part["role"] == role)
    assert isinstance(content, str)
    return content


@pytest.mark.parametrize("draft", DRAFTS, ids=lambda draft: draft.category)
def test_a_triplet_takes_one_writing_and_one_critique(server: OpenAIServer, draft: Draft) -> None:
    gateway = PlainGateway()
    prompts = write(opened(server, gateway), draft)
    assert isinstance(prompts, Prompts)
    assert [call.purpose for call in gateway.calls] == ["write", "critique"]
    assert all(call.item == draft.triplet_id for call in gateway.calls)
    writing, critique = sent(server)
    assert facts_of(draft) in message(writing, "user")
    system = texts()["system"].replace("{duration}", "5 seconds")
    assert message(writing, "system") == f"{system}\n{texts()[draft.category]}"
    assert json.dumps(vars(prompts)) in message(critique, "user")
    assert f"Category: {draft.category}" in message(critique, "user")


@pytest.mark.parametrize(
    ("seconds", "words"), [(5.0, "5 seconds"), (3.0, "3 seconds"), (1.0, "1 second"), (2.5, "2.5 seconds")]
)
def test_writer_and_critic_are_told_how_long_clips_are(
    server: OpenAIServer, seconds: float, words: str
) -> None:
    (outcome,) = opened(server).write([WriteRequest(DRAFT, duration_seconds=seconds)])

    assert isinstance(outcome, Prompts)
    writing, critique = (message(body, "system") for body in sent(server))
    assert f"one uncut shot of {words}, taken" in writing
    assert f"from rest through the whole {words}, in" in writing
    assert f"uncut shots of {words} from a camera" in critique
    assert f"seen in full within {words}, at" in critique
    for text in (writing, critique):
        assert "five" not in text
        assert "{duration}" not in text


def test_another_duration_is_another_call(server: OpenAIServer) -> None:
    gateway = PlainGateway()
    for seconds in (5.0, 3.0):
        list(opened(server, gateway).write([WriteRequest(DRAFT, duration_seconds=seconds)]))

    assert len({call.key for call in gateway.calls}) == 4


def test_the_ledger_sees_what_the_server_bills(server: OpenAIServer) -> None:
    gateway = PlainGateway()
    write(opened(server, gateway))
    assert [reply.usage for reply in gateway.replies.values()] == [bill.usage for bill in server.billed]
    assert [reply.response_id for reply in gateway.replies.values()] == [
        bill.response_id for bill in server.billed
    ]
    assert [bill.idempotency_key for bill in server.billed] == ["test-1", "test-2"]
    for call, bill in zip(gateway.calls, server.billed, strict=True):
        # The schema of the answer is part of what we expect and not of what this server counts.
        assert 0.7 < bill.usage.input / call.expected.input <= 1


def test_the_same_request_is_the_same_call(server: OpenAIServer) -> None:
    gateway = PlainGateway()
    first, second = write(opened(server, gateway)), write(opened(server, gateway))
    assert first == second
    assert len(server.requests) == 2
    assert gateway.calls[:2] == gateway.calls[2:]


def test_a_rewrite_is_another_call_with_another_seed_and_the_objections(server: OpenAIServer) -> None:
    writer = opened(server)
    first = write(writer)
    second = write(writer, DRAFT, 1, "The picture was refused: leave the barrels out.")
    assert first != second
    bodies = [body for body in sent(server) if "critique" not in str(body["response_format"])]
    assert bodies[0]["seed"] != bodies[1]["seed"]
    assert "The picture was refused: leave the barrels out." in message(bodies[1], "user")
    assert "sent back" not in message(bodies[0], "user")


def test_a_rewrite_without_objections_is_another_call_too(server: OpenAIServer) -> None:
    gateway = PlainGateway()
    write(opened(server, gateway))
    write(opened(server, gateway), DRAFT, 1)
    assert len({call.key for call in gateway.calls}) == 4


def test_the_critics_objections_go_into_the_next_writing(server: OpenAIServer) -> None:
    server.misbehave("objections", on="critique")
    assert isinstance(write(opened(server)), Prompts)
    writing = sent(server)[2]
    assert "The light changes too: leave it alone." in message(writing, "user")
    assert len(server.billed) == 4


def test_prompts_that_the_critic_never_likes_are_rejected(server: OpenAIServer) -> None:
    for _ in range(MAX_ROUNDS):
        server.misbehave("objections", on="critique")
    outcome = write(opened(server))
    assert isinstance(outcome, SampleRejected)
    assert (outcome.reason, outcome.remedy) == ("prompts_rejected", "none")
    assert "The light changes too" in outcome.detail
    assert len(server.billed) == 2 * MAX_ROUNDS


@pytest.mark.parametrize("form", ["prompts", "critique"])
@pytest.mark.parametrize(
    ("way", "reason"),
    [("refusal", "prompt_refused"), ("content_filter", "prompt_refused"), ("length", "prompt_cut_short")],
)
def test_an_answer_that_is_none_rejects_the_sample_and_was_paid(
    server: OpenAIServer, way: Way, reason: str, form: str
) -> None:
    server.misbehave(way, on="prompts" if form == "prompts" else "critique")
    gateway = PlainGateway()
    outcome = write(opened(server, gateway))
    assert isinstance(outcome, SampleRejected)
    assert (outcome.reason, outcome.remedy) == (reason, "rewrite")
    assert len(gateway.replies) == len(server.billed)


@pytest.mark.parametrize("way", ["schema", "not_json", "no_choices"])
def test_an_answer_that_breaks_the_form_is_asked_for_once_more(server: OpenAIServer, way: Way) -> None:
    server.misbehave(way)
    assert isinstance(write(opened(server)), Prompts)
    assert len(server.billed) == 3


@pytest.mark.parametrize("way", ["schema", "not_json", "no_choices"])
def test_answers_that_keep_breaking_the_form_reject_the_sample(server: OpenAIServer, way: Way) -> None:
    server.misbehave(*[way] * MAX_TRIES)
    outcome = write(opened(server))
    assert isinstance(outcome, SampleRejected)
    assert (outcome.reason, outcome.remedy) == ("prompt_schema", "rewrite")
    assert len({body["seed"] for body in sent(server)}) == MAX_TRIES


def test_one_bad_sample_leaves_the_others_alone(server: OpenAIServer) -> None:
    server.misbehave("refusal", about=facts_of(DRAFTS[2]))
    outcomes = list(opened(server).write([WriteRequest(draft) for draft in DRAFTS]))
    assert [type(outcome) for outcome in outcomes] == [Prompts, Prompts, SampleRejected, Prompts, Prompts]


def refuse(status: int, code: str = "some_code", **headers: str) -> Fault:
    body = {"error": {"message": "as told", "type": "t", "param": None, "code": code}}
    return Fault("refuse", status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        (refuse(401), ConfigError, "OPENAI_API_KEY"),
        (refuse(403), ConfigError, "OPENAI_API_KEY"),
        (refuse(404), ConfigError, "gpt-4.1"),
        (refuse(429, "insufficient_quota"), ConfigError, "no money"),
        (refuse(400, "unsupported_value"), ConfigError, "as told"),
        (refuse(422), ConfigError, "as told"),
    ],
)
def test_what_only_the_user_can_mend_ends_the_run(
    server: OpenAIServer, fault: Fault, kind: type[Exception], says: str
) -> None:
    server.fail_next(fault)
    with pytest.raises(kind, match=says):
        write(opened(server))
    assert not server.billed


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (refuse(500), BackendUnavailable),
        (refuse(503), BackendUnavailable),
        (refuse(409), BackendUnavailable),
        (refuse(504), AnswerLost),
        (Fault("reset"), AnswerLost),
        (Fault("truncated"), AnswerLost),
        (Fault("malformed"), AnswerLost),
        (Fault("hang"), AnswerLost),
        (Fault("endless"), AnswerLost),
    ],
)
def test_what_may_work_later_says_whether_it_may_have_been_carried_out(
    server: OpenAIServer, fault: Fault, kind: type[Exception]
) -> None:
    server.fail_next(fault)
    outcome = write(opened(server, patience=0.2 if fault.kind in ("hang", "endless") else 10))
    assert type(outcome) is kind
    assert len(server.requests) == 1, "retries are the gateway's"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "7"}, 7.0),
        ({"Retry_After": "7", "Retry_After_Ms": "250"}, 0.25),
        ({"Retry_After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"Retry_After": "soon"}, None),
        ({}, None),
    ],
)
def test_a_rate_limit_tells_how_long_to_wait(
    server: OpenAIServer, headers: dict[str, str], seconds: float | None
) -> None:
    server.fail_next(refuse(429, "rate_limit_exceeded", **headers))
    outcome = write(opened(server))
    assert isinstance(outcome, Throttled)
    assert outcome.retry_after_seconds == seconds


def test_an_overloaded_server_that_names_a_time_is_left_alone_for_it(server: OpenAIServer) -> None:
    server.fail_next(refuse(503, Retry_After="3"))
    outcome = write(opened(server))
    assert isinstance(outcome, Throttled)
    assert outcome.retry_after_seconds == 3


@pytest.mark.parametrize("code", ["content_policy_violation", "content_filter", "invalid_prompt"])
def test_a_prompt_against_the_vendors_policy_is_to_be_rewritten(server: OpenAIServer, code: str) -> None:
    server.fail_next(refuse(400, code))
    outcome = write(opened(server))
    assert isinstance(outcome, SampleRejected)
    assert (outcome.reason, outcome.remedy) == ("prompt_refused", "rewrite")


def test_an_answer_that_comes_in_pieces_is_an_answer(server: OpenAIServer) -> None:
    server.fail_next(Fault("dribble"))
    assert isinstance(write(opened(server)), Prompts)


def test_a_lost_answer_is_billed_once_when_it_is_asked_for_again(server: OpenAIServer) -> None:
    client = OpenAIClient("gpt-4.1", server.base_url, timeout_seconds=10)
    payload = writing_payload("gpt-4.1", DRAFT, 5.0, (), seed=1)
    server.fail_next(Fault("reset"))
    with pytest.raises(AnswerLost):
        client.complete(payload, "the-same")
    reply = client.complete(payload, "the-same")
    assert [(bill.idempotency_key, bill.response_id) for bill in server.billed] == [
        ("the-same", reply.response_id)
    ]


def test_a_server_that_is_not_there_was_not_asked() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        writer = OpenAIWriter(OpenAIConfig(base_url=url), PlainGateway())
        writer.open()
        outcome = write(writer)
    assert type(outcome) is BackendUnavailable


def test_an_unknown_model_is_named(server: OpenAIServer) -> None:
    with pytest.raises(ConfigError, match=r"no model 'gpt-4\.2'"):
        write(opened(server, model="gpt-4.2"))


def test_without_a_key_openai_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ConfigError, match="OPENAI_API_KEY is not set"):
        OpenAIWriter(OpenAIConfig(), PlainGateway()).open()


def test_a_server_of_ones_own_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with OpenAIServer() as server:
        with pytest.raises(ConfigError, match="401"):
            write(opened(server))
        assert server.requests[0].headers["authorization"] == "Bearer -"


def test_a_key_is_never_shown(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "sk-proj-not-to-be-shown"
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    writer = opened(server)
    # The server repeats the key in its message, as the real one does in part.
    with caplog.at_level(logging.DEBUG), pytest.raises(ConfigError) as caught:
        write(writer)
    shown = f"{caught.value} {caught.value.__cause__} {writer!r} {writer._client!r} {caplog.text}"
    assert secret not in shown
    assert caught.value.__cause__ is None, "the SDK's error carries the request and its headers"


def test_a_writer_that_was_not_opened_says_so() -> None:
    with pytest.raises(ContractError, match="opened"):
        write(OpenAIWriter(OpenAIConfig(), PlainGateway()))


def test_the_revision_follows_the_texts_and_not_the_price(monkeypatch: pytest.MonkeyPatch) -> None:
    def revision(**config: object) -> str:
        return OpenAIWriter(OpenAIConfig.model_validate(config), PlainGateway()).facts.revision

    before = revision()
    assert before == revision(batch=True)
    monkeypatch.setattr("prompts.openai_writer.texts", lambda: texts() | {"system": "Write well."})
    assert revision() != before


def test_the_facts_tell_the_calls_of_a_triplet() -> None:
    facts = OpenAIWriter(OpenAIConfig(batch=True), PlainGateway()).facts
    assert facts.name == "openai:gpt-4.1"
    assert facts.at_once
    assert facts.invents
    assert [(part.purpose, part.calls, part.discount) for part in facts.demand] == [
        ("write", 1.2, 0.5),
        ("critique", 1.2, 0.5),
    ]
    assert all(1000 < part.usage.input < 2000 and part.usage.output > 50 for part in facts.demand)


def test_words_are_tidied(server: OpenAIServer) -> None:
    outcome = write(opened(server))
    assert isinstance(outcome, Prompts)
    assert server.last_prompts
    assert PROMPTS.read(server.last_prompts) != outcome, "the server was to write untidily"
    for text in vars(outcome).values():
        assert text == " ".join(text.split())
