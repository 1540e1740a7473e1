"""A cell of the fault matrix: one fault at one stage, and how the command that meets it must end."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tests.faults.process import Hook
from tests.faults.world import Kind, World


class Outcome(StrEnum):
    """How a command that met a fault ends. After all but the last two the result is the undisturbed one."""

    CONTINUED = "continued"  # exit 0: the same run finishes
    AGAIN = "again"  # exit 1: the same command finishes
    FIX = "fix"  # exit 2: the same command finishes when what the message says was done
    DIED = "died"  # killed: the same command finishes
    REWRITTEN = "rewritten"  # exit 0: one sample was refused, and made of other words
    REJECTED = "rejected"  # exit 0: one sample is a reject with its reason


EXIT_CODES = {
    Outcome.CONTINUED: 0,
    Outcome.AGAIN: 1,
    Outcome.FIX: 2,
    Outcome.DIED: -9,
    Outcome.REWRITTEN: 0,
    Outcome.REJECTED: 0,
}


def nothing(*_: object) -> None:
    """What most cells do at most points."""


@dataclass(frozen=True)
class Cell:
    """One fault at one stage.

    ``interrupted`` ends a first run; then ``outside`` happens to the world; then the command meets the
    fault by ``inside``, must end as ``outcome`` says and print ``words``; then ``mend`` does what these
    say, and the same command, without ``first_arguments``, must finish; where people are to answer it
    ends with ``finally_`` until they have.
    """

    outcome: Outcome
    words: tuple[str, ...] = ()
    inside: tuple[Hook, ...] = ()
    outside: Callable[[World], object] = nothing
    interrupted: Hook | None = None
    mend: Callable[[World, str], object] = nothing
    kind: Kind = "rendered"
    first_arguments: tuple[str, ...] = ()
    reason: str = ""
    finally_: int = 0
    remakes: bool = False
    may_pay_more: bool = False
    patience_seconds: float = 120.0
    small_disk: bool = False
    reduced: bool = False
