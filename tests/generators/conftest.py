"""What several tests of the generators share: how many threads they use, and which calls were made."""

from collections.abc import Iterator
from typing import Any

import pytest


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
