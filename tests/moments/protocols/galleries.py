"""Galleries and similarities for the tests of the protocols."""

from __future__ import annotations

import numpy as np

from moments.protocols.gallery import Gallery, GalleryClip

ROLES = ("reference", "positive", "negative")


def triplets(count: int, categories: tuple[str | None, ...] = ("view",), distractors: int = 0) -> Gallery:
    """Reference, positive and negative of each triplet in turn, the triplets of each category in turn."""
    clips = [
        GalleryClip(f"{i}-{role}", f"sha-{i}-{role}", role, str(i), categories[i % len(categories)])
        for i in range(count)
        for role in ROLES
    ]
    clips += [GalleryClip(f"d{i}", f"sha-d{i}", distractor=True) for i in range(distractors)]
    return Gallery(tuple(clips))


def perfect(gallery: Gallery) -> np.ndarray:
    """Every reference is most like itself, then its positive: (Q, N)."""
    similarity = np.full((len(gallery.queries), len(gallery)), 0.1, dtype=np.float32)
    each = np.arange(len(gallery.queries))
    similarity[each, gallery.queries] = 1
    similarity[each, gallery.positives] = 0.9
    return similarity


def random_similarity(gallery: Gallery, seed: int, levels: int = 1000) -> np.ndarray:
    """Similarities of few levels, so that ties occur."""
    shape = (len(gallery.queries), len(gallery))
    return np.random.default_rng(seed).integers(0, levels, shape).astype(np.float32) / levels
