"""A recipe: everything that decides what a data set holds, as one validated YAML file.

Knows nothing of Prefect. What only decides how fast and where it is made (``workers``, ``runner``,
``cluster``, ``store``) is here too, but does not enter the fingerprint: the same data set may be continued
with other workers.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from data.errors import ConfigError
from data.schema import Category, ClipFormat
from flows.recipe_file import Strict, bundled, load, nearest, validated
from generators.config import ImageConfig, ProceduralConfig, VideoConfig
from moments.thresholds import Thresholds
from prompts.config import TemplateConfig, WriterConfig
from prompts.sampling import draw_drafts
from prompts.writer import Draft

FOLDER = "recipes"
_RUNTIME_ONLY = {
    "description",
    "workers",
    "runner",
    "cluster",
    "store",
    "no_progress_minutes",
    "budget_usd",
    "prices",
    "limits",
}


Runner = Literal["threads", "dask", "ray"]
"""What works on the tasks: threads of this process, or the processes of a cluster."""
_CLUSTERS = {
    "threads": re.compile("nowhere"),
    "dask": re.compile(r"(?!ray)[a-z]+://.+:\d+"),
    "ray": re.compile(r"ray://.+:\d+"),
}


class FormatConfig(Strict):
    """Size and timing of every clip, see ``data.schema.ClipFormat``."""

    size_px: int = 512
    duration_seconds: float = Field(default=5.0, gt=0, le=60)
    fps: int = Field(default=16, ge=1, le=120)


class LimitsConfig(Strict):
    """What a vendor's account allows; empty is without limit. ``max_concurrency`` is where growth ends."""

    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)
    max_concurrency: int = Field(default=32, ge=1, le=1000)


class Recipe(Strict):
    """What to make, with which backends, and what counts as good.

    ``cluster`` is the address of a Dask scheduler (``tcp://…``) or of a Ray head (``ray://…``); empty starts
    one on this machine.  ``store`` is a folder or an fsspec URL; empty is within the output folder.  A run in
    which no picture, no clip and no step of one came about for ``no_progress_minutes`` is ended.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    description: str = ""
    categories: tuple[Category, ...] = tuple(Category)
    per_category: int = Field(default=50, ge=1)
    seed: int = Field(default=0, ge=0, lt=2**63)
    format: FormatConfig = FormatConfig()
    writer: WriterConfig = TemplateConfig()
    images: ImageConfig = ProceduralConfig()
    video: VideoConfig = ProceduralConfig()
    thresholds: Thresholds = Thresholds()
    max_attempts: int = Field(default=4, ge=1, le=100)
    licence: str = "CC-BY-4.0"
    workers: int = Field(default=2, ge=1, le=256)
    runner: Runner = "threads"
    cluster: str = ""
    store: str = ""
    no_progress_minutes: float = Field(default=60, gt=0)
    budget_usd: float | None = Field(default=None, ge=0)
    prices: Path | None = None
    limits: dict[str, LimitsConfig] = Field(default_factory=dict)

    @field_validator("categories", mode="before")
    @classmethod
    def _known_categories(cls, value: Any) -> Any:
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, (list, tuple)) or not names:
            raise ValueError("must be a list of at least one category")
        known = [category.value for category in Category]
        for name in names:
            if name not in known:
                raise ValueError(f"{name!r} is no category{nearest(str(name), known)}")
        if len(set(names)) != len(names):
            raise ValueError("names a category twice")
        return names

    @field_validator("store")
    @classmethod
    def _same_folder_everywhere(cls, value: str) -> str:
        return value if not value or "://" in value else str(Path(value).expanduser().absolute())

    @field_validator("cluster")
    @classmethod
    def _of_the_runner(cls, value: str, info: ValidationInfo) -> str:
        runner = info.data.get("runner", "threads")  # missing when it is itself wrong
        if value and not _CLUSTERS[runner].fullmatch(value):
            raise ValueError(
                f"the runner {runner} has no use for it; name tcp://HOST:PORT of a scheduler for dask, "
                "ray://HOST:PORT of a head for ray"
            )
        return value

    @field_validator("format")
    @classmethod
    def _usable_format(cls, value: FormatConfig) -> FormatConfig:
        _clip_format(value)
        return value

    @property
    def clip_format(self) -> ClipFormat:
        return _clip_format(self.format)

    @property
    def requested(self) -> int:
        return self.per_category * len(self.categories)

    @property
    def content(self) -> dict[str, Any]:
        """The part that decides what is made, ready for JSON."""
        return self.model_dump(mode="json", exclude=_RUNTIME_ONLY)

    def drafts(self) -> tuple[Draft, ...]:
        """Every triplet of the recipe, drawn but not put into words."""
        return draw_drafts(self.categories, self.per_category, self.seed)

    @property
    def fingerprint(self) -> str:
        """sha256 of ``content``: two runs with equal fingerprints make the same data set."""
        return hashlib.sha256(json.dumps(self.content, sort_keys=True).encode()).hexdigest()

    def overridden(self, **changes: Any) -> Recipe:
        """This recipe with the given fields replaced; ``None`` keeps what is there.

        ``size_px``, ``duration_seconds`` and ``fps`` reach into ``format``. Raises ``ConfigError``.
        """
        values = self.model_dump(mode="json")
        for key, value in changes.items():
            if value is not None:
                (values["format"] if key in FormatConfig.model_fields else values)[key] = value
        return validated(Recipe, values, source=f"recipe {self.name!r} with these options")


def recipe_names() -> tuple[str, ...]:
    """The recipes that come with the package."""
    return bundled(FOLDER)


def load_recipe(name_or_file: str) -> Recipe:
    """Read a recipe by the name of a bundled one, or from a YAML file.

    Raises ``ConfigError`` naming what is wrong and the nearest right word.
    """
    return load(Recipe, name_or_file, FOLDER)


def _clip_format(value: FormatConfig) -> ClipFormat:
    try:
        return ClipFormat(value.size_px, value.duration_seconds, value.fps)
    except ConfigError as error:
        raise ValueError(str(error)) from error
