"""Lets a cell of the matrix happen and says what is wrong with what came of it."""

import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass

from annotation.study import Study
from tests.faults.cell import EXIT_CODES, Cell, Outcome
from tests.faults.process import Run
from tests.faults.world import World, Worlds

SAME_FILES = {Outcome.CONTINUED, Outcome.AGAIN, Outcome.FIX, Outcome.DIED}


@dataclass(frozen=True)
class Verdict:
    """What is wrong, nothing when all is as stated; and what the run said that met the fault."""

    wrong: tuple[str, ...]
    said: str
    seconds: float


def judged(worlds: Worlds, cell: Cell, name: str) -> Verdict:
    """Let ``cell`` happen in a world of its own."""
    started = time.monotonic()
    with worlds.new(cell.kind, name, small_disk=cell.small_disk) as world:
        wrong = tuple(_wrong(world, cell))
        said = world.runs[-2].said if len(world.runs) > 1 else ""
    return Verdict(wrong, said, time.monotonic() - started)


def _wrong(world: World, cell: Cell) -> Iterator[str]:
    if cell.interrupted is not None:
        run = world.build(hooks=[cell.interrupted])
        if run.code != EXIT_CODES[Outcome.DIED]:
            yield f"the run before ended with {run.code}: {run.said[-500:]}"
    cell.outside(world)
    met = world.build(*cell.first_arguments, hooks=cell.inside, patience_seconds=cell.patience_seconds)
    yield from _ended_as_stated(met, cell)
    yield from _balanced(world)
    try:
        cell.mend(world, met.said)
    except OSError as error:
        yield f"what the message says cannot be done: {error}"
    again = world.build()
    if again.code != cell.finally_:
        yield f"the same command then ended with {again.code}: {again.said[-500:]}"
        return
    yield from _asked_once(world) if cell.kind == "people" else _nothing_lost(world, cell)


def _ended_as_stated(run: Run, cell: Cell) -> Iterator[str]:
    if run.code != EXIT_CODES[cell.outcome]:
        yield f"exit code {run.code}, stated {EXIT_CODES[cell.outcome]} ({cell.outcome}): {run.said[-400:]}"
    if "Traceback" in run.said:
        yield "a traceback"
    said = " ".join(run.said.split())
    for words in cell.words:
        if words not in said:
            yield f"does not say {words!r}: {said[-400:]}"


def _balanced(world: World) -> Iterator[str]:
    if not (world.out / "manifest.json").exists():
        return
    counts = world.counts
    if counts.requested != sum(counts.parts.values()):
        yield f"counts do not balance: {counts}"


def _nothing_lost(world: World, cell: Cell) -> Iterator[str]:
    yield from _balanced(world)
    yield from (f"verify: {finding}" for finding in world.findings())
    yield from world.books()
    if not cell.remakes:
        yield from (f"made twice: {work}" for work in world.made_twice())
    if cell.outcome in SAME_FILES:
        for name in ("manifest.json", "rejects.jsonl"):
            if (world.out / name).read_bytes() != (world.undisturbed / name).read_bytes():
                yield f"{name} differs from that of the undisturbed build"
        here, there = world.files(world.out), world.files(world.undisturbed)
        if here != there:
            yield f"files left behind: {dict(here - there)}, missing: {dict(there - here)}"
    if cell.outcome is Outcome.REJECTED and world.counts.rejected != {cell.reason: 1}:
        yield f"rejected: {world.counts.rejected}, stated {cell.reason}"
    if cell.outcome is Outcome.REWRITTEN and world.counts.accepted != world.counts.requested:
        yield f"not every triplet was made: {world.counts}"
    if not cell.may_pay_more and world.possibly_usd:
        yield f"${world.possibly_usd:.4f} may have been paid for nothing"


def _asked_once(world: World) -> Iterator[str]:
    """Everybody has each question on the server as often as the study says."""
    study = Study(world.out / "study")
    with (world.out / "study" / "invitations.csv").open(newline="") as file:
        sent = sum(int(row["tasks"]) for row in csv.DictReader(file))
    if sent != len(study.slots) or not sent:
        yield f"{sent} questions were sent of {len(study.slots)}"
    if "still to come" not in world.runs[-1].said:
        yield f"does not say what is to come: {world.runs[-1].said[-400:]}"
