"""A finished data set of either kind, told by its manifest, or a folder that holds one of each.

Knows nothing of what is in the rows.
"""

from __future__ import annotations

from pathlib import Path

from data import manifest, real_manifest
from data.disk import inside
from data.errors import ConfigError
from data.manifest import FILENAME, Manifest
from data.real_manifest import RealManifest

SYNTHETIC, REAL = "synthetic", "real"
"""The folders in which a folder of two data sets holds each whole; also the names of their configurations."""


def read(out: Path) -> Manifest | RealManifest:
    """The manifest of the data set ``out``.

    Raises ``ConfigError`` when it is missing or damaged, and for a folder of two data sets.
    """
    if names := [path.name for path in parts(out)]:
        raise ConfigError(f"{out} holds two data sets: name {' or '.join(f'{out / name}' for name in names)}")
    path = out / FILENAME
    return real_manifest.read(path) if real_manifest.is_real(path) else manifest.read(path)


def parts(out: Path) -> tuple[Path, ...]:
    """The data sets in a folder that holds two; none when ``out`` is a data set itself or nothing of ours."""
    folders = tuple(out / name for name in (SYNTHETIC, REAL))
    whole = all((folder / FILENAME).is_file() for folder in folders)
    return folders if whole and not (out / FILENAME).exists() else ()


def triplet_shards(out: Path, facts: Manifest | RealManifest) -> list[Path]:
    """The Parquet files of the triplets. Raises ``ConfigError`` for one outside ``out``."""
    return [inside(out, shard.path) for shard in facts.shards]
