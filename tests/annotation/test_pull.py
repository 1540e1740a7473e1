"""What people submit arrives as rankings, and what cannot count arrives as a reject with its reason."""

from __future__ import annotations

from typing import Any

import pytest

from annotation.answers import Answers, answers, read_copies
from annotation.pages import candidate_id
from annotation.project import InterfaceEdited
from annotation.pull import pull
from annotation.status import standing
from annotation.studio import ProjectGone
from annotation.study import Study
from tests.annotation.conftest import World
from tests.annotation.people import Person


def pulled(world: World) -> Answers:
    return pull(world.studio, world.folder)


def names_of(world: World, task: dict[str, Any], clips: tuple[str, ...]) -> list[str]:
    study = Study(world.folder)
    return [candidate_id(study, study.slots[task["data"]["task_key"]], clip) for clip in clips]


def candidates(world: World, task: dict[str, Any]) -> tuple[str, ...]:
    study = Study(world.folder)
    return study.items[study.slots[task["data"]["task_key"]].item_id].candidates


def first_person(world: World, **changes: object) -> tuple[Person, dict[str, Any]]:
    person = world.log_in(world.push(**changes).invitations[0])
    task = person.next_task()
    assert task is not None
    return person, task


def test_rankings_by_people_under_their_own_accounts_arrive_as_given(world: World) -> None:
    """Each puts the candidates in an order of their own; one says that a clip does not play."""
    given = {}
    for invitation, step in zip(world.push(per_item=2, repeats=1).invitations, (1, -1), strict=True):
        person = world.log_in(invitation)
        for seconds in range(5, 10):
            task = person.next_task()
            assert task is not None
            order = candidates(world, task)[::step]
            if seconds == 9:
                person.submit(task, [], "does_not_play", seconds, unplaced=names_of(world, task, order))
                order = ()
            else:
                person.submit(task, names_of(world, task, order), seconds=seconds)
            given[task["data"]["task_key"]] = (invitation.annotator, order, seconds)
        assert person.next_task() is None
    found = pulled(world)
    assert (found.rejects, found.changes) == ((), ())
    arrived = {
        one.slot_id: (one.annotator, tuple(clip for (clip,) in one.order), one.seconds)
        for one in found.rankings
    }
    assert arrived == given
    assert [one.verdict for one in found.rankings if not one.order] == ["does_not_play"] * 2
    now = standing(Study(world.folder), found)
    assert (now.num_answered, now.num_slots, now.hours_left) == (10, 10, 0)
    assert sum(item.num_slots for item in now.items) == 10


def test_what_cannot_count_is_rejected_with_its_reason_and_asked_anew(world: World) -> None:
    pushed = world.push(items=world.items * 1, per_item=2)
    anna, bo = (world.log_in(invitation) for invitation in pushed.invitations)
    tasks = anna.call("GET", f"/api/tasks?project={anna.project}&fields=all")["tasks"]
    first, second, third, fourth = tasks
    shown = [candidate["id"] for candidate in first["data"]["candidates"]]
    anna.submit(first, shown[:2], unplaced=shown[2:])
    anna.submit(second, ["c0", *(one["id"] for one in second["data"]["candidates"][1:])])
    anna.submit(third, was_cancelled=True)
    bo.submit(fourth)
    found = pulled(world)
    assert found.rankings == ()
    reasons = {reject.task_id: reject.reason for reject in found.rejects}
    assert reasons == {
        first["id"]: "incomplete",
        second["id"]: "foreign_clips",
        third["id"]: "cancelled",
        fourth["id"]: "not_theirs",
    }
    assert world.push(per_item=2).num_new_tasks == 4
    again = anna.next_task()
    assert again is not None
    anna.submit(again)
    assert len(pulled(world).rankings) == 1
    assert world.push(per_item=2).num_new_tasks == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"result": []}, "malformed"),
        ({"result": [{"from_name": "status", "value": {"choices": ["perhaps"]}}]}, "malformed"),
        ({"result": [{"from_name": "status", "value": {"choices": ["ranked"]}}]}, "incomplete"),
        ({"result": [{"from_name": "other", "value": {"stars": 3}}]}, "malformed"),
        ({"lead_time": None}, "no_time"),
        ({"completed_by": 1}, "altered"),
    ],
)
def test_forged_results_are_rejected(world: World, content: dict[str, Any], reason: str) -> None:
    person, task = first_person(world)
    person.submit(task, **content)
    assert [reject.reason for reject in pulled(world).rejects] == [reason]


def test_duplicates_count_once_and_the_latest_counts(world: World) -> None:
    person, task = first_person(world)
    order = candidates(world, task)
    person.submit(task, names_of(world, task, order))
    person.submit(task, names_of(world, task, order[::-1]))
    found = pulled(world)
    assert [one.order for one in found.rankings] == [tuple((clip,) for clip in order[::-1])]
    assert [reject.reason for reject in found.rejects] == ["superseded"]


def test_what_others_alter_or_delete_is_noticed_and_the_copy_counts(world: World) -> None:
    pushed = world.push()
    anna, bo = (world.log_in(invitation) for invitation in pushed.invitations)
    made = []
    for _ in range(2):
        task = anna.next_task()
        assert task is not None
        made.append(anna.submit(task))
    before = pulled(world)
    assert len(before.rankings) == 2
    bo.call("PATCH", f"/api/annotations/{made[0]['id']}/", {"lead_time": 99})
    bo.call("DELETE", f"/api/annotations/{made[1]['id']}/")
    after = pulled(world)
    assert after.rankings == before.rankings
    assert [(change.event, change.by) for change in after.changes] == [
        ("changed", pushed.invitations[1].annotator),
        ("gone", "unknown"),
    ]
    assert pulled(world) == after  # told once, not at every poll


def test_an_annotator_may_think_again(world: World) -> None:
    person, task = first_person(world)
    order = candidates(world, task)
    made = person.submit(task, names_of(world, task, order))
    pulled(world)
    result = made["result"]
    result[0]["value"]["ranker"]["ranking"].reverse()
    person.call("PATCH", f"/api/annotations/{made['id']}/", {"result": result})
    found = pulled(world)
    assert [one.order for one in found.rankings] == [tuple((clip,) for clip in order[::-1])]
    assert [(change.event, change.by) for change in found.changes] == [
        ("changed", found.rankings[0].annotator)
    ]


def test_a_renamed_annotator_stays_who_they_were(world: World) -> None:
    person, task = first_person(world)
    person.submit(task)
    before = pulled(world)
    user = Study(world.folder).accounts[before.rankings[0].annotator].user_id
    person.call("PATCH", f"/api/users/{user}/", {"first_name": "Åse", "last_name": "梅", "username": "x"})
    second = person.next_task()
    assert second is not None
    person.submit(second)
    after = pulled(world)
    assert len(after.rankings) == 2
    assert {one.annotator for one in after.rankings} == {before.rankings[0].annotator}


def test_an_annotation_from_another_project_is_rejected(world: World) -> None:
    """Somebody imports what was exported from the project of another annotator, answers included."""
    pushed = world.push()
    anna, bo = (world.log_in(invitation) for invitation in pushed.invitations)
    task = bo.next_task()
    assert task is not None
    bo.submit(task)
    (exported,) = world.studio.export(bo.project)
    foreign = {
        "task_key": "s123",
        **{name: exported["data"][name] for name in ("reference_html", "candidates")},
    }
    for data in (exported["data"], foreign):
        content = [{"data": data, "annotations": [{"result": exported["annotations"][0]["result"]}]}]
        anna.browser.post(
            f"/api/projects/{anna.project}/import",
            json=content,
            headers={"X-CSRFToken": anna.browser.cookies["csrftoken"], "Referer": anna.url},
        ).raise_for_status()
    found = pulled(world)
    assert [one.annotator for one in found.rankings] == [pushed.invitations[1].annotator]
    assert [reject.reason for reject in found.rejects] == ["unknown_task", "unknown_task"]


def test_a_task_whose_clips_were_changed_is_rejected(world: World) -> None:
    person, task = first_person(world)
    data = task["data"]
    one, other = data["candidates"][:2]
    one["html"], other["html"] = other["html"], one["html"]
    person.call("PATCH", f"/api/tasks/{task['id']}/", {"data": data})
    person.submit(task)
    assert [reject.reason for reject in pulled(world).rejects] == ["task_edited"]


def test_answers_on_an_edited_page_are_copied_and_rejected(world: World) -> None:
    person, task = first_person(world)
    person.submit(task)
    pulled(world)
    address = f"/api/projects/{person.project}/"
    page = person.call("GET", address)["label_config"]
    person.call("PATCH", address, {"label_config": page.replace("similar MOTION", "similar COLOUR")})
    second = person.next_task()
    assert second is not None
    person.submit(second)
    with pytest.raises(InterfaceEdited):
        pulled(world)
    found = answers(Study(world.folder))
    assert [one.slot_id for one in found.rankings] == [task["data"]["task_key"]]
    assert [reject.reason for reject in found.rejects] == ["edited_interface"]


def test_of_a_deleted_project_the_copies_are_left_and_the_others_are_read(world: World) -> None:
    people = [world.log_in(invitation) for invitation in world.push().invitations]
    for person in people:
        task = person.next_task()
        assert task is not None
        person.submit(task)
    before = pulled(world)
    task = people[1].next_task()
    assert task is not None
    people[1].submit(task)
    people[0].call("DELETE", f"/api/projects/{people[0].project}/")
    with pytest.raises(ProjectGone):
        pulled(world)
    after = answers(Study(world.folder))
    assert set(before.rankings) < set(after.rankings)
    assert len(after.rankings) == 3


def test_copies_keep_everything_that_came(world: World) -> None:
    person, task = first_person(world)
    person.submit(task)
    pulled(world)
    (exported,) = world.studio.export(person.project)
    (copy,) = read_copies(world.folder)
    assert {**copy.task, "annotations": [copy.annotation]} == exported
