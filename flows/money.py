"""What a run paid, by what it was for: by purpose, by provider, and by what became of the attempt.

Pure sums over the books of ``flows.calls``; knows no file and no page.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from data.schema import Reject
from flows.calls import Bill, PaidCall, bill, bills
from flows.wording import STAGE as WORDING

ACCEPTED = "accepted"
PROMPTS = "prompts"
OPEN = "open"


@dataclass(frozen=True)
class MoneyRow:
    """Some of the calls of a run, under the name that they share."""

    name: str
    bill: Bill


@dataclass(frozen=True)
class Money:
    """All that a run paid, divided in three ways; each division adds up to ``total``.

    ``by_fate`` names what became of the attempt that a call served: "accepted", the reason of its
    reject, "open" when the attempt is not settled, or "prompts" for calls that serve a triplet before
    its attempts, unless it was given up there.
    """

    total: Bill
    by_purpose: tuple[MoneyRow, ...]
    by_provider: tuple[MoneyRow, ...]
    by_fate: tuple[MoneyRow, ...]

    @property
    def rejected_usd(self) -> float:
        """Paid for attempts that were rejected or failed."""
        kept = {ACCEPTED, PROMPTS, OPEN}
        return sum(row.bill.paid_usd for row in self.by_fate if row.name not in kept)


def money(
    calls: Sequence[PaidCall], accepted: Collection[tuple[str, int]], rejects: Iterable[Reject]
) -> Money | None:
    """What ``calls`` cost; None when nothing was ever sent. ``accepted`` are (triplet id, attempt)."""
    if not calls:
        return None
    fates = dict.fromkeys(accepted, ACCEPTED)
    given_up: dict[str, str] = {}
    for reject in rejects:
        if reject.stage == WORDING:
            given_up[reject.triplet_id] = reject.reason
        else:
            fates[reject.triplet_id, reject.attempt] = reject.reason

    def fate(call: PaidCall) -> str:
        if call.intent.attempt is None:
            return given_up.get(call.intent.item, PROMPTS)
        return fates.get((call.intent.item, call.intent.attempt), OPEN)

    return Money(
        total=bill(calls),
        by_purpose=_rows(bills(calls, lambda call: call.intent.purpose)),
        by_provider=_rows(bills(calls, lambda call: f"{call.intent.provider} {call.intent.model}")),
        by_fate=_rows(bills(calls, fate)),
    )


def _rows(sums: dict[str, Bill]) -> tuple[MoneyRow, ...]:
    """The dearest first."""
    ordered = sorted(sums.items(), key=lambda item: (-item[1].paid_usd, -item[1].possibly_usd, item[0]))
    return tuple(MoneyRow(name, each) for name, each in ordered)
