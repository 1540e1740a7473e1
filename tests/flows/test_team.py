"""What a team sets up around the deployments: workers on pools, limits, and an alert on a failed run."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml
from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.settings import PREFECT_API_URL, temporary_settings

from data import manifest
from flows.server import prefect_server

ROOT = Path(__file__).parents[2]
TINY = ("per_category=1", 'categories=["view"]', "size_px=96", "duration_seconds=2", "fps=8")
POOLS = ("simmotion", "simmotion-gpu")


@dataclass
class Team:
    """A server with its background services, every deployment of ``prefect.yaml``, and one worker."""

    url: str
    environment: dict[str, str] = field(repr=False)

    def prefect(self, *arguments: str) -> str:
        """The output of a command of Prefect's, which must succeed."""
        run = self.try_prefect(*arguments)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def try_prefect(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=240,
        )


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    home = tmp_path_factory.mktemp("team")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(home))
        with prefect_server(services=True) as url, temporary_settings({PREFECT_API_URL: url}):
            # A shell says where it is; the deployments run where their worker was started.
            found = Team(url, {**os.environ, "PREFECT_API_URL": url, "PWD": str(ROOT), "COLUMNS": "200"})
            with get_client(sync_client=True) as client:
                for pool in POOLS:
                    client.create_work_pool(WorkPoolCreate(name=pool, type="process"))
            found.prefect("deploy", "--all")
            worker = subprocess.Popen(
                [sys.executable, "-m", "prefect", "worker", "start", "--pool", "simmotion"],
                cwd=home,
                env=found.environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                yield found
            finally:
                worker.send_signal(signal.SIGINT)
                worker.wait(timeout=60)


def test_a_worker_of_the_pool_builds_in_the_folder_where_it_was_started(team: Team, tmp_path: Path) -> None:
    given = [option for each in (*TINY, f"out={tmp_path / 'built'}") for option in ("--param", each)]
    team.prefect("deployment", "run", "build-synthetic/demo", *given, "--watch")
    assert manifest.read(tmp_path / "built" / "manifest.json").counts.accepted == 1


def test_what_needs_a_gpu_waits_in_the_pool_of_those_who_have_one(team: Team) -> None:
    names = ("demo", "rendered", "local", "paper")
    with get_client(sync_client=True) as client:
        found = [client.read_deployment_by_name(f"build-synthetic/{name}") for name in names]
    assert [deployment.work_pool_name for deployment in found] == [
        "simmotion",
        "simmotion",
        "simmotion-gpu",
        "simmotion-gpu",
    ]


def test_a_failed_run_tells_the_webhook_of_the_automation(team: Team, tmp_path: Path) -> None:
    said: Future[str] = Future()

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said.set_result(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Listener) as listener:
        thread = threading.Thread(target=listener.serve_forever)
        thread.start()
        try:
            block = Webhook(url=f"http://127.0.0.1:{listener.server_port}/alert").save("alert")
            example = (ROOT / "flows" / "automations" / "failed_run.yaml").read_text()
            filled = tmp_path / "failed_run.yaml"
            filled.write_text(example.replace("BLOCK", str(block)))
            team.prefect("automation", "create", "--from-file", str(filled))
            failed = team.try_prefect(
                "deployment", "run", "build-synthetic/demo", "--param", "recipe=/nowhere.yaml", "--watch"
            )
            assert failed.returncode != 0
            alert = json.loads(said.result(timeout=120))
        finally:
            listener.shutdown()
            thread.join()
    assert alert["text"].startswith("build-synthetic: /nowhere.yaml → out/demo is Failed. http")


def test_every_pool_of_the_deployments_is_one_that_the_guide_creates() -> None:
    written = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    assert {deployment["work_pool"]["name"] for deployment in written} == set(POOLS)
    guide = (ROOT / "docs" / "TEAMS.md").read_text()
    assert all(f"prefect work-pool create {pool} --type process" in guide for pool in POOLS)
