"""Builds that kill themselves one after the other at their N-th sign of life, and a last one that may end.

``python -m tests.flows.killed_paper_build N,N,… ARGUMENTS…``.  Every child is forked from one process
that has imported everything, which spares each the seconds of that.  Signs of life are what a death
could tear apart: bytes on their way to the store, records, rows of the books, requests and their answers.
"""

import itertools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import diffusers
import google.genai.client  # noqa: F401
import openai.resources.chat  # noqa: F401
import transformers

import flows.api  # noqa: F401
import moments.gates  # noqa: F401
import prompts.openai_client  # noqa: F401
from data.store import Store
from flows import build_synthetic, filming, ledger
from flows.calls import Books
from flows.cli import main
from flows.gateway import PaidGateway
from generators.wan_batch import BatchedWanPipeline

# These load a class when it is first named.
LAZY = (
    BatchedWanPipeline,
    diffusers.AutoencoderKLWan,
    diffusers.UniPCMultistepScheduler,
    diffusers.WanTransformer3DModel,
    transformers.T5Tokenizer,
    transformers.UMT5EncoderModel,
)


def dies_at(moment: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Wraps functions so that the process is killed before or after the ``moment``-th call of any."""
    signs = itertools.count(1)

    def sign() -> None:
        if next(signs) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            sign()
            result = function(*arguments, **options)
            sign()
            return result

        return wrapped

    return wrap


def build(arguments: list[str], moment: int) -> None:
    wrap = dies_at(moment)
    for owner, name in (
        (Store, "put_file"),
        (Store, "publish"),
        (Books, "_append"),
        (filming, "encode"),
    ):
        setattr(owner, name, wrap(getattr(owner, name)))
    sent = PaidGateway._sent
    PaidGateway._sent = lambda self, call, send, usd: sent(self, call, wrap(send), usd)  # type: ignore[method-assign]
    build_synthetic.append = wrap(ledger.append)  # type: ignore[assignment]
    sys.argv = ["simmotion", *arguments]
    main()


if __name__ == "__main__":
    ends = []
    for moment in [*map(int, sys.argv[1].split(",")), 0]:
        child = os.fork()
        if child == 0:
            build(sys.argv[2:], moment)
            os._exit(0)
        ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    sys.stdout.write(f"ends {' '.join(map(str, ends))}\n")
