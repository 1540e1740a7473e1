from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from data.schema import Clip
from data.video import encode
from tests.data.buckets import address as address
from tests.data.buckets import fresh as fresh
from tests.data.buckets import store as store
from tests.data.buckets import stores as stores
from tests.data.buckets import waits as waits
from tests.data.samples import data_set


@pytest.fixture(scope="session", autouse=True)
def _offline_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """``datasets`` reads these when it is first imported: no network, no cache outside the test's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hub")))
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_DATASETS_OFFLINE", "1")
        patch.setenv("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
        yield


@pytest.fixture(scope="session")
def _pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished") / "out"
    data_set(out)
    return out


@pytest.fixture
def finished(_pristine: Path, tmp_path: Path) -> Path:
    """A finished data set of three triplets that the test may damage."""
    return Path(shutil.copytree(_pristine, tmp_path / "out"))


@pytest.fixture(scope="session")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A video whose pictures need many bytes, so that damage hits pictures and not headers."""
    path = tmp_path_factory.mktemp("noisy") / "noisy.mp4"
    coarse = np.random.default_rng(1).integers(0, 255, (24, 16, 24, 3), dtype=np.uint8)
    encode(Clip(coarse.repeat(4, axis=1).repeat(4, axis=2), 16.0), path)
    return path.read_bytes()
