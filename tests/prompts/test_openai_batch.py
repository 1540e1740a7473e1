"""Prompts at half price: batches give what single calls give, and nothing that was paid is lost."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import pytest

from data.errors import AnswerLost, BackendUnavailable, ConfigError, SampleRejected, Throttled
from data.paid import Answer, Call, Reply, SendTogether
from data.schema import Category, Prompts
from prompts.config import OpenAIConfig
from prompts.openai_batch import MAX_LINES, MAX_SILENT_POLLS, answers_in_batch
from prompts.openai_client import OpenAIClient
from prompts.openai_questions import facts_of, writing_payload
from prompts.openai_writer import OpenAIWriter
from prompts.sampling import draw_drafts
from prompts.writer import WriteRequest
from tests.paid import PlainGateway
from tests.protocol.openai_server import KEY, OpenAIServer
from tests.protocol.server import Fault

DRAFTS = draw_drafts(tuple(Category), 1, seed=0)
REQUESTS = [WriteRequest(draft) for draft in DRAFTS]
QUESTIONS = [
    (f"{index:04}" * 16, writing_payload("gpt-4.1", draft, 5.0, (), seed=index))
    for index, draft in enumerate(DRAFTS)
]


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


def client_of(server: OpenAIServer) -> OpenAIClient:
    return OpenAIClient("gpt-4.1", server.base_url, timeout_seconds=10)


def write(server: OpenAIServer, gateway: PlainGateway | None = None, batch: bool = True) -> list[object]:
    config = OpenAIConfig(base_url=server.base_url, batch=batch)
    writer = OpenAIWriter(config, gateway or PlainGateway(), poll_seconds=0)
    writer.open()
    return list(writer.write(REQUESTS))


def ask(server: OpenAIServer, questions: Sequence[tuple[str, dict[str, object]]] = QUESTIONS) -> list[Answer]:
    return list(answers_in_batch(client_of(server), questions, poll_seconds=0))


def created(server: OpenAIServer) -> list[int]:
    """How many requests each batch has."""
    return [len(batch.lines) for batch in server.batches.values()]


def provoke(server: OpenAIServer) -> None:
    server.misbehave("objections", on="critique", about=facts_of(DRAFTS[1]))
    server.misbehave("refusal", about=facts_of(DRAFTS[2]))
    server.misbehave("schema", about=facts_of(DRAFTS[3]))


def test_batches_give_what_single_calls_give() -> None:
    outcomes, keys = [], []
    for batch in (False, True):
        gateway = PlainGateway()
        with OpenAIServer() as server:
            provoke(server)
            outcomes.append([repr(outcome) for outcome in write(server, gateway, batch)])
            keys.append({call.key for call in gateway.calls})
    assert outcomes[0] == outcomes[1]
    assert keys[0] == keys[1]


def test_everything_open_goes_into_one_batch_at_half_price(server: OpenAIServer) -> None:
    provoke(server)
    write(server)
    # Five writings; four critiques less the one that broke its form, which is asked again beside them;
    # the critique of that and the rewrite that the critic wants; the critique of the rewrite.
    assert created(server) == [5, 4, 2, 1]
    assert len(server.billed) == 12
    assert all(bill.discount == 0.5 for bill in server.billed)


def test_the_same_bodies_are_sent_as_online(server: OpenAIServer) -> None:
    write(server, batch=False)
    write(server)
    online = {request.body for request in server.requests if request.path.endswith("completions")}
    lines = [json.loads(line) for file in server.files.values() for line in file.splitlines()]
    batched = [line["body"] for line in lines if "body" in line]
    assert len(batched) == 10
    assert all(json.loads(body) in batched for body in online)


def test_answers_come_in_the_order_of_the_questions(server: OpenAIServer) -> None:
    answers = ask(server)
    for answer, draft in zip(answers, DRAFTS, strict=True):
        assert isinstance(answer, Reply)
        base = json.loads(json.loads(answer.body)["choices"][0]["message"]["content"])["base"]
        assert facts_of(draft).split("At rest: ")[1].splitlines()[0] in base


def test_usage_and_ids_are_those_that_were_billed(server: OpenAIServer) -> None:
    answers = ask(server)
    assert [(answer.usage, answer.response_id) for answer in answers if isinstance(answer, Reply)] == [
        (bill.usage, bill.response_id) for bill in server.billed
    ]


def test_a_killed_run_finds_its_ended_batch(server: OpenAIServer) -> None:
    first = ask(server)
    assert ask(server) == first
    assert created(server) == [5]
    assert len(server.billed) == 5


class KilledError(Exception):
    """Stands for SIGKILL."""


def killed_after(polls: int) -> Callable[[float], None]:
    left = iter(range(polls))

    def sleep(_seconds: float) -> None:
        if next(left, None) is None:
            raise KilledError

    return sleep


@pytest.mark.parametrize("polls", [0, 1, 2])
def test_a_killed_run_finds_its_running_batch(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch, polls: int
) -> None:
    server.batch_looks = 5
    with monkeypatch.context() as patch:
        patch.setattr("time.sleep", killed_after(polls))
        with pytest.raises(KilledError):
            ask(server)
    assert len([answer for answer in ask(server) if isinstance(answer, Reply)]) == 5
    assert created(server) == [5]
    assert len(server.billed) == 5


def test_a_run_that_grew_pays_for_what_is_new_alone(server: OpenAIServer) -> None:
    ask(server, QUESTIONS[:2])
    ask(server, QUESTIONS[3:4])
    assert all(isinstance(answer, Reply) for answer in ask(server))
    assert created(server) == [2, 1, 2]
    assert len(server.billed) == 5


def test_a_run_that_had_read_half_its_answers_is_given_the_other_half(server: OpenAIServer) -> None:
    answers = ask(server)
    assert ask(server, QUESTIONS[2:]) == answers[2:]
    assert created(server) == [5]


def test_a_running_batch_of_other_requests_is_not_waited_for(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("time.sleep", killed_after(0))
        with pytest.raises(KilledError):
            ask(server, QUESTIONS[:2])
    asked = len(server.requests)
    ask(server, QUESTIONS[2:])
    assert not [request for request in server.requests[asked:] if request.path.endswith("batch_0000")]


def test_batches_of_others_are_left_alone(server: OpenAIServer) -> None:
    ask(server)
    for batch in server.batches.values():
        batch.request.metadata = None
    ask(server)
    assert created(server) == [5, 5]


@pytest.mark.parametrize("kind", ["reset", "truncated", "malformed"])
@pytest.mark.parametrize("step", ["/v1/files", "/v1/batches", "/v1/batches/batch_"])
def test_an_answer_that_is_lost_on_the_way_is_no_end(
    server: OpenAIServer, step: str, kind: Literal["reset", "truncated", "malformed"]
) -> None:
    server.fail_next(Fault(kind), on=step)
    if step == "/v1/batches/batch_":
        answers = ask(server)  # the next poll brings news
    else:
        with pytest.raises(AnswerLost):
            ask(server)
        answers = ask(server)
    assert all(isinstance(answer, Reply) for answer in answers)
    assert len(server.billed) == 5


def test_a_lost_answer_to_the_creation_is_no_second_batch(server: OpenAIServer) -> None:
    # The first request to /batches looks for earlier ones, the second creates.
    server.fail_next(Fault("dribble"), Fault("reset"), on="/batches")
    with pytest.raises(BackendUnavailable):
        ask(server)
    assert all(isinstance(answer, Reply) for answer in ask(server))
    assert created(server) == [5]


@pytest.mark.parametrize("end", ["expired", "cancelled"])
def test_what_a_batch_left_out_is_to_be_tried_again_and_the_rest_is_kept(
    server: OpenAIServer, end: Literal["expired", "cancelled"]
) -> None:
    server.batch_end = end
    answers = ask(server)
    assert [type(answer) for answer in answers] == [Reply] * 2 + [BackendUnavailable] * 3
    server.batch_end = "completed"
    assert ask(server)[:2] == answers[:2]
    assert created(server) == [5, 3]
    assert len(server.billed) == 5


def test_a_batch_that_is_not_taken_says_why(server: OpenAIServer) -> None:
    server.batch_end = "failed"
    server.batch_errors = [{"code": "model_not_supported", "message": "not in batches", "line": 1}]
    with pytest.raises(ConfigError, match="model_not_supported: not in batches"):
        ask(server)
    server.batch_end = "completed"
    assert all(isinstance(answer, Reply) for answer in ask(server))


def test_a_batch_that_waits_for_others_is_tried_later(server: OpenAIServer) -> None:
    server.batch_end = "failed"
    server.batch_errors = [{"code": "token_limit_exceeded", "message": "too much at once", "line": None}]
    with pytest.raises(BackendUnavailable, match="too much at once"):
        ask(server)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, {"code": "rate_limit_exceeded", "message": "slow"}, Throttled),
        (500, {"code": "server_error", "message": "oops"}, BackendUnavailable),
        (0, {}, BackendUnavailable),
        (400, {"code": "content_policy_violation", "message": "no"}, SampleRejected),
    ],
)
def test_an_error_of_one_line_is_that_lines_alone(
    server: OpenAIServer, status: int, error: dict[str, str], kind: type[Exception]
) -> None:
    server.line_errors = {1: (status, error)}
    answers = ask(server)
    assert type(answers[1]) is kind
    assert all(isinstance(answer, Reply) for index, answer in enumerate(answers) if index != 1)
    # It was not paid, so it is asked anew; the others are not.
    server.line_errors = {}
    assert isinstance(ask(server)[1], Reply)
    assert created(server) == [5, 1]


def test_a_line_that_only_the_user_can_mend_ends_the_run_and_loses_nothing(server: OpenAIServer) -> None:
    server.line_errors = {0: (400, {"code": "unsupported_value", "message": "no such temperature"})}
    with pytest.raises(ConfigError, match="no such temperature"):
        ask(server)
    server.line_errors = {}
    assert all(isinstance(answer, Reply) for answer in ask(server))
    assert created(server) == [5, 1]
    assert len(server.billed) == 5


def test_a_poll_that_fails_is_no_news(server: OpenAIServer, caplog: pytest.LogCaptureFixture) -> None:
    server.fail_next(*[Fault("refuse", 503)] * (MAX_SILENT_POLLS - 1), on="/batches/")
    with caplog.at_level(logging.INFO):
        assert all(isinstance(answer, Reply) for answer in ask(server))
    assert "no news" in caplog.text
    assert "in_progress, 0 of 5 answered" in caplog.text


def test_news_in_between_make_failed_polls_forgotten(server: OpenAIServer) -> None:
    silence = [Fault("refuse", 503)] * (MAX_SILENT_POLLS - 1)
    server.fail_next(*silence, Fault("dribble"), *silence, on="/batches/")
    assert all(isinstance(answer, Reply) for answer in ask(server))


def test_polls_that_only_fail_leave_the_batch_to_the_next_run(server: OpenAIServer) -> None:
    server.fail_next(*[Fault("refuse", 503)] * MAX_SILENT_POLLS, on="/batches/")
    with pytest.raises(BackendUnavailable):
        ask(server)
    assert all(isinstance(answer, Reply) for answer in ask(server))
    assert created(server) == [5]


def test_without_an_answer_from_the_vendor_no_request_has_prompts(server: OpenAIServer) -> None:
    server.fail_next(Fault("refuse", 503), on="/files")
    assert [type(outcome) for outcome in write(server)] == [BackendUnavailable] * 5


def test_a_file_that_is_cut_short_is_fetched_again(server: OpenAIServer) -> None:
    server.fail_next(Fault("truncated"), on="/content")
    with pytest.raises(BackendUnavailable, match="cut short"):
        ask(server)
    assert all(isinstance(answer, Reply) for answer in ask(server))
    assert len(server.billed) == 5


def test_a_line_that_a_completed_batch_lacks_was_lost(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = server._keep

    def without_the_first_answer(content: bytes) -> str:
        return keep(content if b'"method"' in content else content.split(b"\n", 1)[1])

    monkeypatch.setattr(server, "_keep", without_the_first_answer)
    # The answers lie in the file in reverse.
    assert [type(answer) for answer in ask(server)] == [Reply] * 4 + [AnswerLost]


def test_answers_in_a_file_that_was_deleted_are_asked_for_anew(server: OpenAIServer) -> None:
    ask(server)
    for batch in server.batches.values():
        assert batch.output_file_id
        del server.files[batch.output_file_id]
    assert all(isinstance(answer, Reply) for answer in ask(server))
    assert created(server) == [5, 5]


def test_a_line_break_inside_a_text_is_no_end_of_line(server: OpenAIServer) -> None:
    ask(server)
    (file_id,) = (batch.output_file_id for batch in server.batches.values())
    assert file_id
    server.files[file_id] = server.files[file_id].replace(b"wide shot", "wide\u2028shot".encode())
    (answer, *_) = ask(server)
    assert isinstance(answer, Reply)
    assert "wide\u2028shot" in json.loads(answer.body)["choices"][0]["message"]["content"]


def test_more_requests_than_metadata_can_name_become_several_batches(server: OpenAIServer) -> None:
    payload = QUESTIONS[0][1]
    questions = [(f"{number:010}{'x' * 54}", payload) for number in range(MAX_LINES + 3)]
    answers = ask(server, questions)
    assert len(answers) == len(questions)
    assert created(server) == [MAX_LINES, 3]
    assert ask(server, questions[::-1]) == answers[::-1]
    assert created(server) == [MAX_LINES, 3]


@dataclass
class HalfKeepingGateway(PlainGateway):
    """Dies once, after it has kept the first two answers of a batch."""

    alive: bool = True

    def ask_together(self, calls: Sequence[Call], send: SendTogether, *, discount: float) -> list[Answer]:
        if self.alive:
            missing = [call for call in calls if call.key not in self.replies]
            for call, answer in list(zip(missing, send(missing), strict=True))[:2]:
                assert isinstance(answer, Reply)
                self.replies[call.key] = answer
            self.alive = False
            raise KilledError
        return super().ask_together(calls, send, discount=discount)


def test_a_run_killed_while_it_keeps_its_answers_pays_once(server: OpenAIServer) -> None:
    gateway = HalfKeepingGateway()
    with pytest.raises(KilledError):
        write(server, gateway)
    assert all(isinstance(outcome, Prompts) for outcome in write(server, gateway))
    assert len(server.billed) == 10
