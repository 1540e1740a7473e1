"""Votes of neighbours against loops over one query at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moments.errors import FeatureError, GalleryError
from moments.protocols.neighbours import KnnResult, Tie, Weight, classify
from moments.protocols.similarity import Index

LABELS = "abcdefgh"


def around(angles_degrees: list[float]) -> np.ndarray:
    radians = np.radians(angles_degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1)


def ask(
    gallery: list[float],
    labels: str,
    *,
    truth: str = "a",
    k: int,
    weight: Weight = "cosine",
    temperature: float = 0.07,
    tie: Tie = "similarity",
) -> KnnResult:
    """One query at angle 0 among gallery vectors at some angles."""
    return classify(
        around([0]),
        truth,
        around(gallery),
        labels,
        leave_one_out=False,
        k=k,
        weight=weight,
        temperature=temperature,
        tie=tie,
    )


def test_the_majority_of_the_neighbours_wins() -> None:
    found = ask([10, 20, 30, 40, 50], "baabb", k=3)
    assert found.majority.hits == 1
    assert ask([10, 20, 30, 40, 50], "baabb", truth="b", k=3).majority.hits == 0


def test_the_nearest_may_outweigh_the_majority() -> None:
    angles, labels = [0.0, 80, 85, 170], "abbb"
    assert ask(angles, labels, truth="b", k=3).majority.hits == 1
    assert ask(angles, labels, truth="a", k=3).weighted.hits == 1


def test_sharp_weights_decide_by_the_nearest() -> None:
    angles, labels = [10.0, 40, 45, 170], "abbb"
    assert ask(angles, labels, k=3).weighted.hits == 0
    assert ask(angles, labels, k=3, weight="exponential").weighted.hits == 1
    assert ask(angles, labels, k=3, weight="exponential", temperature=1e-6).weighted.hits == 1


def test_ties_go_to_the_more_similar_or_to_the_first_label() -> None:
    angles, labels = [10.0, 20, 30, 40, 50], "baabc"
    assert ask(angles, labels, truth="b", k=4, tie="similarity").majority.hits == 1
    assert ask(angles, labels, truth="a", k=4, tie="label").majority.hits == 1


def test_top_five_are_labels_and_not_neighbours() -> None:
    angles = [1.0, 2, 3, 10, 20, 30, 40, 50, 60]
    assert ask(angles, "bbbcdeafg", k=7).top5.hits == 1
    assert ask(angles, "bcdefagha", k=6).top5.hits == 0


def test_a_label_that_the_gallery_lacks_is_a_miss() -> None:
    found = ask([1, 2, 3], "bcd", truth="z", k=2)
    assert (found.majority.hits, found.weighted.hits, found.top5.hits) == (0, 0, 0)


def test_fewer_labels_than_five_do_not_count_for_others() -> None:
    assert ask([1, 2, 3], "bbb", truth="a", k=2).top5.hits == 0


def naive(
    queries: np.ndarray,
    query_labels: list[str],
    gallery: np.ndarray,
    gallery_labels: list[str],
    leave_one_out: bool,
    k: int,
    weight: Weight,
    tie: Tie,
) -> list[tuple[bool, bool, bool]]:
    outcome = []
    for i, query in enumerate(queries):
        cosine = [float(query @ v / np.linalg.norm(query) / np.linalg.norm(v)) for v in gallery]
        others = [j for j in range(len(gallery)) if not (leave_one_out and i == j)]
        near = sorted(others, key=lambda j: -cosine[j])[:k]
        voters = {
            gallery_labels[j]: [m for m in near if gallery_labels[m] == gallery_labels[j]] for j in near
        }

        def ranked(ballot: dict[int, float], voters: dict[str, list[int]] = voters) -> list[str]:
            nearest_first = list(voters)
            votes = {label: sum(ballot[j] for j in members) for label, members in voters.items()}
            second = sorted(voters) if tie == "label" else nearest_first
            return sorted(voters, key=lambda label: (-votes[label], second.index(label)))

        majority = ranked(dict.fromkeys(near, 1.0))
        weighted = ranked({j: cosine[j] if weight == "cosine" else math.exp(cosine[j] / 0.07) for j in near})
        truth = query_labels[i]
        outcome.append((majority[0] == truth, weighted[0] == truth, truth in weighted[:5]))
    return outcome


@pytest.mark.parametrize("tie", ["similarity", "label"])
@pytest.mark.parametrize("weight", ["cosine", "exponential"])
@given(
    seed=st.integers(0, 10_000),
    k=st.integers(1, 10),
    leave=st.booleans(),
    index=st.sampled_from(["blocks", "faiss"]),
)
def test_votes_are_those_of_the_plain_loops(
    tie: Tie, weight: Weight, seed: int, k: int, leave: bool, index: Index
) -> None:
    rng = np.random.default_rng(seed)
    queries, gallery = rng.normal(size=(12, 5)), rng.normal(size=(14, 5))
    query_labels, gallery_labels = (list(rng.choice(list(LABELS), size)) for size in (12, 14))
    if leave:
        gallery, gallery_labels = queries, query_labels
    found = classify(
        queries,
        query_labels,
        gallery,
        gallery_labels,
        leave_one_out=leave,
        k=k,
        weight=weight,
        tie=tie,
        index=index,
    )
    expected = naive(queries, query_labels, gallery, gallery_labels, leave, k, weight, tie)
    hits = zip(found.majority_hits, found.weighted_hits, found.top5_hits, strict=True)
    assert [tuple(map(bool, hit)) for hit in hits] == expected
    assert found.majority.hits == sum(hit[0] for hit in expected)
    assert found.weighted.hits == sum(hit[1] for hit in expected)
    assert found.top5.hits == sum(hit[2] for hit in expected)


@pytest.mark.parametrize(("k", "leave"), [(4, False), (20, False), (3, True), (0, True)])
def test_k_not_below_the_gallery_is_refused(k: int, leave: bool) -> None:
    vectors = around([0, 1, 2, 3])
    with pytest.raises(GalleryError, match=f"k is {k} for a gallery of {4 - leave} candidates"):
        classify(vectors, "abcd", vectors, "abcd", leave_one_out=leave, k=k)


def test_leaving_one_out_of_another_gallery_is_refused() -> None:
    with pytest.raises(GalleryError, match="leaving one out needs the queries as gallery"):
        classify(around([0]), "a", around([0, 1, 2]), "abc", leave_one_out=True, k=1)


@pytest.mark.parametrize(("queries", "gallery", "side"), [("ab", "abc", "query"), ("a", "ab", "gallery")])
def test_labels_of_another_number_are_refused(queries: str, gallery: str, side: str) -> None:
    with pytest.raises(FeatureError, match=f"{side} labels for"):
        classify(around([0]), queries, around([0, 1, 2]), gallery, leave_one_out=False, k=1)


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_a_temperature_that_is_not_positive_is_refused(temperature: float) -> None:
    with pytest.raises(FeatureError, match="temperature is"):
        ask([1, 2, 3], "abc", k=1, temperature=temperature)
