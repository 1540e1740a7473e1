"""Gold questions have one right answer, by the true motion, and are made once."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from data.schema import Category, ClipFormat, Prompts, Role
from data.store import Store
from data.video import decode
from flows.gold import gold_items
from generators.base import VideoRequest
from generators.procedural.generator import ProceduralGenerator
from prompts.sampling import drafts, plan_of

FORMAT = ClipFormat(size_px=64, duration_seconds=1.0, fps=8)


def test_the_known_best_moves_as_the_reference_and_looks_otherwise(tmp_path: Path) -> None:
    items, paths = gold_items(Store(tmp_path), 2, 3, FORMAT, seed=3)
    assert [item.item_id for item in items] == ["gold-0000", "gold-0001"]
    for item in items:
        assert item.known_order is not None
        assert len(item.candidates) == len(set(item.candidates)) == 3
        assert set(item.known_order) < set(item.candidates)
        assert list(item.candidates) == sorted(item.candidates), "the place must not tell the answer"
    assert paths.keys() == {clip for item in items for clip in (item.reference, *item.candidates)}

    draft = next(drafts(Category.DYNAMIC_OBJECT, 3))
    plan = plan_of(draft, Prompts("", "", "", ""))
    (made,) = ProceduralGenerator().videos(
        [VideoRequest(plan, (Role.REFERENCE, Role.POSITIVE), (), FORMAT, plan.seed)]
    )
    assert made.trajectories is not None
    assert np.array_equal(made.trajectories[0].channels, made.trajectories[1].channels)
    assert items[0].known_order is not None
    for drawn, name in zip(made.clips, (items[0].reference, items[0].known_order[0]), strict=True):
        kept = decode(paths[name]).frames.astype(int)
        assert np.abs(kept - drawn.frames).mean() < 8  # what the encoder loses


def test_the_same_questions_are_made_once(tmp_path: Path) -> None:
    first = gold_items(Store(tmp_path), 1, 2, FORMAT, seed=3)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.mp4")}
    assert gold_items(Store(tmp_path), 1, 2, FORMAT, seed=3) == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.mp4")} == times
    assert gold_items(Store(tmp_path), 1, 2, FORMAT, seed=4)[0] != first[0]
