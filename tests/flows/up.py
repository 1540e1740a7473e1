"""``simmotion up`` as a user has it: a process of its own that serves every deployment."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil


class Up:
    """``simmotion up`` in a process of its own, once it has said that it is ready.

    ``module`` may be one that wraps the command.
    """

    def __init__(self, folder: Path, home: Path, *, module: str = "flows.cli", **variables: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/api"
        self.environment = {**os.environ, "PREFECT_HOME": str(home), **variables}
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, "up", "--port", str(port)],
            env=self.environment,
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._ready.wait(240), "".join(self.lines)

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            if "Ctrl-C" in line:
                self._ready.set()
        self._ready.set()

    def close(self) -> None:
        """End it the hard way if it still runs, with the runs it started, and take its last words."""
        running = self.process.poll() is None
        # A run that went on would ask a server that is gone, for minutes.
        children = psutil.Process(self.process.pid).children(recursive=True) if running else []
        self.process.kill()
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stderr is not None
        self.process.stderr.close()

    def run(self, deployment: str, *parameters: str) -> subprocess.CompletedProcess[str]:
        """Run a deployment to its end, as a user does."""
        options = [option for parameter in parameters for option in ("--param", parameter)]
        return subprocess.run(
            [sys.executable, "-m", "prefect", "deployment", "run", deployment, *options, "--watch"],
            env={**self.environment, "PREFECT_API_URL": self.url},
            capture_output=True,
            text=True,
            timeout=240,
        )

    def start(self, deployment: str, *parameters: str) -> str:
        """Run a deployment and do not wait for it; returns the id of its run."""
        flow, _, name = deployment.partition("/")
        deadline = time.monotonic() + 120
        while (found := self._found(f"/deployments/name/{flow}/{name}")) is None:  # it is being registered
            assert time.monotonic() < deadline, "".join(self.lines)
            time.sleep(0.5)
        given = dict(parameter.split("=", 1) for parameter in parameters)
        run = self._ask("POST", f"/deployments/{found['id']}/create_flow_run", {"parameters": given})
        return str(run["id"])

    def state_of(
        self, run_id: str, wanted: Collection[str], meanwhile: Callable[[], object] = lambda: None
    ) -> str:
        """The state of a run once it is one of those wanted. Fails when it is none of them for long.

        ``meanwhile`` is called after every look.
        """
        deadline = time.monotonic() + 480
        while (state := self._ask("GET", f"/flow_runs/{run_id}")["state"]["name"]) not in wanted:
            assert time.monotonic() < deadline, f"{state}\n" + "".join(self.lines)
            time.sleep(0.5)
            meanwhile()
        return str(state)

    def runs_of(self, flow: str, state: str) -> list[dict[str, Any]]:
        """The runs of a flow that are in this state."""
        wanted = {"flows": {"name": {"any_": [flow]}}, "flow_runs": {"state": {"name": {"any_": [state]}}}}
        return list(self._ask("POST", "/flow_runs/filter", wanted))

    def _found(self, path: str) -> Any:
        try:
            return self._ask("GET", path)
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return None

    def _ask(self, method: str, path: str, content: object = None) -> Any:
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(
            self.url + path, data, {"Content-Type": "application/json"}, method=method
        )
        deadline = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                # Its database was locked and nothing was done: ask again, as Prefect's own client does.
                if error.code != 503 or time.monotonic() > deadline:
                    raise
            time.sleep(0.5)
