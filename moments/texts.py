"""Descriptions of videos as vectors of their words, weighted by how rare they are. Needs no weights.

It knows nothing of videos. Term frequency times inverse document frequency (Spärck Jones 1972).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_WORD = re.compile(r"\w+")


def text_vectors(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """One row of length 1 a text, float32 (N, V) for V different words; zeros where a text has no word.

    Case does not matter.  A word that every text holds tells nothing, yet keeps a little weight, so that
    equal texts are always alike.
    """
    counts = [Counter(_WORD.findall(text.casefold())) for text in texts]
    documents = Counter(word for own in counts for word in own)
    column = {word: index for index, word in enumerate(sorted(documents))}
    vectors = np.zeros((len(texts), len(column)), np.float32)
    for row, own in zip(vectors, counts, strict=True):
        for word, times in own.items():
            row[column[word]] = times * (math.log((1 + len(texts)) / (1 + documents[word])) + 1)
        row /= np.linalg.norm(row) or 1.0
    return vectors
