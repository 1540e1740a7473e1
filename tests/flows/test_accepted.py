"""What a run keeps of an accepted triplet is small, and says the same as the records that it stands for."""

import re

import pytest

from data.errors import ConfigError
from data.schema import Role
from flows.accepted import Accepted
from flows.filming import make_clips
from flows.publish import evenly
from flows.recipe import load_recipe
from flows.stages import Job, finished_triplet, judge_clips, make_first_frames
from flows.wording import UNWRITTEN, worded, write_prompts
from prompts.sampling import plan_of


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Accepted, object]:
    """One, and the triplet that it is."""
    recipe = load_recipe("demo").overridden(
        per_category=1, categories=["view"], size_px=64, duration_seconds=1.0, fps=8
    )
    out = tmp_path_factory.mktemp("accepted")
    (draft,) = recipe.drafts()
    (words,) = write_prompts([Job(out, recipe, plan_of(draft, UNWRITTEN), attempt=0)])
    clips = make_clips(make_first_frames(worded(words)))
    verdict = judge_clips(clips)
    return Accepted(clips.job, clips.key, verdict.key), finished_triplet(clips, verdict)


def test_it_is_read_from_the_store_as_it_was_made(accepted: tuple[Accepted, object]) -> None:
    kept, triplet = accepted
    assert kept.triplet() == triplet
    assert kept.triplet_id == kept.job.plan.triplet_id


def test_a_record_that_is_lost_meanwhile_is_told_with_what_to_do(accepted: tuple[Accepted, object]) -> None:
    kept, _ = accepted
    store = kept.job.workspace.store
    clip = store.path(kept.clips().blob(Role.POSITIVE))
    aside = clip.rename(clip.with_suffix(".aside"))
    with pytest.raises(ConfigError, match=f"clips record of {re.escape(kept.triplet_id)}.*run the same"):
        kept.triplet()
    aside.rename(clip)


def test_of_many_a_few_at_even_distances_are_taken_the_first_and_the_last_among_them() -> None:
    assert evenly(range(3), 5) == [0, 1, 2]
    assert evenly(range(101), 5) == [0, 25, 50, 75, 100]
    assert evenly([], 5) == []
