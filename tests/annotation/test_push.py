"""Tasks reach the right people on a real server, once, whatever happens on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from annotation.items import RankingItem
from annotation.previews import write_preview
from annotation.project import InterfaceEdited
from annotation.push import Pushed
from annotation.server import Connection, Server, start, stop
from annotation.studio import ProjectGone, Studio
from annotation.study import FILENAME, Study
from data.disk import file_sha256
from data.errors import BackendUnavailable, ConfigError, VideoError
from data.video import probe
from tests.annotation.conftest import World


def tasks_on_server(world: World) -> dict[str, list[int]]:
    study = Study(world.folder)
    found: dict[str, list[int]] = {}
    for project in study.projects.values():
        found |= world.studio.task_keys(project)
    return found


def test_every_slot_is_one_task_of_its_annotator(world: World) -> None:
    pushed = world.push(repeats=1)
    study = Study(world.folder)
    assert pushed.num_new_tasks == len(study.slots) == 4 + 2
    for annotator, project in study.projects.items():
        mine = [slot.slot_id for slot in study.slots_of(annotator)]
        keys = world.studio.task_keys(project)
        assert sorted(keys, key=lambda key: keys[key]) == mine  # in the order that was dealt
        assert {study.tasks[key] for key in mine} == {own for ids in keys.values() for own in ids}


def test_pushing_twice_adds_nothing(world: World) -> None:
    first = world.push(repeats=1)
    again = world.push(repeats=1)
    assert (again.num_new_tasks, again.num_new_clips) == (0, 0)
    assert again.invitations == first.invitations


def test_more_people_and_more_items_add_the_difference(world: World) -> None:
    world.push(items=world.items[:2])
    before = tasks_on_server(world)
    pushed = world.push(per_item=2)
    after = tasks_on_server(world)
    assert before.items() <= after.items()
    assert pushed.num_new_tasks == len(after) - len(before) == 4 * 2 - 2


def test_annotators_can_log_in_and_are_given_their_own_tasks(world: World) -> None:
    for invitation in world.push().invitations:
        task = world.log_in(invitation).next_task()
        assert task is not None
        study = Study(world.folder)
        assert study.owners[task["data"]["task_key"]] == invitation.annotator
        assert invitation.address == f"{world.studio.url}/projects/{task['project']}/data?labeling=1"


def test_tasks_and_projects_tell_nothing_of_what_they_show(world: World) -> None:
    gold = RankingItem("gold", world.items[0].reference, world.items[1].candidates, world.items[1].candidates)
    (invitation, *_) = world.push(items=[*world.items, gold], repeats=1).invitations
    person = world.log_in(invitation)
    page = json.dumps(person.call("GET", f"/api/tasks?project={person.project}&fields=all"))
    page += json.dumps(person.call("GET", f"/api/projects/{person.project}"))
    secrets = ["Sprung", "gold", "vídeo", *world.clips, *(path.stem for path in world.clips.values())]
    assert [secret for secret in secrets if secret in page] == []


def test_clips_are_served_to_those_who_are_logged_in(world: World) -> None:
    (invitation, *_) = world.push().invitations
    person = world.log_in(invitation)
    address = Study(world.folder).clip_urls[world.items[0].reference]
    whole = person.browser.get(address)
    part = person.browser.get(address, headers={"Range": "bytes=0-9"})
    assert whole.headers["content-type"] == "video/mp4"
    assert (part.status_code, part.content) == (206, whole.content[:10])


class Interrupted(Exception):
    """Stands for the power cut."""


@pytest.mark.parametrize(
    ("step", "carried_out"),
    [
        ("upload", True),
        ("user_ids", False),
        ("sign_up", True),
        ("create_project", True),
        ("import_tasks", False),
        ("import_tasks", True),
        ("task_keys", False),
    ],
)
def test_an_interrupted_push_continues(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str, carried_out: bool
) -> None:
    real, calls = getattr(Studio, step), 0

    def failing(self: Studio, *arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            if carried_out:
                real(self, *arguments, **named)
            raise Interrupted
        return real(self, *arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(Studio, step, failing)
        with pytest.raises(Interrupted):
            world.push()
    world.push()
    found = tasks_on_server(world)
    study = Study(world.folder)
    assert {key: [study.tasks[key]] for key in study.slots} == found
    assert len(found) == 4
    for annotator in study.projects:
        assert len(world.studio.projects_by_description()[study.marker(annotator)]) == 1


def test_a_server_that_goes_in_mid_push_is_told_and_the_same_call_continues(
    world: World, home: Path, server: Server
) -> None:
    def goes(doing: str) -> None:
        if doing.startswith("sending tasks"):
            stop(home)

    with pytest.raises(BackendUnavailable, match="did not answer"):
        world.push(progress=goes)
    start(home)
    pushed = world.push()
    assert pushed.num_new_tasks == 4
    assert len(tasks_on_server(world)) == 4


def test_a_wrong_token_is_the_users_to_mend(world: World) -> None:
    with Studio(Connection(world.studio.url, "0" * 40)) as stranger:
        world.studio = stranger
        with pytest.raises(ConfigError, match="token is refused"):
            world.push()


def test_a_project_that_somebody_deleted_is_told(world: World) -> None:
    (invitation, *_) = world.push().invitations
    person = world.log_in(invitation)
    person.call("DELETE", f"/api/projects/{person.project}/")
    with pytest.raises(ProjectGone, match=f"project {person.project} is not there"):
        world.push()


def test_a_labelling_interface_edited_by_hand_is_told_and_can_be_put_back(world: World) -> None:
    (invitation, *_) = world.push().invitations
    person = world.log_in(invitation)
    address = f"/api/projects/{person.project}/"
    page = person.call("GET", address)["label_config"]
    person.call("PATCH", address, {"label_config": page.replace("similar MOTION", "similar COLOUR")})
    with pytest.raises(InterfaceEdited, match=f"project {person.project}"):
        world.push()
    person.call("PATCH", address, {"label_config": page})
    assert world.push().num_new_tasks == 0


def test_a_project_of_something_else_is_not_touched(world: World) -> None:
    (invitation, *_) = world.push().invitations
    person = world.log_in(invitation)
    person.call("PATCH", f"/api/projects/{person.project}/", {"description": "mine"})
    with pytest.raises(ConfigError, match="belongs to something else"):
        world.push()


def test_an_annotator_with_another_address_is_still_the_same_person(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server changes addresses in its database only, so its list of users is what is changed here."""
    annotator = world.push().invitations[0].annotator
    user = Study(world.folder).accounts[annotator].user_id
    renamed = f"new-{world.emails[0]}"
    ids = {email: own for email, own in world.studio.user_ids().items() if own != user} | {renamed: user}
    monkeypatch.setattr(Studio, "user_ids", lambda _: ids)
    again = world.push(emails=[renamed, world.emails[1]])
    assert (again.num_new_tasks, len(again.invitations)) == (0, 2)
    with pytest.raises(ConfigError, match="are one person"):
        world.push(emails=[renamed, world.emails[0]])


def test_titles_need_not_be_latin(world: World) -> None:
    (invitation, *_) = world.push(title="動きの順位付け" * 10).invitations
    person = world.log_in(invitation)
    assert person.call("GET", f"/api/projects/{person.project}/")["title"].startswith("動きの順位付け")


def test_passwords_are_for_the_owner_of_the_study_only(world: World) -> None:
    pushed = world.push()
    assert (world.folder / FILENAME).stat().st_mode & 0o777 == 0o600
    assert all(one.password and one.password not in repr(pushed) for one in pushed.invitations)


def assert_refused_before_anything_is_sent(world: World, message: str, **changes: object) -> None:
    before = world.studio.user_ids()
    with pytest.raises(ConfigError, match=message):
        world.push(**changes)
    assert world.studio.user_ids() == before
    if world.folder.exists() and (world.folder / FILENAME).exists():
        assert Study(world.folder).media_project is None


def test_items_that_cannot_be_ranked_are_refused(world: World) -> None:
    a, b, c, *_ = world.clips
    for item, message in (
        (RankingItem("one", a, (b,)), "has 1 candidates"),
        (RankingItem("twice", a, (b, c, b)), "twice"),
        (RankingItem("self", a, (a, b)), "reference"),
        (RankingItem("gold", a, (b, c), (b, a)), "known order"),
    ):
        assert_refused_before_anything_is_sent(world, message, items=[item])
    same_name = [RankingItem("x", a, (b, c)), RankingItem("x", b, (a, c))]
    assert_refused_before_anything_is_sent(world, "there twice", items=same_name)


def test_odd_annotators_are_refused(world: World) -> None:
    assert_refused_before_anything_is_sent(world, "e-mail", emails=["anna", "bo@example.org"])
    assert_refused_before_anything_is_sent(world, "twice", emails=["a@example.org", "A@example.org "])
    assert_refused_before_anything_is_sent(world, "at least as many", per_item=3)


def test_a_clip_that_is_missing_or_no_video_is_named(world: World, tmp_path: Path) -> None:
    a, b, *_ = world.clips
    with pytest.raises(VideoError, match="f" * 64) as missing:
        world.push(items=[RankingItem("x", a, (b, "f" * 64))])
    assert missing.value.reason == "missing"
    broken = tmp_path / "broken.mp4"
    broken.write_text("no video")
    with pytest.raises(VideoError, match=r"broken\.mp4"):
        world.push(
            items=[RankingItem("x", a, (b, file_sha256(broken)))],
            clips=world.clips | {file_sha256(broken): broken},
        )
    assert Study(world.folder).media_project is None


def test_an_item_may_not_change_under_its_name(world: World) -> None:
    world.push()
    changed = RankingItem(world.items[0].item_id, world.items[1].reference, world.items[0].candidates[1:])
    with pytest.raises(ConfigError, match="with other clips before"):
        world.push(items=[changed])


def test_a_preview_plays_in_every_browser_whatever_the_clip_is(tmp_path: Path) -> None:
    source = tmp_path / "old.avi"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("mpeg4", rate=12)
        stream.width, stream.height, stream.pix_fmt = 1280, 722, "yuv420p"
        for level in range(6):
            picture = np.full((722, 1280, 3), 40 * level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    write_preview(source, tmp_path / "preview.mp4")
    facts = probe(tmp_path / "preview.mp4")
    assert (facts.codec, facts.pixel_format) == ("h264", "yuv420p")
    assert (facts.width_px, facts.height_px, facts.num_frames, facts.fps) == (568, 320, 6, 12.0)


def test_one_push_at_a_time(world: World) -> None:
    seen: list[Pushed] = []

    def second(_: str) -> None:
        with pytest.raises(ConfigError, match="being written by"):
            seen.append(world.push())

    world.push(progress=second)
    assert seen == []
