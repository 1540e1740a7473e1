"""``simmotion up``: one command brings the server and the deployments, Ctrl-C takes both away."""

import json
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from data import manifest
from flows.server import is_healthy
from tests.flows.conftest import Prefect
from tests.flows.up import Up

PARAMETERS = ("per_category=1", 'categories=["view"]', "size_px=96", "duration_seconds=2", "fps=8")


@pytest.fixture
def up(prefect: Prefect, tmp_path: Path) -> Iterator[Up]:
    started = Up(tmp_path, prefect.home)
    yield started
    started.close()


def test_deployments_really_build_and_evaluate_and_ctrl_c_leaves_nothing_behind(
    up: Up, tmp_path: Path
) -> None:
    run = up.run("build-synthetic/demo", *PARAMETERS)
    assert run.returncode == 0, run.stdout + run.stderr + "".join(up.lines)
    assert manifest.read(tmp_path / "out" / "demo" / "manifest.json").counts.accepted == 1

    assert "  prefect deployment run evaluate/dataset\n" in up.lines
    asked = up.run("evaluate/dataset")
    assert asked.returncode == 0, asked.stdout + asked.stderr + "".join(up.lines)
    assert (tmp_path / "out" / "demo" / "evaluation" / "synthetic" / "evaluation.html").is_file()

    refused = up.run("build-synthetic/paper", "per_category=0")
    assert refused.returncode != 0, "the schema of the parameters must refuse zero triplets"

    children = psutil.Process(up.process.pid).children(recursive=True)
    assert children
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(timeout=60) == 0
    gone, alive = psutil.wait_procs(children, timeout=60)
    assert gone
    assert not alive
    assert not is_healthy(up.url)
    assert not [line for line in up.lines if "Traceback" in line or "ERROR" in line], "".join(up.lines)


def test_the_summary_and_the_report_are_artifacts_of_the_run(prefect: Prefect, undisturbed: Path) -> None:
    artifacts = {key: _newest_artifact(prefect, key) for key in ("build-demo", "report-demo")}
    assert "requested = " in artifacts["build-demo"]
    assert (undisturbed / "report" / "report.html").name in artifacts["report-demo"]


def _newest_artifact(prefect: Prefect, key: str) -> str:
    with urllib.request.urlopen(f"{prefect.url}/artifacts/{key}/latest", timeout=30) as answer:
        data: str = json.load(answer)["data"]
    return data
