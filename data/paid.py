"""A paid call: what is asked, what came back and what it took, and the contract of who keeps the books.

Knows no vendor, no price and no file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from data.errors import BackendUnavailable, SampleRejected


@dataclass(frozen=True)
class Usage:
    """What a vendor counts, in tokens.

    ``cached_input`` are among ``input``; ``image_output`` (pictures that were made) are not among ``output``.
    """

    input: int = 0
    cached_input: int = 0
    output: int = 0
    image_output: int = 0


@dataclass(frozen=True)
class Call:
    """One request that costs money.

    ``provider`` and ``model`` choose limits and prices; ``purpose`` says what for, as reports name it;
    ``item`` is the triplet's id; ``key`` a hash of all that determines the answer, so that equal calls are
    paid once; ``expected`` is what it will probably take, for the budget and the tokens a minute.
    """

    provider: str
    model: str
    purpose: str
    item: str
    key: str
    expected: Usage


@dataclass(frozen=True)
class Reply:
    """The vendor's answer as it came (its JSON), and what it billed.

    An answer that refuses, or lacks what was asked for, is a reply too: it was paid.
    """

    body: bytes
    usage: Usage
    response_id: str


@dataclass(frozen=True)
class Demand:
    """What one triplet is expected to ask of a vendor, for an estimate: so many ``calls`` of ``usage`` each.

    ``discount`` is the share of the list price that is not paid, 0.5 for batches.
    """

    provider: str
    model: str
    purpose: str
    calls: float
    usage: Usage
    discount: float = 0.0


Send = Callable[[str], Reply]
"""One try of a call, given an idempotency id. It does not retry, and raises what ``Gateway.ask`` lists."""

Answer = Reply | SampleRejected | BackendUnavailable

SendTogether = Callable[[Sequence[Call]], Iterator[Answer]]
"""The answers to many calls in their order, as one batch. Sent again after a crash it finds its batch."""


class Gateway(Protocol):
    """The one way out to services that cost money: books, budget, rates, retries."""

    def ask(self, call: Call, send: Send) -> Reply:
        """The answer to ``call``: the one that was paid for already, or that of ``send``, tried as needed.

        ``send`` raises ``Throttled`` or another ``BackendUnavailable`` to be tried again,
        ``AnswerLost`` when the call may have been carried out all the same, ``SampleRejected`` when the
        vendor refused without an answer, ``ConfigError`` for what only the user can mend (key, quota,
        model).  All but those that are tried again pass through; ``BackendUnavailable`` when trying was no
        use; ``BudgetReached`` before a call that the budget does not cover.
        """

    def ask_together(self, calls: Sequence[Call], send: SendTogether, *, discount: float) -> list[Answer]:
        """The answers to ``calls`` in their order; only those not paid for before are sent, at a discount."""
