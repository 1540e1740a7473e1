"""A server of our own: private, found again, stopped; and what is said of one that cannot be used."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from typer.testing import CliRunner

from annotation.doctor import examine
from annotation.environment import environment, is_made
from annotation.server import (
    LOG,
    SECRETS,
    Server,
    connect,
    is_healthy,
    recorded,
    running,
    start,
    stop,
    wait_until_ours,
)
from data.errors import BackendUnavailable, ConfigError
from flows.cli_annotate import app


def test_it_is_private_keeps_its_address_and_its_data_and_stops(tmp_path: Path) -> None:
    home = tmp_path / "home"
    told: list[str] = []
    first = start(home, progress=told.append)
    try:
        process = psutil.Process(first.pid)
        assert {link.laddr.ip for link in process.net_connections() if link.status == "LISTEN"} == {
            "127.0.0.1"
        }
        assert (home / SECRETS).stat().st_mode & 0o777 == 0o600
        assert home.stat().st_mode & 0o777 == 0o700
        command = " ".join(process.cmdline())
        assert first.token not in command
        assert first.password not in command
        assert first.token not in repr(first)
        assert first.password not in repr(first)
        assert start(home) == first == running(home)
        assert any("waiting for Label Studio" in line for line in told)
    finally:
        assert stop(home)
    assert running(home) is None
    assert not is_healthy(first.url)
    assert not stop(home)
    again = start(home)
    try:
        assert (again.url, again.token, again.password) == (first.url, first.token, first.password)
        os.kill(again.pid, signal.SIGKILL)
        while running(home) is not None:
            pass
        assert recorded(home) == again  # a killed server is not taken for a running one
    finally:
        stop(home)


def test_a_port_in_use_is_refused(tmp_path: Path, server: Server) -> None:
    port = int(server.url.rsplit(":", 1)[1])
    with pytest.raises(ConfigError, match=f"port {port} on 127.0.0.1 cannot be had"):
        start(tmp_path / "home", port)
    assert recorded(tmp_path / "home") is None


def test_another_port_than_the_running_servers_is_refused(home: Path, server: Server) -> None:
    with pytest.raises(ConfigError, match="already"):
        start(home, 1)


def test_another_database_than_before_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = Server("http://127.0.0.1:1", 1, "a", "b", "c", "sqlite")
    (tmp_path / SECRETS).write_text(json.dumps(vars(known) | {"url": "http://127.0.0.1:0"}))
    monkeypatch.setenv("POSTGRE_HOST", "localhost")
    with pytest.raises(ConfigError, match="are in sqlite, but now postgresql"):
        start(tmp_path)


class Stranger(BaseHTTPRequestHandler):
    """Another Label Studio, in good health, that does not know our token."""

    def do_GET(self) -> None:
        healthy = self.path == "/health"
        self.send_response(200 if healthy else 401)
        self.end_headers()
        self.wfile.write(b'{"status": "UP"}' if healthy else b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def stranger() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Stranger) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def test_a_stranger_who_answers_in_its_place_is_found_out(tmp_path: Path, stranger: str) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        ours = Server(stranger, child.pid, "a@localhost", "b", "c", "sqlite")
        with pytest.raises(BackendUnavailable, match="another server answers"):
            wait_until_ours(ours, child, tmp_path / LOG, print)
        child.kill()


def test_a_server_that_dies_while_starting_is_told_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / LOG).write_text("no such table")
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
        ours = Server("http://127.0.0.1:9", child.pid, "a@localhost", "b", "c", "sqlite")
        with pytest.raises(BackendUnavailable, match=r"ended.*no such table"):
            wait_until_ours(ours, child, tmp_path / LOG, print)


def test_a_server_that_is_there_needs_address_and_token(tmp_path: Path) -> None:
    both = {"LABEL_STUDIO_URL": "https://there.example/", "LABEL_STUDIO_TOKEN": "t"}
    assert connect(tmp_path, both).url == "https://there.example"
    assert "'t'" not in repr(connect(tmp_path, both))
    for variables, message in (
        ({"LABEL_STUDIO_URL": "http://there"}, "LABEL_STUDIO_TOKEN is not set"),
        ({"LABEL_STUDIO_TOKEN": "t"}, "LABEL_STUDIO_URL is not"),
        (both | {"LABEL_STUDIO_URL": "there"}, "starts with http"),
        ({}, "simmotion annotate up"),
    ):
        with pytest.raises(ConfigError, match=message):
            connect(tmp_path, variables)


def test_a_damaged_record_is_told(tmp_path: Path) -> None:
    (tmp_path / SECRETS).write_text("{")
    with pytest.raises(ConfigError, match="damaged"):
        running(tmp_path)


def test_the_doctor_finds_nothing_wrong_with_a_good_server(home: Path, server: Server) -> None:
    findings = list(examine(home, {}))
    assert [finding.text for finding in findings if not finding.good] == []
    assert any(server.email in finding.text for finding in findings)


def test_the_doctor_names_what_is_wrong(tmp_path: Path, home: Path, server: Server, stranger: str) -> None:
    def wrong(folder: Path, variables: dict[str, str]) -> str:
        return " ".join(finding.text for finding in examine(folder, variables) if not finding.good)

    bad_token = {"LABEL_STUDIO_URL": server.url, "LABEL_STUDIO_TOKEN": "0" * 40}
    nobody = {"LABEL_STUDIO_URL": "http://127.0.0.1:9", "LABEL_STUDIO_TOKEN": "t"}
    assert "token is refused" in wrong(home, bad_token)
    assert "does not answer" in wrong(home, nobody)
    assert "simmotion annotate up" in wrong(tmp_path, {})
    (home / SECRETS).chmod(0o644)
    assert "others can read the password" in wrong(home, {})
    (home / SECRETS).chmod(0o600)


def test_an_installation_that_fails_is_told_and_tried_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = tmp_path / "python"
    failing.write_text("#!/bin/sh\necho no index >&2\nexit 3\n")
    failing.chmod(0o755)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(failing))
    for _ in range(2):
        with pytest.raises(BackendUnavailable, match=r"exit code 3.*no index"):
            environment()
        assert not is_made()


def test_the_commands_find_the_server_and_say_how_it_is(home: Path, server: Server) -> None:
    asked = CliRunner().invoke(app, ["doctor", "--home", str(home)], catch_exceptions=False)
    assert asked.exit_code == 0
    assert server.url in asked.output
    up = CliRunner().invoke(app, ["up", "--home", str(home)], catch_exceptions=False)
    assert f"{server.url} is up" in up.output
    assert server.password not in up.output
