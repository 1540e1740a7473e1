"""The contract of whatever writes the four prompts of a triplet. Knows no writer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from data.errors import BackendUnavailable, SampleRejected
from data.paid import Demand
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


@dataclass(frozen=True)
class WriterFacts:
    """What a caller must know of a writer without opening it.

    ``name`` and ``revision`` identify it in cache keys: a writer whose words change must change its
    revision.  ``at_once`` is true of one that wants all requests of a run in one call, ``invents`` of one
    that finds its own words, so that two drafts may get the same.
    """

    name: str
    revision: str
    demand: tuple[Demand, ...] = ()
    at_once: bool = False
    invents: bool = False


@dataclass(frozen=True)
class WriteRequest:
    """A draft to be put into words, for clips of ``duration_seconds``.

    ``rewrite`` counts how often that was done before.  ``objections`` say what was wrong with the last
    prompts: a picture that was refused, or a text that another triplet has already.
    """

    draft: Draft
    rewrite: int = 0
    objections: tuple[str, ...] = ()
    duration_seconds: float = 5.0


class PromptWriter(Protocol):
    """Puts drafts into words. The same request gives the same words, or a cache key would lie."""

    @property
    def facts(self) -> WriterFacts: ...

    def open(self) -> None:
        """Raises ``ConfigError`` when a key is missing."""

    def write(
        self, requests: Sequence[WriteRequest]
    ) -> Iterator[Prompts | SampleRejected | BackendUnavailable]:
        """The prompts of each request in order, or why there are none."""
