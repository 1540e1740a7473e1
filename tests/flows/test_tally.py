"""Every requested triplet ends in exactly one place, whatever its stages came to."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from data.errors import BackendUnavailable, BudgetReached, Remedy, SampleRejected
from data.schema import MEASURES, Blob, Role
from flows.recipe import load_recipe
from flows.stages import Job, Outcome, rejection_record
from flows.tally import Ending, Tally
from flows.wording import UNWRITTEN
from prompts.sampling import plan_of

RECIPE = load_recipe("demo").overridden(per_category=3, max_attempts=3)
PLANS = tuple(plan_of(draft, UNWRITTEN) for draft in RECIPE.drafts())
BLOB = Blob("0" * 64, 1, ".mp4")
NUMBERS = dict.fromkeys(MEASURES, 0.5)


def _job(index: int) -> Job:
    return Job(Path("out"), RECIPE, PLANS[index], attempt=0)


def rejection(reason: str, remedy: Remedy = "again") -> dict[str, Any]:
    return rejection_record(SampleRejected(reason, f"it is {reason}", remedy))


def _outcomes(job: Job, ending: str) -> list[Ending]:
    """What the three stages of an attempt leave when it ends in this way."""
    frames = Outcome(job, "first_frames", "a", {"blobs": {}}, reused=False)
    clips = Outcome(job, "clips", "b", {"blobs": dict.fromkeys(Role, BLOB), "seed": job.seed}, reused=False)
    record = {"measures": NUMBERS, "spf": {role: [0.0, 1.0] for role in Role}, "blobs": {"vectors": BLOB}}
    match ending:
        case "accepted":
            return [frames, clips, Outcome(job, "verdict", "c", record, reused=False)]
        case "away":
            return [frames, BackendUnavailable("no answer")]
        case "refused":
            return [replace(frames, record=rejection("refused"))]
        case _:
            rejected = {**record, **rejection(ending)}
            return [frames, clips, Outcome(job, "verdict", "c", rejected, reused=False)]


@given(st.lists(st.lists(st.sampled_from(["accepted", "away", "refused", "static"]), min_size=3, max_size=3)))
def test_counts_balance_for_every_course_of_events(courses: list[list[str]]) -> None:
    tally = Tally(requested=len(PLANS), max_attempts=RECIPE.max_attempts)
    for index, endings in enumerate(courses[: len(PLANS)]):
        job: Job | None = _job(index)
        for ending in endings:
            if job is not None:
                job = tally.settle(job, _outcomes(job, ending))
        assert job is None, "attempts must end"
    assert sum(tally.counts.parts.values()) == len(PLANS)
    assert tally.counts.pending == max(0, len(PLANS) - len(courses))


def test_a_rejected_attempt_is_tried_again_with_another_seed_up_to_the_limit() -> None:
    tally = Tally(requested=1, max_attempts=2)
    first = _job(0)
    second = tally.settle(first, _outcomes(first, "static"))
    assert second is not None
    assert (second.attempt, second.plan) == (1, first.plan)
    assert second.seed != first.seed == first.plan.seed
    assert tally.settle(second, _outcomes(second, "hard_cut")) is None
    assert tally.counts.rejected == {"hard_cut": 1}
    assert [(reject.attempt, reject.reason) for reject in tally.rejects] == [(0, "static"), (1, "hard_cut")]


def test_a_backend_that_stays_away_is_a_failure_not_a_reject() -> None:
    tally = Tally(requested=1, max_attempts=3)
    assert tally.settle(_job(0), _outcomes(_job(0), "away")) is None
    assert (tally.counts.rejected, tally.counts.failed) == ({}, {"backend_unavailable": 1})
    assert tally.rejects[0].detail == "no answer"


def test_what_nothing_can_help_is_given_up_at_once() -> None:
    tally = Tally(requested=1, max_attempts=3)
    frames = Outcome(_job(0), "first_frames", "a", rejection("prohibited", "none"), reused=False)
    assert tally.settle(_job(0), [frames]) is None
    assert tally.counts.rejected == {"prohibited": 1}


def test_an_objection_to_the_prompts_goes_on_to_the_next_attempt() -> None:
    tally = Tally(requested=1, max_attempts=3)
    frames = Outcome(_job(0), "first_frames", "a", rejection("image_safety", "rewrite"), reused=False)
    following = tally.settle(_job(0), [frames])
    assert following is not None
    assert (following.attempt, following.objections) == (1, ("it is image_safety",))


def test_what_the_budget_did_not_cover_stays_pending() -> None:
    tally = Tally(requested=2, max_attempts=3)
    assert tally.settle(_job(0), [BudgetReached("spent")]) is None
    assert tally.counts.parts == {"accepted": 0, "rejected": 0, "failed": 0, "pending": 2}
    assert str(tally.stopped) == "spent"
    assert tally.rejects == []


def test_what_was_settled_is_sorted_as_it_was_planned() -> None:
    tally = Tally(requested=len(PLANS), max_attempts=3)
    for index in (4, 0, 2):
        tally.settle(_job(index), _outcomes(_job(index), "accepted"))
    tally.in_plan_order([plan.triplet_id for plan in PLANS])
    assert [accepted.job.plan for accepted in tally.accepted] == [PLANS[0], PLANS[2], PLANS[4]]
