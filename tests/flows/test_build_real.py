"""``build-real`` on rendered footage, with scripted people and everything stopped and started in between."""

from __future__ import annotations

import csv
import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from annotation.pages import candidate_id
from annotation.push import Invitation
from annotation.server import Server, start, stop
from annotation.study import Study
from data import real_manifest
from data.verify import verify
from tests.annotation.people import Person
from tests.flows.commands import simmotion_here
from tests.flows.conftest import Prefect
from tests.flows.up import Up
from tests.test_real_pipeline import footage

RECIPE = {
    "name": "tiny",
    "format": {"size_px": 64, "duration_seconds": 1.0, "fps": 16},
    "items": 2,
    "candidates": 2,
    "gold": 1,
    "repeats": 1,
    "per_item": 3,
    "decision": {"min_annotators": 3, "max_annotators": 5},
    "export": "full",
}
RIGHTS = {
    "author": "the team",
    "licence": "CC-BY-4.0",
    "licence_evidence": "our own recording",
    "licence_checked_at": "2026-11-20",
}


ENDED = {"Completed", "Failed", "Crashed"}


class Scene:
    """Footage, a recipe, people, and the command."""

    def __init__(self, folder: Path, prefect: Prefect, server: Server) -> None:
        self.folder, self.out = folder, folder / "out"
        self.recipe, self.people = folder / "tiny.yaml", folder / "people.txt"
        footage(folder / "footage")
        self.write_recipe()
        self.emails = [
            f"{name}-{folder.name}@example.org".lower() for name in ("ann", "bo", "cy", "di", "eva")
        ]
        self.people.write_text("\n".join(self.emails))
        self.environment = prefect.environment
        self.logged_in: dict[str, Person] = {}
        self.num_answered = 0
        self.connect(server)

    def write_recipe(self, **changes: object) -> None:
        kept = {"kind": "folder", "path": str(self.folder / "footage"), **RIGHTS}
        recipe = {**RECIPE, "footage": kept, "annotators": str(self.people), **changes}
        self.recipe.write_text(yaml.safe_dump(recipe))

    def connect(self, server: Server) -> None:
        self.environment |= {"LABEL_STUDIO_URL": server.url, "LABEL_STUDIO_TOKEN": server.token}

    def build(self) -> tuple[int, str]:
        run = simmotion_here(
            "build-real", "--recipe", self.recipe, "--out", self.out, environment=self.environment
        )
        assert "Traceback" not in run.stderr, run.stderr
        return run.returncode, run.stdout + run.stderr

    @property
    def study(self) -> Study:
        return Study(self.out / "study")

    def answer(self, most: int = 100) -> int:
        """Everybody answers up to ``most`` of their tasks, gold rightly; one takes the second question the
        other way round.
        """
        done = 0
        for invitation in self.invitations:
            name = invitation.annotator
            if name not in self.logged_in:
                self.logged_in[name] = Person(invitation)
            person = self.logged_in[name]
            for _ in range(most):
                task = person.next_task()
                if task is None:
                    break
                ranking = self.ranking(task["data"]["task_key"])
                other_way = task["data"]["task_key"] in self.contrary
                person.submit(task, ranking[::-1] if other_way else ranking)
                done += 1
        self.num_answered += done
        return done

    def answer_what_is_new(self) -> None:
        if len(self.study.slots) > self.num_answered:
            self.answer()

    @property
    def invitations(self) -> list[Invitation]:
        with (self.out / "study" / "invitations.csv").open(newline="") as file:
            return [
                Invitation(row["annotator"], row["email"], row["password"], row["address"], int(row["tasks"]))
                for row in csv.DictReader(file)
            ]

    @property
    def contrary(self) -> set[str]:
        """Where one person takes the second question the other way round.

        It is one of the first who were asked it. Who is asked is drawn anew in every study, and four of one
        mind are enough: were it the last to be asked, nobody would ask them.
        """
        study = self.study
        asked = [slot_id for slot_id, slot in study.slots.items() if slot.item_id == "real_0001"]
        return {slot_id for slot_id in asked if study.owners[slot_id] == study.owners[asked[0]]}

    def ranking(self, slot_id: str) -> list[str]:
        study = self.study
        slot = study.slots[slot_id]
        best = study.items[slot.item_id].known_order or ()
        clips = sorted(slot.shown, key=lambda clip: (clip not in best, clip))
        return [candidate_id(study, slot, clip) for clip in clips]

    def published(self) -> dict[str, str]:
        names = ("manifest.json", "README.md", "references.csv", "footage_rejects.jsonl", "run.json")
        paths = [self.out / name for name in names]
        for part in ("real", "annotations", "report"):
            paths += [path for path in (self.out / part).rglob("*") if path.is_file()]
        return {
            path.relative_to(self.out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in paths
        }


@pytest.fixture
def scene(tmp_path: Path, prefect: Prefect, server: Server) -> Iterator[Scene]:
    made = Scene(tmp_path, prefect, server)
    yield made
    for person in made.logged_in.values():
        person.browser.close()


@pytest.mark.timeout(900)
def test_footage_and_people_become_one_data_set_whatever_is_restarted(scene: Scene, home: Path) -> None:
    code, said = scene.build()
    assert code == 1, said
    assert "Answers: 0 are in, 6 are still to come." in said
    invitations = scene.out / "study" / "invitations.csv"
    assert stat.S_IMODE(invitations.stat().st_mode) == 0o600
    assert not (scene.out / "manifest.json").exists()

    assert scene.answer(most=1) == 5
    stop(home)
    code, said = scene.build()
    assert code == 1
    assert "did not answer" in said
    scene.connect(start(home))
    code, said = scene.build()
    assert code == 1, said
    assert "Answers: 5 are in, " in said

    while scene.answer():
        code, said = scene.build()
    assert code == 0, said
    facts = real_manifest.read(scene.out / "manifest.json")
    assert facts.counts.requested == 2
    assert facts.items["real_0000"] == real_manifest.ACCEPTED
    assert facts.items["real_0001"] == "no_agreement", "four of five are no clear majority"
    assert facts.num_annotators == 5
    assert list(verify(scene.out)) == []
    once = scene.published()
    code, said = scene.build()
    assert code == 0, said
    assert scene.published() == once
    assert not [email for email in scene.emails if email in said]
    for name in once:
        text = (scene.out / name).read_bytes()
        assert not [email for email in scene.emails if email.encode() in text], name
        assert str(scene.folder).encode() not in text, name


@pytest.mark.timeout(900)
def test_a_deployment_is_suspended_while_people_work_and_resumed_after_all_was_restarted(
    scene: Scene, prefect: Prefect, server: Server, home: Path
) -> None:
    """Nobody starts the collector: its schedule does. Four people decide, so that it need not look often."""
    scene.write_recipe(per_item=4, decision={"min_annotators": 3, "max_annotators": 4})
    variables = {"LABEL_STUDIO_URL": server.url, "LABEL_STUDIO_TOKEN": server.token}
    variables["PYTHONPATH"] = str(Path(__file__).parents[2])  # where the module below is found
    up = Up(scene.folder, prefect.home, module="tests.flows.eager_up", **variables)
    try:
        started = up.start("build-real/footage", f"recipe={scene.recipe}", f"out={scene.out}")
        assert up.state_of(started, {"Suspended", *ENDED}) == "Suspended"
    finally:
        up.close()
    assert scene.answer(most=1) == 5
    stop(home)
    assert start(home).connection == server.connection

    up = Up(scene.folder, prefect.home, module="tests.flows.eager_up", **variables)
    try:
        assert up.state_of(started, ENDED, scene.answer_what_is_new) == "Completed", "".join(up.lines)
        collected = up.runs_of("rank", "Completed")
    finally:
        up.close()
    assert collected
    assert all(run["auto_scheduled"] for run in collected)
    facts = real_manifest.read(scene.out / "manifest.json")
    assert facts.items["real_0000"] == real_manifest.ACCEPTED
    assert facts.items["real_0001"] == "no_agreement", "three of four are no clear majority"
    assert facts.num_annotators == 5
    database = (prefect.home / "prefect.db").read_bytes()
    assert not [one for one in scene.invitations if (one.password or "").encode() in database]
