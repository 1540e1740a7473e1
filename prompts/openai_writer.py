"""Has prompts written and criticised by a chat model of OpenAI, or of a server that speaks its protocol.

Knows how questions travel, one by one or as batches; money and retries are the gateway's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from data.errors import BackendUnavailable, ContractError, SampleRejected
from data.paid import Answer, Call, Gateway
from data.store import artifact_key
from prompts.openai_conversation import MAX_ROUNDS, Conversation, Outcome, Question, converse, go_on
from prompts.openai_questions import CRITIQUE, MAX_COMPLETION_TOKENS, PROMPTS, TEMPERATURE, demand, texts
from prompts.writer import WriteRequest, WriterFacts

if TYPE_CHECKING:
    from prompts.config import OpenAIConfig
    from prompts.openai_client import OpenAIClient

BATCH_DISCOUNT = 0.5


class OpenAIWriter:
    """Constructing is cheap; ``open`` before ``write``.

    ``timeout_seconds`` is how long a server may stay silent, ``poll_seconds`` how often a batch is
    looked after.
    """

    def __init__(
        self,
        config: OpenAIConfig,
        gateway: Gateway,
        *,
        timeout_seconds: float = 120.0,
        poll_seconds: float = 30.0,
    ) -> None:
        self._config = config
        self._gateway = gateway
        self._timeout_seconds = timeout_seconds
        self._poll_seconds = poll_seconds
        self._client: OpenAIClient | None = None

    @property
    def facts(self) -> WriterFacts:
        """``batch`` is no part of the revision: it changes the price, not the words."""
        revision = artifact_key(
            "openai_writer",
            texts=texts(),
            forms=[PROMPTS.response_format, CRITIQUE.response_format],
            temperature=TEMPERATURE,
            max_completion_tokens=MAX_COMPLETION_TOKENS,
            rounds=MAX_ROUNDS,
        )
        return WriterFacts(
            name=f"openai:{self._config.model}",
            revision=revision[:16],
            demand=demand(self._config.model, BATCH_DISCOUNT if self._config.batch else 0.0),
            at_once=self._config.batch,
            invents=True,
        )

    def open(self) -> None:
        """Loads the SDK. Raises ``ConfigError`` when a key is needed and missing."""
        from prompts.openai_client import OpenAIClient

        self._client = OpenAIClient(self._config.model, self._config.base_url, self._timeout_seconds)

    def write(self, requests: Sequence[WriteRequest]) -> Iterator[Outcome]:
        """The prompts of each request in order, or why there are none; see ``converse`` for the reasons.

        Raises ``ConfigError`` and ``BudgetReached``, which end the run.
        """
        if self._client is None:
            raise ContractError("the writer was asked to write before it was opened")
        conversations = [converse(self._config.model, request) for request in requests]
        if self._config.batch:
            yield from self._in_batches(conversations, self._client)
        else:
            for conversation in conversations:
                yield self._one_by_one(conversation, self._client)

    def _one_by_one(self, conversation: Conversation, client: OpenAIClient) -> Outcome:
        step: Question | Outcome = next(conversation)
        while isinstance(step, Question):
            step = go_on(conversation, self._ask(step, client))
        return step

    def _ask(self, question: Question, client: OpenAIClient) -> Answer:
        try:
            return self._gateway.ask(question.call, lambda id_: client.complete(question.payload, id_))
        except (SampleRejected, BackendUnavailable) as error:
            return error

    def _in_batches(self, conversations: Sequence[Conversation], client: OpenAIClient) -> Iterator[Outcome]:
        """All conversations in step: what is open in each goes out together."""
        from prompts.openai_batch import answers_in_batch

        def send(calls: Sequence[Call]) -> Iterator[Answer]:
            payloads = {question.call.key: question.payload for question in asked.values()}
            return answers_in_batch(
                client, [(call.key, payloads[call.key]) for call in calls], self._poll_seconds
            )

        steps: list[Question | Outcome] = [next(conversation) for conversation in conversations]
        while asked := {index: step for index, step in enumerate(steps) if isinstance(step, Question)}:
            calls = [question.call for question in asked.values()]
            try:
                answers = self._gateway.ask_together(calls, send, discount=BATCH_DISCOUNT)
            except BackendUnavailable as error:
                answers = [error] * len(calls)
            for index, answer in zip(asked, answers, strict=True):
                steps[index] = go_on(conversations[index], answer)
        yield from (step for step in steps if not isinstance(step, Question))
