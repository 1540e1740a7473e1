"""No key reaches anything that a run writes or says, whatever a vendor repeats of it in its answers."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from subprocess import CompletedProcess
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.secrets import VARIABLES
from tests.flows.commands import simmotion
from tests.flows.conftest import Prefect
from tests.flows.paper_world import PaperWorld
from tests.protocol import openai_server
from tests.protocol.gemini_server import GeminiServer, google_error
from tests.protocol.openai_server import OpenAIServer
from tests.protocol.server import Fault

# With signs that addresses and JSON spell otherwise. Google's second name is of no use beside the first.
CANARIES = {name: f"canary/{sha256(name.encode()).hexdigest()[:24]}+" for name in VARIABLES}


def spellings(secret: str) -> Iterator[bytes]:
    """The forms in which a key may turn up; either half of it is too much already."""
    middle = len(secret) // 2
    for text in (secret[:middle], secret[middle:], quote(secret, safe=""), repr(secret)[1:-1]):
        yield text.encode()
    yield base64.b64encode(secret.encode())


def leaks(content: bytes) -> list[str]:
    return [
        name
        for name, secret in CANARIES.items()
        if any(spelling in content for spelling in spellings(secret))
    ]


def texts_of(path: Path) -> Iterator[bytes]:
    """What a file says: its bytes, and the values of every column where they are compressed."""
    yield path.read_bytes()
    if path.suffix == ".parquet":
        table = pq.read_table(path, partitioning=None)
        yield repr(table.schema).encode()
        yield repr(table.to_pylist()).encode()


def leaking(*folders: Path) -> dict[str, list[str]]:
    """The files below ``folders`` that hold a key, and whose."""
    found: dict[str, list[str]] = {}
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            named = [name for text in texts_of(path) for name in leaks(text)]
            if named or leaks(str(path).encode()):
                found[str(path)] = named
    return found


@pytest.fixture
def world(
    tiny_wan_folder: Path, prefect: Prefect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PaperWorld]:
    monkeypatch.setattr(openai_server, "KEY", CANARIES["OPENAI_API_KEY"])
    with OpenAIServer() as openai, GeminiServer(key=CANARIES["GEMINI_API_KEY"]) as gemini:
        yield PaperWorld(openai, gemini, tiny_wan_folder, prefect, tmp_path, dict(CANARIES))


def assert_nothing_told(run: CompletedProcess[str], world: PaperWorld) -> None:
    assert leaks((run.stdout + run.stderr).encode()) == []
    assert leaking(world.folder, world.prefect.home) == {}


def test_the_search_finds_a_key_wherever_it_could_hide(tmp_path: Path) -> None:
    secret = CANARIES["OPENAI_API_KEY"]
    pq.write_table(pa.table({"text": [secret * 3]}), tmp_path / "a.parquet", compression="zstd")
    (tmp_path / "b.log").write_text(f"cut short: {secret[len(secret) // 2 :]}")
    (tmp_path / "c.bin").write_bytes(b"\0" + base64.b64encode(secret.encode()))
    (tmp_path / "d.txt").write_text("nothing")
    assert [Path(name).name for name in leaking(tmp_path)] == ["a.parquet", "b.log", "c.bin"]


def test_a_complete_build_writes_no_key_anywhere(world: PaperWorld, tmp_path: Path) -> None:
    run = simmotion(
        "build", "--recipe", world.recipe(), "--out", tmp_path / "out", environment=world.environment
    )

    assert run.returncode == 0, run.stderr
    assert world.openai.billed, "the keys were used"
    assert world.gemini.billed
    databases = [path.name for path in world.prefect.home.rglob("prefect.db*")]
    assert databases, "Prefect's own files are searched, too"
    assert_nothing_told(run, world)


def openai_fault(status: int) -> Fault:
    """A refusal that repeats the key in every field it has."""
    key = CANARIES["OPENAI_API_KEY"]
    told = f"Incorrect API key provided: {key}. {'x' * 400} {key} {key}"
    return Fault("refuse", status, {}, {"error": {"message": told, "type": key, "param": key, "code": key}})


def gemini_fault(status: int) -> Fault:
    key = CANARIES["GEMINI_API_KEY"]
    told = f"API key {key} is not allowed here. {'x' * 330} {key} {key}"
    return google_error(status, f"DENIED_{key}", told, [{"reason": key, "domain": key}])


@pytest.mark.parametrize(("vendor", "status"), [("openai", 400), ("openai", 401), ("gemini", 403)])
def test_a_vendor_that_repeats_the_key_is_not_quoted(
    world: PaperWorld, tmp_path: Path, vendor: str, status: int
) -> None:
    if vendor == "openai":
        world.openai.fail_next(*[openai_fault(status)] * 9)
    else:
        world.gemini.fail_next(*[gemini_fault(status)] * 9)
    run = world.build(tmp_path / "out")

    assert run.returncode == 2, run.stderr
    assert str(status) in run.stderr
    assert "not_billed" in (tmp_path / "out" / "calls.jsonl").read_text()
    assert_nothing_told(run, world)
