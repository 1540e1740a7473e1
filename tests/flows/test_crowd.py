"""Five people of known noise, under their own accounts on a real server: from first task to data set."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import numpy as np
import pytest

from annotation.items import RankingItem, Slot
from annotation.pages import candidate_id, visible
from annotation.push import Invitation, invitations
from annotation.server import Server
from annotation.studio import Studio
from annotation.study import Study
from data.cutting import CutClip
from data.footage import Rights, SourceVideo
from data.real_manifest import ACCEPTED, UNDECIDED
from data.real_set import write_real
from data.schema import Clip, ClipFormat
from data.shards import read_rows
from data.store import Store
from data.verify import verify
from data.video import encode
from flows import consulting
from flows.footage import Choice
from flows.real_recipe import RealRecipe
from flows.real_set import outcomes, ranking_items, raw_annotations, triplets_of
from moments.real_items import RealItem
from tests.annotation.people import Person
from tests.benchmarks.bench_ranking import CANDIDATES, draw_order, step_for

NOISES_TAU = (0.9, 0.9, 0.8, 0.8)
"""Of four people with the truth. The fifth leaves the clips as they are shown."""
NUM_ITEMS, NUM_GOLD = 6, 4
NUM_CLIPS = NUM_ITEMS + CANDIDATES + 1
SEED = 1
SHARD = "train-00000-of-00001.parquet"
FORMAT = ClipFormat(size_px=48, duration_seconds=0.5, fps=16)
RECIPE = {
    "name": "crowd",
    "format": FORMAT.__dict__,
    "items": NUM_ITEMS,
    "repeats": 2,
    "per_item": 5,
    "decision": {"min_annotators": 4, "max_annotators": 5},
}


def drawn(number: int) -> Clip:
    """A bar that moves, at a speed of its own."""
    frames = np.full((8, 48, 48, 3), 230, np.uint8)
    for index, frame in enumerate(frames):
        left = (index * (number + 1)) % 40
        frame[:, left : left + 8] = (40, 10 * number, 160)
    return Clip(frames, 16.0)


def said(who: int, slot: Slot, candidates: Sequence[str]) -> list[str]:
    """The order that person ``who`` gives: the truth with their noise, the same whenever the test runs."""
    if who == len(NOISES_TAU):
        return list(slot.shown)
    seed = [who, slot.repeat_of is not None, *slot.item_id.encode(), SEED]
    order = draw_order(np.random.default_rng(seed), step_for(NOISES_TAU[who]))
    return [candidates[index] for index in order]


class Crowd:
    """A study of items whose true order is known: candidates are in it, the best first."""

    def __init__(self, folder: Path, studio: Studio) -> None:
        self.studio, self.out, self.store = studio, folder / "out", Store(folder / "out" / "store")
        self.folder = self.out / consulting.STUDY
        self.emails = [f"{name}@crowd.example.org" for name in ("ann", "bo", "cy", "di", "eva")]
        (folder / "people.txt").write_text("\n".join(self.emails))
        self.recipe = RealRecipe.model_validate(RECIPE | {"annotators": folder / "people.txt"})
        self.videos, self.clips = dict[str, SourceVideo](), dict[str, CutClip]()
        rights = Rights("the team", "CC-BY-4.0", "our own recording", "2026-11-20")
        for number in range(NUM_CLIPS):
            video = SourceVideo(f"{number}.mp4", None, "", rights)
            blob = self.store.put_file(functools.partial(encode, drawn(number), origin="footage"), ".mp4")
            self.videos[video.video_id] = video
            self.clips[blob.sha256] = CutClip(video.video_id, f"{number:064x}", 0, 0, 0.0, 0.5, blob)
        names = list(self.clips)
        self.choice = Choice(
            tuple(
                RealItem(names[at], names[at + CANDIDATES + 1], tuple(names[at + 1 : at + CANDIDATES + 1]))
                for at in range(NUM_ITEMS)
            ),
            dict.fromkeys(names, (0.9, 0.1)),
            self.clips,
            self.videos,
            (),
        )
        gold = [
            RankingItem(f"gold-{at}", names[at], names_of, names_of)
            for at in range(NUM_GOLD)
            for names_of in [tuple(names[at + 2 : at + CANDIDATES + 2])]
        ]
        paths = {sha256: self.store.path(clip.blob) for sha256, clip in self.clips.items()}
        consulting.begin(studio, self.folder, self.recipe, [*ranking_items(self.choice.items), *gold], paths)

    @property
    def study(self) -> Study:
        return Study(self.folder)

    def answer(self, who: int, invitation: Invitation) -> None:
        """Everything that this person is shown; where a clip does not load they say so."""
        study, person = self.study, Person(invitation)
        loads = functools.cache(lambda address: person.browser.get(address).is_success)
        while (task := person.next_task()) is not None:
            slot = study.slots[task["data"]["task_key"]]
            known = study.items[slot.item_id].candidates
            order = [candidate_id(study, slot, clip) for clip in said(who, slot, known)]
            shown = [address for one in task["data"]["candidates"] for address in visible(one["html"])]
            if all(map(loads, shown)):
                person.submit(task, order, seconds=20.0 + who)
            else:
                person.submit(task, [], "does_not_play", unplaced=order)
        person.browser.close()


def lose(server: Server, study: Study, clip: str) -> None:
    """Delete the file of a clip on the server, as whoever tidies up there would."""
    name = study.clip_urls[clip].rsplit("/", 1)[1]
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Token {server.token}"}) as admin:
        files = admin.get(f"/api/projects/{study.media_project}/file-uploads", params={"all": True}).json()
        (number,) = [one["id"] for one in files if one["file"].endswith(name)]
        admin.delete(f"/api/import/file-upload/{number}").raise_for_status()


@pytest.fixture
def studio(server: Server) -> Iterator[Studio]:
    with Studio(server.connection) as connected:
        yield connected


def test_a_crowd_of_known_noise_finds_the_true_winners_and_its_answers_are_published(
    tmp_path: Path, server: Server, studio: Studio
) -> None:
    crowd = Crowd(tmp_path, studio)
    invited = invitations(studio.url, crowd.study)
    assert [one.num_tasks for one in invited] == [NUM_ITEMS + NUM_GOLD + 2] * 5
    lost = crowd.choice.items[-1].candidates[-1]
    lose(server, crowd.study, lost)
    for who, invitation in enumerate(invited):
        crowd.answer(who, invitation)

    look = consulting.attend(studio, crowd.folder, crowd.recipe)
    assert look.settled
    assert look.answers.rejects == ()
    assert len(look.answers.rankings) == 5 * (NUM_ITEMS + NUM_GOLD + 2)
    (careless,) = look.unheard
    assert careless == invited[-1].annotator
    assert "position" in look.unheard[careless]

    study = crowd.study
    became = outcomes(study, look.decisions)
    assert list(became.values())[NUM_GOLD:] == [*[ACCEPTED] * 3, *[UNDECIDED] * 2, "does_not_play"]
    triplets = triplets_of(study, look, crowd.choice, crowd.recipe)
    write_real(
        triplets,
        raw_annotations(study, look),
        crowd.store,
        crowd.out,
        items=became,
        recipe_name=crowd.recipe.name,
        recipe_fingerprint=crowd.recipe.fingerprint,
        recipe=crowd.recipe.content,
        export="full",
    )
    assert list(verify(crowd.out)) == []
    rows = list(read_rows([crowd.out / "real" / SHARD]))
    assert [row["positive_sha256"] for row in rows] == [item.candidates[0] for item in crowd.choice.items[:3]]
    assert [row["people_num_ranked"] for row in rows] == [4, 4, 4]
    answered = list(read_rows([crowd.out / "annotations" / SHARD]))
    assert Counter(row["uncounted"] for row in answered) == {None: 40, "excluded": 12, "repeat": 8}
    published = b"".join(path.read_bytes() for path in crowd.out.rglob("*.parquet"))
    assert not [email for email in crowd.emails if email.encode() in published]
