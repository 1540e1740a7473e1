"""Gold questions: rendered clips of which it is known who moves like the reference. No Prefect.

The right answer is drawn with the reference's own trajectory in other looks; the others move otherwise.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

from annotation.items import RankingItem
from data.lease import run_once
from data.schema import Blob, Category, Clip, ClipFormat, Plan, Prompts, Role
from data.store import Store, artifact_key
from data.video import encode
from generators.base import VideoRequest
from generators.procedural.generator import ProceduralGenerator
from prompts.motions import clearly_different
from prompts.sampling import drafts, plan_of

STAGE = "gold"
_NO_PROMPTS = Prompts("", "", "", "")


def gold_items(
    store: Store, number: int, num_candidates: int, clip_format: ClipFormat, seed: int
) -> tuple[tuple[RankingItem, ...], dict[str, Path]]:
    """``number`` questions of ``num_candidates`` clips, and the file of every clip by its sha256.

    ``known_order`` names the one right answer; of the others nobody can say who is nearer.  The same
    arguments give the same clips.
    """
    plans = _plans(seed)
    items, paths = [], dict[str, Path]()
    for index in range(number):
        plan = next(plans)
        reference = _clip(store, plan, Role.REFERENCE, clip_format)
        right = _clip(store, plan, Role.POSITIVE, clip_format)
        others: list[Blob] = []
        while len(others) < num_candidates - 1:
            other = next(plans)
            if clearly_different(other.factors.motion, plan.factors.motion):
                others.append(_clip(store, other, Role.REFERENCE, clip_format))
        names = [blob.sha256 for blob in (right, *others)]
        items.append(RankingItem(f"gold-{index:04d}", reference.sha256, tuple(sorted(names)), (names[0],)))
        paths |= {blob.sha256: store.path(blob) for blob in (reference, right, *others)}
    return tuple(items), paths


def _plans(seed: int) -> Iterator[Plan]:
    """Plans whose positives differ much from their references: other subjects of the same motion."""
    for draft in drafts(Category.DYNAMIC_OBJECT, seed):
        yield plan_of(draft, _NO_PROMPTS)


def _clip(store: Store, plan: Plan, role: Role, clip_format: ClipFormat) -> Blob:
    facts = _generator().facts
    key = artifact_key(STAGE, plan=plan, role=role, format=clip_format, revision=facts.revision)

    def make(store: Store) -> dict[str, Blob]:
        return {"clip": store.put_file(functools.partial(encode, _drawn(plan, role, clip_format)), ".mp4")}

    blob: Blob = run_once(store, STAGE, key, make).record["clip"]
    return blob


def _drawn(plan: Plan, role: Role, clip_format: ClipFormat) -> Clip:
    (result,) = _generator().videos([VideoRequest(plan, (role,), (), clip_format, plan.seed)])
    return result.clips[0]


@functools.cache
def _generator() -> ProceduralGenerator:
    generator = ProceduralGenerator()
    generator.open()
    return generator
