"""Ranking items as JSON lines, for those who make them with other means.

Knows no clips: it reads names only.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from annotation.items import RankingItem
from data.errors import ConfigError


def read_items(path: Path) -> list[RankingItem]:
    """One item a line: ``item_id``, ``reference``, ``candidates`` and, for gold, ``known_order``.

    Clips are sha256 in hex.  Raises ``ConfigError`` that names the line which is something else.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as text: {error}") from error
    items = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                items.append(_item(json.loads(line)))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise ConfigError(
                    f"{path}, line {number}: expected item_id, reference, candidates and perhaps known_order "
                    f"({type(error).__name__}: {error})"
                ) from error
    if not items:
        raise ConfigError(f"{path} holds no items")
    return items


def _item(record: dict[str, Any]) -> RankingItem:
    order = record.get("known_order")
    unknown = record.keys() - {"item_id", "reference", "candidates", "known_order"}
    if unknown:
        raise ValueError(f"unknown {', '.join(sorted(unknown))}")
    return RankingItem(
        _text(record["item_id"]),
        _text(record["reference"]),
        _texts(record["candidates"]),
        None if order is None else _texts(order),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{value!r} is not text")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list")
    return tuple(map(_text, value))
