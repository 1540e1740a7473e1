"""The stage of the clips: all candidates asked for at once, each step counted, the best one's seed kept."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from data.schema import Clip, ClipFormat, Role
from flows import filming
from flows.filming import STEPS, candidate_seed, make_clips
from flows.progress import watcher
from flows.recipe import Recipe, load_recipe
from flows.stages import PAIR, Job, Outcome, _put_png
from flows.wording import UNWRITTEN
from generators.base import BackendFacts, OnStep, VideoRequest, VideoResult, ignored
from prompts.sampling import plan_of

STEPS_PER_REQUEST = 4
BEST = 1


class Filmed:
    """A backend that notes what each call asks for, and shows noise of each request's seed."""

    facts = BackendFacts("filmed", "1", False, True, steps_per_request=STEPS_PER_REQUEST)

    def __init__(self) -> None:
        self.calls: list[list[VideoRequest]] = []

    temporal_bands = 4

    def num_generated_frames(self, clip_format: ClipFormat) -> int:
        return clip_format.num_frames

    def open(self) -> None: ...

    def videos(self, requests: Sequence[VideoRequest], on_step: OnStep = ignored) -> Iterator[VideoResult]:
        self.calls.append(list(requests))
        for request in requests:
            for _ in range(STEPS_PER_REQUEST):
                on_step()
            size, frames = request.format.size_px, request.format.num_frames
            draw = np.random.default_rng(request.seed)
            clips = (draw.integers(0, 256, (frames, size, size, 3), np.uint8) for _ in request.roles)
            yield VideoResult(tuple(Clip(clip, request.format.fps) for clip in clips), None)


class Counted:
    """What was expected of each stage, and what was done of it."""

    def __init__(self) -> None:
        self.expected: Counter[str] = Counter()
        self.done: Counter[str] = Counter()

    def expect(self, stage: str, pieces: int) -> None:
        self.expected[stage] += pieces

    def advance(self, stage: str) -> None:
        self.done[stage] += 1
        assert self.done[stage] <= self.expected[stage]


@pytest.fixture
def filmed(monkeypatch: pytest.MonkeyPatch) -> Filmed:
    backend = Filmed()
    monkeypatch.setattr(filming.backends, "video_generator", lambda _recipe: backend)
    monkeypatch.setattr(filming.backends, "opened", lambda generator: generator)
    monkeypatch.setattr(filming, "_best", lambda pairs, _job: BEST if len(pairs) > 1 else 0)
    return backend


def frames_of(out: Path, **video: Any) -> Outcome:
    """First frames in the store, of a recipe with WAN."""
    settings = load_recipe("demo").model_dump() | {
        "format": {"size_px": 64, "duration_seconds": 0.5, "fps": 16},
        "video": {"kind": "wan", **video},
    }
    recipe = Recipe.model_validate(settings)
    job = Job(out, recipe, plan_of(next(iter(recipe.drafts())), UNWRITTEN), attempt=0)
    images = (np.full((64, 64, 3), level, np.uint8) for level in (10, 200))
    blobs = {role: _put_png(job.workspace.store, image) for role, image in zip(PAIR, images, strict=True)}
    return Outcome(job, "first_frames", "a", {"blobs": blobs}, reused=False)


@pytest.mark.parametrize("candidates", [1, 3])
def test_all_candidates_go_to_the_backend_in_one_call(
    filmed: Filmed, tmp_path: Path, candidates: int
) -> None:
    frames = frames_of(tmp_path, candidates=candidates)

    clips = make_clips(frames)

    pairs, (negative,) = filmed.calls
    assert [request.seed for request in pairs] == [
        candidate_seed(frames.job.seed, index) for index in range(candidates)
    ]
    assert {request.roles for request in pairs} == {PAIR}
    best = pairs[BEST if candidates > 1 else 0].seed
    assert (negative.roles, negative.seed) == ((Role.NEGATIVE,), best)
    assert clips.record["seed"] == best
    assert set(clips.record["blobs"]) == set(Role)


@pytest.mark.parametrize("candidates", [1, 3])
def test_every_step_of_every_candidate_is_expected_and_counted(
    filmed: Filmed, tmp_path: Path, candidates: int
) -> None:
    counted = Counted()
    token = watcher.set(counted)
    try:
        make_clips(frames_of(tmp_path, candidates=candidates))
    finally:
        watcher.reset(token)

    assert counted.done == counted.expected == {STEPS: (candidates + 1) * STEPS_PER_REQUEST}


def test_each_pass_of_paced_clips_is_asked_for_alone_and_counted(
    filmed: Filmed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def three_times(generate: Callable[[None], VideoResult], *_args: Any, **_kwargs: Any) -> Any:
        *_, last = (generate(None) for _ in range(3))
        return SimpleNamespace(clip=last, deviations=(0.1,), best=0)

    monkeypatch.setattr(filming, "paced", three_times)
    monkeypatch.setattr(filming, "_eyes", lambda _backbone: None)
    counted = Counted()
    token = watcher.set(counted)
    try:
        make_clips(frames_of(tmp_path, candidates=2, pacing={}))
    finally:
        watcher.reset(token)

    assert [len(requests) for requests in filmed.calls] == [1] * 9
    assert counted.done == counted.expected == {STEPS: 9 * STEPS_PER_REQUEST}
