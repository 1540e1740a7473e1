"""Recipes as files: found by name or path, read, and refused in words that name the nearest right key.

Knows nothing of what any recipe holds: that is the model which it is given.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from data.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    """A part of a recipe: no key but the stated ones, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def bundled(folder: str) -> tuple[str, ...]:
    """Names of the recipes in this folder of the package ``flows``."""
    entries = resources.files("flows").joinpath(folder).iterdir()
    return tuple(sorted(Path(entry.name).stem for entry in entries if entry.name.endswith(".yaml")))


def load(model: type[Model], name_or_file: str, folder: str) -> Model:
    """A recipe by the name of a bundled one, or from a YAML file. Raises ``ConfigError``."""
    known = bundled(folder)
    if name_or_file in known:
        entry = resources.files("flows").joinpath(folder, f"{name_or_file}.yaml")
        return _parsed(model, entry.read_text("utf-8"), f"recipe {name_or_file!r}")
    if not Path(name_or_file).is_file():
        raise ConfigError(
            f"no recipe {name_or_file!r}: it is neither a file nor one of {', '.join(known)}"
            f"{nearest(name_or_file, known)}"
        )
    return load_file(model, Path(name_or_file), "recipe file")


def load_file(model: type[Model], path: Path, what: str) -> Model:
    """What a YAML file says; ``what`` it is, errors say. Raises ``ConfigError``."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{what} {path} cannot be read as text: {error}") from error
    return _parsed(model, text, f"{what} {path}")


def _parsed(model: type[Model], text: str, source: str) -> Model:
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{source} is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{source} must be a mapping such as 'name: demo', got {type(values).__name__}")
    return validated(model, values, source)


def validated(model: type[Model], values: dict[str, Any], source: str) -> Model:
    """The recipe with these values. Raises ``ConfigError`` that names every fault."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(_sentence(model, fault) for fault in error.errors())
        raise ConfigError(f"{source}: {faults}") from error


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about a wrong word: the nearest right one, or all there are."""
    known = list(known)
    found = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {found[0]!r}?" if found else f"; known are {', '.join(known)}"


def _sentence(model: type[BaseModel], error: ErrorDetails) -> str:
    """One error of pydantic as words that name the key, what came, and the nearest right key."""
    path, known = _read(model, error["loc"])
    where = ".".join(path) or "recipe"
    if error["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"unknown key {where!r}{nearest(path[-1], known)}"
    if error["type"] == "missing":
        return f"{where!r} is missing"
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        expected = [kind.strip(" '") for kind in error.get("ctx", {}).get("expected_tags", "").split(",")]
        came = error.get("ctx", {}).get("tag", "")
        at = _models_at(model, error["loc"])
        kinds = expected if any(expected) else [kind for kind in map(_kind, at) if kind]
        return f"{where}.kind: {came!r} is no kind{nearest(came, kinds)}"
    message = error["msg"].removeprefix("Value error, ")
    return f"{where}: {message} (got {error['input']!r})"


def _read(model: type[BaseModel], location: tuple[int | str, ...]) -> tuple[list[str], list[str]]:
    """The keys of ``location`` as they stand in a file, and those that may stand beside the last one."""
    models: list[Any] = [model]
    path = list[str]()
    beside: list[Any] = models
    for part in map(str, location):
        taken = [each for each in models if _kind(each) == part]
        if taken:  # pydantic names the chosen kind of a union behind its key
            models = taken
            continue
        path.append(part)
        beside = models
        fields = getattr(models[0], "model_fields", {}) if models else {}
        models = _models(fields[part].annotation) if part in fields else models
    return path, [name for each in beside for name in _keys(each)]


def _models_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[Any]:
    models: list[Any] = [model]
    for part in map(str, location):
        models = _models(models[0].model_fields[part].annotation)
    return models


def _models(annotation: Any) -> list[Any]:
    """The configs that a field may hold, itself or within a union, an optional or a mapping."""
    if isinstance(annotation, type) and (
        issubclass(annotation, BaseModel) or dataclasses.is_dataclass(annotation)
    ):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]


def _kind(model: Any) -> str | None:
    field = getattr(model, "model_fields", {}).get("kind")
    return None if field is None else str(field.default)


def _keys(model: Any) -> list[str]:
    if dataclasses.is_dataclass(model):
        return [field.name for field in dataclasses.fields(model)]
    return list(model.model_fields)
