"""Words as vectors: equal texts are alike, common words count less, and no script is left out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moments.texts import text_vectors

TEXTS = st.lists(st.text(alphabet="ab ü日ж", max_size=12), min_size=1, max_size=6)


@given(texts=TEXTS)
def test_rows_have_length_one_or_nothing_and_equal_texts_are_equal(texts: list[str]) -> None:
    vectors = text_vectors([*texts, *texts])
    lengths = np.linalg.norm(vectors, axis=1)
    assert all(length == pytest.approx(1.0, abs=1e-6) or length == 0.0 for length in lengths)
    assert np.array_equal(vectors[: len(texts)], vectors[len(texts) :])


def test_weights_are_those_of_the_formula() -> None:
    vectors = text_vectors(["Dog runs", "dog  sits, dog!"])  # columns: dog, runs, sits
    rare = math.log(3 / 2) + 1
    first = np.array([1.0, rare, 0.0])
    second = np.array([2.0, 0.0, rare])
    np.testing.assert_allclose(vectors[0], first / np.linalg.norm(first), rtol=1e-6)
    np.testing.assert_allclose(vectors[1], second / np.linalg.norm(second), rtol=1e-6)


def test_a_rare_word_in_common_makes_more_alike_than_a_common_one() -> None:
    vectors = text_vectors(["собака прыгает", "кошка прыгает", "собака спит", "собака ест"])
    likeness = vectors @ vectors.T
    assert likeness[0, 1] > likeness[0, 2] > 0.0
    assert likeness[1, 2] == 0.0
