"""A recipe: everything that decides what a data set holds, as one validated YAML file.

Knows nothing of Prefect. What only decides how fast and where it is made (``workers``, ``runner``,
``cluster``, ``store``) is here too, but does not enter the fingerprint: the same data set may be continued
with other workers.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails

from data.errors import ConfigError
from data.schema import Category, ClipFormat
from generators.config import ImageConfig, ProceduralConfig, VideoConfig
from moments.thresholds import Thresholds
from prompts.config import TemplateConfig, WriterConfig
from prompts.sampling import draw_drafts
from prompts.writer import Draft

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


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FormatConfig(_Strict):
    """Size and timing of every clip, see ``data.schema.ClipFormat``."""

    size_px: int = 512
    duration_seconds: float = Field(default=5.0, gt=0, le=60)
    fps: int = Field(default=16, ge=1, le=120)


class LimitsConfig(_Strict):
    """What a vendor's account allows; empty is without limit. ``max_concurrency`` is where growth ends."""

    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)
    max_concurrency: int = Field(default=32, ge=1, le=1000)


class Recipe(_Strict):
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
                raise ValueError(f"{name!r} is no category{_nearest(str(name), known)}")
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
        return _validated(values, source=f"recipe {self.name!r} with these options")


def recipe_names() -> tuple[str, ...]:
    """The recipes that come with the package."""
    folder = resources.files("flows") / "recipes"
    return tuple(sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def load_recipe(name_or_file: str) -> Recipe:
    """Read a recipe by the name of a bundled one, or from a YAML file.

    Raises ``ConfigError`` naming what is wrong and the nearest right word.
    """
    if name_or_file in recipe_names():
        source = f"recipe {name_or_file!r}"
        text = (resources.files("flows") / "recipes" / f"{name_or_file}.yaml").read_text(encoding="utf-8")
    else:
        path = Path(name_or_file)
        if not path.is_file():
            raise ConfigError(
                f"no recipe {name_or_file!r}: it is neither a file nor one of {', '.join(recipe_names())}"
                f"{_nearest(name_or_file, recipe_names())}"
            )
        source = f"recipe file {path}"
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{source} cannot be read as text: {error}") from error
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{source} is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{source} must be a mapping such as 'name: demo', got {type(values).__name__}")
    return _validated(values, source)


def _validated(values: dict[str, Any], source: str) -> Recipe:
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{source}: " + "; ".join(map(_sentence, error.errors()))) from error


def _sentence(error: ErrorDetails) -> str:
    """One error of pydantic as words that name the key, what came, and the nearest right key."""
    path, known = _read(error["loc"])
    where = ".".join(path) or "recipe"
    if error["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"unknown key {where!r}{_nearest(path[-1], known)}"
    if error["type"] == "missing":
        return f"{where!r} is missing"
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        expected = [kind.strip(" '") for kind in error.get("ctx", {}).get("expected_tags", "").split(",")]
        came = error.get("ctx", {}).get("tag", "")
        kinds = expected if any(expected) else [kind for kind in map(_kind, _models_at(error["loc"])) if kind]
        return f"{where}.kind: {came!r} is no kind{_nearest(came, kinds)}"
    message = error["msg"].removeprefix("Value error, ")
    return f"{where}: {message} (got {error['input']!r})"


def _read(location: tuple[int | str, ...]) -> tuple[list[str], list[str]]:
    """The keys of ``location`` as they stand in a file, and those that may stand beside the last one."""
    models, path = [Recipe], list[str]()
    beside: list[Any] = models
    for part in map(str, location):
        taken = [model for model in models if _kind(model) == part]
        if taken:  # pydantic names the chosen kind of a union behind its key
            models = taken
            continue
        path.append(part)
        beside = models
        fields = getattr(models[0], "model_fields", {}) if models else {}
        models = _models(fields[part].annotation) if part in fields else models
    return path, [name for model in beside for name in _keys(model)]


def _models_at(location: tuple[int | str, ...]) -> list[Any]:
    models: list[Any] = [Recipe]
    for part in map(str, location):
        models = _models(models[0].model_fields[part].annotation)
    return models


def _models(annotation: Any) -> list[Any]:
    """The configs that a field may hold, itself or within a union, an optional or a mapping."""
    if isinstance(annotation, type) and (issubclass(annotation, BaseModel) or annotation is Thresholds):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]


def _kind(model: Any) -> str | None:
    field = getattr(model, "model_fields", {}).get("kind")
    return None if field is None else str(field.default)


def _keys(model: Any) -> list[str]:
    if model is Thresholds:
        return [field.name for field in dataclasses.fields(model)]
    return list(model.model_fields)


def _nearest(word: str, known: Any) -> str:
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {found[0]!r}?" if found else f"; known are {', '.join(known)}"


def _clip_format(value: FormatConfig) -> ClipFormat:
    try:
        return ClipFormat(value.size_px, value.duration_seconds, value.fps)
    except ConfigError as error:
        raise ValueError(str(error)) from error
