"""The similarity heat maps of Fig. 4 (arXiv 2602.09146): chosen references against all clips, by category.

It knows nothing of drawing: the numbers, their order and where categories begin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moments.errors import FeatureError, GalleryError
from moments.protocols.gallery import NEGATIVE, POSITIVE, REFERENCE, Gallery
from moments.protocols.retrieval import Similarity

ROLES = (REFERENCE, POSITIVE, NEGATIVE, None)


@dataclass(frozen=True, eq=False)
class HeatMap:
    """Similarities of R references and C clips, ``values`` float32 (R, C), with the ids of both.

    ``starts`` gives the first column of each category; distractors and clips without one come last, under "".
    """

    values: npt.NDArray[np.float32]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    starts: dict[str, int]


def heat_map(similarity: Similarity, gallery: Gallery, groups: Sequence[str]) -> HeatMap:
    """Rows of the named triplets' references out of (Q, N), all clips ordered by category.

    Categories stand in order of first appearance; in each the triplets as in the gallery, and of each
    reference, positive, negative.

    Raises ``GalleryError`` for a triplet without a reference, ``FeatureError`` for another shape.
    """
    if similarity.shape != (len(gallery.queries), len(gallery)):
        raise FeatureError(
            f"similarity is {similarity.shape}; expected ({len(gallery.queries)}, {len(gallery)}): "
            "a row for each reference, a column for each clip"
        )
    asked = {gallery.clips[query].group: row for row, query in enumerate(gallery.queries)}
    if missing := [group for group in groups if group not in asked]:
        raise GalleryError(
            f"triplet {missing[0]} has no reference in the gallery; choose among {len(asked)} others"
        )
    columns, categories = _ordered(gallery)
    rows = [asked[group] for group in groups]
    starts: dict[str, int] = {}
    for place, category in enumerate(categories):
        starts.setdefault(category, place)
    return HeatMap(
        similarity[np.ix_(rows, columns)].astype(np.float32),
        tuple(gallery.clips[gallery.queries[row]].clip_id for row in rows),
        tuple(gallery.clips[column].clip_id for column in columns),
        starts,
    )


def _ordered(gallery: Gallery) -> tuple[list[int], list[str]]:
    categories = ["" if clip.distractor else clip.category or "" for clip in gallery.clips]
    places = {category: place for place, category in enumerate(dict.fromkeys(categories))}
    places[""] = len(gallery)
    triplets: dict[str | None, int] = {}
    for index, clip in enumerate(gallery.clips):
        triplets.setdefault(clip.group, index)

    def place(index: int) -> tuple[int, int, int, int]:
        clip = gallery.clips[index]
        role = ROLES.index(clip.role) if clip.role in ROLES else len(ROLES)
        return places[categories[index]], triplets[clip.group], role, index

    columns = sorted(range(len(gallery)), key=place)
    return columns, [categories[column] for column in columns]
