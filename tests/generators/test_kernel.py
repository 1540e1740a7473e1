"""Compiled code must not outlive the sources that it was made from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CALLED = """
from generators.procedural.kernel import kernel

@kernel
def number() -> int:
    return {value}
"""
CALLER = """
from generators.procedural.called import number
from generators.procedural.kernel import kernel

@kernel
def twice() -> int:
    return 2 * number()
"""


def test_an_edit_in_a_called_file_reaches_callers_in_other_files(tmp_path: Path) -> None:
    package = tmp_path / "generators" / "procedural"
    package.mkdir(parents=True)
    (tmp_path / "generators" / "__init__.py").touch()
    (package / "__init__.py").touch()
    source = Path(__file__).parents[2] / "generators" / "procedural" / "kernel.py"
    (package / "kernel.py").write_bytes(source.read_bytes())
    (package / "caller.py").write_text(CALLER)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("NUMBA_CACHE_DIR", None)
    command = [sys.executable, "-c", "from generators.procedural.caller import twice; print(twice())"]
    for value in (3, 5):
        (package / "called.py").write_text(CALLED.format(value=value))
        answer = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert int(answer.stdout) == 2 * value
    assert list(package.glob("__pycache__/caller.twice*.nbi")), "compiled code is kept between processes"
