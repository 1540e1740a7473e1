"""The fastest way is taken by the clock, and only when it gives what the plain one gives."""

from collections.abc import Callable

import pytest
import torch
from diffusers.models import attention_dispatch
from torch import Tensor

from generators.wan_speed import ATTENTION_BACKENDS, Run, Way, fastest, fastest_way, one_block
from tests.generators.tiny_wan import tiny_transformer

pytestmark = pytest.mark.usefixtures("one_thread")

ONES = torch.ones(4)


class Bench:
    """Ways with given results and times; a way with an error raises it."""

    def __init__(self, **ways: tuple[float, Tensor | Exception]) -> None:
        self._ways = ways
        self._times: dict[int, float] = {}

    def prepared(self, name: str) -> Run:
        seconds, result = self._ways[name]

        def run() -> Tensor:
            if isinstance(result, Exception):
                raise result
            return result

        self._times[id(run)] = seconds
        self._keep = [*getattr(self, "_keep", []), run]
        return run

    def fastest(self) -> str:
        return fastest(list(self._ways), self.prepared, lambda run: self._times[id(run)])


def test_the_fastest_way_is_taken() -> None:
    assert Bench(plain=(3, ONES), quick=(1, ONES), slow=(4, ONES)).fastest() == "quick"
    assert Bench(plain=(1, ONES), slow=(2, ONES)).fastest() == "plain"


def test_a_way_within_rounding_is_taken_and_one_beyond_is_not() -> None:
    assert Bench(plain=(3, ONES), close=(1, ONES * 1.01)).fastest() == "close"
    assert Bench(plain=(3, ONES), far=(1, ONES * 1.05)).fastest() == "plain"
    assert Bench(plain=(3, ONES), broken=(1, ONES * torch.nan)).fastest() == "plain"


@pytest.mark.parametrize("error", [RuntimeError("no kernel"), ImportError("flash_attn"), ValueError("dtype")])
def test_a_way_that_fails_here_is_passed_over(error: Exception) -> None:
    assert Bench(plain=(3, ONES), missing=(1, error), quick=(2, ONES)).fastest() == "quick"


def test_the_plain_way_must_work() -> None:
    with pytest.raises(RuntimeError, match="no kernel"):
        Bench(plain=(3, RuntimeError("no kernel")), quick=(1, ONES)).fastest()


def test_every_backend_is_known_to_diffusers() -> None:
    known = {backend.value for backend in attention_dispatch.AttentionBackendName}

    assert set(ATTENTION_BACKENDS) <= known


def in_turn(*seconds: float) -> Callable[[Run], float]:
    times = iter(seconds)
    return lambda _run: next(times)


@pytest.fixture
def block() -> object:
    """One block of the tiny model, on the CPU: flash attention runs there, cuDNN's does not."""
    yield one_block(tiny_transformer(0), torch.device("cpu"))
    # diffusers keeps the last backend that was set for every model of the process.
    Way("native").take(tiny_transformer(0))


def test_attention_is_chosen_by_measuring_the_models_own_block(block: object) -> None:
    assert fastest_way(block, (3, 4, 8), in_turn(2.0, 1.0), may_compile=False) == Way("_native_flash")
    assert fastest_way(block, (3, 4, 8), in_turn(1.0, 2.0), may_compile=False) == Way("native")


def test_compiling_is_measured_with_the_chosen_attention(block: object) -> None:
    with torch.compiler.set_stance("force_eager"):  # a compiler would take half a minute
        chosen = fastest_way(block, (3, 4, 8), in_turn(2.0, 1.0, 1.0, 0.5), may_compile=True)
    assert chosen == Way("_native_flash", compiled=True)


def test_compiling_that_does_not_pay_is_left(block: object) -> None:
    with torch.compiler.set_stance("force_eager"):
        chosen = fastest_way(block, (3, 4, 8), in_turn(1.0, 2.0, 1.0, 1.5), may_compile=True)
    assert chosen == Way("native")


def test_the_block_is_like_those_of_the_model() -> None:
    block = one_block(tiny_transformer(0), torch.device("cpu"))

    assert len(block.blocks) == 1
    assert block.dtype == torch.bfloat16
    assert block.config.attention_head_dim == tiny_transformer(0).config.attention_head_dim
