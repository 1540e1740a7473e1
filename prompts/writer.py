"""The contract of whatever writes the four prompts of a triplet. Knows no writer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from data.schema import Category, Factors, Prompts


@dataclass(frozen=True)
class Draft:
    """A plan that still lacks its prompts; the fields are those of ``data.schema.Plan``."""

    triplet_id: str
    category: Category
    factors: Factors
    positive: Factors
    negative_motion: str
    seed: int


class PromptWriter(Protocol):
    """Puts a draft into words. The same draft gives the same words, or a cache key would lie."""

    @property
    def name(self) -> str: ...

    def write(self, draft: Draft) -> Prompts: ...
