"""A recipe for a set of real clips: which footage, how many questions, who is asked, when it is enough.

Knows nothing of Prefect. Who is asked and with how many threads does not enter the fingerprint.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from data.errors import ConfigError
from data.schema import ClipFormat
from flows.ranking_rules import RankingRules
from flows.recipe_file import Strict, bundled, load, validated

FOLDER = "recipes/real"
_RUNTIME_ONLY = {"description", "annotators", "workers", "store"}


class FolderFootage(Strict):
    """Every video below a folder, all under the same rights; what is not known stays empty."""

    kind: Literal["folder"] = "folder"
    path: Path = Path("footage")
    author: str = ""
    licence: str = ""
    licence_evidence: str = ""
    licence_checked_at: str = ""


class ManifestFootage(Strict):
    """The rows of a CSV or Parquet file with path or url, author, licence and its evidence."""

    kind: Literal["manifest"] = "manifest"
    path: Path


class PexelsFootage(Strict):
    """What Pexels finds for words. Its terms exclude such use: see ``data.pexels.TERMS``."""

    kind: Literal["pexels"] = "pexels"
    queries: tuple[str, ...] = Field(min_length=1)
    most_per_query: int = Field(default=20, ge=1, le=1000)
    terms_acknowledged: bool = False
    base_url: str = "https://api.pexels.com"


Footage = Annotated[FolderFootage | ManifestFootage | PexelsFootage, Field(discriminator="kind")]


class RealRecipe(RankingRules):
    """What is cut from which footage, what people are asked, and what counts as an answer."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    description: str = ""
    footage: Footage = FolderFootage()
    format: ClipFormat = ClipFormat()
    backbone: str = "hog"
    items: int = Field(default=40, ge=1, le=100_000)
    candidates: int = Field(default=5, ge=2, le=12)
    gold: int = Field(default=4, ge=0, le=100)
    repeats: int = Field(default=2, ge=0)
    per_item: int = Field(default=7, ge=1)
    export: Literal["references", "full"] = "references"
    seed: int = Field(default=0, ge=0, lt=2**63)
    annotators: Path = Path("annotators.txt")
    workers: int = Field(default=2, ge=1, le=256)
    store: str = ""

    @field_validator("format", mode="before")
    @classmethod
    def _usable_format(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        try:
            return ClipFormat(**value)
        except ConfigError as error:
            raise ValueError(str(error)) from error
        except TypeError as error:
            raise ValueError("takes size_px, duration_seconds and fps") from error

    @property
    def content(self) -> dict[str, Any]:
        """The part that decides what is made, ready for JSON. Of paths the name: the rest is of this disk."""
        content = self.model_dump(mode="json", exclude=_RUNTIME_ONLY)
        if "path" in content["footage"]:
            content["footage"]["path"] = Path(content["footage"]["path"]).name
        return content

    @property
    def fingerprint(self) -> str:
        """sha256 of ``content``."""
        return hashlib.sha256(json.dumps(self.content, sort_keys=True).encode()).hexdigest()

    def overridden(self, *, footage: str | None, annotators: str | None, workers: int | None) -> RealRecipe:
        """This recipe with other footage (a folder, or a manifest), other people, other speed.

        ``None`` keeps what is there. Raises ``ConfigError``.
        """
        values = self.model_dump(mode="json")
        if footage is not None:
            kind = "folder" if Path(footage).is_dir() else "manifest"
            rights = values["footage"] if kind == values["footage"]["kind"] else {}
            values["footage"] = {**rights, "kind": kind, "path": footage}
        changes = {"annotators": annotators, "workers": workers}
        values |= {key: value for key, value in changes.items() if value is not None}
        return validated(RealRecipe, values, source=f"recipe {self.name!r} with these options")


def real_recipe_names() -> tuple[str, ...]:
    """The recipes for real clips that come with the package."""
    return bundled(FOLDER)


def load_real_recipe(name_or_file: str) -> RealRecipe:
    """A bundled recipe by name, or a YAML file. Raises ``ConfigError`` naming what is wrong."""
    return load(RealRecipe, name_or_file, FOLDER)
