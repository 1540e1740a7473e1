"""One run at a time in a folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from data.errors import ConfigError
from data.lock import FILENAME, RunLock

ROOT = Path(__file__).parents[2]


def test_a_second_run_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    with RunLock(tmp_path / "out"):
        with pytest.raises(ConfigError, match=f"process {os.getpid()} on "), RunLock(tmp_path / "out"):
            pass
        # the refused one has neither freed nor emptied the lock
        with pytest.raises(ConfigError, match=f"process {os.getpid()} on "), RunLock(tmp_path / "out"):
            pass
    with RunLock(tmp_path / "out"):
        pass
    assert (tmp_path / "out" / FILENAME).read_bytes() == b""


def test_the_name_of_a_dead_holder_is_written_over(tmp_path: Path) -> None:
    (tmp_path / FILENAME).write_text("process 1 on a-machine-with-a-very-long-name.example\n" * 3)
    with RunLock(tmp_path):
        assert (tmp_path / FILENAME).read_text().count("\n") == 1


def test_an_error_in_the_block_frees_the_folder(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), RunLock(tmp_path):
        raise RuntimeError
    with RunLock(tmp_path):
        pass


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    script = """
        import sys, time
        from pathlib import Path
        from data.lock import RunLock

        with RunLock(Path(sys.argv[1])):
            print("held", flush=True)
            sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ConfigError, match=f"process {holder.pid} on "), RunLock(tmp_path):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with RunLock(tmp_path):
        pass


def test_an_output_path_that_is_a_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot write"), RunLock(tmp_path / "file"):
        pass
