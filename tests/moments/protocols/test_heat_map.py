"""Order and labels of the heat maps."""

from __future__ import annotations

import numpy as np
import pytest

from moments.errors import FeatureError, GalleryError
from moments.protocols.gallery import Gallery
from moments.protocols.heat_map import heat_map
from tests.moments.protocols.galleries import random_similarity, triplets


def test_columns_run_by_category_triplet_and_role_with_distractors_last() -> None:
    clips = triplets(3, ("view", "style"), distractors=1).clips
    gallery = Gallery((clips[9], clips[2], clips[1], clips[0], *clips[3:9]))
    found = heat_map(random_similarity(gallery, 0), gallery, ["2"])
    roles = ("reference", "positive", "negative")
    assert found.columns == (*(f"{triplet}-{role}" for triplet in (0, 2, 1) for role in roles), "d0")
    assert found.starts == {"view": 0, "style": 6, "": 9}
    assert found.rows == ("2-reference",)


def test_values_stand_at_their_names() -> None:
    gallery = triplets(4, ("a", "b"))
    similarity = random_similarity(gallery, 1)
    found = heat_map(similarity, gallery, ["3", "0"])
    names = [clip.clip_id for clip in gallery.clips]
    assert found.values.shape == (2, 12)
    for row, query in enumerate((3, 0)):
        for column, name in enumerate(found.columns):
            assert found.values[row, column] == similarity[query, names.index(name)]


def test_a_triplet_that_is_not_there_is_named() -> None:
    gallery = triplets(2)
    with pytest.raises(GalleryError, match="triplet 7 has no reference"):
        heat_map(random_similarity(gallery, 0), gallery, ["0", "7"])


def test_a_matrix_of_other_clips_is_refused() -> None:
    with pytest.raises(FeatureError, match=r"expected \(2, 6\)"):
        heat_map(np.zeros((6, 6)), triplets(2), ["0"])
