"""What a cell of the matrix happens to: a tiny recipe, vendors that bill, and an undisturbed build of it.

Knows no fault. Each cell works in a folder of its own; the undisturbed result is made once a recipe.
"""

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from unittest.mock import patch

import yaml

from annotation.server import Server, start, stop
from data import manifest
from data.store import Store
from data.verify import verify
from flows import calls, ledger
from flows.prices import load_prices
from tests.faults.injections import impatient
from tests.faults.process import Hook, Run, simmotion
from tests.flows.paper_world import ANYTHING_GOES, paid_ids
from tests.protocol import gemini_server, openai_server
from tests.protocol.gemini_server import GeminiServer
from tests.protocol.openai_server import OpenAIServer
from tests.protocol.server import ProtocolServer
from tests.test_real_pipeline import footage

Kind = Literal["rendered", "paid", "people"]
"""Which recipe: prompts and pictures for nothing, or from vendors who bill, or footage that people rank."""

RECIPE = {
    "name": "tiny",
    "categories": ["scene_style", "view"],
    "per_category": 1,
    "seed": 1,
    "format": {"size_px": 64, "duration_seconds": 1.0, "fps": 8},
    "thresholds": ANYTHING_GOES,
    "workers": 2,
}


DISK_BYTES = 16 * 1024 * 1024  # of a cell whose disk runs full


FOOTAGE = {
    "name": "tiny",
    "format": {"size_px": 64, "duration_seconds": 1.0, "fps": 16},
    "items": 1,
    "candidates": 2,
    "gold": 1,
    "repeats": 0,
    "per_item": 2,
    "decision": {"min_annotators": 2, "max_annotators": 2},
    "export": "full",
}
RIGHTS = {
    "author": "the team",
    "licence": "CC-BY-4.0",
    "licence_evidence": "our own recording",
    "licence_checked_at": "2026-11-20",
}


@dataclass
class World:
    """One cell's folder and all that a command needs in it. ``runs`` is what happened so far."""

    kind: Kind
    folder: Path
    undisturbed: Path
    openai: OpenAIServer
    gemini: GeminiServer
    environment: dict[str, str]
    runs: list[Run] = field(default_factory=list)

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def store(self) -> Path:
        return self.out / "store"

    def build(self, *arguments: object, hooks: Sequence[Hook] = (), patience_seconds: float = 120.0) -> Run:
        """The command of this world. It is always the same but for ``arguments``."""
        name = "build-real" if self.kind == "people" else "build"
        command = [name, "--recipe", self.recipe(), "--out", self.out, *arguments]
        run = simmotion(command, self.environment, (impatient, *hooks), patience_seconds)
        self.runs.append(run)
        return run

    def recipe(self) -> Path:
        """Beside the folder of the cell, so that what befalls that does not befall it."""
        folder = self.undisturbed.parent
        match self.kind:
            case "rendered":
                values = dict(RECIPE)
            case "paid":
                writer = {"kind": "openai", "base_url": self.openai.base_url}
                values = {
                    **RECIPE,
                    "writer": writer,
                    "images": {"kind": "gemini", "base_url": self.gemini.url},
                }
            case "people":
                films, emails = folder / "footage", folder / "emails.txt"
                if not films.exists():
                    footage(films)
                    emails.write_text("ann@example.org\nbo@example.org\n")
                kept = {"kind": "folder", "path": str(films), **RIGHTS}
                values = {**FOOTAGE, "footage": kept, "annotators": str(emails)}
        path = folder / f"{self.kind}.yaml"
        path.write_text(yaml.safe_dump(values), encoding="utf-8")
        return path

    def blob(self, stage: str, name: str) -> Path:
        """The bytes that a record of ``stage`` calls ``name``."""
        store = Store(self.store)
        records = [store.find(stage, key) for key in store.keys(stage)]
        return next(store.path(record["blobs"][name]) for record in records if record)

    @property
    def counts(self) -> manifest.Counts:
        return manifest.read(self.out / "manifest.json").counts

    def findings(self) -> list[str]:
        return [str(finding) for finding in verify(self.out)]

    def made_twice(self) -> list[str]:
        """Work that the ledger has more than once."""
        made = Counter((entry.stage, entry.key) for entry in ledger.read(self.out / "ledger.jsonl"))
        return [f"{stage} {key[:8]}" for (stage, key), times in made.items() if times > 1]

    def files(self, out: Path) -> Counter[str]:
        """The names of all files of a build; of a vendor's answers, which have numbers in them, how many."""
        names = (path.relative_to(out) for path in out.rglob("*") if path.is_file())
        return Counter("an answer" if is_answer(name) else str(name) for name in names)

    def books(self) -> Iterator[str]:
        """Where the books of the run differ from what the vendors bill."""
        rows, paid = calls.read(self.out / "calls.jsonl"), paid_ids(self.out)
        bills = [("openai", bill) for bill in self.openai.billed]
        bills += [("google", bill) for bill in self.gemini.billed]
        if extra := paid - Counter(bill.response_id for _, bill in bills):
            yield f"booked as paid and not billed: {dict(extra)}"
        prices = load_prices(None, datetime.now(UTC).date())
        known = [(provider, bill) for provider, bill in bills if bill.response_id in paid]
        usd = sum(prices.usd(provider, bill.model, bill.usage, bill.discount) for provider, bill in known)
        if abs(usd - calls.bill(rows).paid_usd) > 1e-9:
            yield f"billed ${usd:.4f}, booked ${calls.bill(rows).paid_usd:.4f}"
        lost = sum(row.outcome is None or row.outcome.kind == "lost" for row in rows)
        if len(bills) - len(known) > lost:
            yield f"{len(bills) - len(known)} bills for {lost} calls that may have been carried out"

    @property
    def possibly_usd(self) -> float:
        return calls.bill(calls.read(self.out / "calls.jsonl")).possibly_usd


@dataclass
class Worlds:
    """Makes the world of each cell; ``folder`` is removed by whoever gave it."""

    folder: Path
    openai: OpenAIServer
    gemini: GeminiServer
    environment: dict[str, str]
    _label_studio: ExitStack
    _undisturbed: dict[Kind, Path] = field(default_factory=dict)

    @contextmanager
    def new(self, kind: Kind, name: str, *, small_disk: bool = False) -> Iterator[World]:
        """A world in which nothing has happened yet. Its folder is gone after the block."""
        undisturbed = self._undisturbed.get(kind) or self._build(kind)
        folder = self.folder / name
        folder.mkdir()
        try:
            with _disk(folder) if small_disk else nullcontext():
                yield self._world(kind, folder, undisturbed)
        finally:
            shutil.rmtree(folder)

    def _build(self, kind: Kind) -> Path:
        folder = self.folder / f"{kind}-undisturbed"
        world = self._world(kind, folder, folder / "out")
        folder.mkdir()
        if kind == "people":  # who is asked by none but the cells themselves
            server = self._label_studio.enter_context(label_studio(self.folder / "label-studio"))
            self.environment |= {"LABEL_STUDIO_URL": server.url, "LABEL_STUDIO_TOKEN": server.token}
        else:
            run = world.build()
            assert run.code == 0, run.said
            assert not world.findings()
        self._undisturbed[kind] = world.out
        return world.out

    def _world(self, kind: Kind, folder: Path, undisturbed: Path) -> World:
        for server in (self.openai, self.gemini):
            _forget(server)
        return World(kind, folder, undisturbed, self.openai, self.gemini, self.environment)


def is_answer(name: Path) -> bool:
    """Whether the file, named from the folder of a build, is what a vendor sent, or its record."""
    return name.match("store/blobs/*/*.json") or "reply" in name.parts


def _forget(server: ProtocolServer) -> None:
    """A vendor to whom nobody has spoken yet."""
    server.requests.clear()
    server.billed.clear()
    server.complaints.clear()
    server._replays.clear()
    server._faults.clear()
    server._released.clear()


@contextmanager
def label_studio(home: Path) -> Iterator[Server]:
    """A server for as long as the block runs; the first time on a machine installs it."""
    yield start(home)
    stop(home)


def can_mount() -> bool:
    """Whether a cell can have a disk of its own here, which takes root."""
    return os.geteuid() == 0 and shutil.which("mount") is not None


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """A small disk of its own for ``folder``."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def worlds(folder: Path, api_url: str) -> Iterator[Worlds]:
    """Vendors on this machine for as long as the block runs. ``api_url`` is that of a Prefect server."""
    keys = {"OPENAI_API_KEY": openai_server.KEY, "GEMINI_API_KEY": gemini_server.KEY}
    environment = {**keys, "PREFECT_API_URL": api_url, "HF_HUB_OFFLINE": "1"}
    # What is read when the process begins that is forked for each run.
    early = {"OMP_NUM_THREADS": "1", "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"}
    with (
        patch.dict(os.environ, early),
        OpenAIServer() as openai,
        GeminiServer() as gemini,
        ExitStack() as stack,
    ):
        yield Worlds(folder, openai, gemini, environment, stack)
        for server in (openai, gemini):
            server.complaints.clear()  # clients that died are part of the tests
