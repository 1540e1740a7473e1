"""The conversation about one triplet: write, criticise, and write again while the critic objects.

Knows what is asked next and when to give up, but not how a question travels.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

from data.errors import BackendUnavailable, SampleRejected
from data.paid import Answer, Call, Reply
from data.schema import Prompts
from data.store import artifact_key
from prompts.openai_answers import text_of
from prompts.openai_questions import (
    CRITIQUE,
    CRITIQUE_CHARACTERS,
    PROMPTS,
    PROMPTS_CHARACTERS,
    AnswerForm,
    AnswerT,
    Critique,
    Payload,
    critic_payload,
    expected_usage,
    writing_payload,
)
from prompts.seeds import derive_seed
from prompts.writer import WriteRequest

# How often the prompts of one request are written before they are given up.
MAX_ROUNDS = 3
# How often a question is asked whose answer breaks its form.
MAX_TRIES = 2


@dataclass(frozen=True)
class Question:
    """A call and the request body that it stands for."""

    call: Call
    payload: Payload


Outcome = Prompts | SampleRejected | BackendUnavailable
Conversation = Generator[Question, Reply, Prompts]


def converse(model: str, request: WriteRequest) -> Conversation:
    """Yields questions, is sent the replies, and returns prompts that the critic has no objections to.

    Raises ``SampleRejected``: ``prompt_refused``, ``prompt_cut_short``, ``prompt_schema`` (an answer that
    breaks its form ``MAX_TRIES`` times) or ``prompts_rejected`` (objections after ``MAX_ROUNDS``).
    """
    objections = request.objections
    for round_ in range(MAX_ROUNDS):
        asking = _Asking(model, request, round_)
        prompts = yield from _prompts(asking, objections)
        critique = yield from _critique(asking, prompts)
        if not critique.failed_checks:
            return prompts
        found = tuple(critique.objections) or critique.failed_checks
        objections = request.objections + found
    raise SampleRejected(
        "prompts_rejected", f"the critic objected {MAX_ROUNDS} times, at last: {' '.join(found)}", "none"
    )


def go_on(conversation: Conversation, answer: Answer) -> Question | Outcome:
    """What follows from ``answer``: the next question, or the end."""
    if isinstance(answer, (SampleRejected, BackendUnavailable)):
        conversation.close()
        return answer
    try:
        return conversation.send(answer)
    except StopIteration as end:
        prompts: Prompts = end.value
        return prompts
    except SampleRejected as rejection:
        return rejection


@dataclass(frozen=True)
class _Asking:
    """Makes the calls of one round of a request."""

    model: str
    request: WriteRequest
    round: int

    def until_well_formed(
        self, purpose: str, form: AnswerForm[AnswerT], characters: int, payload_of: Callable[[int], Payload]
    ) -> Generator[Question, Reply, AnswerT]:
        for count in range(MAX_TRIES):
            # Within 31 bits, which every server takes as a seed.
            seed = (
                derive_seed(self.request.draft.seed, purpose, self.request.rewrite, self.round, count) >> 32
            )
            payload = payload_of(seed)
            numbers = {"rewrite": self.request.rewrite, "round": self.round, "count": count}
            call = Call(
                provider="openai",
                model=self.model,
                purpose=purpose,
                item=self.request.draft.triplet_id,
                key=artifact_key("openai", payload=payload, **numbers),
                expected=expected_usage(payload, characters),
            )
            reply = yield Question(call, payload)
            answer = form.read(text_of(reply))
            if answer is not None:
                return answer
        raise SampleRejected(
            "prompt_schema",
            f"{self.model} gave {MAX_TRIES} answers that are not JSON in the form {form.name!r}; "
            "if that goes on, it or its server cannot do structured outputs",
            "rewrite",
        )


def _prompts(asking: _Asking, objections: tuple[str, ...]) -> Generator[Question, Reply, Prompts]:
    prompts = yield from asking.until_well_formed(
        "write",
        PROMPTS,
        PROMPTS_CHARACTERS,
        lambda seed: writing_payload(
            asking.model, asking.request.draft, asking.request.duration_seconds, objections, seed
        ),
    )
    return Prompts(**{name: " ".join(text.split()) for name, text in vars(prompts).items()})


def _critique(asking: _Asking, prompts: Prompts) -> Generator[Question, Reply, Critique]:
    return (
        yield from asking.until_well_formed(
            "critique",
            CRITIQUE,
            CRITIQUE_CHARACTERS,
            lambda seed: critic_payload(
                asking.model, asking.request.draft, asking.request.duration_seconds, prompts, seed
            ),
        )
    )
