"""What every page that we write shares: strict templates that escape, and our own files inside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

TEMPLATES = files("flows") / "templates"


def template(name: str, filters: Mapping[str, Callable[..., Any]]) -> jinja2.Template:
    """A template of ours: it escapes whatever it is given, and fails on what it is not given."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("flows", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    return environment.get_template(name)


def source(name: str) -> str:
    """The text of a file of ours, such as a script."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def style(*names: str) -> Markup:
    """Our style sheets one after the other: text that goes in unescaped."""
    return Markup("".join(map(source, names)))
