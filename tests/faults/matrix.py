"""THE table: one row a fault, one column a stage; in each cell what is done and what must come of it.

A cell that is a string says why that fault cannot happen there. What is missing is not tested.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tests.faults import injections as fault
from tests.faults.cell import Cell, Outcome
from tests.faults.injections import STAGES, at
from tests.faults.world import World
from tests.protocol.gemini_server import Outcome as Picture
from tests.protocol.server import Fault

Row = Mapping[str, Cell | str]

OWN = tuple(stage for stage in STAGES if stage != "people")
PIECEWISE = ("first frames", "clips", "verdict")
PAID = ("plan", "first frames")
VENDOR = {"plan": "openai", "first frames": "gemini"}
NO_VENDOR = dict.fromkeys((stage for stage in STAGES if stage not in PAID), "no vendor is asked there")


# -- faults of the machine


def _killed(stage: str) -> Cell:
    # The second piece of work: something is finished by then, and something is under way.
    call = 2 if stage in PIECEWISE else 1
    return Cell(Outcome.DIED, inside=(at(stage, fault.die, call=call),), reduced=stage == "clips")


def _file_size_limit(stage: str) -> Cell:
    return Cell(
        Outcome.FIX,
        ("cannot write", "File too large", "raise the file size limit"),
        inside=(at(stage, fault.large_files_refused),),
        reduced=stage == "shards",
    )


def _disk_full(stage: str) -> Cell:
    return Cell(
        Outcome.FIX,
        ("cannot write", "No space left on device", "free some space and run the same command again"),
        inside=(at(stage, fault.fill_disk),),
        mend=lambda world, said: (world.folder / fault.FILLER).unlink(),
        small_disk=True,
    )


def _locked_out(stage: str) -> Cell:
    return Cell(
        Outcome.FIX,
        ("cannot write", "Permission denied", "give yourself write access"),
        inside=(at(stage, fault.lock_out),),
        mend=lambda world, said: fault.let_in(world.folder),
        reduced=stage == "verdict",
    )


def _no_memory(stage: str) -> Cell:
    return Cell(
        Outcome.AGAIN,
        ("this machine ran out of memory", "run the same command again"),
        inside=(at(stage, fault.no_memory, onwards=True),),
        reduced=stage == "clips",
    )


def _hanging(stage: str) -> Cell:
    return Cell(
        Outcome.AGAIN,
        ("no progress for", "a backend hangs. Run the same command again", "raise no_progress_minutes"),
        inside=(fault.short_deadline, at(stage, fault.hang, onwards=True)),
        reduced=stage == "clips",
    )


def _clock(seconds: float) -> Row:
    return {
        stage: Cell(
            Outcome.CONTINUED,
            inside=(at(stage, partial(fault.clock_jumps, seconds)),),
            kind="paid" if stage in PAID else "rendered",
            reduced=stage == "first frames" and seconds > 0,
        )
        for stage in OWN
    } | {"people": "nothing of a study is decided by the time of day"}


def _worker_dies(runner: str) -> Row:
    own = (stage for stage in OWN if stage not in PIECEWISE)
    return dict.fromkeys(own, "done by the run's own process") | {
        stage: Cell(
            Outcome.CONTINUED,
            inside=(partial(fault.worker_dies, stage),),
            first_arguments=("--runner", runner),
            mend=lambda world, said: (world.folder / fault.DEATHS / "first").unlink(),  # there was one
            reduced=stage == "clips",
        )
        for stage in PIECEWISE
    }


def _prefect() -> Row:
    during = {
        stage: Cell(
            Outcome.AGAIN,
            ("the Prefect server at", "went away", "run the same command again"),
            inside=(partial(fault.prefect_dies_at, stage),),
            patience_seconds=600,
        )
        for stage in ("clips", "shards", "report")
    }
    words = ("no Prefect server answers at PREFECT_API_URL", "start it, or unset the variable")
    at_start = Cell(Outcome.AGAIN, words, inside=(fault.no_prefect,), reduced=True)
    return {"plan": at_start} | during


# -- faults of files

ARTIFACTS = {
    "first frames": ("first_frames", "reference", "clips"),
    "clips": ("clips", "reference", "verdict"),
    "verdict": ("verdict", "vectors", "shards"),
}
"""Stage → its records, what they call a blob, and the stage that reads that next."""


def _truncated_artifact(stage: str) -> Cell:
    records, name, reader = ARTIFACTS[stage]
    return Cell(
        Outcome.CONTINUED,
        interrupted=at(reader, fault.die),
        outside=lambda world: fault.truncate(world.blob(records, name)),
        remakes=True,
        reduced=stage == "clips",
    )


def _flipped_artifact(stage: str) -> Cell:
    records, name, reader = ARTIFACTS[stage]
    return Cell(
        Outcome.FIX,
        ("does not hold the bytes it was written with", "delete it and run the same command again"),
        interrupted=at(reader, fault.die),
        outside=lambda world: fault.flip_bit(world.blob(records, name)),
        mend=lambda world, said: _named_file(said).unlink(),
        remakes=True,
        reduced=stage == "verdict",
    )


def _named_file(said: str) -> Path:
    """The file that a message says is to be deleted."""
    found = re.search(r"(/\S+) does not hold the bytes", said)
    return Path(found[1] if found else "")


FINISHED = {
    "shards": ("data/train-00000-of-00001.parquet", "shard"),
    "manifest": ("manifest.json", "manifest"),
}


def _damaged_result(stage: str, damage: Callable[[Path], object]) -> Cell:
    """The command makes it anew; ``verify`` had named it before."""
    name, word = FINISHED[stage]

    def spoil(world: World) -> None:
        world.build()
        damage(world.out / name)
        assert any(word in finding for finding in world.findings()), "verify finds nothing"

    return Cell(Outcome.CONTINUED, outside=spoil, reduced=stage == "shards" and damage is fault.flip_bit)


# -- faults of vendors


def _vendor(
    outcome: Outcome,
    spoil: Callable[..., object],
    words: tuple[str, ...] = (),
    reduced: str = "",
    **more: Any,
) -> Row:
    """The same fault at both vendors."""
    return NO_VENDOR | {
        stage: Cell(
            outcome,
            words,
            outside=partial(spoil, vendor=VENDOR[stage]),
            kind="paid",
            reduced=stage == reduced,
            **more,
        )
        for stage in PAID
    }


def failing(*faults: Fault) -> Callable[..., object]:
    """The vendor's next answers meet ``faults``."""
    return lambda world, vendor: getattr(world, vendor).fail_next(*faults)


NONSENSE = Fault("refuse", 200, body={"candidates": "none of your business"})


def _recovered(world: World, _said: str) -> None:
    for server in (world.openai, world.gemini):
        server._faults.clear()
        server.release()


def _table() -> dict[str, Row]:
    no_bytes = "its result is a record of words, checked as JSON when read"
    away = Fault("refuse", 503)
    return {
        "SIGKILL": {stage: _killed(stage) for stage in OWN},
        "disk full": {stage: _disk_full(stage) for stage in OWN},
        "file size limit": {stage: _file_size_limit(stage) for stage in OWN},
        "permission lost": {stage: _locked_out(stage) for stage in OWN},
        "truncated artifact": {stage: _truncated_artifact(stage) for stage in ARTIFACTS}
        | {"plan": no_bytes}
        | {stage: _damaged_result(stage, fault.truncate) for stage in FINISHED},
        "bit flip": {stage: _flipped_artifact(stage) for stage in ARTIFACTS}
        | {"plan": no_bytes}
        | {stage: _damaged_result(stage, fault.flip_bit) for stage in FINISHED},
        "out of memory": {stage: _no_memory(stage) for stage in OWN},
        "worker death (Dask)": _worker_dies("dask"),
        "worker death (Ray)": _worker_dies("ray"),
        "Prefect server down": _prefect(),
        "Label Studio down": {
            "people": Cell(
                Outcome.AGAIN,
                ("did not answer", "again"),
                inside=(fault.no_label_studio,),
                kind="people",
                finally_=1,
                reduced=True,
            )
        }
        | dict.fromkeys(OWN, "nobody is asked there"),
        "hanging": {stage: _hanging(stage) for stage in PIECEWISE}
        | {"plan": "words come from templates, or from a vendor with a deadline of its own"}
        | dict.fromkeys(("shards", "manifest", "report"), "nothing is waited for there"),
        "clock jumps 10 years ahead": _clock(10 * 365 * 86400.0),
        "clock jumps 1 day back": _clock(-86400.0),
        "429 with Retry-After": _vendor(
            Outcome.CONTINUED, failing(Fault("refuse", 429, {"Retry-After": "1"})), reduced="first frames"
        ),
        "429 without Retry-After": _vendor(Outcome.CONTINUED, failing(Fault("refuse", 429))),
        "500": _vendor(Outcome.CONTINUED, failing(Fault("refuse", 500), Fault("refuse", 502))),
        "500 for as long as it is asked": _vendor(
            Outcome.AGAIN,
            failing(*[away] * 500),
            ("same command again",),
            inside=(partial(fault.impatient, 1.0),),
            mend=_recovered,
            reduced="first frames",
        ),
        "timeout": _vendor(
            Outcome.CONTINUED,
            failing(Fault("hang")),
            inside=(partial(fault.impatient, 600.0, 2.0),),
            may_pay_more=True,
        ),
        "hanging vendor": _vendor(
            Outcome.AGAIN,
            failing(*[Fault("hang")] * 50),
            ("same command again",),
            inside=(partial(fault.impatient, 600.0, 2.0),),
            mend=_recovered,
            may_pay_more=True,
        ),
        "connection reset mid-body": _vendor(
            Outcome.CONTINUED, failing(Fault("reset")), may_pay_more=True, reduced="first frames"
        ),
        "answer cut short": _vendor(Outcome.CONTINUED, failing(Fault("truncated")), may_pay_more=True),
        "malformed JSON": _vendor(Outcome.CONTINUED, failing(Fault("malformed")), may_pay_more=True),
        "schema-violating JSON": NO_VENDOR
        | {
            "plan": Cell(
                Outcome.REWRITTEN,
                outside=lambda world: world.openai.misbehave("schema"),
                kind="paid",
            ),
            "first frames": Cell(
                Outcome.CONTINUED,
                outside=lambda world: world.gemini.fail_next(NONSENSE),
                kind="paid",
                may_pay_more=True,
            ),
        },
        "answers 10 times slower, in pieces": _vendor(Outcome.CONTINUED, failing(*[Fault("dribble")] * 16)),
        "an answer without end": _vendor(
            Outcome.CONTINUED,
            failing(Fault("endless")),
            inside=(partial(fault.impatient, 600.0, 0.5),),
            may_pay_more=True,
            reduced="plan",
        ),
        "refusal": NO_VENDOR
        | {
            "plan": Cell(
                Outcome.REJECTED,
                outside=lambda world: world.openai.misbehave("refusal"),
                kind="paid",
                reason="prompt_refused",
            ),
            "first frames": Cell(
                Outcome.REWRITTEN,
                outside=lambda world: world.gemini.answer_next(Picture(finish_reason="IMAGE_SAFETY")),
                kind="paid",
                reduced=True,
            ),
        },
        "200 without image": NO_VENDOR
        | {
            "plan": "words are asked for there",
            "first frames": Cell(
                Outcome.REWRITTEN,
                outside=lambda world: world.gemini.answer_next(Picture(words="Here is your picture.")),
                kind="paid",
            ),
        },
        "budget reached": NO_VENDOR
        | {
            "plan": Cell(
                Outcome.AGAIN,
                ("budget_usd of $0.00 does not cover", "Raise budget_usd and run the same command again"),
                kind="paid",
                first_arguments=("--budget", "0.001"),
            ),
            "first frames": Cell(
                Outcome.AGAIN,
                ("budget_usd of $0.06 does not cover", "Raise budget_usd and run the same command again"),
                kind="paid",
                first_arguments=("--budget", "0.06"),
                reduced=True,
            ),
        },
    }


TABLE: Mapping[str, Row] = _table()
