"""Pexels and downloads against a local server that speaks their protocol."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from data.download import fetched
from data.errors import AnswerLost, BackendUnavailable, ConfigError, SampleRejected, Throttled
from data.footage import Rights, SourceVideo, require_full_export
from data.pexels import search
from tests.protocol.pexels_server import PexelsServer, listed
from tests.protocol.server import Fault

KEY = "a-key-of-the-test"
FILE = bytes(range(256)) * 5000


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PexelsServer]:
    monkeypatch.setenv("PEXELS_API_KEY", KEY)
    with PexelsServer(KEY, [listed(number) for number in range(100)], {"/file.mp4": FILE}) as server:
        yield server


def found(server: PexelsServer, most: int = 3) -> list[SourceVideo]:
    return list(search("a dog runs", most, terms_acknowledged=True, base_url=server.url))


def test_nothing_is_asked_without_the_acknowledgement_and_the_reason_is_told(server: PexelsServer) -> None:
    with pytest.raises(ConfigError, match="machine learning"):
        next(search("a dog", 1, terms_acknowledged=False, base_url=server.url))
    assert not server.requests


def test_videos_come_with_their_author_and_licence_and_may_not_be_passed_on(server: PexelsServer) -> None:
    videos = found(server)
    assert [video.rights.author for video in videos] == ["Filmer 0", "Filmer 1", "Filmer 2"]
    assert videos[1].url == "https://v.example/1-720.mp4"  # the smallest that is large enough
    assert "https://www.pexels.com/video/1/" in videos[1].rights.licence_evidence
    assert videos[0].description == "a dog runs"
    with pytest.raises(ConfigError, match="passed on by themselves"):
        require_full_export(videos)


def test_small_videos_are_taken_in_the_largest_file_there_is(server: PexelsServer) -> None:
    server.videos[0] = listed(0, heights=(240, 480, 360))
    assert found(server, 1)[0].url.endswith("0-480.mp4")


@pytest.mark.parametrize(("most", "pages", "came"), [(1, 1, 1), (80, 1, 80), (81, 2, 81), (500, 2, 100)])
def test_pages_are_asked_until_there_is_enough_or_no_more(
    most: int, pages: int, came: int, server: PexelsServer
) -> None:
    videos = found(server, most)
    assert len({video.video_id for video in videos}) == came
    assert len(server.requests) == pages


def test_a_missing_or_wrong_key_is_for_the_user_to_mend(
    server: PexelsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEXELS_API_KEY", "wrong")
    with pytest.raises(ConfigError, match="PEXELS_API_KEY right") as raised:
        found(server)
    assert "wrong" not in str(raised.value)  # a key is nothing to print
    monkeypatch.delenv("PEXELS_API_KEY")
    with pytest.raises(ConfigError, match="is not set"):
        found(server)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("refuse", 429, {"Retry-After": "17"}), Throttled),
        (Fault("refuse", 500), BackendUnavailable),
        (Fault("reset"), BackendUnavailable),
        (Fault("truncated"), BackendUnavailable),
        (Fault("malformed"), BackendUnavailable),
    ],
)
def test_each_failure_of_the_service_has_its_class(
    fault: Fault, error: type[Exception], server: PexelsServer
) -> None:
    server.fail_next(fault)
    with pytest.raises(error) as raised:
        found(server)
    if isinstance(raised.value, Throttled):
        assert raised.value.retry_after_seconds == 17
    assert len(found(server)) == 3


def test_the_key_does_not_follow_a_redirection(server: PexelsServer) -> None:
    server.fail_next(Fault("refuse", 302, {"Location": f"{server.url}/file.mp4"}))
    with pytest.raises(BackendUnavailable, match="no JSON"):
        found(server)
    asked, redirected = server.requests
    assert asked.headers["authorization"] == KEY
    assert redirected.path == "/file.mp4"
    assert "authorization" not in redirected.headers


@pytest.mark.parametrize("lost", ["user", "video_files", "url"])
def test_an_answer_of_another_shape_is_not_taken_for_videos(lost: str, server: PexelsServer) -> None:
    del server.videos[0][lost]
    with pytest.raises(BackendUnavailable, match="video 0"):
        found(server)


def at(url: str) -> SourceVideo:
    return SourceVideo(url, None, url, Rights())


def test_a_file_is_fetched_once_and_whole(server: PexelsServer, tmp_path: Path) -> None:
    video = at(f"{server.url}/file.mp4?token=1")
    first = fetched(video, tmp_path)
    assert first.path is not None
    assert first.path.read_bytes() == FILE
    assert fetched(video, tmp_path) == first
    assert len(server.requests) == 1
    assert fetched(first, tmp_path / "unused") is first


@pytest.mark.parametrize("kind", ["reset", "truncated"])
def test_half_a_file_is_no_file(kind: str, server: PexelsServer, tmp_path: Path) -> None:
    if kind == "truncated":  # the body ends before the length that the server states
        server.fail_next(Fault("refuse", 200, {"Content-Length": "99"}, {}))
    else:
        server.fail_next(Fault("reset"))
    with pytest.raises(AnswerLost):
        fetched(at(f"{server.url}/file.mp4"), tmp_path)
    assert list(tmp_path.iterdir()) == []
    path = fetched(at(f"{server.url}/file.mp4"), tmp_path).path
    assert path is not None
    assert path.read_bytes() == FILE


def test_a_video_that_is_gone_is_a_sample_that_is_lost(server: PexelsServer, tmp_path: Path) -> None:
    with pytest.raises(SampleRejected) as raised:
        fetched(at(f"{server.url}/other.mp4"), tmp_path)
    assert raised.value.reason == "source_gone"


def test_nothing_but_the_web_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="http"):
        fetched(at("file:///etc/hostname"), tmp_path)


def test_a_host_that_is_not_there_may_be_there_later(tmp_path: Path) -> None:
    with PexelsServer(KEY, []) as gone:
        url = gone.url
    with pytest.raises(BackendUnavailable):
        fetched(at(f"{url}/file.mp4"), tmp_path)
