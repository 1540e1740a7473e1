"""Tiny checkpoints of every family, written once a session and loaded through the real path."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.moments.backbones.checkpoints import save

CheckpointOf = Callable[[str], Path]


@pytest.fixture(scope="session")
def checkpoint_of(tmp_path_factory: pytest.TempPathFactory) -> CheckpointOf:
    """The folder of a family's checkpoint; tests that change files copy it first."""

    @cache
    def folder(family: str) -> Path:
        return save(family, tmp_path_factory.mktemp("checkpoints") / family)

    return folder


@pytest.fixture(scope="session")
def clips() -> npt.NDArray[np.uint8]:
    """Three noise clips of four wide frames: uint8 (3, 4, 40, 50, 3)."""
    return np.random.default_rng(1).integers(0, 256, (3, 4, 40, 50, 3), dtype=np.uint8)


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub cache without any checkpoint."""
    cache_folder = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache_folder))
    return cache_folder
