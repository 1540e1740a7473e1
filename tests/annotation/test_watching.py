"""A study is watched on a real server: by hints, without them, and with the server away. Nothing sleeps."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from annotation import watching
from annotation.items import RankingItem, Slot
from annotation.push import Invitation
from annotation.server import Connection, Server
from annotation.study import Account, Study
from annotation.watching import GAP_SECONDS, RETRY_SECONDS, Look, watch
from annotation.webhook import Hints
from data.errors import ConfigError
from tests.annotation.conftest import World

NEVER = 3600.0  # an interval at which a test that needs a poll would hang


def dead() -> Connection:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Connection(f"http://127.0.0.1:{probe.getsockname()[1]}", "token")


def answering(world: World, num_people: int = 1) -> Iterator[None]:
    """Tasks for so many people, four in all; then one answer at each step."""
    reference, *candidates = list(world.clips)[:3]
    items = [RankingItem(f"item {number}", reference, tuple(candidates)) for number in range(4)]
    return _answers(world, world.push(items=items, emails=world.emails[:num_people]).invitations)


def _answers(world: World, invitations: Sequence[Invitation]) -> Iterator[None]:
    for invitation in invitations:
        person = world.log_in(invitation)
        while (task := person.next_task()) is not None:
            person.submit(task, seconds=36)
            yield


def watched(
    world: World,
    connect: Callable[[], Connection],
    meanwhile: Callable[[float], object],
    every_seconds: float = GAP_SECONDS,
    num_looks: int | None = None,
) -> list[Look]:
    """All looks until everything was answered, or so many; ``meanwhile`` is called between two of them."""
    looks = watch(world.folder, connect, every_seconds=every_seconds, until_complete=True, sleep=meanwhile)
    with closing(looks):
        return list(islice(looks, num_looks))


def counts(looks: list[Look]) -> list[tuple[int, int]]:
    return [(look.num_new, look.standing.num_answered) for look in looks]


def test_every_answer_hints_at_itself_and_is_found_long_before_the_next_poll(
    world: World, server: Server
) -> None:
    steps = answering(world)
    pauses = []

    def meanwhile(seconds: float) -> None:
        pauses.append(seconds)
        assert all(len(world.studio.webhooks(own)) == 1 for own in Study(world.folder).projects.values())
        next(steps)

    looks = watched(world, lambda: server.connection, meanwhile, NEVER)
    assert counts(looks) == [(0, 0), (1, 1), (1, 2), (1, 3), (1, 4)]
    assert [look.hinted for look in looks] == [False, True, True, True, True]
    assert [look.next_seconds for look in looks] == [NEVER, NEVER, NEVER, NEVER, None]
    assert pauses == [GAP_SECONDS] * 4  # hints bring no two polls nearer together
    assert not any(look.trouble or look.deaf for look in looks)
    assert not any(world.studio.webhooks(own) for own in Study(world.folder).projects.values())


def test_losing_every_hint_loses_nothing(world: World, server: Server) -> None:
    steps = answering(world)

    def meanwhile(_: float) -> None:
        for project in Study(world.folder).projects.values():
            for webhook in world.studio.webhooks(project):
                world.studio.delete_webhook(webhook.webhook_id)
        next(steps)

    looks = watched(world, lambda: server.connection, meanwhile)
    assert counts(looks)[-1] == (1, 4)
    assert not any(look.hinted for look in looks)


def test_a_server_that_is_away_is_told_and_asked_again(world: World, server: Server) -> None:
    steps = answering(world)
    servers = iter([dead(), server.connection, dead(), server.connection])
    looks = watched(world, lambda: next(servers, server.connection), lambda _: next(steps), num_looks=4)
    assert [look.trouble is not None for look in looks] == [True, False, True, False]
    assert counts(looks) == [(0, 0), (1, 1), (0, 1), (2, 3)]
    assert all("did not answer" in look.trouble for look in looks if look.trouble)


def pushed_elsewhere(folder: Path) -> Path:
    study = Study(folder / "study", create=True)
    study.note("project", {"annotator": "anna", "project": 1})
    study.note_item(RankingItem("item", "r", ("x", "y")))
    study.note_account(Account("anna", "anna@example.org", None, 1))
    study.note_slot(Slot("slot", "item", ("x", "y")), "anna")
    return study.folder


@pytest.mark.parametrize(("every", "again"), [(NEVER, RETRY_SECONDS), (10, 10)])
def test_a_server_that_is_away_is_asked_again_soon(tmp_path: Path, every: float, again: float) -> None:
    looks = watch(pushed_elsewhere(tmp_path), dead, every_seconds=every, until_complete=True)
    with closing(looks):
        look = next(looks)
    assert look.next_seconds == again
    assert look.standing.num_slots == 1


def stopped() -> Connection:
    raise ConfigError("no Label Studio runs")


def test_what_only_the_user_can_mend_ends_it_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no Label Studio runs"):
        next(watch(pushed_elsewhere(tmp_path), stopped, every_seconds=10, until_complete=False))
    with pytest.raises(ConfigError, match="no study"):
        next(watch(tmp_path, stopped, every_seconds=10, until_complete=False))


def test_what_only_the_user_can_mend_is_told_when_others_go_on_answering(
    world: World, server: Server
) -> None:
    steps = answering(world)
    there = iter([True, False])
    looks = watched(
        world,
        lambda: server.connection if next(there, True) else stopped(),
        lambda _: next(steps),
        num_looks=3,
    )
    assert [look.trouble for look in looks] == [None, "no Label Studio runs", None]
    assert counts(looks) == [(0, 0), (0, 0), (2, 2)]


def test_without_an_end_it_goes_on_when_all_is_answered(world: World, server: Server) -> None:
    steps = answering(world)
    looks = watch(
        world.folder,
        lambda: server.connection,
        every_seconds=GAP_SECONDS,
        until_complete=False,
        sleep=lambda _: list(steps),
    )
    with closing(looks):
        assert counts(list(islice(looks, 3))) == [(0, 0), (4, 4), (0, 4)]


def test_a_deleted_project_is_told_while_the_others_go_on(world: World, server: Server) -> None:
    steps = answering(world, num_people=2)
    gone, _ = Study(world.folder).projects.values()
    next(steps)
    next(steps)  # all of the first annotator

    def meanwhile(_: float) -> None:
        next(steps)
        world.studio._request("DELETE", f"api/projects/{gone}/")

    looks = watched(world, lambda: server.connection, meanwhile, num_looks=2)
    assert counts(looks) == [(2, 2), (1, 3)]
    assert "is not there" in (looks[1].trouble or "")


def test_a_server_that_guards_our_address_is_polled(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = answering(world)
    monkeypatch.setattr(watching, "Hints", lambda study: Hints(study, "127.0.0.1"))
    looks = watched(world, lambda: server.connection, lambda seconds: seconds and next(steps))
    assert counts(looks)[-1] == (1, 4)
    assert "forbids that address" in (looks[0].deaf or "")
    assert not any(look.deaf for look in looks[1:])  # it is said once


def test_a_machine_with_one_loopback_address_sleeps_instead(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.push()
    pauses: list[float] = []

    def refused(_: Study) -> Hints:
        raise OSError(99, "Cannot assign requested address")

    monkeypatch.setattr(watching, "Hints", refused)
    looks = watched(world, lambda: server.connection, pauses.append, 300, num_looks=3)
    assert "Cannot assign requested address" in (looks[0].deaf or "")
    assert pauses == [GAP_SECONDS, 300 - GAP_SECONDS] * 2
