"""Checkpoints that several test files read, saved once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def tiny_wan_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole WAN checkpoint of the large model's kind with few and random weights. Not to be written to."""
    from tests.generators.tiny_wan import save_tiny_wan

    return save_tiny_wan(tmp_path_factory.mktemp("wan"))


@pytest.fixture(scope="session")
def tiny_wan_5b_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of the small model's kind."""
    from tests.generators.tiny_wan import save_tiny_wan_5b

    return save_tiny_wan_5b(tmp_path_factory.mktemp("wan_5b"))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Products of tiny models are slower on several threads than on one."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Clips in each call of diffusers' pipeline of WAN."""
    from diffusers import WanImageToVideoPipeline

    made: Any = WanImageToVideoPipeline.__call__
    found: list[int] = []

    def noted(self: Any, *args: Any, **kwargs: Any) -> Any:
        found.append(len(kwargs["generator"]))
        return made(self, *args, **kwargs)

    monkeypatch.setattr(WanImageToVideoPipeline, "__call__", noted)
    return found
