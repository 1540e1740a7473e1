"""Checks and preferences on a real server: out of a data set, to people, and back as columns beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from annotation.items import RankingItem
from annotation.pairs import read_pairs
from annotation.preference import QUESTION, export_study
from annotation.pull import pull
from annotation.push import invitations
from annotation.studio import Studio
from annotation.study import Study
from annotation.triplets import clips_of, read_gold, read_triplets
from data import manifest
from data.disk import file_sha256
from data.errors import ConfigError
from data.people import read_checks, read_preferences
from data.schema import Clip, Role
from data.verify import verify
from data.video import encode
from flows.cli_annotate import app
from tests.annotation.conftest import World
from tests.data.samples import data_set


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def out(tmp_path: Path) -> Path:
    data_set(tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture
def people(tmp_path: Path, world: World) -> Path:
    path = tmp_path / "people.txt"
    path.write_text("".join(f"{name}-{world.emails[0]}\n" for name in ("ana", "bea", "cem")))
    return path


class Crowd:
    """Everybody of a study, logged in."""

    def __init__(self, world: World, folder: Path) -> None:
        self.study = Study(folder)
        invited = invitations(world.studio.url, self.study)
        self.people = {invitation.annotator: world.log_in(invitation) for invitation in invited}

    def tasks(self, annotator: str) -> Iterator[tuple[dict[str, Any], RankingItem, dict[str, str]]]:
        """What the label stream shows one person, until it has no more: task, item, and side by clip."""
        while (task := self.people[annotator].next_task()) is not None:
            slot = self.study.slots[task["data"]["task_key"]]
            yield task, self.study.items[slot.item_id], dict(zip(slot.shown, "ab", strict=True))


def check_everything(crowd: Crowd, annotator: str, positive: str, negative: str) -> int:
    """Answer alike of all triplets, wherever the clips are shown; the number of answers."""
    number = 0
    for task, item, sides in crowd.tasks(annotator):
        said = dict(zip(item.candidates, (positive, negative), strict=True))
        crowd.people[annotator].choose(task, {sides[clip]: word for clip, word in said.items()})
        number += 1
    return number


def test_a_data_set_is_checked_and_the_outcomes_lie_beside_its_shards(
    world: World, home: Path, out: Path, people: Path, tmp_path: Path
) -> None:
    data_set(tmp_path / "gold")
    folder = tmp_path / "study"
    command: tuple[object, ...] = (
        "check",
        out,
        "--annotators",
        people,
        "--study",
        folder,
        "--per-item",
        3,
        "--repeats",
        1,
    )
    command += ("--gold", tmp_path / "gold", "--num-gold", 3, "--home", home)
    said = run(*command)
    assert f"{3 * (3 + 3 + 1)} new tasks" in said
    assert all(one.address in said for one in invitations(world.studio.url, Study(folder)))
    assert "0 new tasks, 0 new clips" in run(*command)

    crowd = Crowd(world, folder)
    ana, bea, cem = crowd.people
    assert check_everything(crowd, ana, "yes", "no") == 7
    assert check_everything(crowd, bea, "yes", "no") == 7
    assert check_everything(crowd, cem, "yes", "no") == 7
    said = run("pull", folder, "--home", home)
    assert "21 of 21 answers are in, 6 of 6 items complete" in said
    assert "21 of 21 answers are in" in run("status", folder)
    assert "100% of 3 known answers right" in run("results", folder, "--to", out)

    rows = read_checks(out / "people" / "checks.parquet")
    stored = dict(clips_of(out))
    assert [row.triplet_id for row in rows] == list(stored)
    for row in rows:
        clips = (row.reference_sha256, row.positive_sha256, row.negative_sha256)
        assert clips == tuple(stored[row.triplet_id][role] for role in Role)
        assert (row.num_accept, row.num_reject, row.outcome) == (3, 0, "accept")  # repeats count once
    assert list(verify(out)) == []


def test_who_does_badly_at_gold_decides_nothing(
    world: World, home: Path, out: Path, people: Path, tmp_path: Path
) -> None:
    data_set(tmp_path / "gold")
    folder = tmp_path / "study"
    run(
        *("check", out, "--annotators", people, "--study", folder, "--repeats", 0, "--home", home),
        *("--gold", tmp_path / "gold", "--num-gold", 3),
    )
    crowd = Crowd(world, folder)
    ana, bea, cem = crowd.people
    check_everything(crowd, ana, "yes", "no")
    check_everything(crowd, bea, "unsure", "does_not_play")
    check_everything(crowd, cem, "yes", "yes")
    pull(world.studio, folder)
    said = run("results", folder, "--to", out)
    assert f"{cem}: 0% of 3 known answers right, 0% to 47%; their answers do not count" in said
    for row in read_checks(out / "people" / "checks.parquet"):
        counts = (row.num_accept, row.num_reject, row.num_unsure, row.num_does_not_play)
        assert (counts, row.outcome) == ((1, 0, 0, 1), "unsure")


def test_columns_are_of_the_clips_that_were_shown(
    world: World, out: Path, people: Path, tmp_path: Path, home: Path
) -> None:
    """The data set is made anew with one other triplet: what was said of the old one is not said of it."""
    folder = tmp_path / "study"
    run("check", out, "--annotators", people, "--study", folder, "--repeats", 0, "--home", home)
    study = Study(folder)
    name, *_ = study.items
    item = study.items[name]
    study.note_item(RankingItem(item.item_id, item.reference, item.candidates[::-1]))
    said = run("results", folder, "--to", out)
    assert "1 triplets of the study are not in" in said
    assert len(read_checks(out / "people" / "checks.parquet")) == 2
    for item in list(study.items.values()):
        study.note_item(RankingItem(item.item_id, item.reference, (*item.candidates[:1], "x")))
    with pytest.raises(ConfigError, match="none of the 3 triplets"):
        run("results", folder, "--to", out)


def moving(path: Path, seed: int, side_px: int = 32) -> None:
    path.parent.mkdir(exist_ok=True)
    frames = np.full((8, side_px, side_px, 3), 20 + 30 * seed, np.uint8)
    for number, frame in enumerate(frames):
        frame[:, number * 3 : number * 3 + 4] = 240
    encode(Clip(frames, 8.0), path)


def test_pairs_are_compared_and_the_shares_lie_beside_the_shards(
    world: World, home: Path, out: Path, people: Path, tmp_path: Path
) -> None:
    stored = dict(clips_of(out))
    _, clips = read_triplets(out, tmp_path)
    name, roles = next(iter(stored.items()))
    before, after = tmp_path / "before", tmp_path / "after"
    for number in range(2):
        moving(before / f"{number}.mp4", number)
        moving(after / f"{number}.mp4", number + 3)
    # The first pair is of a clip of the data set and another of its size.
    (before / "0.mp4").write_bytes(clips[roles[Role.REFERENCE]].read_bytes())
    moving(after / "0.mp4", 3, side_px=48)
    pairs, folder = tmp_path / "pairs", tmp_path / "study"
    export_study(before, after, pairs, 0)
    command: tuple[object, ...] = ("prefer", pairs, "--annotators", people, "--study", folder, "--home", home)
    with pytest.raises(ConfigError, match="among its candidates"):
        run(*command, "--source", before)
    assert "6 new tasks" in run(*command, "--repeats", 0)
    crowd = Crowd(world, folder)
    for annotator in crowd.people:
        for task, item, sides in crowd.tasks(annotator):
            assert task["data"]["question"] == QUESTION
            tie = item.item_id == "1.mp4"
            word = "no_difference" if tie else sides[item.candidates[1]]
            crowd.people[annotator].choose(task, {"better": word})
    assert len(pull(world.studio, folder).rankings) == 6
    assert "6 of 6 answers are in" in run("status", folder)
    run("results", folder, "--to", out)
    first, second = sorted(
        read_preferences(out / "people" / "preferences.parquet"), key=lambda row: row.pair_id
    )
    assert (first.triplet_id, first.outcome, first.num_second, first.second_share) == (name, "second", 3, 1.0)
    assert (first.first_sha256, first.second_sha256) == (
        file_sha256(before / "0.mp4"),
        file_sha256(after / "0.mp4"),
    )
    assert (second.triplet_id, second.outcome, second.num_no_difference) == (None, "no_difference", 3)
    assert (first.question, first.source_sha256) == (QUESTION, None)
    assert list(verify(out)) == []


def test_a_source_is_shown_beside_its_pair(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("before", "after", "source")]
    for number, folder in enumerate(folders):
        moving(folder / "x.mp4", number)
    export_study(folders[0], folders[1], tmp_path / "pairs", 0, "Which?")
    (plain,) = read_pairs(tmp_path / "pairs").items
    found = read_pairs(tmp_path / "pairs", folders[2])
    (item,) = found.items
    before, after, source = (file_sha256(folder / "x.mp4") for folder in folders)
    assert plain == RankingItem("x.mp4", "", (before, after))
    assert item == RankingItem("x.mp4", source, (before, after))
    assert (set(found.clips), found.question) == ({before, after, source}, "Which?")
    (folders[2] / "x.mp4").unlink()
    with pytest.raises(ConfigError, match="a clip of every pair's name"):
        read_pairs(tmp_path / "pairs", folders[2])


def test_what_holds_no_pairs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no pairs"):
        read_pairs(tmp_path)
    for folder, seed in (("before", 0), ("after", 1)):
        moving(tmp_path / folder / "x.mp4", seed)
    export_study(tmp_path / "before", tmp_path / "after", tmp_path / "pairs", 0)
    key = json.loads((tmp_path / "pairs" / "key.json").read_text())
    del key["answers"]["pair_0001"]["a_sha256"]  # as written by an earlier version
    (tmp_path / "pairs" / "key.json").write_text(json.dumps(key))
    with pytest.raises(ConfigError, match="write them anew"):
        read_pairs(tmp_path / "pairs")


def test_a_study_asks_one_thing(world: World) -> None:
    triplets = [RankingItem(item.item_id, item.reference, item.candidates[:2]) for item in world.items]
    world.push(items=triplets, kind="check")
    with pytest.raises(ConfigError, match="asks for a check, not for a ranking"):
        world.push(items=triplets)
    with pytest.raises(ConfigError, match=r"not for a preference \(Which\?\)"):
        world.push(items=triplets, kind="preference", question="Which?")
    for kind, question in (("preference", " "), ("check", "Which?")):
        with pytest.raises(ConfigError, match="a preference needs one"):
            world.push(items=triplets, kind=kind, question=question)


def test_an_answer_of_a_check_that_lacks_a_clip_is_asked_for_again(world: World, studio: Studio) -> None:
    triplets = [RankingItem(item.item_id, item.reference, item.candidates[:2]) for item in world.items]
    (invitation, *_) = world.push(items=triplets, kind="check").invitations
    person = world.log_in(invitation)
    task = person.next_task()
    assert task is not None
    person.choose(task, {"a": "yes"})
    found = pull(studio, world.folder)
    assert [reject.reason for reject in found.rejects] == ["incomplete"]
    assert found.judgements == ()
    assert world.push(items=triplets, kind="check").num_new_tasks == 1


@pytest.mark.parametrize(
    ("kind", "item", "words"),
    [
        ("check", RankingItem("x", "r", ("a", "b", "c")), "3 candidates, a check shows two"),
        ("preference", RankingItem("x", "", ("a",)), "1 candidates"),
        ("check", RankingItem("x", "", ("a", "b")), "no reference"),
    ],
)
def test_items_that_cannot_be_asked_are_refused(
    world: World, kind: str, item: RankingItem, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        world.push(items=[item], kind=kind)


def test_gold_is_of_the_procedural_generator_and_the_same_every_time(out: Path, tmp_path: Path) -> None:
    gold, clips = read_gold(out, tmp_path, 2)
    assert (gold, len(gold)) == (read_gold(out, tmp_path, 2)[0], 2)
    assert all(item.known_order == item.candidates for item in gold)
    assert all(clip in clips for item in gold for clip in (item.reference, *item.candidates))
    with pytest.raises(ConfigError, match="has 3 triplets, 4 were asked for"):
        read_gold(out, tmp_path, 4)
    path = out / manifest.FILENAME
    path.write_text(path.read_text().replace('"procedural@2"', '"wan@1"'))
    with pytest.raises(ConfigError, match="by wan@1: gold needs known motions"):
        read_gold(out, tmp_path, 2)
