"""Hints are taken from whoever knows the secret, bounded, and registered once at a real server."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from annotation.loopback import ADDRESS
from annotation.studio import Studio
from annotation.study import Study
from annotation.webhook import MAX_BODY_BYTES, SECRET_HEADER, Hints, register, unregister
from data.errors import ConfigError
from tests.annotation.conftest import World

PROJECT = 7


@pytest.fixture
def hints(tmp_path: Path) -> Iterator[Hints]:
    with Hints(Study(tmp_path / "hints", create=True)) as opened:
        opened.projects.add(PROJECT)
        yield opened


def post(hints: Hints, secret: str | bytes | None = None, url: str | None = None, body: bytes = b"{}") -> int:
    headers = {SECRET_HEADER: hints.secret if secret is None else secret}
    return httpx.post(url or hints.url(PROJECT), content=body, headers=headers).status_code  # type: ignore[arg-type]


def test_a_hint_is_taken_once(hints: Hints) -> None:
    assert not hints.wait(0)
    assert post(hints) == 204
    assert hints.wait(0)
    assert not hints.wait(0)


@pytest.mark.parametrize("secret", ["", "guess", "é".encode(), b"\xff\xfe"])
def test_a_forged_secret_is_refused(hints: Hints, secret: str | bytes) -> None:
    assert post(hints, secret) == 403
    assert not hints.wait(0)


def test_other_addresses_are_refused_even_with_the_secret(hints: Hints) -> None:
    address = hints.url(PROJECT)
    for url in (
        hints.url(8),
        f"{address}/",
        f"{address}?x=1",
        address.replace(hints.path, "/"),
        address[:-1],
    ):
        assert post(hints, url=url) == 403, url
    assert httpx.get(address).status_code == 501
    assert not hints.wait(0)


def test_what_a_body_says_makes_no_difference(hints: Hints) -> None:
    for body in (b"", b"\xff not JSON", b"x" * MAX_BODY_BYTES):
        assert post(hints, body=body) == 204
        assert hints.wait(0)


@pytest.mark.parametrize(
    ("length", "status"),
    [(str(MAX_BODY_BYTES + 1), 413), ("9" * 5000, 413), ("-1", 411), ("many", 411), ("²", 411), (None, 411)],
)
def test_an_oversized_body_is_refused_before_it_is_read(
    hints: Hints, length: str | None, status: int
) -> None:
    host, port = urlsplit(hints.url(PROJECT)).netloc.split(":")
    connection = http.client.HTTPConnection(host, int(port))
    connection.putrequest("POST", urlsplit(hints.url(PROJECT)).path)
    connection.putheader(SECRET_HEADER, hints.secret)
    if length is not None:
        connection.putheader("Content-Length", length.encode())
    connection.endheaders()
    assert connection.getresponse().status == status
    connection.close()
    assert not hints.wait(0)


def test_who_hangs_up_or_sends_nothing_keeps_nobody_else_off(
    hints: Hints, capfd: pytest.CaptureFixture[str]
) -> None:
    host, port = urlsplit(hints.url(PROJECT)).netloc.split(":")
    with socket.create_connection((host, int(port))) as silent:
        silent.sendall(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf")
        assert post(hints) == 204
    assert hints.wait(0)
    assert capfd.readouterr() == ("", "")


def test_it_listens_on_this_machine_only(hints: Hints) -> None:
    assert ADDRESS.startswith("127.")
    assert urlsplit(hints.url(PROJECT)).hostname == ADDRESS


def test_registering_twice_leaves_one_and_removes_what_a_crashed_receiver_left(world: World) -> None:
    world.push()
    study = Study(world.folder)
    (project, other) = study.projects.values()
    strange = "http://8.8.8.8/of-somebody-else"
    world.studio.create_webhook(project, strange, {})
    with Hints(study) as crashed:
        register(world.studio, crashed, [project])
    with Hints(study) as hints:
        for _ in range(2):
            register(world.studio, hints, [project, other])
        urls = [webhook.url for webhook in world.studio.webhooks(project)]
        assert sorted(urls) == sorted([strange, hints.url(project)])
        assert [webhook.url for webhook in world.studio.webhooks(other)] == [hints.url(other)]
        unregister(world.studio, hints)
    assert [webhook.url for webhook in world.studio.webhooks(project)] == [strange]
    assert world.studio.webhooks(other) == []


def test_a_submitted_answer_arrives_as_a_hint_and_a_changed_one_too(world: World) -> None:
    (invitation, *_) = world.push().invitations
    study = Study(world.folder)
    with Hints(study) as hints:
        register(world.studio, hints, study.projects.values())
        person = world.log_in(invitation)
        task = person.next_task()
        assert task is not None
        assert not hints.wait(0)
        made = person.submit(task)
        assert hints.wait(20)
        person.call("PATCH", f"/api/annotations/{made['id']}/", {"lead_time": 30})
        assert hints.wait(20)
        unregister(world.studio, hints)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.255.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1"])
def test_our_server_can_be_made_to_call_no_other_address_of_the_house(
    world: World, studio: Studio, host: str
) -> None:
    world.push()
    (project, *_) = Study(world.folder).projects.values()
    with pytest.raises(ConfigError, match=rf"may not call http://{host}:4200/"):
        studio.create_webhook(project, f"http://{host}:4200/", {})
