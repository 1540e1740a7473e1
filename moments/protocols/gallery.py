"""Who is who in an evaluation: the clips, the triplets they form, and whether these can be asked at all.

It knows nothing of vectors, similarities or files.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from moments.errors import GalleryError

Indices = npt.NDArray[np.int64]

REFERENCE, POSITIVE, NEGATIVE = "reference", "positive", "negative"


@dataclass(frozen=True)
class GalleryClip:
    """One clip: ``group`` is its triplet, ``label`` its class where there are classes, None what it has not.

    A distractor belongs to no triplet: it never asks, and is only ever a wrong answer.
    """

    clip_id: str
    sha256: str
    role: str | None = None
    group: str | None = None
    category: str | None = None
    label: str | None = None
    distractor: bool = False


@dataclass(frozen=True)
class Gallery:
    """The clips of one evaluation, in the order of their vectors; every index counts in this order."""

    clips: tuple[GalleryClip, ...]

    def __len__(self) -> int:
        return len(self.clips)

    @cached_property
    def queries(self) -> Indices:
        """The references that are not distractors: (Q,)."""
        asks = [clip.role == REFERENCE and not clip.distractor for clip in self.clips]
        return np.flatnonzero(asks)

    @cached_property
    def positives(self) -> Indices:
        """The positive of each query: (Q,). Raises ``GalleryError`` where there is not exactly one."""
        return self.partners(POSITIVE)

    @cached_property
    def negatives(self) -> Indices:
        """The hard negative of each query: (Q,). Raises ``GalleryError`` where there is not exactly one."""
        return self.partners(NEGATIVE)

    def partners(self, role: str) -> Indices:
        """The clip of each query's triplet that has this role: (Q,). Raises ``GalleryError`` as above."""
        members: dict[str | None, list[int]] = defaultdict(list)
        for index, clip in enumerate(self.clips):
            if clip.role == role and not clip.distractor:
                members[clip.group].append(index)
        partners = []
        for query in self.queries:
            group = self.clips[query].group
            if len(members[group]) != 1:
                ids = ", ".join(self.clips[index].clip_id for index in members[group]) or "none"
                raise GalleryError(
                    f"triplet {group} has {len(members[group])} clips as {role} ({ids}); expected one"
                )
            partners += members[group]
        return np.array(partners, dtype=np.int64)


def check_triplets(gallery: Gallery) -> None:
    """That every triplet has one reference and one positive, and that its question has an answer.

    A reference or positive with an identical twin among the other clips has none: the twin is as similar.

    Raises ``GalleryError`` with the triplet, the clip, or both twins.
    """
    clips = [clip for clip in gallery.clips if not clip.distractor]
    _check_names(gallery)
    asking: dict[str | None, list[str]] = {clip.group: [] for clip in clips if clip.role is not None}
    if not asking:
        raise GalleryError(f"none of {len(gallery)} clips has a role: there is nothing to ask")
    for clip in clips:
        if clip.role == REFERENCE:
            asking[clip.group].append(clip.clip_id)
    for group, ids in asking.items():
        if len(ids) != 1:
            raise GalleryError(
                f"triplet {group} has {len(ids)} clips as {REFERENCE} "
                f"({', '.join(ids) or 'none'}); expected one"
            )
    _check_twins(gallery, np.concatenate([gallery.queries, gallery.positives]))


def _check_names(gallery: Gallery) -> None:
    seen: set[str] = set()
    for clip in gallery.clips:
        if clip.clip_id in seen:
            raise GalleryError(f"clip {clip.clip_id} is in the gallery twice; name every clip once")
        seen.add(clip.clip_id)
        if clip.role is not None and clip.group is None and not clip.distractor:
            raise GalleryError(f"clip {clip.clip_id} is a {clip.role} of no triplet; give it a group")
    uncategorised = [
        gallery.clips[query] for query in gallery.queries if gallery.clips[query].category is None
    ]
    if 0 < len(uncategorised) < len(gallery.queries):
        raise GalleryError(
            f"{len(uncategorised)} of {len(gallery.queries)} references have no category, "
            f"{uncategorised[0].clip_id} first; give all of them one, or none"
        )


def _check_twins(gallery: Gallery, unique: Indices) -> None:
    holders: dict[str, list[str]] = defaultdict(list)
    for clip in gallery.clips:
        holders[clip.sha256].append(clip.clip_id)
    for index in unique:
        clip = gallery.clips[index]
        twins = [clip_id for clip_id in holders[clip.sha256] if clip_id != clip.clip_id]
        if twins:
            raise GalleryError(
                f"{clip.role} {clip.clip_id} of triplet {clip.group} is the same file as {twins[0]}: "
                "its question has no answer; leave one of the two out"
            )
