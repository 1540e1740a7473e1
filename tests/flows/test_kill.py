"""A build may die at any instant; the same command continues it, and no trace of the death is left."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows import ledger
from tests.flows.commands import TINY, simmotion_here
from tests.flows.conftest import Prefect
from tests.flows.dying_builds import Deaths, deaths


@pytest.fixture(scope="module")
def dying(prefect: Prefect, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deaths]:
    with deaths(prefect.environment, tmp_path_factory.mktemp("dying")) as ready:
        yield ready


def _assert_finished_as_if_undisturbed(out: Path, undisturbed: Path, prefect: Prefect) -> None:
    again = simmotion_here("build", "--out", out, *TINY, environment=prefect.environment)
    assert again.returncode == 0, again.stderr
    assert (out / "manifest.json").read_bytes() == (undisturbed / "manifest.json").read_bytes()
    assert (out / "rejects.jsonl").read_bytes() == (undisturbed / "rejects.jsonl").read_bytes()
    made = Counter((entry.stage, entry.key) for entry in ledger.read(out / "ledger.jsonl"))
    assert made
    assert max(made.values()) == 1, "something finished was made again"
    assert _files(out) == _files(undisturbed), "a file is left behind or missing"
    assert simmotion_here("verify", out, environment=prefect.environment).returncode == 0


def _files(out: Path) -> set[str]:
    return {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("moment", "count"),
    [
        ("half a clip is encoded", 5),
        ("a record is about to be written", 8),
        ("a work is about to enter the ledger", 8),
        ("a shard is half written", 1),
        ("the card is about to be written", 1),
        ("the manifest is about to be written", 1),
        ("the report is about to be written", 1),
    ],
)
def test_a_killed_build_continues_to_the_same_hashes(
    moment: str, count: int, dying: Deaths, prefect: Prefect, undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    dying.at(moment, count, out)
    _assert_finished_as_if_undisturbed(out, undisturbed, prefect)


def test_several_deaths_in_a_row_lose_nothing(
    dying: Deaths, prefect: Prefect, undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    dying.at("half a clip is encoded", 2, out)
    dying.at("a record is about to be written", 3, out)
    dying.at("a shard is half written", 1, out)
    _assert_finished_as_if_undisturbed(out, undisturbed, prefect)


def test_a_manifest_never_stands_beside_data_that_it_does_not_describe(
    dying: Deaths, prefect: Prefect, undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = simmotion_here("build", "--out", out, *TINY, "--limit", "2", environment=prefect.environment)
    assert first.returncode == 0, first.stderr
    dying.at("the card is about to be written", 1, out)
    assert not (out / "manifest.json").exists()
    _assert_finished_as_if_undisturbed(out, undisturbed, prefect)


def test_a_kill_from_outside_while_clips_are_made(
    prefect: Prefect, undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "flows.cli", "build", "--out", str(out), *TINY]
    with subprocess.Popen(command, env=prefect.environment, stderr=subprocess.DEVNULL) as build:
        records, deadline = out / "store" / "records" / "clips", time.monotonic() + 240
        while not (records.is_dir() and any(records.rglob("*.json"))):
            assert build.poll() is None, "the build ended before its first clip"
            assert time.monotonic() < deadline
        os.kill(build.pid, signal.SIGKILL)
    assert not (out / "manifest.json").exists()
    _assert_finished_as_if_undisturbed(out, undisturbed, prefect)


def test_ctrl_c_leaves_one_line_and_a_folder_to_continue(
    prefect: Prefect, undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "flows.cli", "build", "--out", str(out), *TINY]
    with subprocess.Popen(command, env=prefect.environment, stderr=subprocess.PIPE, text=True) as build:
        deadline = time.monotonic() + 240
        while not (out / "ledger.jsonl").exists():
            assert build.poll() is None, "the build ended before its first piece of work"
            assert time.monotonic() < deadline
        build.send_signal(signal.SIGINT)
        _, errors = build.communicate(timeout=120)
    assert build.returncode == 130
    assert "Traceback" not in errors
    assert "The same command continues" in errors
    _assert_finished_as_if_undisturbed(out, undisturbed, prefect)
